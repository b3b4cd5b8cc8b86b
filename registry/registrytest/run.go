package registrytest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/vibework/mooring/registry"
)

// Target is a kind of resource to be tested, and where its server is.
//
// The resources should have the time-outs that they have in production: a short one of their own
// hides that they do not obey a context.
type Target struct {
	// New returns, within a minute, a resource that is not open and whose server is up. It may start
	// that server and call t.Cleanup, and is called many times, on goroutines that are not the test's
	// own. Required.
	New func(t *testing.T) registry.Resource

	// At returns the same kind of resource for the server at addr, a host:port. It must do nothing
	// but construct it. Without At, Run leaves out the rules about what networks and servers do.
	At func(t *testing.T, addr string) registry.Resource

	// Addr is the host:port of a server that resources of At can use. Required with At.
	Addr string

	// Secret is a password that the resources use. Run looks for any four of its characters in a
	// row, so it must not resemble a word or a hexadecimal number: "ZQXVKJWPYR" is a good one. At
	// least 8 characters; without it Run leaves out the rule about secrets.
	Secret string
}

// Run tests that a resource keeps the contract of [registry.Resource]: one subtest for each rule,
// each with a resource of its own. The rules are listed in the package comment. Run it with -race.
//
// A call that does not return, or that panics, fails the rule and not the whole test. So does one of New or At.
func Run(t *testing.T, target Target) {
	t.Helper()
	if err := target.validate(); err != nil {
		t.Fatal(err)
	}
	if target.At == nil {
		t.Log("registrytest: without Target.At the rules about networks are left out")
	}
	s := &suite{target, usual, newJournal(target.Secret)}
	s.warmUp(t)
	for _, r := range rules {
		if !r.needs.in(target) {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			t.Helper()
			if err := s.verdict(t, r); err != nil {
				t.Errorf("%v\n\nwhy it matters: %s", err, r.reason)
			}
		})
	}
}

// shortestSecret is what makes it unlikely that a part of a secret turns up by chance.
const shortestSecret = 8

func (t Target) validate() error {
	switch {
	case t.New == nil:
		return errors.New("registrytest: Target.New is nil")
	case (t.At == nil) != (t.Addr == ""):
		return errors.New("registrytest: Target has At without Addr, or Addr without At")
	case t.Secret != "" && len(t.Secret) < shortestSecret:
		return errors.New("registrytest: Target.Secret has less than 8 characters")
	}
	return nil
}

// suite is one Run.
type suite struct {
	Target
	limits
	journal *journal
}

// limits are how long the suite waits. What should happen at once gets so long that a busy machine
// does not matter: a resource that breaks a rule mostly does it for seconds, or for ever.
type limits struct {
	brief  time.Duration // the life of a context that is going to end during a call
	slack  time.Duration // until a call counts as stuck when its context is done
	long   time.Duration // the life of a context that is not going to end
	settle time.Duration // until what a call leaves behind must be gone
	heal   time.Duration // until a client must have found its server again
	start  time.Duration // until New must have returned, which may start a server
}

var usual = limits{
	brief:  300 * time.Millisecond,
	slack:  2 * time.Second,
	long:   10 * time.Second,
	settle: 5 * time.Second,
	heal:   15 * time.Second,
	start:  time.Minute,
}

// warmUp opens and closes a resource once: what its driver starts once for the whole process must
// not be taken for something that a later Open or Close has left behind. A New that fails now is not waited
// for long by every rule.
func (s *suite) warmUp(t *testing.T) {
	trial := s.begin(t)
	defer trial.end()
	x := trial.fresh()
	if trial.breached() != nil {
		s.start = s.brief
	}
	_ = x.open(trial.within(s.long))
	_ = x.close(trial.within(s.long))
}

// verdict examines a rule and returns how it was broken, or nil.
func (s *suite) verdict(t *testing.T, r rule) error {
	trial := s.begin(t)
	defer trial.end()
	err := r.try(trial)
	if breach := trial.breached(); breach != nil && !errors.Is(err, breach) {
		err = errors.Join(breach, err)
	}
	if err == nil {
		return nil
	}
	return errors.New(s.journal.mask(fmt.Sprint(err)))
}
