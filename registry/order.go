package registry

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
)

// row is an entry as one caller sees it. Rows are made anew when something changes, and never changed.
type row struct {
	*entry
	optional bool
}

func (a row) same(b row) bool { return a.entry == b.entry }

// sorted returns the rows in the order of opening.
func (r *Registry) sorted() []row {
	if rows := r.rows.Load(); rows != nil {
		return *rows
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	place := make(map[string]int, len(r.order))
	for i, name := range slices.Backward(r.order) {
		place[name] = i - len(r.order) // below 0, the place of those that SetOrder does not name
	}
	rows := make([]row, len(r.entries))
	for i, e := range r.entries {
		rows[i] = row{e, slices.Contains(r.optional, e.name)}
	}
	slices.SortStableFunc(rows, func(a, b row) int { return place[a.name] - place[b.name] })
	r.rows.Store(&rows)
	return rows
}

// find returns the entry of that name, or nil, and takes no lock once the registrations have settled.
func (r *Registry) find(name string) *entry {
	if index := r.index.Load(); index != nil {
		return (*index)[name]
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	index := maps.Clone(r.byName)
	r.index.Store(&index)
	return index[name]
}

// changed drops what sorted and find derived. It must be called with mu held.
func (r *Registry) changed() {
	r.rows.Store(nil)
	r.index.Store(nil)
}

// unknownNames returns an error for each name that SetOrder and SetOptional were given in vain.
func (r *Registry) unknownNames() []error {
	r.mu.Lock()
	order, optional := r.order, r.optional
	r.mu.Unlock()
	var errs []error
	complain := func(setter string, names []string) {
		for _, name := range names {
			if r.find(name) == nil {
				errs = append(errs, r.stranger(OpOpen, name, setter+" names a resource that is "))
			}
		}
	}
	complain("SetOrder", order)
	complain("SetOptional", optional)
	return errs
}

// stranger is the error for a name that is not registered; it lists those that are.
func (r *Registry) stranger(op Op, name, subject string) *Error {
	hint := "nothing is"
	if known := r.Names(); len(known) > 0 {
		hint = "registered: " + strings.Join(known, ", ")
	}
	err := fmt.Errorf("%s%w (%s; forgotten import?)", subject, ErrNotRegistered, hint)
	return &Error{Op: op, Name: name, Kind: KindConfig, Err: err}
}

// validName matches [a-z][a-z0-9]*(-[a-z0-9]+)*.
func validName(name string) bool {
	if name == "" || name[0] < 'a' || name[0] > 'z' {
		return false
	}
	for word := range strings.SplitSeq(name, "-") {
		if word == "" || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return false
		}
	}
	return true
}

// callSite returns the file and line of the nearest caller outside this package.
func callSite() string {
	pcs := make([]uintptr, 16)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		frame, more := frames.Next()
		if !strings.HasPrefix(frame.Function, "github.com/vibework/mooring/registry.") || !more {
			return fmt.Sprintf("%s:%d", frame.File, frame.Line)
		}
	}
}
