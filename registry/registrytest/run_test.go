package registrytest_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest"
)

// inChild is set in the processes that runChild starts. The tests whose names begin with TestChild fail there,
// and do nothing elsewhere.
const inChild = "REGISTRYTEST_CHILD"

func wantIn(t *testing.T, out string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
}

func runChild(t *testing.T, test string) (output string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^"+test+"$")
	cmd.Env = append(os.Environ(), inChild+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Error("the child passes")
	}
	return string(out)
}

func TestRunSaysHowAndWhyARuleIsBroken(t *testing.T) {
	out := runChild(t, "TestChildWithABrokenResource")
	wantIn(t, out,
		"--- FAIL: TestChildWithABrokenResource/check_before_open_is_ErrNotOpen",
		"from Check: user:*****...: not ready, want registry.ErrNotOpen or an error that wraps it",
		"why it matters: errors.Is(err, ErrNotOpen) tells what was never opened from what is broken",
		"--- FAIL: TestChildWithABrokenResource/close_before_open_is_nil",
		"Close panicked: nothing to close",
		"--- FAIL: TestChildWithABrokenResource/nothing_shows_the_secret",
		"the error of Check shows it as %v: user:*****...: not ready",
		"--- PASS: TestChildWithABrokenResource/check_after_close_is_ErrNotOpen",
		"without Target.At the rules about networks are left out",
	)
	if n := strings.Count(out, "--- FAIL"); n != 4 {
		t.Errorf("%d tests failed, want three rules and their parent", n)
	}
	if strings.Contains(out, password[:4]) {
		t.Error("the output shows the secret")
	}
	if t.Failed() {
		t.Log(out)
	}
}

func TestChildWithABrokenResource(t *testing.T) {
	if os.Getenv(inChild) == "" {
		return
	}
	target := targetOf(t, func(_ *testing.T, f *fake) registry.Resource {
		var opened atomic.Bool
		return &flawed{fake: f, open: opens(f, &opened), check: func(ctx context.Context) error {
			if !opened.Load() {
				return fmt.Errorf("user:%s...: not ready", password[:5])
			}
			return f.Check(ctx)
		}, close: func(ctx context.Context) error {
			if !opened.Load() {
				panic("nothing to close")
			}
			return f.Close(ctx)
		}}
	})
	target.At, target.Addr = nil, ""
	registrytest.Run(t, target)
}

func TestANewThatFailsTheTestFailsEveryRuleAndOneThatSkipsItIsHeard(t *testing.T) {
	out := runChild(t, "TestChildWithoutAResource")
	wantIn(t, out,
		"no server today",
		"--- FAIL: TestChildWithoutAResource/fatal/the_name_is_valid_and_constant",
		"--- FAIL: TestChildWithoutAResource/fatal/close_leaves_nothing_behind",
		"New ended its goroutine instead of returning",
		"--- SKIP: TestChildWithoutAResource/skip",
		"no server here",
	)
}

func TestChildWithoutAResource(t *testing.T) {
	if os.Getenv(inChild) == "" {
		return
	}
	for name, give := range map[string]func(*testing.T){
		"fatal": func(t *testing.T) { t.Fatal("no server today") },
		"skip":  func(t *testing.T) { t.Skip("no server here") },
	} {
		t.Run(name, func(t *testing.T) {
			registrytest.Run(t, registrytest.Target{New: func(t *testing.T) registry.Resource {
				give(t)
				return nil
			}})
		})
	}
}

func TestRunRefusesATargetThatIsNotComplete(t *testing.T) {
	out := runChild(t, "TestChildWithIncompleteTargets")
	wantIn(t, out,
		"registrytest: Target.New is nil",
		"registrytest: Target has At without Addr, or Addr without At",
		"registrytest: Target.Secret has less than 8 characters",
	)
}

func TestChildWithIncompleteTargets(t *testing.T) {
	if os.Getenv(inChild) == "" {
		return
	}
	lit := func(*testing.T) registry.Resource { return new(lamp) }
	for name, target := range map[string]registrytest.Target{
		"nothing":      {},
		"half":         {New: lit, Addr: "127.0.0.1:1"},
		"short secret": {New: lit, Secret: "ZQXVKJW"},
	} {
		t.Run(name, func(t *testing.T) { registrytest.Run(t, target) })
	}
}
