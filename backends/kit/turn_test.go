package kit_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/backends/kit"
)

func TestACallWithoutAContextIsAbandonedAtItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turn, late, calls := make(kit.Turn, 1), 0, 0
		slow := func() (int, error) {
			calls++
			<-time.After(time.Hour)
			return calls, nil
		}
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := kit.Within(ctx, turn, slow, func(n int) { late += n })
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			cancel()
		}
		<-time.After(time.Hour)
		synctest.Wait()
		if calls != 1 || late != 1 {
			t.Errorf("%d calls were under way at once, %d came too late; want 1, 1", calls, late)
		}
		failed := errors.New("no")
		if got, err := kit.Within(t.Context(), nil, func() (int, error) { return 7, failed }, nil); got != 7 || err != failed {
			t.Errorf("got %d, %v", got, err)
		}
	})
}

// A driver that knows no contexts is not waited for: here it looks up a name that no name server answers for.
func ExampleWithin() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	turn := make(kit.Turn, 1)
	silent := make(chan int)
	defer close(silent)
	_, err := kit.Within(ctx, turn, func() (int, error) { return <-silent, nil }, nil)
	fmt.Println(err)
	// Output: context deadline exceeded
}
