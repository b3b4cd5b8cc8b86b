package config

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"

	"github.com/caarlos0/env/v11"
)

// complain returns "VARIABLE: what is wrong", or nil if nothing is. It wants an error that this package has made, since
// the text of any other may quote the value.
func complain(variable string, err error) error {
	if err == nil {
		return nil
	}
	return errors.New(variable + ": " + err.Error())
}

// check returns what is wrong with a field that now holds value, and that env refused to fill if
// refused is not nil.
func (v variable) check(value reflect.Value, refused error) error {
	switch {
	case refused == nil && v.Type == "int" && value.Int() < 0:
		return errors.New("must not be negative")
	case refused == nil, v.Type == "duration", v.Type == "port": // these are read by this package
		return refused
	case v.Type == "int" && errors.Is(refused, strconv.ErrRange):
		return errors.New("out of range")
	case v.Type == "int":
		return errors.New("not a whole number")
	case v.Type == "bool":
		return errors.New("not true or false")
	}
	return errors.New("not a valid " + v.Type)
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
