package queue_test

import (
	"runtime"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/vibework/mooring/registry/internal/queue"
)

func TestFunctionsAreCalledInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []int
		q := queue.Queue{Dropped: func(int) { t.Error("something was dropped") }}
		for v := range 10 {
			q.Post(func() { got = append(got, v) })
		}
		if idle := q.Idle(); idle != nil {
			<-idle
		}
		if !slices.Equal(got, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
			t.Errorf("got %v", got)
		}
		if q.Idle() != nil {
			t.Error("it is not idle")
		}
	})
}

func TestAFullQueueDropsTheOldestAndCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []int
		dropped := 0
		release := make(chan struct{})
		q := queue.Queue{Dropped: func(n int) { dropped += n }}
		post := func(v int) {
			q.Post(func() {
				<-release
				got = append(got, v)
			})
		}
		post(-1) // held up
		synctest.Wait()
		for v := range queue.Size + 7 {
			post(v)
		}
		close(release)
		synctest.Wait()
		if dropped != 7 || len(got) != 1+queue.Size || got[1] != 7 {
			t.Errorf("%d dropped, %d called", dropped, len(got))
		}
	})
}

func TestNothingIsCalledAfterStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		var q queue.Queue
		count := func() {
			n++
			q.Stop()
		}
		for range 5 {
			q.Post(count)
		}
		synctest.Wait()
		q.Post(count)
		synctest.Wait()
		if n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestAFunctionThatEndsItsGoroutineEndsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		var q queue.Queue
		for range 5 {
			q.Post(func() {
				n++
				runtime.Goexit()
			})
		}
		synctest.Wait()
		if n != 5 {
			t.Errorf("%d calls", n)
		}
	})
}
