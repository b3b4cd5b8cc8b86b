package registry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry"
)

// logbook is a handler that lists the records.
type logbook struct {
	journal // settle is synctest.Wait in the tests that look at records of checks

	attrs []map[string]slog.Value
	hook  func(message string) // called first; or nil
}

func (b *logbook) logger() *slog.Logger { return slog.New(b) }

func (b *logbook) Enabled(context.Context, slog.Level) bool { return true }
func (b *logbook) WithAttrs([]slog.Attr) slog.Handler       { return b }
func (b *logbook) WithGroup(string) slog.Handler            { return b }

func (b *logbook) Handle(_ context.Context, record slog.Record) error {
	if b.hook != nil {
		b.hook(record.Message)
	}
	attrs := make(map[string]slog.Value)
	record.Attrs(func(a slog.Attr) bool {
		attrs[a.Key] = a.Value
		return true
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, fmt.Sprintf("%v %s", record.Level, record.Message))
	b.attrs = append(b.attrs, attrs)
	return nil
}

// last returns the attributes of the last record and checks which there are.
func (b *logbook) last(t *testing.T, keys ...string) map[string]slog.Value {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	attrs := b.attrs[len(b.attrs)-1]
	if got := slices.Sorted(maps.Keys(attrs)); !slices.Equal(got, slices.Sorted(slices.Values(keys))) {
		t.Errorf("attributes: %q, want %q", got, keys)
	}
	return attrs
}

func logged(t *testing.T, resources ...*fake) (*registry.Registry, *logbook) {
	t.Helper()
	var logs logbook
	r := quiet(resources...)
	r.Logger = logs.logger()
	return r, &logs
}

func TestOneRecordBeforeOneAfterAndOneForEachOpenAndClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, logs := logged(t, &fake{name: "a", open: after(time.Second, nil), close: after(time.Second, nil)}, &fake{name: "b"})
		r.SetOrder("b")
		mustOpen(t, r)
		logs.want(t, "INFO opening resources", "INFO opened", "INFO opened", "INFO opened resources")
		attrs := logs.last(t, "resource", "op", "duration", "opened")
		if got := fmt.Sprint(attrs["duration"], attrs["opened"]); got != "1s [b=[duration=0s attempts=1] a=[duration=1s attempts=1]]" {
			t.Error(got)
		}
		attrs = logs.attrs[2]
		if got := fmt.Sprint(attrs["resource"], attrs["op"], attrs["attempt"], attrs["duration"]); got != "a open 1 1s" {
			t.Error(got)
		}
		if got := fmt.Sprint(logs.attrs[0]["order"]); got != "[b a]" {
			t.Errorf("the order is %s", got)
		}
		mustOpen(t, r)
		logs.want(t)
		for range 10 {
			r.CheckAll(t.Context())
		}
		logs.want(t)
		mustClose(t, r)
		logs.want(t, "INFO closed", "INFO closed")
		attrs = logs.attrs[len(logs.attrs)-2]
		if got := fmt.Sprint(attrs["resource"], attrs["op"], attrs["duration"]); got != "a close 1s" {
			t.Error(got)
		}
	})
}

func TestOneWarningForEachFailedAttemptWithItsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		var logs logbook
		r := quiet(&fake{name: "a", open: attempts(&at, errRefused)})
		r.Logger, r.OpenTimeout = logs.logger(), 3*time.Second
		_ = r.OpenAll(t.Context())
		lines := logs.take()
		if last := lines[len(lines)-1]; last != "INFO resources not opened" {
			t.Error(last)
		}
		logs.attrs = logs.attrs[:len(logs.attrs)-1]
		for i, line := range lines[1 : len(lines)-1] {
			attrs := logs.attrs[i+1]
			if line != "WARN open failed" || attrs["attempt"].Int64() != int64(i+1) || attrs["kind"].String() != "unreachable" {
				t.Errorf("record %d: %s %v", i, line, attrs)
			}
			if wait := attrs["wait"].Duration(); i+1 < len(at) && at[i+1].Sub(at[i]) != wait {
				t.Errorf("after attempt %d it waits %v, the record says %v", i+1, at[i+1].Sub(at[i]), wait)
			}
		}
		attrs := logs.last(t, "resource", "op", "attempt", "wait", "kind", "error")
		if got := attrs["error"].String(); got != "open a: unreachable: connection refused" {
			t.Error(got)
		}
	})
}

