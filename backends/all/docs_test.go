package all_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/internal/backends"
)

var update = flag.Bool("update", false, "write the documentation instead of comparing it")

// allVariables are those of the default instances, in the order of the table.
func allVariables() (all []config.Var) {
	for _, b := range backends.Table {
		all = append(all, b.Describe(b.Name)...)
	}
	return all
}

func TestDocumentationOfTheVariablesIsUpToDate(t *testing.T) {
	const readme = "../../README.md"
	text := read(t, readme)
	compare(t, readme, text, between(t, text, "variables", table()))
	compare(t, "../../.env.example", read(t, "../../.env.example"), dotEnv())
}

func TestDocumentationShowsTheExampleProgram(t *testing.T) {
	const readme = "../../README.md"
	program := program(t)
	if lines := strings.Count(program, "\n"); lines > 25 {
		t.Errorf("the program has %d lines, more than 25", lines)
	}
	text := read(t, readme)
	compare(t, readme, text, between(t, text, "program", "```go\n"+program+"```\n"))
	if lines := strings.Count(text, "\n"); lines > 220 {
		t.Errorf("the README has %d lines, more than 220", lines)
	}
}

// program is the source of the program that the README shows: the Example of this package.
func program(t *testing.T) string {
	t.Helper()
	return strings.NewReplacer("package all_test", "package main", "func Example()", "func main()").
		Replace(read(t, "program_test.go"))
}

// table has a row for each variable. What three backends say in the same words is said once, in the end.
func table() string {
	type meaning struct{ doc, standard string }
	names := make(map[meaning][]string)
	for _, v := range allVariables() {
		m := meaning{v.Doc, v.Default}
		names[m] = append(names[m], quoted(v))
	}
	var own, shared strings.Builder
	for _, v := range allVariables() {
		same := names[meaning{v.Doc, v.Default}]
		switch {
		case len(same) < 3:
			fmt.Fprintf(&own, "| %s | %s | %s |\n", quoted(v), v.Default, v.Doc)
		case same[0] == quoted(v):
			fmt.Fprintf(&shared, "| %s | %s | %s |\n", strings.Join(same, ", "), v.Default, v.Doc)
		}
	}
	return "| variable | default | meaning |\n| --- | --- | --- |\n" + own.String() + shared.String()
}

// quoted is a variable's name and its aliases, in Markdown.
func quoted(v config.Var) string {
	return "`" + strings.Join(append([]string{v.Name}, v.Aliases...), "`, `") + "`"
}

func dotEnv() string {
	var lines strings.Builder
	lines.WriteString("# Every variable, with its default; `docker compose up --wait` starts servers for the four that are set.\n")
	lines.WriteString("# Written by `make docs`.\n")
	set := map[string]string{
		"MYSQL_URL":            "mysql://app:mooring@127.0.0.1:3306/app",
		"MONGO_URI":            "mongodb://app:mooring@127.0.0.1:27017/app?authSource=admin",
		"REDIS_URL":            "redis://:mooring@127.0.0.1:6379/0",
		"PUBSUB_EMULATOR_HOST": "127.0.0.1:8085",
	}
	for _, b := range backends.Table {
		for i, v := range b.Describe(b.Name) {
			if i == 0 {
				lines.WriteByte('\n')
			}
			if value, ok := set[v.Name]; ok {
				fmt.Fprintf(&lines, "%s=%s\n", v.Name, value)
			} else {
				fmt.Fprintf(&lines, "#%s=%s\n", v.Name, v.Default)
			}
		}
	}
	return lines.String()
}

// between returns text with what stands between the marks <!-- name --> and <!-- /name --> replaced.
func between(t *testing.T, text, name, body string) string {
	t.Helper()
	head, rest, ok1 := strings.Cut(text, "<!-- "+name+" -->\n")
	_, tail, ok2 := strings.Cut(rest, "<!-- /"+name+" -->")
	if !ok1 || !ok2 {
		t.Fatalf("the marks of %s are gone", name)
	}
	return head + "<!-- " + name + " -->\n" + body + "<!-- /" + name + " -->" + tail
}

func compare(t *testing.T, file, got, want string) {
	t.Helper()
	switch {
	case got == want:
	case *update:
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is stale: run make docs", file)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil && !*update {
		t.Fatal(err)
	}
	return string(text)
}
