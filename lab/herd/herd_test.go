package main

import (
	"os"
	"testing"
	"time"

	"github.com/vibework/mooring/registry"
)

func TestMain(m *testing.M) {
	beProgram()
	beService()
	os.Exit(m.Run())
}

// TestAPoolOfTheSizingRuleFailsNothing holds the README's rule, and what happens without it, on a server with 10
// connections and an eleventh for its administrator.
func TestAPoolOfTheSizingRuleFailsNothing(t *testing.T) {
	h, err := newHerd(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.stop)
	for _, test := range []struct {
		scene
		opened int
		fails  bool // statements do
	}{
		{scene: scene{programs: 5, pool: 1, workers: 4}, opened: 5},
		{scene: scene{programs: 4, pool: 6, workers: 6}, opened: 4, fails: true},
		{scene: scene{programs: 12, pool: 1, workers: 1, openTimeout: 3 * time.Second}, opened: 10},
	} {
		test.connections, test.work = 10, 500*time.Millisecond
		members, err := h.play(t.Context(), test.scene)
		if err != nil {
			t.Fatal(err)
		}
		opened, done, failed := 0, 0, 0
		for _, m := range members {
			if m.Kind == "" {
				opened++
			} else if m.Kind != registry.KindExhausted {
				t.Errorf("%v: a program fails with %s: %s", test.scene, m.Kind, m.Why)
			}
			done += m.Done
			failed += m.Failed[registry.KindExhausted]
			for kind := range m.Failed {
				if kind != registry.KindExhausted {
					t.Errorf("%v: statements fail with %s", test.scene, kind)
				}
			}
		}
		if opened != test.opened || done == 0 || (failed > 0) != test.fails {
			t.Errorf("%v: %d have opened, %d statements were done and %d failed", test.scene, opened, done, failed)
		}
	}
}

// TestASilentOptionalBackendMakesNobodyUnready has the kubelet's timeout of a second, which is less than a check takes.
func TestASilentOptionalBackendMakesNobodyUnready(t *testing.T) {
	services, err := silence(t.Context(), 50, 4)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range services {
		if w.unready {
			t.Errorf("service %d is unready: %s; its slowest answer took %v", i, w.last, w.slowest)
		}
	}
}
