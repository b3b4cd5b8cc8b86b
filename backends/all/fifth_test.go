package all_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// fifthBackend is as little as registers itself.
const fifthBackend = `// Package fifth is a backend that somebody has begun.
package fifth

import (
	"context"

	"github.com/vibework/mooring/registry"
)

const Name = "fifth"

type (
	Resource struct{ name string }
	Config   struct {
		Host string ` + "`env:\"HOST\" doc:\"name of the server\"`" + `
	}
	Option func(*Resource)
)

func init() { registry.Register(New(Name)) }

func New(name string, _ ...Option) *Resource { return &Resource{name} }

func WithConfig(Config) Option { return func(*Resource) {} }

func (r *Resource) Name() string                { return r.name }
func (r *Resource) Configure() error            { return nil }
func (r *Resource) Open(context.Context) error  { return nil }
func (r *Resource) Check(context.Context) error { return nil }
func (r *Resource) Close(context.Context) error { return nil }
`

const fifthRow = `	row(Backend{Name: fifth.Name, Title: "Fifth", Driver: "none", Accessors: []string{"None"}},
		fifth.New, fifth.WithConfig),
}`

func TestAFifthBackendThatLacksSomethingFailsByItsName(t *testing.T) {
	t.Parallel()
	tree := copyOfTheTree(t)
	const importLine = `import (
	_ "github.com/vibework/mooring/backends/fifth"`
	replace(t, tree+"/backends/all/all.go", "import (", importLine)
	if err := os.Mkdir(tree+"/backends/fifth", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tree+"/backends/fifth/fifth.go", []byte(fifthBackend), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := complaints(t, tree); len(got) == 0 || !strings.Contains(got[0], "fifth registers itself and is not in the table") {
		t.Errorf("missing in the table, it fails with %q", got)
	}

	table := tree + "/internal/backends/table.go"
	replace(t, table, "import (", strings.Replace(importLine, "_ ", "", 1))
	replace(t, table, "\n}\n\n// Find", "\n"+fifthRow+"\n\n// Find")
	got := complaints(t, tree)
	for n, lacking := range []string{"docs in docs/configuration.md", "docs in .env.example", "canary world", "contract"} {
		if n >= len(got) || !strings.Contains(got[n], "fifth has no "+lacking) {
			t.Errorf("without %s, complaint %d of %q does not say so", lacking, n, got)
		}
	}
}

// complaints returns what the tests of backends/all in a copy of the tree say up to the first one that fails.
func complaints(t *testing.T, tree string) (lines []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "test", "-vet=off", "-failfast", "./backends/all")
	cmd.Dir, cmd.Env = tree, append(os.Environ(), "GOWORK=off") // go.work speaks of modules that are not copied
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("nothing fails:\n%s", out)
	}
	if first, _, _ := strings.Cut(string(out), "\n"); !strings.HasPrefix(first, "--- FAIL: ") {
		t.Fatalf("it does not begin with what fails:\n%s", out)
	}
	for _, match := range regexp.MustCompile(`(?m)^    \w+_test\.go:\d+: (.*)$`).FindAllStringSubmatch(string(out), -1) {
		lines = append(lines, match[1])
	}
	return lines
}

// copyOfTheTree copies what the tests of backends/all are built of.
func copyOfTheTree(t *testing.T) (root string) {
	t.Helper()
	root = t.TempDir()
	for _, folder := range []string{"backends", "docs", "internal", "registry"} {
		if err := os.CopyFS(filepath.Join(root, folder), os.DirFS("../../"+folder)); err != nil {
			t.Fatal(err)
		}
	}
	files, err := fs.Glob(os.DirFS("../.."), "*.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, ".env.example") {
		if info, err := os.Stat("../../" + file); err != nil || !info.Mode().IsRegular() {
			continue
		}
		if err := os.WriteFile(filepath.Join(root, file), []byte(read(t, "../../"+file)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// replace replaces the one place of a file where old stands.
func replace(t *testing.T, file, old, replacement string) {
	t.Helper()
	text := read(t, file)
	if n := strings.Count(text, old); n != 1 {
		t.Fatalf("%s has %q %d times", file, old, n)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(text, old, replacement, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}
