package config

import (
	"fmt"
	"regexp"
	"strings"
)

// Prefix returns what the variables of an instance begin with: "MYSQL_" for "mysql",
// "MYSQL_REPLICA_" for "mysql-replica". Use it to name a variable in an error.
func Prefix(name string) string {
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "_"
}

// wellFormed is what the registry accepts for a name: lower-case words joined by hyphens.
var wellFormed = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

func checkName(name string) error {
	if !wellFormed.MatchString(name) {
		return fmt.Errorf("config: bad name %q: want lower-case words, as in mysql-replica", name)
	}
	return nil
}
