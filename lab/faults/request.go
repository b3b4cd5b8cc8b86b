package main

import (
	"fmt"
	"strings"
	"time"
)

// request is what the command line says.
type request struct {
	out, only, fault string
	quick            bool
}

// whole says that everything is asked for.
func (o request) whole() bool { return o.only == "" && o.fault == "" && !o.quick }

// checkOnly fails if there is no such backend.
func (o request) checkOnly() error {
	var names []string
	for _, c := range constructors {
		if o.only == "" || o.only == c.name {
			return nil
		}
		names = append(names, c.name)
	}
	return fmt.Errorf("-only %q is none of %s", o.only, strings.Join(names, ", "))
}

// faults are those that are asked for, at least one.
func (o request) faults() (some []*fault, err error) {
	var names []string
	for _, f := range faults() {
		names = append(names, f.name)
		if strings.Contains(f.name, o.fault) && (!o.quick || f.outage < time.Minute) {
			some = append(some, f)
		}
	}
	switch {
	case some != nil:
		return some, nil
	case o.quick && strings.Contains(killedLong, o.fault):
		return nil, fmt.Errorf("-quick leaves out %q", killedLong)
	}
	return nil, fmt.Errorf("-fault %q is in none of %q", o.fault, names)
}

// whyNot is the reason why nothing that was asked for can be shown.
func (r *results) whyNot() string {
	for _, b := range r.backends {
		for _, f := range r.faults {
			if why := b.cannot[f.name]; why != "" {
				return fmt.Sprintf("%s, %s: %s", b.name, f.name, why)
			}
		}
	}
	return "nothing was asked for"
}
