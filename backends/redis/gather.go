package redis

import (
	"context"
	"sync"
	"time"
)

// minority is the time for the answers that are missing when enough have come.
const minority = 100 * time.Millisecond

// gather asks all of these servers at once, until ctx ends, and returns the good answers and the worst failure. Once
// enough have answered well it hardly waits for the rest.
func gather[A any](
	ctx context.Context, addrs []string, enough int, ask func(ctx context.Context, addr string) (A, error),
) (answers []A, worst error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var asking sync.WaitGroup
	var mu sync.Mutex // guards the results
	for _, addr := range addrs {
		asking.Go(func() {
			answer, err := ask(ctx, addr)
			mu.Lock()
			defer mu.Unlock()
			if worst = worse(worst, err); err != nil {
				return
			}
			if answers = append(answers, answer); len(answers) == enough {
				time.AfterFunc(minority, cancel)
			}
		})
	}
	asking.Wait()
	return answers, worst
}
