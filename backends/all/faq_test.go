package all_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// blocks returns what stands in a document between ``` and a language, and ```.
func blocks(t *testing.T, file, language string) (texts []string) {
	t.Helper()
	block := regexp.MustCompile("(?s)\n```" + language + "\n(.*?)```\n")
	for _, m := range block.FindAllStringSubmatch(read(t, root+file), -1) {
		texts = append(texts, m[1])
	}
	if len(texts) == 0 {
		t.Fatalf("%s has no %s", file, language)
	}
	return texts
}

func TestTheAnswersToQuestionsCompile(t *testing.T) {
	var source strings.Builder
	source.WriteString(`package main

import (
	"context"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest"
	"github.com/vibework/mooring/registry/worker"
)

func main() {}
`)
	for _, text := range blocks(t, "docs/faq.md", "go") {
		fmt.Fprintf(&source, "\nfunc _(ctx context.Context, t *testing.T, r *registry.Registry) {\n%s}\n", text)
	}
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(source.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", "vet", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s%s", err, out, source.String())
	}
}

// A command of make is not run, but has to be one; what exits with something else than 0 says so behind a #.
func TestTheAnswersToQuestionsRun(t *testing.T) {
	folder := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", folder, "./cmd/mooring")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	status := regexp.MustCompile(`# exits with (\d)`)
	for _, block := range blocks(t, "docs/faq.md", "sh") {
		for line := range strings.Lines(block) {
			cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(line, "make ", "make -n ", 1))
			cmd.Dir = root
			cmd.Env = []string{"PATH=" + folder + ":" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
			want := 0
			if m := status.FindStringSubmatch(line); m != nil {
				want, _ = strconv.Atoi(m[1])
			}
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			if got := cmd.ProcessState.ExitCode(); got != want {
				t.Errorf("%sexits with %d, want %d:\n%s", line, got, want, out)
			}
		}
	}
}
