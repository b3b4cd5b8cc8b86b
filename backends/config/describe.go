package config

import "reflect"

// Var describes one variable.
type Var struct {
	Name     string   // with the prefix of the instance
	Type     string   // string, bool, int, duration, port, secret, or the Go type
	Default  string   // as it would stand in the environment; "" is none
	Doc      string   // the doc tag
	Aliases  []string // what this instance reads when Name is unset, in order
	Required bool
	Secret   bool
	File     bool // Name with _FILE appended is read too, and so it is for every alias
}

// Names returns every name that is looked up for the variable, in this order.
func (v Var) Names() (names []string) {
	for _, name := range v.plain() {
		names = append(names, name)
		if v.File {
			names = append(names, name+fileSuffix)
		}
	}
	return names
}

// plain returns Names without those of files.
func (v Var) plain() []string { return append([]string{v.Name}, v.Aliases...) }

// Describe returns the variables that fill a T for the instance called name, in the order of the
// fields: the same that [Load] reads, so that documentation made from it cannot drift. It panics if
// the name is malformed or the tags of T are wrong.
func Describe[T any](name string) []Var {
	if err := checkName(name); err != nil {
		panic(err.Error())
	}
	var vars []Var
	for _, v := range variables(reflect.TypeFor[T](), name) {
		vars = append(vars, v.Var)
	}
	return vars
}
