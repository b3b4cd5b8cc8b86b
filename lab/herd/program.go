package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/registry"
)

// programMark, as the first argument, makes this process one of the herd. The second one is an order, as JSON.
const programMark = "be-one-of-the-herd"

// An order is what a program is to do.
type order struct {
	OpenTimeout time.Duration // 0 means the registry's default
	Workers     int
	Work        time.Duration
}

// An opening is how OpenAll went.
type opening struct {
	Took     time.Duration
	Attempts int
	Kind     registry.Kind // "" means that all is open
	Why      string
}

// labour is what a program has done.
type labour struct {
	Done   int
	Failed map[registry.Kind]int
}

// beProgram never returns if this process was started to be a program. It opens at the first line of its standard
// input, works at the second, and ends with the input.
func beProgram() {
	if len(os.Args) != 3 || os.Args[1] != programMark {
		return
	}
	slog.SetDefault(slog.New(slog.DiscardHandler))
	if err := program(context.Background(), os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func program(ctx context.Context, text string) error {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	say, told := json.NewEncoder(os.Stdout), bufio.NewReader(os.Stdin)
	if err := await(told); err != nil {
		return err
	}
	opened := open(ctx, o)
	if err := say.Encode(opened); err != nil {
		return err
	}
	if err := await(told); err != nil || opened.Kind != "" {
		return err
	}
	if err := say.Encode(toil(ctx, o)); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, told)
	return registry.CloseAll(ctx)
}

// await waits for a line. The end of the input is one, too: then there is nobody to work for.
func await(told *bufio.Reader) error {
	_, err := told.ReadString('\n')
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func open(ctx context.Context, o order) opening {
	var mu sync.Mutex
	attempts := 1
	stop := registry.Observe(func(e registry.Event) {
		mu.Lock()
		defer mu.Unlock()
		attempts = max(attempts, e.Attempt)
	})
	registry.Unregister(redis.Name) // which this binary has for its services
	registry.Default().OpenTimeout = o.OpenTimeout
	began := time.Now()
	err := registry.OpenAll(ctx)
	took := time.Since(began)
	stop()
	mu.Lock()
	defer mu.Unlock()
	how := opening{Took: took, Attempts: attempts, Kind: registry.KindOf(err)}
	if err != nil {
		how.Why = err.Error()
	}
	return how
}

// toil runs statements that take as long as many do.
func toil(ctx context.Context, o order) labour {
	var mu sync.Mutex
	all := labour{Failed: make(map[registry.Kind]int)}
	until := time.Now().Add(o.Work)
	var workers sync.WaitGroup
	for range o.Workers {
		workers.Go(func() {
			for time.Now().Before(until) {
				_, err := mysql.DB().ExecContext(ctx, "DO SLEEP(0.02)")
				mu.Lock()
				if err == nil {
					all.Done++
				} else {
					all.Failed[registry.KindOf(mysql.Classify(err))]++
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return all
}
