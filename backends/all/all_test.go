package all_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vibework/mooring/internal/backends"
	"github.com/vibework/mooring/registry"
)

// The guards of the table come first, so that what is missing is the first thing that is said.

func TestTheTableIsWhatRegistersItself(t *testing.T) {
	registered := registry.Names()
	for _, name := range registered {
		if _, found := backends.Find(name); !found {
			t.Errorf("%s registers itself and is not in the table: add a row to internal/backends/table.go", name)
		}
	}
	for _, b := range backends.Table {
		if !slices.Contains(registered, b.Name) {
			t.Errorf("%s is in the table and does not register itself: import it in backends/all/all.go", b.Name)
		}
	}
}

func TestEveryBackendOfTheTableHasAllThatBelongsToOne(t *testing.T) {
	documents := []string{root + "docs/configuration.md", root + ".env.example"}
	for _, b := range backends.Table {
		if b.Title == "" || b.Driver == "" || len(b.Accessors) == 0 {
			t.Errorf("%s has an incomplete row in internal/backends/table.go", b.Name)
		}
		for _, document := range documents {
			if text := read(t, document); !strings.Contains(text, b.Describe(b.Name)[0].Name) {
				t.Errorf("%s has no docs in %s: run make docs", b.Name, strings.TrimPrefix(document, root))
			}
		}
		if w := worlds[b.Name]; w.start == nil || len(w.outcomes) == 0 || len(w.shapes) == 0 {
			t.Errorf("%s has no canary world: add it to backends/all/canary_world_test.go", b.Name)
		}
		const call = "registrytest.Run(t, registrytest.Target{"
		if text, _ := os.ReadFile("../" + b.Name + "/contract_test.go"); !strings.Contains(string(text), call) {
			t.Errorf("%s has no contract: call registrytest.Run in backends/%s/contract_test.go", b.Name, b.Name)
		}
	}
	for name := range worlds {
		if _, found := backends.Find(name); !found {
			t.Errorf("%s has a canary world and is not in the table", name)
		}
	}
}
