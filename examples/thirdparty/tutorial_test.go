package nats_test

import (
	"os"
	"strings"
	"testing"
)

func TestTheWholeBackendIsUnder170LinesOfCode(t *testing.T) {
	lines := 0
	for line := range strings.Lines(backend(t)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			lines++
		}
	}
	if lines >= 170 {
		t.Errorf("the backend has %d lines of code", lines)
	}
}

func TestTheTutorialShowsTheCodeAsItIs(t *testing.T) {
	_, tutorial, found := strings.Cut(read(t, "../../CONTRIBUTING.md"), "\n## Adding a backend\n")
	if !found {
		t.Fatal("CONTRIBUTING.md does not say how to add a backend")
	}
	tutorial, _, _ = strings.Cut(tutorial, "\n## ")
	code := backend(t) + read(t, "contract_test.go")
	blocks := strings.Split(tutorial, "```go\n")[1:]
	if len(blocks) < 5 {
		t.Errorf("the tutorial has %d excerpts", len(blocks))
	}
	for _, block := range blocks {
		excerpt, _, _ := strings.Cut(block, "```")
		if !strings.Contains(code, excerpt) {
			t.Errorf("this is in CONTRIBUTING.md, and in the code no longer:\n%s", excerpt)
		}
	}
}

// backend returns the code of all its files.
func backend(t *testing.T) (code string) {
	t.Helper()
	for _, file := range []string{"nats.go", "config.go", "client.go", "errors.go"} {
		code += read(t, file)
	}
	return code
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
