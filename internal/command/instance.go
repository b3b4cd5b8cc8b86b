package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/internal/backends"
)

// instance is a backend under one name.
type instance struct {
	backends.Backend
	name string
	vars []config.Var
}

// find returns the named instances, each once, or the default instance of each backend when none is named.
func find(names []string) (found []instance, err error) {
	if len(names) == 0 {
		for _, b := range table {
			names = append(names, b.Name)
		}
	}
	type row = backends.Backend
	for n, name := range names {
		i := slices.IndexFunc(table, func(b row) bool { return strings.HasPrefix(name+"-", b.Name+"-") })
		if i < 0 {
			i = slices.IndexFunc(table, func(b row) bool { return strings.HasSuffix(name, "-"+b.Name) })
		}
		if _, err := config.LoadFrom[struct{}](name, nil); err != nil || i < 0 { // config has the rule for names
			return nil, fmt.Errorf("%s is no instance of a backend: want such as mysql, mysql-replica or reports-mysql",
				quote(name))
		}
		if !slices.Contains(names[:n], name) {
			b := table[i]
			found = append(found, instance{b, name, b.Describe(name)})
		}
	}
	return found, nil
}

// read returns the names of the variables that are set for the instance.
func (i instance) read(environ []string) (names []string) {
	for _, v := range i.vars {
		names = append(names, setFor(v, environ)...)
	}
	return names
}

// reads reports whether the instance reads a variable of this name.
func (i instance) reads(name string) bool {
	return slices.ContainsFunc(i.vars, func(v config.Var) bool { return slices.Contains(v.Names(), name) })
}

// owned reports whether something in the environment that the instance reads is meant for its backend.
// GOOGLE_CLOUD_PROJECT is not: it is set for all programs.
func (i instance) owned(environ []string) bool {
	return slices.ContainsFunc(i.read(environ), func(variable string) bool {
		pair := slices.IndexFunc(environ, func(pair string) bool { return strings.HasPrefix(pair, variable+"=") })
		return strings.HasPrefix(variable, strings.ToUpper(i.Backend.Name)) ||
			i.Owns != nil && i.Owns(variable, environ[pair][len(variable)+1:])
	})
}

// setFor returns the names under which v is set.
func setFor(v config.Var, environ []string) (names []string) {
	return slices.DeleteFunc(v.Names(), func(name string) bool { return !isSet(environ, name, v.Type) })
}

// isSet reports whether somebody has set the variable. Kubernetes sets such as REDIS_PORT=tcp://10.0.0.1:6379 for a
// Service called redis: that is nobody's wish to use it.
func isSet(environ []string, name, typ string) bool {
	return slices.ContainsFunc(environ, func(pair string) bool {
		value, found := strings.CutPrefix(pair, name+"=")
		return found && value != "" && (typ != "port" || !strings.HasPrefix(value, "tcp://"))
	})
}
