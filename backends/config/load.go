package config

import (
	"cmp"
	"errors"
	"os"
	"reflect"
	"regexp"
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
	var cfg T
	err := load(name, environ, &cfg)
	return cfg, err
}

// Files returns the paths of the files that the environment names for the variables of a T, those of X_FILE, for the
// instance called name: what [Load] reads is made of them, and is to be read again when they have changed. See [Live].
// It panics if the tags of T are wrong.
func Files[T any](name string) (paths []string) {
	environment := env.ToMap(os.Environ())
	for _, v := range variables(reflect.TypeFor[T](), name) {
		for _, variable := range v.names() {
			if path := v.path(variable, environment); path != "" {
				paths = append(paths, path)
				break
			}
		}
	}
	return paths
}

// tokens are the names of variables in an error.
var tokens = regexp.MustCompile(`\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b`)

// AsSet returns err, which is about the variables of a T for the instance called name, with the names that the
// process's environment sets: those of an alias, such as PGPORT, or of a file, such as MYSQL_PORT_FILE. Errors name the
// variable itself by [Prefix]. AsSet panics if the tags of T are wrong.
func AsSet[T any](name string, err error) error {
	if err == nil {
		return nil
	}
	called, environment := make(map[string]string), env.ToMap(os.Environ())
	for _, v := range variables(reflect.TypeFor[T](), name) {
		called[v.Name] = v.source(environment)
	}
	text := tokens.ReplaceAllStringFunc(err.Error(), func(token string) string { return cmp.Or(called[token], token) })
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}

// Defaults returns cfg with every zero field set from its envDefault tag, for a Config that is
// built in code. A bool whose default is true can therefore not be false in code: name it the other
// way round. A negative number or duration says what 0 says in the environment, and becomes 0. Load
// has set the defaults already, and Defaults would undo a 0 that the environment asks for, but for
// [InCode]. It panics if a default does not fit its field.
func Defaults[T any](cfg T) T {
	setDefaults(&cfg)
	eachNumber(&cfg, func(_ variable, n reflect.Value) { n.SetInt(max(n.Int(), 0)) })
	return cfg
}

// InCode returns what Load has returned as it would be written in code, for a WithConfig: [Defaults] restores it.
func InCode[T any](cfg T) T {
	eachNumber(&cfg, func(v variable, n reflect.Value) {
		if v.Default != "" && n.Int() == 0 {
			n.SetInt(-1)
		}
	})
	return cfg
}

// eachNumber calls f with every number and duration of a Config.
func eachNumber(cfg any, f func(variable, reflect.Value)) {
	target := reflect.ValueOf(cfg).Elem()
	for _, v := range variables(target.Type(), "") {
		if v.Type == "int" || v.Type == "duration" {
			f(v, target.FieldByIndex(v.field.Index))
		}
	}
}

func load(name string, environ []string, cfg any) error {
	if err := checkName(name); err != nil {
		return err
	}
	target := reflect.ValueOf(cfg).Elem()
	vars := variables(target.Type(), name)
	environment := env.ToMap(environ)
	warnOfSlips(vars, environment)
	setDefaults(cfg)

	values := make(map[string]string) // all that env gets to see
	problems := make(map[string]error)
	for _, v := range vars {
		if value, err := v.lookup(environment); err != nil {
			problems[v.Name] = err
		} else if value != "" {
			values[v.Name] = value
		}
	}
	refused := refusals(env.ParseWithOptions(cfg, env.Options{
		Prefix: Prefix(name),
		FuncMap: map[reflect.Type]env.ParserFunc{
			reflect.TypeFor[time.Duration](): func(text string) (any, error) { return ParseDuration(text) },
		},
		Environment: values,
	}))

	var errs []error
	for _, v := range vars {
		err := problems[v.Name]
		if err == nil {
			value := target.FieldByIndex(v.field.Index)
			err = complain(v.Name, v.check(value, refused[v.field.Name]))
		}
		if err != nil {
			errs = append(errs, about{err, v.Name})
		}
	}
	return errors.Join(errs...)
}

func setDefaults(cfg any) {
	err := env.ParseWithOptions(cfg, env.Options{
		Environment:                  map[string]string{},
		SetDefaultsForZeroValuesOnly: true,
	})
	for field := range refusals(err) {
		panic("config: field " + field + " has a bad default")
	}
}
