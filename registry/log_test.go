package registry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry"
)

// logbook is a handler that lists the records.
type logbook struct {
	journal

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

func TestOneRecordForTheOrderAndOneForEachOpenAndClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, logs := logged(t, &fake{name: "a", open: after(time.Second, nil), close: after(time.Second, nil)}, &fake{name: "b"})
		r.SetOrder("b")
		mustOpen(t, r)
		logs.want(t, "INFO opening resources", "INFO opened", "INFO opened")
		attrs := logs.last(t, "resource", "op", "attempt", "duration")
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
		for i, line := range logs.take()[1:] {
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
	logs.want(t, "INFO opening resources", "WARN open failed")
	if wait := logs.last(t, "resource", "op", "attempt", "wait", "kind", "error")["wait"]; wait.Duration() != 0 {
		t.Errorf("wait: %v", wait)
	}
}

func TestAFailureThatCannotBeRetriedInTimeHasNoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, logs := logged(t, &fake{name: "a", open: obey})
		_ = r.OpenAll(t.Context())
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

func TestOneRecordWhenTheHealthOfAResourceChanges(t *testing.T) {
	full := registry.Classify(registry.KindDegraded, errors.New("20 of 20 connections are in use"))
	check := inTurn(failing(nil), failing(errRefused), failing(errDenied), failing(full), failing(full), failing(nil), failing(nil))
	r, logs := logged(t, &fake{name: "a", check: check})
	mustOpen(t, r)
	logs.take()
	for _, want := range [][]string{
		nil, {"WARN unhealthy"}, nil, {"WARN unhealthy"}, nil, {"INFO healthy again"}, nil,
	} {
		r.CheckAll(t.Context())
		logs.want(t, want...)
	}
	logs.last(t, "resource", "op", "duration")
	mustClose(t, r)
}

func TestTheBackgroundIsLoggedWhenTheKindOfItsFailureChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		no, denied := failing(errRefused), failing(errDenied)
		r, logs := logged(t, &fake{name: "a", open: inTurn(no, no, no, denied, denied, no, failing(nil))})
		r.SetOptional("a")
		mustOpen(t, r)
		logs.want(t, "INFO opening resources", "WARN open failed")
		<-time.After(time.Minute)
		logs.want(t, "WARN open failed", "WARN open failed", "INFO opened")
		if got := logs.last(t, "resource", "op", "attempt", "duration")["attempt"].Int64(); got != 7 {
			t.Errorf("attempt: %v", got)
		}
		mustClose(t, r)
	})
}

func TestAnOptionalAttemptThatIsCancelledIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, logs := logged(t, &fake{name: "a", open: obey})
		r.SetOptional("a")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_ = r.OpenAll(ctx)
		logs.want(t, "INFO opening resources", "WARN open failed")
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
	leak := errors.New("dial mysql://root:hunter2@db:3306/app: refused")
	r, logs := logged(t, &fake{name: "a", check: failing(leak), close: failing(leak)},
		&fake{name: "b", open: inTurn(failing(nil), failing(leak))})
	mustOpen(t, r)
	r.CheckAll(t.Context())
	_ = r.CloseAll(t.Context())
	_ = r.OpenAll(t.Context())
	for _, attrs := range logs.attrs {
		for key, value := range attrs {
			if text := value.String(); strings.Contains(text, "hunter") || strings.Contains(text, "root") {
				t.Errorf("%s: %s", key, text)
			}
		}
	}
	if got := logs.attrs[len(logs.attrs)-2]["error"].String(); got != "open b: dial mysql://***@db:3306/app: refused" {
		t.Error(got)
	}
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
