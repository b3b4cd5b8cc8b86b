package slot_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/backends/internal/slot"
	"github.com/vibework/mooring/registry"
)

type client struct{ released int }

func connect(context.Context) (*client, error) { return new(client), nil }

func release(_ context.Context, c *client) error {
	c.released++
	return nil
}

func TestASlotKeepsItsClientFromOpenOn(t *testing.T) {
	var s slot.Slot[client]
	if _, err := s.Get("x"); !errors.Is(err, registry.ErrNotOpen) {
		t.Errorf("before Open: %v", err)
	}
	if err := s.Close(t.Context(), release); err != nil {
		t.Errorf("closing what is not open: %v", err)
	}
	if err := s.Open(t.Context(), connect); err != nil || !s.IsOpen() {
		t.Fatal(err)
	}
	first := s.Must("x")
	if err := s.Open(t.Context(), connect); err != nil || s.Must("x") != first {
		t.Errorf("opening what is open made another client, or failed: %v", err)
	}
	for range 2 {
		if err := s.Close(t.Context(), release); err != nil || s.IsOpen() {
			t.Errorf("close: %v", err)
		}
	}
	if s.Must("x") != first || first.released != 1 {
		t.Errorf("after Close the client has gone, or was released %d times", first.released)
	}
	err := s.Check(t.Context(), func(context.Context, *client) error { return nil })
	if !errors.Is(err, registry.ErrNotOpen) {
		t.Errorf("a check after Close: %v", err)
	}
	if err := s.Open(t.Context(), connect); err != nil || s.Must("x") == first {
		t.Errorf("opening again kept the old client, or failed: %v", err)
	}
}

func TestASlotRemembersWhyItIsEmpty(t *testing.T) {
	var s slot.Slot[client]
	down := errors.New("nobody there")
	if err := s.Open(t.Context(), func(context.Context) (*client, error) { return nil, down }); err != down {
		t.Errorf("got %v", err)
	}
	_, err := s.Get("x")
	if err == nil || err.Error() != "x: not open: nobody there" || !errors.Is(err, down) {
		t.Errorf("got %v", err)
	}
	defer func() {
		if got := recover(); got != "x: not open: nobody there" {
			t.Errorf("the panic is %v", got)
		}
	}()
	s.Must("x")
}

func TestACheckWithoutADeadlineGetsFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s slot.Slot[client]
		if err := s.Open(t.Context(), connect); err != nil {
			t.Fatal(err)
		}
		ping := func(ctx context.Context, _ *client) error {
			<-ctx.Done()
			return ctx.Err()
		}
		start := time.Now()
		if err := s.Check(context.Background(), ping); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("it took %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start = time.Now()
		_ = s.Check(ctx, ping)
		if took := time.Since(start); took != time.Minute {
			t.Errorf("with a deadline of its own it took %v", took)
		}
	})
}