func TestAFailureThatIsNotRetriedHasNoWait(t *testing.T) {
	r, logs := logged(t, &fake{name: "a", open: failing(errDenied)})
	_ = r.OpenAll(t.Context())
	logs.want(t, "INFO opening resources", "WARN open failed", "INFO resources not opened")
	logs.attrs = logs.attrs[:2]
	if wait := logs.last(t, "resource", "op", "attempt", "wait", "kind", "error")["wait"]; wait.Duration() != 0 {
		t.Errorf("wait: %v", wait)
	}
}

func TestAFailureThatCannotBeRetriedInTimeHasNoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, logs := logged(t, &fake{name: "a", open: obey})
		_ = r.OpenAll(t.Context())
		logs.attrs = logs.attrs[:2]
		if wait := logs.last(t, "resource", "op", "attempt", "wait", "kind", "error")["wait"]; wait.Duration() != 0 {
			t.Errorf("wait: %v", wait)
		}
	})
}

func TestOneWarningForACloseThatFails(t *testing.T) {
	r, logs := logged(t, &fake{name: "a", close: failing(errLost)})
	mustOpen(t, r)
	logs.take()
	_ = r.CloseAll(t.Context())
	logs.want(t, "WARN close failed")
	if got := logs.last(t, "resource", "op", "duration", "kind", "error")["error"].String(); got != "close a: two messages were lost" {
		t.Error(got)
	}
}

func TestOneRecordWhenTheKindOfHealthChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := registry.Classify(registry.KindDegraded, errors.New("20 of 20 connections are in use"))
		refused, denied, well := failing(errRefused), failing(errDenied), failing(nil)
		r, logs := logged(t, &fake{name: "a", check: inTurn(well, refused, refused, denied, failing(full), failing(full), well, well)})
		mustOpen(t, r)
		logs.settle = synctest.Wait
		logs.take()
		for _, want := range [][]string{
			nil, {"WARN unhealthy"}, nil, {"WARN unhealthy"}, {"WARN unhealthy"}, nil, {"INFO healthy again"}, nil,
		} {
			<-time.After(time.Second)
			r.CheckAll(t.Context())
			logs.want(t, want...)
		}
		if got := logs.last(t, "resource", "op", "duration", "lasted")["lasted"]; got.Duration() != 2*time.Second {
			t.Errorf("degraded for %v", got)
		}
		mustClose(t, r)
	})
}

func TestHealthIsLoggedAtMostSixTimesAMinuteAndNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		checks := 0
		r, logs := logged(t, &fake{name: "a", check: func(context.Context) error {
			if checks++; checks%2 == 1 {
				return errRefused
			}
			return nil
		}})
		mustOpen(t, r)
		logs.settle = synctest.Wait
		logs.take()
		for range 59 {
			r.CheckAll(t.Context())
			<-time.After(time.Second)
		}
		if lines := logs.take(); len(lines) != 6 {
			t.Errorf("records: %q", lines)
		}
		<-time.After(time.Second)
		r.CheckAll(t.Context()) // fine again, as the last record says
		logs.want(t)
		r.CheckAll(t.Context())
		logs.want(t, "WARN unhealthy")
		mustClose(t, r)
	})
}

func TestALoggerThatBlocksKeepsNoCheckWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocked := newValve()
		r, logs := logged(t, &fake{name: "a", check: inTurn(failing(errRefused), failing(nil))})
		mustOpen(t, r)
		logs.hook = func(string) { <-blocked }
		start := time.Now()
		wantKind(t, r.CheckAll(t.Context()).Err(), registry.KindUnreachable)
		if err := r.CheckAll(t.Context()).Err(); err != nil {
			t.Error(err)
		}
		took(t, start, 0)
		blocked.release()
		mustClose(t, r)
	})
}

type located struct{ *fake }

func (located) LogValue() slog.Value {
	return slog.GroupValue(slog.String("addr", "db.internal:3306"), slog.String("database", "shop"))
}

func TestRecordsSayWhereAResourceConnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, logs := logged(t)
		r.Register(located{&fake{name: "a", open: inTurn(failing(errRefused), failing(nil)), check: failing(errDenied)}})
		mustOpen(t, r)
		r.CheckAll(t.Context())
		synctest.Wait()
		found := 0
		for _, attrs := range logs.attrs {
			if fmt.Sprint(attrs[""].Resolve()) == "[addr=db.internal:3306 database=shop]" {
				found++
			}
		}
		if found != 3 {
			t.Errorf("%d of open failed, opened and unhealthy say it", found)
		}
		mustClose(t, r)
	})
}

// busy is a resource whose methods share a lock with its LogValue.
type busy struct {
	*fake
	lock chan struct{}
}

func (b busy) Open(ctx context.Context) error {
	b.lock <- struct{}{}
	defer func() { <-b.lock }()
	return b.fake.Open(ctx)
}

func (b busy) LogValue() slog.Value {
	b.lock <- struct{}{}
	defer func() { <-b.lock }()
	return slog.GroupValue(slog.String("addr", "db.internal:3306"))
}

func TestALogValueThatBlocksKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung, lock := newValve(), make(chan struct{}, 1)
		r := quiet()
		r.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
		r.Register(busy{&fake{name: "a", open: hung.wait}, lock})
		start := time.Now()
		opening := inBackground(func() error { return r.OpenAll(t.Context()) })
		<-time.After(time.Minute)
		select {
		case err := <-opening:
			wantErrors(t, err, "open a: hung: abandoned after 30.1s: context deadline exceeded")
		default:
			t.Errorf("OpenAll has not returned after %v", time.Since(start))
		}
		hung.release()
		synctest.Wait()
	})
}

// broken is the handler of a log that cannot be written any more.
type broken struct{ slog.Handler }

func (broken) Enabled(context.Context, slog.Level) bool  { return true }
func (broken) Handle(context.Context, slog.Record) error { panic("send on closed channel") }
func (b broken) WithAttrs([]slog.Attr) slog.Handler      { return b }
func (b broken) WithGroup(string) slog.Handler           { return b }

func TestALoggerThatPanicsKeepsNothingFromBeingClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := quiet(&fake{name: "a", calls: &calls, check: failing(errRefused)}, &fake{name: "b", calls: &calls})
		r.Logger = slog.New(broken{})
		mustOpen(t, r)
		r.CheckAll(t.Context(), "a")
		mustClose(t, r)
		calls.want(t, "configure a", "configure b", "open a", "open b", "check a", "close b", "close a")
	})
}

func TestTheBackgroundIsLoggedWhenTheKindOfItsFailureChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		no, denied := failing(errRefused), failing(errDenied)
		r, logs := logged(t, &fake{name: "a", open: inTurn(no, no, no, denied, denied, no, failing(nil))})
		r.SetOptional("a")
		mustOpen(t, r)
		logs.want(t, "INFO opening resources", "WARN open failed", "INFO opened resources")
		<-time.After(time.Minute)
		logs.want(t, "WARN open failed", "WARN open failed", "INFO opened")
		if got := logs.last(t, "resource", "op", "attempt", "duration")["attempt"].Int64(); got != 7 {
			t.Errorf("attempt: %v", got)
		}
		mustClose(t, r)
	})
}

func TestTheBackgroundLogsTheWaitBeforeItsNextAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		r, logs := logged(t, &fake{name: "a", open: func(context.Context) error {
			at = append(at, time.Now())
			return []error{errRefused, errDenied}[len(at)%2] // each is a record, since the kind changes
		}})
		r.SetOptional("a")
		mustOpen(t, r)
		<-time.After(time.Minute)
		mustClose(t, r)
		compared := 0
		for _, attrs := range logs.attrs {
			n := attrs["attempt"].Any()
			if attempt, ok := n.(int64); ok && attempt > 1 && attempt < int64(len(at)) {
				compared++
				if waited := at[attempt].Sub(at[attempt-1]); attrs["wait"].Duration() != waited {
					t.Errorf("after attempt %d it waits %v, the record says %v", attempt, waited, attrs["wait"])
				}
			}
		}
		if compared < 5 {
			t.Errorf("%d records were compared", compared)
		}
	})
}

