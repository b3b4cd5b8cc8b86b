package config

import (
	"cmp"
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
)

// ErrNothingSet is in an error about a variable that has to be set where the environment has nothing for the instance:
// maybe nobody wants it.
var ErrNothingSet = errors.New("nothing is set")

// Variables are those of an instance, for errors and records. They know what has set each, and no value: the variable
// itself, an alias such as PGHOST, the variable of a file such as MYSQL_PASSWORD_FILE, or an option of a URL. A key is
// the name of a variable without the prefix.
type Variables struct {
	name     string
	set      map[string]string // what has set the variable, by its name; "" is nothing
	related  string            // a variable that no instance reads, with a URL of this kind
	unwanted bool              // the environment has nothing for the instance
}

// LoadOr returns what [Load] returns, or, unless given is nil, that with its [Defaults]; and the variables of which
// errors about it are made. A variable is set in code if its field is not zero.
func LoadOr[T any](name string, given *T) (T, Variables, error) {
	if given == nil {
		return load[T](name, os.Environ())
	}
	vars := Variables{name: name, set: make(map[string]string)}
	for _, v := range variables(reflect.TypeFor[T](), name) {
		if !v.in(given).IsZero() {
			vars.set[v.Name] = v.Name
		}
	}
	return Defaults(*given), vars, nil
}

// Prefix is [Prefix] of the instance's name.
func (v Variables) Prefix() string { return Prefix(v.name) }

// Name returns what has set the variable with this key, and the variable itself if nothing has.
func (v Variables) Name(key string) string { return cmp.Or(v.set[v.Prefix()+key], v.Prefix()+key) }

// IsSet reports whether something has set the variable with this key, also to what cannot be read.
func (v Variables) IsSet(key string) bool { return v.set[v.Prefix()+key] != "" }

// SetBy notes that what is called source has set the variable with this key.
func (v Variables) SetBy(key, source string) { v.set[v.Prefix()+key] = source }

// NotSet returns the error that nothing says where the server is: no variable with one of these keys is set, such as
// URL and HOST. If one is, it is nil: what is wrong with that is in the error of [LoadOr]. NotSet names a variable that
// no instance reads, if its value is a URL of the default instance's kind: DATABASE_URL=mysql://... for "mysql".
func (v Variables) NotSet(keys ...string) error {
	if slices.ContainsFunc(keys, v.IsSet) {
		return nil
	}
	var names []string
	for _, key := range keys {
		names = append(names, v.Name(key))
	}
	text := names[0] + " is not set"
	if len(names) > 1 {
		text += ", nor is " + strings.Join(names[1:], " or ")
	}
	if v.related != "" {
		text += "; " + v.related + " is set, but not read"
	}
	return v.missing(errors.New(text))
}

// missing returns an error about variables that are not set: if the environment has nothing for the instance, there can
// be no other.
func (v Variables) missing(err error) error {
	if v.unwanted && err != nil {
		return nothingSet{err}
	}
	return err
}

type nothingSet struct{ error }

func (nothingSet) Is(target error) bool { return target == ErrNothingSet }
