package config

import (
	"fmt"
	"strings"
)

// Prefix returns what the variables of an instance begin with: "MYSQL_" for "mysql",
// "MYSQL_REPLICA_" for "mysql-replica". Use it to name a variable in an error.
func Prefix(name string) string {
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "_"
}

// checkName accepts what the registry accepts: lower-case words joined by hyphens.
func checkName(name string) error {
	ok := name != "" && name[0] > '9'
	for word := range strings.SplitSeq(name, "-") {
		ok = ok && word != "" && strings.Trim(word, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
	}
	if !ok {
		return fmt.Errorf("config: bad name %q: want lower-case words, as in mysql-replica", name)
	}
	return nil
}
