package queue_test

import (
	"runtime"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/vibework/mooring/registry/internal/queue"
)

func TestValuesArriveInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []int
		q := queue.New(func(v int) { got = append(got, v) }, func(int) { t.Error("something was dropped") })
		for v := range 10 {
			q.Post(v)
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
		q := queue.New(func(v int) {
			<-release
			got = append(got, v)
		}, func(n int) { dropped += n })
		q.Post(-1) // held up
		synctest.Wait()
		for v := range queue.Size + 7 {
			q.Post(v)
		}
		close(release)
		synctest.Wait()
		if dropped != 7 || len(got) != 1+queue.Size || got[1] != 7 {
			t.Errorf("%d dropped, %d delivered", dropped, len(got))
		}
	})
}

func TestNothingIsDeliveredAfterStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		var q *queue.Queue[int]
		q = queue.New(func(int) {
			n++
			q.Stop()
		}, func(int) {})
		for v := range 5 {
			q.Post(v)
		}
		synctest.Wait()
		q.Post(5)
		synctest.Wait()
		if n != 1 {
			t.Errorf("%d deliveries", n)
		}
	})
}

func TestADeliveryThatEndsItsGoroutineEndsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		q := queue.New(func(int) {
			n++
			runtime.Goexit()
		}, func(int) {})
		for v := range 5 {
			q.Post(v)
		}
		synctest.Wait()
		if n != 5 {
			t.Errorf("%d deliveries", n)
		}
	})
}
