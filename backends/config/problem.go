package config

import (
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
	switch v.Type {
	case "bool":
		return "not true or false"
	case "duration":
		return problem(refused.Error()) // of ParseDuration
	case "int":
		if errors.Is(refused, strconv.ErrRange) {
			return "out of range"
		}
		return "not a whole number"
	case "port":
		return notAPort
	}
	return problem("not a valid " + v.Type)
}

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
