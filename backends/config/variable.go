package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// variable is a field of a Config and what fills it.
type variable struct {
	Var
	key   string              // Name without the prefix of the instance
	words string              // the words tag
	field reflect.StructField // its Index leads there from the outermost struct
}

// in returns the field of the Config that cfg points to.
func (v variable) in(cfg any) reflect.Value {
	return reflect.ValueOf(cfg).Elem().FieldByIndex(v.field.Index)
}

func (v variable) isNumber() bool { return v.Type == "int" || v.Type == "duration" }

// variables returns the variables that fill a t for the instance called name, in the order of the
// fields. It panics if t has a mistake that only a programmer can mend.
func variables(t reflect.Type, name string) []variable {
	if t.Kind() != reflect.Struct {
		panic(fmt.Sprintf("config: %s is not a struct", t))
	}
	vars := collect(t, Prefix(name), nil)
	taken := make(map[string]bool)
	for _, v := range vars {
		// env tells fields apart by their Go names.
		for _, use := range append(v.Names(), "the field name "+v.field.Name) {
			if taken[use] {
				panic(fmt.Sprintf("config: %s: %s is there twice", t, use))
			}
			taken[use] = true
		}
	}
	return vars
}

func collect(t reflect.Type, prefix string, index []int) []variable {
	var vars []variable
	for f := range t.Fields() {
		f.Index = slices.Concat(index, f.Index)
		tag, tagged := f.Tag.Lookup("env")
		switch {
		case tagged && tag != "-":
			vars = append(vars, newVariable(f, tag, prefix))
		case !tagged && isGroup(f):
			inner := collect(f.Type, prefix+f.Tag.Get("envPrefix"), f.Index)
			if len(inner) > 0 && !f.IsExported() {
				panic("config: field " + f.Name + ": not exported")
			}
			vars = append(vars, inner...)
		}
	}
	return vars
}

// isGroup reports whether f, which has no env tag, adds its own fields to those of its parent.
func isGroup(f reflect.StructField) bool {
	return f.Type.Kind() == reflect.Struct && typeName(f.Type) == "" &&
		(f.IsExported() || f.Anonymous)
}

func newVariable(f reflect.StructField, tag, prefix string) variable {
	key, option, _ := strings.Cut(tag, ",")
	v := variable{field: f, key: key, words: f.Tag.Get("words"), Var: Var{
		Name:     prefix + key,
		Type:     typeName(f.Type),
		Default:  f.Tag.Get("envDefault"),
		Doc:      f.Tag.Get("doc"),
		Required: option == "required",
		Secret:   f.Type == reflect.TypeFor[Secret](),
		File:     !strings.HasSuffix(key, fileSuffix),
	}}
	var mistake string
	switch {
	case key == "" || option != "" && !v.Required:
		mistake = `env tag must be "NAME" or "NAME,required"`
	case !f.IsExported():
		mistake = "not exported"
	case v.Type == "":
		mistake = "unsupported type " + f.Type.String()
	case v.Secret && v.Default != "":
		mistake = "a secret has no default"
	}
	if alias, ok := f.Tag.Lookup("alias"); ok {
		primary, names, _ := strings.Cut(alias, "=")
		if names == "" || strings.Contains(names, " ") || !strings.HasSuffix(primary, "_"+key) {
			mistake = `alias tag must be "PREFIX_` + key + `=NAME,..."`
		}
		if primary == v.Name {
			v.Aliases = strings.Split(names, ",")
		}
	}
	if mistake != "" {
		panic("config: field " + f.Name + ": " + mistake)
	}
	return v
}

// typeName returns the word for t in documentation and errors, "" if a field cannot be one.
func typeName(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[Secret]():
		return "secret"
	case t == reflect.TypeFor[Port]():
		return "port"
	case t == reflect.TypeFor[time.Duration]():
		return "duration"
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return t.String()
	case t.Kind() == reflect.String, t.Kind() == reflect.Bool, t.Kind() == reflect.Int:
		return t.Kind().String()
	}
	return ""
}
