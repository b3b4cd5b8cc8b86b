package command

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
)

// typos are the variables that nothing reads, each with the name that was probably meant. Package config tells of
// them in the log, once in the life of the process: typos is a handler for it, and passes on what else is logged, such
// as what is set and does not count.
type typos struct {
	slog.Handler
	mu    sync.Mutex
	meant map[string]string
}

// misspelt returns the typos in the environment, by what package config says of it. From then on the log goes to w.
func misspelt(instances []instance, environ []string, w io.Writer) map[string]string {
	t := &typos{
		Handler: slog.NewTextHandler(w, nil),
		meant:   make(map[string]string),
	}
	slog.SetDefault(slog.New(t))
	for _, i := range instances {
		_, _ = i.NewFrom(i.name, environ) // Configure tells of the error
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	found := maps.Clone(t.meant)
	maps.DeleteFunc(found, func(variable, _ string) bool { // one instance does not know what another reads
		return slices.ContainsFunc(instances, func(i instance) bool { return i.reads(variable) })
	})
	return found
}

func (t *typos) Handle(ctx context.Context, record slog.Record) error {
	said := make(map[string]string)
	record.Attrs(func(a slog.Attr) bool {
		said[a.Key] = a.Value.String()
		return true
	})
	if said["suggestion"] == "" {
		return t.Handler.Handle(ctx, record)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.meant[said["variable"]] = said["suggestion"]
	return nil
}
