package command

import (
	"context"
	"log/slog"
	"time"

	"github.com/vibework/mooring/registry"
)

// subject is one resource in a registry of its own, as in a program. The registry bounds each call, leaves behind one
// that hangs, and contains a panic.
type subject struct {
	registry *registry.Registry
	name     string
}

func newSubject(res registry.Resource) subject {
	r := registry.New()
	r.OpenTimeout, r.CheckTimeout, r.CloseTimeout = stepTimeout, stepTimeout, time.Second
	r.Logger = slog.New(slog.DiscardHandler)
	r.Register(struct{ registry.Resource }{res}) // without its Configure, which is a step of its own
	return subject{r, res.Name()}
}

// open makes one attempt. The registry would try again, so what the first one says ends that.
func (s subject) open(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	first := make(chan error, 1)
	stop := s.registry.Observe(func(e registry.Event) {
		if e.Op == registry.OpOpen && e.Err != nil {
			select {
			case first <- e.Err:
			default:
			}
			cancel()
		}
	})
	defer stop()
	err := s.registry.OpenAll(ctx)
	if err != nil {
		select {
		case err = <-first:
		default:
		}
	}
	return err
}

func (s subject) check(ctx context.Context) error { return s.registry.Check(ctx, s.name).Err }

func (s subject) close(ctx context.Context) { _ = s.registry.CloseAll(context.WithoutCancel(ctx)) }
