package kit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vibework/mooring/registry"
)

// Table says what the errors of a server or a driver mean. K is what such an error is known by: a number, a word that
// the error begins with, an error of the driver. A Code that is a string may be several for [Table.Of], separated by
// blanks. A Text is a sentence of the backend's own, since a server may repeat in its text what it was sent.
type Table[K comparable] []struct {
	Code K
	Kind registry.Kind
	Text string
}

// Of returns the failure for a code of the server. The code stands at the end of its text. A code that is not in the
// table is of registry.KindUnknown; so it has to be a number or a known word, and nothing that was sent to the server.
func (t Table[K]) Of(code K) error {
	for _, row := range t {
		if slices.Contains(strings.Fields(fmt.Sprint(row.Code)), fmt.Sprint(code)) {
			return Errorf(row.Kind, "%s (%v)", row.Text, code)
		}
	}
	return Errorf(registry.KindUnknown, "the server answered with the error %v", code)
}

// First returns the failure of the first row whose code fits, and nil if none does.
func (t Table[K]) First(fits func(code K) bool) error {
	for _, row := range t {
		if fits(row.Code) {
			return Errorf(row.Kind, "%s", row.Text)
		}
	}
	return nil
}
