package command

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry"
)

func TestAStepTakesNoLongerThanItMay(t *testing.T) {
	for name, test := range map[string]struct {
		open func(release <-chan struct{}) func(context.Context) error
		want registry.Kind
	}{
		"it obeys": {func(<-chan struct{}) func(context.Context) error { return silent }, registry.KindTimeout},
		"it hangs": {func(release <-chan struct{}) func(context.Context) error {
			return func(context.Context) error {
				<-release
				return nil
			}
		}, registry.KindHung},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				rep := reportOn("fake", test.open(release))
				start := time.Now()
				rep.examine(t.Context(), 0, &progress{})
				took := time.Since(start)
				s := rep.Findings[0].last()
				if s.Name != authenticate || s.Kind != test.want || rep.exit() != statusUnwell {
					t.Errorf("got %+v", s)
				}
				if took < stepTimeout || took > stepTimeout+time.Second {
					t.Errorf("it took %v", took)
				}
				close(release)
				synctest.Wait()
			})
		})
	}
}

func TestAPanicIsAFinding(t *testing.T) {
	rep := reportOn("fake", func(context.Context) error { panic("ouch") })
	rep.examine(t.Context(), 0, &progress{})
	if s := rep.Findings[0].last(); s.Kind != registry.KindPanic || s.Advice != advice[registry.KindPanic] {
		t.Errorf("got %+v", s)
	}
}

func TestOneExaminationIsOneAttempt(t *testing.T) {
	attempts := 0
	rep := reportOn("fake", func(context.Context) error {
		attempts++
		return registry.Classify(registry.KindUnreachable, errors.New("connection refused"))
	})
	rep.examine(t.Context(), 0, &progress{})
	s := rep.Findings[0].last()
	if attempts != 1 || s.Kind != registry.KindUnreachable || s.Error != "connection refused" {
		t.Errorf("%d attempts: %+v", attempts, s)
	}
}

func TestEveryKindThatCanOccurHasAnAdvice(t *testing.T) {
	for _, kind := range []registry.Kind{
		registry.KindConfig, registry.KindAuth, registry.KindPermission, registry.KindTLS, registry.KindUnreachable,
		registry.KindTimeout, registry.KindHung, registry.KindExhausted, registry.KindLoading, registry.KindCanceled,
		registry.KindDegraded, registry.KindReadOnly, registry.KindPanic, registry.KindUnknown,
	} {
		if advice[kind] == "" {
			t.Errorf("%s has none", kind)
		}
	}
	if adviceFor("MySQL", step{Kind: "new"}) == "" {
		t.Error("a kind that is not known has none")
	}
}

func TestAdviceFitsTheStepAndTheText(t *testing.T) {
	const port = "something listens there: is this port the one of a MySQL server? Do both sides speak TLS, or neither? " +
		"Then look into the log of the server, at this time"
	for _, test := range []struct {
		step step
		want string
	}{
		{step{Name: configure, Kind: registry.KindConfig}, adviceOnNames},
		{step{Name: authenticate, Kind: registry.KindConfig}, advice[registry.KindConfig]},
		{step{Name: connect, Kind: registry.KindTimeout}, advice[registry.KindTimeout]},
		{step{Name: authenticate, Kind: registry.KindTimeout}, port},
		{step{Name: authenticate, Kind: registry.KindTimeout, Error: "in the TLS handshake"}, advice[registry.KindTLS]},
		{step{Name: authenticate, Kind: registry.KindUnreachable, Error: "the connection broke"}, port},
		{step{Name: authenticate, Kind: registry.KindUnreachable, Error: "no such host"}, advice[registry.KindUnreachable]},
		{step{Name: authenticate, Kind: registry.KindUnknown}, port},
		{step{Name: authenticate, Kind: registry.KindAuth}, advice[registry.KindAuth]},
		{step{Name: check, Kind: registry.KindUnknown}, advice[registry.KindUnknown]},
	} {
		if got := adviceFor("MySQL", test.step); got != test.want {
			t.Errorf("%+v: got %s", test.step, got)
		}
	}
}
