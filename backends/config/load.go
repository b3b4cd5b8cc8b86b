package config

import (
	"cmp"
	"errors"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Load reads the process's environment into a T for the instance called name, such as "mysql" or "mysql-replica". The
// error lists every problem at once, by variable and never by value; the T then holds what could be read, so that its
// caller can look for more problems. Load panics if the tags of T are wrong. It is safe for concurrent use.
func Load[T any](name string) (T, error) {
	return LoadFrom[T](name, os.Environ())
}

// LoadFrom is [Load] with the environment given as "KEY=value" pairs. If a key is there twice, the
// last one counts, as in os/exec.
func LoadFrom[T any](name string, environ []string) (T, error) {
	cfg, _, err := load[T](name, environ)
	return cfg, err
}

// Files returns the paths of the files that the environment names for the variables of a T, those of X_FILE, for the
// instance called name: what [Load] reads is made of them, and is to be read again when they have changed. See [Live].
// It panics if the tags of T are wrong.
func Files[T any](name string) (paths []string) {
	environment := env.ToMap(os.Environ())
	for _, v := range variables(reflect.TypeFor[T](), name) {
		for _, variable := range v.plain() {
			if path := v.path(variable, environment); path != "" {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

// Defaults returns cfg with every zero field set from its envDefault tag, for a Config that is
// built in code. A bool whose default is true can therefore not be false in code: name it the other
// way round. A negative number or duration says what 0 says in the environment, and becomes 0. Load
// has set the defaults already: of what it has returned, Defaults would undo a 0 that the environment
// asks for, unless [InCode] comes between. It panics if a default does not fit its field.
func Defaults[T any](cfg T) T {
	err := env.ParseWithOptions(&cfg, env.Options{
		Environment:                  map[string]string{},
		SetDefaultsForZeroValuesOnly: true,
	})
	for field := range refusals(err) {
		panic("config: field " + field + " has a bad default")
	}
	for _, v := range variables(reflect.TypeFor[T](), "") {
		if n := v.in(&cfg); v.isNumber() {
			n.SetInt(max(n.Int(), 0))
		}
	}
	return cfg
}

// InCode returns what Load has returned as it would be written in code, for a WithConfig: a field that has its default
// is zero, since nobody has set it. [Defaults] restores all of them.
func InCode[T any](cfg T) T {
	usual := Defaults(*new(T))
	for _, v := range variables(reflect.TypeFor[T](), "") {
		switch field := v.in(&cfg); {
		case v.Default == "":
		case reflect.DeepEqual(field.Interface(), v.in(&usual).Interface()):
			field.SetZero()
		case v.isNumber() && field.IsZero():
			field.SetInt(-1)
		}
	}
	return cfg
}

func load[T any](name string, environ []string) (cfg T, set Variables, err error) {
	set = Variables{name: name, set: make(map[string]string), related: urlFor(name, environ)}
	if err := checkName(name); err != nil {
		return cfg, set, err
	}
	vars := variables(reflect.TypeFor[T](), name)
	environment := env.ToMap(environ)
	cfg = Defaults(cfg)

	prefix := set.Prefix()
	ours := func(variable string) bool { return environment[variable] != "" && strings.HasPrefix(variable, prefix) }
	set.unwanted = set.related == "" && !slices.ContainsFunc(slices.Collect(maps.Keys(environment)), ours)
	values := make(map[string]string) // all that env gets to see
	errs := make([]error, len(vars))
	for i, v := range vars {
		value, source, err := v.lookup(environment)
		set.set[v.Name], errs[i] = source, err
		set.unwanted = set.unwanted && source == ""
		if err == nil {
			values[v.Name] = value
		}
	}
	whole := cmp.Or(set.set[prefix+"URL"], set.set[prefix+"URI"], set.set[prefix+"DSN"])
	warnOfSlips(vars, whole, environment)
	refused := refusals(env.ParseWithOptions(&cfg, env.Options{
		Prefix: prefix,
		FuncMap: map[reflect.Type]env.ParserFunc{
			reflect.TypeFor[time.Duration](): func(text string) (any, error) { return ParseDuration(text) },
		},
		Environment: values,
	}))

	for i, v := range vars {
		wrong := cmp.Or(errs[i], v.check(v.in(&cfg), refused[v.field.Name]))
		errs[i] = complain(cmp.Or(set.set[v.Name], v.Name), wrong)
	}
	return cfg, set, set.missing(errors.Join(errs...))
}
