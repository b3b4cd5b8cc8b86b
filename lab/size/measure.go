package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// measured is what one program inherits.
type measured struct {
	bytes    int64   // of the stripped binary
	modules  int     // linked into it, Mooring among them
	requires int     // lines of go.mod that name a module
	init     float64 // milliseconds that the initialization of packages takes: the median of some runs
}

const program = `package main

import (
	"context"
	"os"

	"github.com/vibework/mooring/registry"
%s)

func main() {
	if len(os.Args) > 1 {
		_ = registry.OpenAll(context.Background())
		_ = registry.CheckAll(context.Background())
		_ = registry.CloseAll(context.Background())
	}
}
`

// measure builds the program that imports one backend, in a module of its own beside a copy of nothing else.
func measure(ctx context.Context, root, name string) (m measured, err error) {
	dir, err := os.MkdirTemp("", "mooring-size-")
	if err != nil {
		return m, err
	}
	defer os.RemoveAll(dir)
	imports := ""
	if name != "" {
		imports = fmt.Sprintf("\t_ %q\n", "github.com/vibework/mooring/backends/"+name)
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		return m, err
	}
	mod := "module size\n\ngo 1.26.0\n\nrequire github.com/vibework/mooring v0.0.0\n\n" +
		"replace github.com/vibework/mooring => " + root + "\n"
	for file, text := range map[string]string{
		"main.go": fmt.Sprintf(program, imports), "go.mod": mod, "go.sum": string(sums),
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			return m, err
		}
	}
	for _, args := range [][]string{{"mod", "tidy"}, {"build", "-trimpath", "-ldflags=-s -w", "-o", "size"}} {
		if _, err := command(ctx, dir, args...); err != nil {
			return m, err
		}
	}
	binary := filepath.Join(dir, "size")
	info, err := os.Stat(binary)
	if err != nil {
		return m, err
	}
	version, err := command(ctx, dir, "version", "-m", binary)
	if err != nil {
		return m, err
	}
	list, err := command(ctx, dir, "mod", "edit", "-print")
	if err != nil {
		return m, err
	}
	m.bytes = info.Size()
	m.modules = strings.Count(version, "\n\tdep\t")
	m.requires = len(regexp.MustCompile(`(?m)^(\t|require )\S+ v`).FindAllString(list, -1))
	m.init, err = initTime(ctx, binary)
	return m, err
}

// initTime adds up what the runtime reports for each package, and takes the median of 15 runs.
func initTime(ctx context.Context, binary string) (float64, error) {
	clock := regexp.MustCompile(`(?m)^init \S+ @\S+ ms, (\S+) ms clock`)
	var times []float64
	for range 15 {
		cmd := exec.CommandContext(ctx, binary)
		cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
		trace, err := cmd.CombinedOutput()
		if err != nil {
			return 0, err
		}
		total := 0.0
		for _, match := range clock.FindAllStringSubmatch(string(trace), -1) {
			ms, err := strconv.ParseFloat(match[1], 64)
			if err != nil {
				return 0, err
			}
			total += ms
		}
		times = append(times, total)
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}
