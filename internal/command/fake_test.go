package command

import (
	"context"

	"github.com/vibework/mooring/internal/backends"
	"github.com/vibework/mooring/registry"
)

// fake is a resource of one function.
type fake struct {
	name string
	open func(context.Context) error
}

func (f fake) Name() string                   { return f.name }
func (f fake) Configure() error               { return nil }
func (f fake) Open(ctx context.Context) error { return f.open(ctx) }
func (f fake) Check(context.Context) error    { return nil }
func (f fake) Close(context.Context) error    { return nil }

// silent is the Open of a server that takes a connection and says nothing.
func silent(ctx context.Context) error {
	<-ctx.Done()
	return registry.Classify(registry.KindTimeout, ctx.Err())
}

// reportOn returns a report that is to examine a fake.
func reportOn(name string, open func(context.Context) error) *report {
	i := instance{
		Backend: backends.Backend{
			Name: name, Title: "Fake", New: func(name string) backends.Resource { return fake{name, open} },
		},
		name: name,
	}
	f := finding{Name: name, Status: skipped, wanted: true, instance: i}
	return &report{Status: skipped, Findings: []finding{f}}
}
