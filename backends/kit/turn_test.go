package kit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

func TestACallWithoutAContextIsAbandonedAtItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var late atomic.Int32
		slow := func() (int32, error) {
			<-time.After(time.Hour)
			return 1, nil
		}
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := kit.Within(ctx, slow, func(n int32) { late.Add(n) })
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			cancel()
		}
		<-time.After(time.Hour)
		synctest.Wait()
		if late.Load() != 3 {
			t.Errorf("of 3 calls %d came too late", late.Load())
		}
		failed := errors.New("no")
		if got, err := kit.Within(t.Context(), func() (int, error) { return 7, failed }, nil); got != 7 || err != failed {
			t.Errorf("got %d, %v", got, err)
		}
	})
}

func TestAPanicOfADriverEndsNoProgram(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	defer slog.SetDefault(before)
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	_, err := kit.Within(t.Context(), func() (int, error) { panic("token ZQXVKJWPYR") }, nil)
	if registry.KindOf(err) != registry.KindPanic || strings.Contains(err.Error()+log.String(), "ZQXV") {
		t.Errorf("got %v, and the log\n%s", err, &log)
	}
	if !strings.Contains(log.String(), "turn_test.go") {
		t.Errorf("the log does not say where:\n%s", &log)
	}
	_, err = kit.Within(t.Context(), func() (int, error) { runtime.Goexit(); return 0, nil }, nil)
	if registry.KindOf(err) != registry.KindPanic {
		t.Errorf("a call that ends its goroutine: %v", err)
	}
	if cut := new(kit.Conns).Drain(t.Context(), func() { panic("closed twice") }); cut != 0 {
		t.Errorf("%d were cut", cut)
	}
}

// A driver that knows no contexts is not waited for: here it looks up a name that no name server answers for.
func ExampleWithin() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	silent := make(chan int)
	defer close(silent)
	_, err := kit.Within(ctx, func() (int, error) { return <-silent, nil }, nil)
	fmt.Println(err)
	// Output: context deadline exceeded
}

func ExampleBounded() {
	ctx, cancel := kit.Bounded(context.Background(), 25*time.Second)
	defer cancel()
	_, bounded := ctx.Deadline()
	fmt.Println(bounded)
	// Output: true
}
