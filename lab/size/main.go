// Command size measures how much code there is, and what a program inherits from Mooring: for the registry alone, for
// each backend and for all of them it builds a small program in a module of its own. It prints Markdown tables.
//
//	go run ./size -lines ..       print how many lines of code there are, and how many there may be
//	go run ./size ..              print what a program inherits
//	go run ./size -update ..      write that into ../README.md, between the marks of "size"
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/vibework/mooring/internal/backends"
)

// packages are what the programs import besides the registry, in the order of the table.
func packages() []string {
	names := []string{""}
	for _, b := range backends.Table {
		names = append(names, b.Name)
	}
	return append(names, "all")
}

func main() {
	update := flag.Bool("update", false, "write the table into the README")
	onlyLines := flag.Bool("lines", false, "count lines of code, and build nothing")
	flag.Parse()
	var err error
	if *onlyLines {
		err = printLines(os.Stdout, flag.Arg(0))
	} else {
		err = run(context.Background(), flag.Arg(0), *update)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "size:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, root string, update bool) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	var table strings.Builder
	table.WriteString("| a program with | binary | modules in it | lines in go.mod | init |\n")
	table.WriteString("| --- | --- | --- | --- | --- |\n")
	for _, name := range packages() {
		m, err := measure(ctx, root, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		label := "the registry alone"
		if name != "" {
			label = "`backends/" + name + "`"
		}
		fmt.Fprintf(&table, "| %s | %.1f MB | %d | %d | %.1f ms |\n",
			label, float64(m.bytes)/1e6, m.modules, m.requires, m.init)
	}
	if !update {
		fmt.Print(table.String())
		return nil
	}
	return write(filepath.Join(root, "README.md"), table.String())
}

// write puts the table between the marks in file.
func write(file, table string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	const begin, end = "<!-- size -->\n", "<!-- /size -->"
	head, rest, ok := strings.Cut(string(text), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return errors.New("the marks are gone")
	}
	return os.WriteFile(file, []byte(head+begin+table+end+tail), 0o644)
}

// command runs a Go command in dir and returns what it prints.
func command(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}
