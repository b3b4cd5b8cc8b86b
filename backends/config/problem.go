package config

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"strconv"

	"github.com/caarlos0/env/v11"
)

// problem says what is wrong with a value in words written in this package; "" is nothing. Errors
// are made of problems alone, since the text of any other error may quote the value.
type problem string

// complain returns "VARIABLE: problem", or nil if there is none.
func complain(variable string, p problem) error {
	if p == "" {
		return nil
	}
	return errors.New(variable + ": " + string(p))
}

// check returns what is wrong with a field that now holds value, and that env refused to fill if
// refused is not nil.
func (v variable) check(value reflect.Value, refused error) problem {
	if refused == nil {
		if v.Type == "int" && value.Int() < 0 {
			return "must not be negative"
		}
		return ""
	}
	switch {
	case v.Type == "duration":
		return problem(refused.Error()) // of ParseDuration
	case v.Type == "int" && errors.Is(refused, strconv.ErrRange):
		return "out of range"
	}
	return cmp.Or(notOf[v.Type], problem("not a valid "+v.Type))
}

// notOf says what a value is not, by the type of its field.
var notOf = map[string]problem{"bool": "not true or false", "int": "not a whole number", "port": notAPort}

// refusals returns why env refused each field, by the name of the field. The errors quote values:
// look at them and drop them.
func refusals(err error) map[string]error {
	refused := make(map[string]error)
	aggregate, _ := errors.AsType[env.AggregateError](err)
	for _, err := range aggregate.Errors {
		if parse, ok := errors.AsType[env.ParseError](err); ok {
			refused[parse.Name] = parse.Err
		} else if _, ok := errors.AsType[env.VarIsNotSetError](err); !ok { // lookup tells of these
			panic(fmt.Sprintf("config: cannot load such a struct: %T", err))
		}
	}
	return refused
}
