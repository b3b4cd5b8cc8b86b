package redis

import (
	"context"
	"sync"
	"time"
)

// answered is what one of several servers has answered.
type answered[A any] struct {
	answer A
	err    error
}

// askAll asks all of these servers at once. The channel gets what they answer as it comes.
func askAll[A any](asking *sync.WaitGroup, addrs []string, ask func(addr string) (A, error)) <-chan answered[A] {
	answers := make(chan answered[A], len(addrs))
	for _, addr := range addrs {
		asking.Go(func() {
			answer, err := ask(addr)
			answers <- answered[A]{answer, err}
		})
	}
	return answers
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
