package registry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry"
)

func TestOpenAllCallsEveryConfigureBeforeTheFirstOpen(t *testing.T) {
	var calls journal
	r := quiet(&fake{name: "a", calls: &calls}, &fake{name: "b", calls: &calls})
	mustOpen(t, r)
	calls.want(t, "configure a", "configure b", "open a", "open b")
	mustClose(t, r)
}

func TestOpenAllShowsEveryMistakeInTheConfigurationAtOnce(t *testing.T) {
	var calls journal
	mistakes := func(err ...error) func() error { return func() error { return errors.Join(err...) } }
	r := quiet(
		&fake{name: "mysql", calls: &calls, configure: mistakes(
			errors.New("MYSQL_HOST: is not set"), errors.New("MYSQL_PORT: is not a number"))},
		&fake{name: "redis", calls: &calls},
		&fake{name: "mongo", calls: &calls, configure: mistakes(errors.New("MONGO_URI: is not set"))})
	r.SetOptional("radis")
	err := r.OpenAll(t.Context())
	wantErrors(t, err,
		"open radis: config: SetOptional names a resource that is not registered (registered: mysql, redis, mongo; forgotten import?)",
		"configure mysql: config: MYSQL_HOST: is not set; MYSQL_PORT: is not a number",
		"configure mongo: config: MONGO_URI: is not set")
	wantKind(t, err, registry.KindConfig)
	calls.want(t, "configure mysql", "configure redis", "configure mongo")
}

func TestAnErrorOfConfigureIsKindConfigUnlessItIsClassified(t *testing.T) {
	for _, test := range []struct {
		err  error
		want registry.Kind
	}{
		{errors.New("MYSQL_HOST is not set"), registry.KindConfig},
		{fmt.Errorf("MYSQL_TLS_CA_FILE: %w", io.ErrUnexpectedEOF), registry.KindConfig}, // no server is unreachable
		{context.DeadlineExceeded, registry.KindConfig},
		{registry.Classify(registry.KindUnknown, errLost), registry.KindConfig},
		{registry.Classify(registry.KindTLS, errors.New("the key does not fit")), registry.KindTLS},
		{fmt.Errorf("secrets: %w", errDenied), registry.KindAuth},
	} {
		r := quiet(&fake{name: "a", configure: func() error { return test.err }})
		err := r.OpenAll(t.Context())
		wantKind(t, err, test.want)
		if !errors.Is(err, test.err) {
			t.Errorf("%v does not wrap %v", err, test.err)
		}
	}
}

func TestAnOptionalResourceWithBadConfigurationFailsOpenAll(t *testing.T) {
	var calls journal
	bad := func() error { return errors.New("B_HOST is not set") }
	r := quiet(&fake{name: "a", calls: &calls}, &fake{name: "b", calls: &calls, configure: bad})
	r.SetOptional("b")
	wantKind(t, r.OpenAll(t.Context()), registry.KindConfig)
	calls.want(t, "configure a", "configure b")
}

func TestConfigureIsNeverCalledOnAnOpenResource(t *testing.T) {
	var calls journal
	r := opened(t, &fake{name: "a", calls: &calls})
	calls.take()
	r.Register(&fake{name: "b", calls: &calls, configure: func() error { return errLost }})
	if err := r.OpenAll(t.Context()); err == nil {
		t.Error("OpenAll is nil")
	}
	calls.want(t, "configure b")
	r.Unregister("b")
	mustClose(t, r)
	calls.want(t, "close a")
	mustOpen(t, r)
	calls.want(t, "configure a", "open a")
	mustClose(t, r)
}

type unconfigured struct{ registry.Resource }

func TestAResourceNeedNotHaveAConfigure(t *testing.T) {
	var calls journal
	r := quiet()
	r.Register(unconfigured{&fake{name: "a", calls: &calls}})
	mustOpen(t, r)
	mustClose(t, r)
	calls.want(t, "open a", "close a")
}

func TestAConfigureThatHangsIsAbandonedAndNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve()
		r := quiet(&fake{name: "a", configure: func() error { return hung.wait(t.Context()) }})
		start := time.Now()
		wantErrors(t, r.OpenAll(t.Context()), "configure a: hung: abandoned after 30.1s: context deadline exceeded")
		took(t, start, 30*time.Second+100*time.Millisecond)

		start = time.Now()
		wantErrors(t, r.OpenAll(t.Context()), "open a: hung: an earlier call of this resource has not returned yet")
		took(t, start, 0)
		if r.Unregister("a") {
			t.Error("Unregister is true while Configure runs")
		}
		hung.release()
		synctest.Wait()
		mustOpen(t, r)
		mustClose(t, r)
	})
}

func TestAnOptionalConfigureThatHangsIsLeftToTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve() // a file on a disk that does not answer
		r := quiet(&fake{name: "a", configure: func() error { return hung.wait(t.Context()) }}, &fake{name: "b"})
		r.SetOptional("a")
		start := time.Now()
		mustOpen(t, r)
		took(t, start, 5*time.Second+100*time.Millisecond)
		wantKind(t, r.Check(t.Context(), "a").Err, registry.KindNotOpen)
		hung.release()
		<-time.After(10 * time.Second)
		if err := r.Check(t.Context(), "a").Err; err != nil {
			t.Error(err)
		}
		mustClose(t, r)
	})
}

func TestCancellingOpenAllEndsAConfigureThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve()
		defer hung.release()
		r := quiet(&fake{name: "a", configure: func() error { return hung.wait(t.Context()) }})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		wantKind(t, r.OpenAll(ctx), registry.KindHung)
		took(t, start, time.Second+100*time.Millisecond)
	})
}
