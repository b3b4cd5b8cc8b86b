package redis

import (
	"context"
	"iter"
	"sync"
	"time"
)

// askAll asks all of these servers at once, and yields what they answer as it comes.
func askAll[A any](asking *sync.WaitGroup, addrs []string, ask func(addr string) (A, error)) iter.Seq2[A, error] {
	answers := make(chan func() (A, error), len(addrs))
	for _, addr := range addrs {
		asking.Go(func() {
			answer, err := ask(addr)
			answers <- func() (A, error) { return answer, err }
		})
	}
	return func(yield func(A, error) bool) {
		for range addrs {
			if !yield((<-answers)()) {
				return
			}
		}
	}
}

// pause waits for news, but not longer than a moment. It reports whether ctx is not done yet.
func pause(ctx context.Context, news <-chan struct{}, moment time.Duration) bool {
	select {
	case <-news:
	case <-time.After(moment):
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}
