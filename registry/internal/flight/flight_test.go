package flight_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry/internal/flight"
	"github.com/vibework/mooring/registry/internal/wait"
)

var errIll = errors.New("ill")

func asItIs(a flight.Answer) error { return a.Err }

// join starts or joins a check in a round of its own.
func join(l *flight.Line) *flight.Flight {
	r := flight.NewRound(time.Second)
	defer r.Begun()
	return l.Join(r)
}

func await(f *flight.Flight) { wait.For(context.Background(), f.Done()) }

func TestEveryoneWhoAsksMeanwhileGetsTheSameAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var checks atomic.Int32
		l := flight.NewLine(func(context.Context) error {
			checks.Add(1)
			<-time.After(time.Second / 2)
			return errIll
		}, asItIs, flight.Answer{})
		var callers sync.WaitGroup
		for range 10 {
			callers.Go(func() {
				f := join(l)
				await(f)
				if a := f.Answer(); !errors.Is(a.Err, errIll) || a.Ended.Sub(a.Began) != time.Second/2 {
					t.Errorf("answer: %v", a)
				}
			})
		}
		callers.Wait()
		if n := checks.Load(); n != 1 || !errors.Is(l.Last().Err, errIll) {
			t.Errorf("%d checks, and the last answer is %v", n, l.Last())
		}
	})
}

func TestACheckThatDoesNotReturnIsHungUntilItDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var answers int
		l := flight.NewLine(func(context.Context) error {
			<-release
			return nil
		}, func(a flight.Answer) error { answers++; return a.Err }, flight.Answer{})
		start := time.Now()
		f := join(l)
		await(f)
		if !errors.Is(f.Answer().Err, flight.ErrHung) || time.Since(start) != time.Second {
			t.Errorf("after %v: %v", time.Since(start), f.Answer())
		}
		<-time.After(time.Minute)
		if again := join(l); again != f || again.Answer().Ended != time.Now() {
			t.Error("a later caller does not get the same check, with the time that it takes")
		}
		close(release)
		synctest.Wait()
		next := join(l)
		await(next)
		if next == f || next.Answer().Err != nil {
			t.Errorf("the next check: %v", next.Answer())
		}
		if answers != 2 {
			t.Errorf("%d answers", answers)
		}
	})
}

func TestALineThatIsClosedAnswersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := flight.NewLine(func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}, func(flight.Answer) error { t.Error("there is an answer"); return nil }, flight.Answer{})
		start := time.Now()
		f := join(l)
		synctest.Wait()
		returned := l.Close(true)
		await(f)
		<-returned
		if !errors.Is(f.Answer().Err, flight.ErrClosed) || time.Since(start) != 0 || join(l) != nil {
			t.Errorf("after %v: %v", time.Since(start), f.Answer())
		}
	})
}

func TestTheChecksOfARoundShareAContextThatEndsWithTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var contexts [2]context.Context
		r := flight.NewRound(time.Second)
		for i := range contexts {
			flight.NewLine(func(ctx context.Context) error {
				contexts[i] = ctx
				<-time.After(time.Duration(i+1) * 100 * time.Millisecond)
				return nil
			}, asItIs, flight.Answer{}).Join(r)
		}
		r.Begun()
		<-time.After(150 * time.Millisecond)
		synctest.Wait()
		if contexts[0] != contexts[1] || contexts[0].Err() != nil {
			t.Error("the context is not shared, or has ended too early")
		}
		<-time.After(100 * time.Millisecond)
		synctest.Wait()
		if contexts[0].Err() == nil {
			t.Error("the context has not ended")
		}
	})
}
