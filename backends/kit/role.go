package kit

import (
	"errors"
	"strings"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/registry"
)

// Role says what kind of server a program wants: the value of X_ROLE.
type Role string

// The roles.
const (
	Any     Role = "any"     // whatever answers
	Primary Role = "primary" // what takes writes
	Replica Role = "replica" // what takes none
)

// ParseRole returns the role of that name, in any case of letters. Its error names the variable ROLE.
func ParseRole(vars config.Variables, name string) (Role, error) {
	switch role := Role(strings.ToLower(name)); role {
	case Any, Primary, Replica:
		return role, nil
	}
	return "", errors.New(vars.Name("ROLE") + ": not primary, replica or any")
}

// Judge returns what it means for the role that a server takes writes, or takes none. A primary that takes none is
// registry.KindReadOnly, which passes when another one is promoted; a replica that takes some is the wrong server.
func (r Role) Judge(takesWrites bool) error {
	switch {
	case r == Primary && !takesWrites:
		return Errorf(registry.KindReadOnly, "the server takes no writes, and the role asks for a primary")
	case r == Replica && takesWrites:
		return Errorf(registry.KindConfig, "the server takes writes, and the role asks for a replica")
	}
	return nil
}