func TestAnOptionalAttemptThatIsCancelledIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, logs := logged(t, &fake{name: "a", open: obey})
		r.SetOptional("a")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_ = r.OpenAll(ctx)
		logs.want(t, "INFO opening resources", "WARN open failed", "INFO resources not opened")
	})
}

func TestStoppingTheBackgroundIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, logs := logged(t, &fake{name: "a", open: inTurn(failing(errRefused), obey)})
		r.SetOptional("a")
		mustOpen(t, r)
		<-time.After(time.Second) // Open waits
		logs.take()
		mustClose(t, r)
		logs.want(t)
	})
}

func TestAnOpenInTheBackgroundThatIgnoresTheEndOfItIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve()
		defer hung.release()
		r, logs := logged(t, &fake{name: "a", open: inTurn(failing(errRefused), hung.wait)})
		r.SetOptional("a")
		mustOpen(t, r)
		<-time.After(time.Second) // Open waits
		logs.take()
		mustClose(t, r)
		logs.want(t, "WARN open failed")
		if kind := logs.last(t, "resource", "op", "attempt", "wait", "kind", "error")["kind"].String(); kind != "hung" {
			t.Errorf("kind: %s", kind)
		}
	})
}

func TestNoRecordShowsTheUserinfoOfAURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leak := errors.New("dial mysql://root:hunter2@db:3306/app: refused")
		r, logs := logged(t, &fake{name: "a", check: failing(leak), close: failing(leak)},
			&fake{name: "b", open: inTurn(failing(nil), failing(leak))})
		mustOpen(t, r)
		r.CheckAll(t.Context())
		synctest.Wait()
		_ = r.CloseAll(t.Context())
		_ = r.OpenAll(t.Context())
		for _, attrs := range logs.attrs {
			for key, value := range attrs {
				if text := value.String(); strings.Contains(text, "hunter") || strings.Contains(text, "root") {
					t.Errorf("%s: %s", key, text)
				}
			}
		}
		if got := logs.attrs[len(logs.attrs)-3]["error"].String(); got != "open b: dial mysql://***@db:3306/app: refused" {
			t.Error(got)
		}
	})
}

func TestALoggerMayUseTheRegistry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, logs := logged(t, &fake{name: "a", check: inTurn(failing(errRefused), failing(nil))}, &fake{name: "b"})
		logs.hook = func(string) {
			r.Names()
			r.Opened()
			r.Check(t.Context(), "b")
			r.Register(&fake{name: "c"})
			r.Unregister("c")
		}
		start := time.Now()
		mustOpen(t, r)
		r.CheckAll(t.Context())
		mustClose(t, r)
		took(t, start, 0)
	})
}

func TestANilLoggerMeansTheDefaultOne(t *testing.T) {
	var text bytes.Buffer
	before := slog.Default()
	defer slog.SetDefault(before)
	r := registry.New()
	r.Register(&fake{name: "a"})
	slog.SetDefault(slog.New(slog.NewTextHandler(&text, nil)))
	mustOpen(t, r)
	mustClose(t, r)
	for _, want := range []string{"order=[a]", "msg=opened resource=a", "msg=closed resource=a"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in the log:\n%s", want, text.String())
		}
	}
}

func TestTheBackgroundStopsForAResourceThatIsUnregistered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, logs := logged(t, &fake{name: "a", open: failing(errRefused)})
		r.SetOptional("a")
		mustOpen(t, r)
		if !r.Unregister("a") {
			t.Error("it is not removed")
		}
		logs.take()
		<-time.After(time.Hour)
		logs.want(t)
		mustClose(t, r)
	})
}

func TestALoggerThatEndsItsGoroutineHidesNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, logs := logged(t, &fake{name: "a", open: failing(errDenied)}, &fake{name: "b"})
		logs.hook = func(string) { runtime.Goexit() }
		wantErrors(t, r.OpenAll(t.Context()), "open a: auth: access denied")
		r.SetOptional("a")
		mustOpen(t, r)
		mustClose(t, r)
	})
}
