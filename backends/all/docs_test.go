package all_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/internal/backends"
)

var update = flag.Bool("update", false, "write the documentation instead of comparing it")

const root = "../../"

func TestDocumentationOfTheVariablesIsUpToDate(t *testing.T) {
	const page = root + "docs/configuration.md"
	text := read(t, page)
	compare(t, page, text, between(t, text, "variables", tables()))
	compare(t, root+".env.example", read(t, root+".env.example"), dotEnv())
}

func TestDocumentationShowsTheExampleProgram(t *testing.T) {
	const readme = root + "README.md"
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

// In a document, <!-- code FILE NAME... --> and <!-- /code --> stand around what a file declares by these names.
func TestDocumentationShowsCodeThatIsCompiled(t *testing.T) {
	excerpt := regexp.MustCompile(`(?s)<!-- code ([^ ]+)((?: [\w.]+)*) -->\n.*?<!-- /code -->`)
	for _, file := range []string{root + "README.md", root + "docs/recipes.md"} {
		text := read(t, file)
		count := strings.Count(text, "<!-- code ")
		want := excerpt.ReplaceAllStringFunc(text, func(found string) string {
			count--
			m := excerpt.FindStringSubmatch(found)
			return "<!-- code " + m[1] + m[2] + " -->\n```go\n" + code(t, m[1], strings.Fields(m[2])) + "```\n<!-- /code -->"
		})
		if count != 0 {
			t.Errorf("%d marks of code in %s have no end", count, file)
		}
		compare(t, file, text, want)
	}
}

func TestDocumentsLinkToWhatIsThere(t *testing.T) {
	code := regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
	link := regexp.MustCompile(`\]\(([^)#: ]*)(?:#([^)]+))?\)`)
	for _, file := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(read(t, file), ""), -1) {
			target := file
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(file), m[1])
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %v", file, err)
			} else if m[2] != "" && !slices.Contains(anchors(read(t, target)), m[2]) {
				t.Errorf("%s: %s has no heading #%s", file, target, m[2])
			}
		}
	}
}

// documents returns every Markdown file of the repository.
func documents(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "bin") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) == ".md" {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// anchors returns the names by which GitHub lets the headings of a document be linked to.
func anchors(text string) (names []string) {
	dropped := regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		names = append(names, strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return names
}

func TestTheGuideNamesEveryFolder(t *testing.T) {
	guide := read(t, root+"CONTRIBUTING.md")
	guide, _, _ = strings.Cut(guide, "## How the code looks")
	for _, parent := range []string{"", "registry/", "backends/", "cmd/", "examples/", "internal/", "bench/", "lab/"} {
		entries, err := os.ReadDir(root + parent)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			ignored := parent == "" && (e.Name() == ".git" || e.Name() == "bin") || e.Name() == "testdata" ||
				parent != "" && e.Name() == "internal"
			named := regexp.MustCompile("[`/]" + regexp.QuoteMeta(e.Name()) + "[`/]")
			if e.IsDir() && !ignored && !named.MatchString(guide) {
				t.Errorf("CONTRIBUTING.md does not say what %s%s is for", parent, e.Name())
			}
		}
	}
}

// program is the source of the program that the README shows: the Example of this package.
func program(t *testing.T) string {
	t.Helper()
	return code(t, "backends/all/program_test.go", nil)
}

// code returns what a Go file declares by these names, in that order, or the whole file as a program.
func code(t *testing.T, path string, names []string) string {
	t.Helper()
	source := read(t, root+path)
	if len(names) == 0 {
		return regexp.MustCompile(`(?m)^func Example\w*\(\)`).
			ReplaceAllString(strings.Replace(source, "package all_test", "package main", 1), "func main()")
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for n, name := range names {
		begin, end := declared(file, name)
		if begin == end {
			t.Fatalf("%s declares no %s", path, name)
		}
		if n > 0 && !strings.Contains(name, ".") { // methods of one line stand together
			text.WriteByte('\n')
		} else if n > 0 && !strings.Contains(names[n-1], ".") {
			text.WriteByte('\n')
		}
		text.WriteString(source[files.Position(begin).Offset:files.Position(end).Offset] + "\n")
	}
	return text.String()
}

// declared returns where the declaration of a name, or of a method as Type.Method, begins and ends.
func declared(file *ast.File, name string) (begin, end token.Pos) {
	for _, decl := range file.Decls {
		var doc *ast.CommentGroup
		var is bool
		switch d := decl.(type) {
		case *ast.FuncDecl:
			doc, is = d.Doc, methodName(d) == name
		case *ast.GenDecl:
			doc, is = d.Doc, slices.ContainsFunc(d.Specs, func(spec ast.Spec) bool {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					return spec.Name.Name == name
				case *ast.ValueSpec:
					return spec.Names[0].Name == name
				}
				return false
			})
		}
		if !is {
			continue
		}
		if doc != nil {
			return doc.Pos(), decl.End()
		}
		return decl.Pos(), decl.End()
	}
	return token.NoPos, token.NoPos
}

func methodName(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	receiver := f.Recv.List[0].Type
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	if ident, ok := receiver.(*ast.Ident); ok {
		return ident.Name + "." + f.Name.Name
	}
	return ""
}

// allVariables are those of the default instances, in the order of the table.
func allVariables() (all []config.Var) {
	for _, b := range backends.Table {
		all = append(all, b.Describe(b.Name)...)
	}
	return all
}

// tables has a section for each backend and in it a row for each variable.
func tables() string {
	var text strings.Builder
	for _, b := range backends.Table {
		fmt.Fprintf(&text, "\n## %s\n\n| variable | default | meaning |\n| --- | --- | --- |\n", b.Title)
		for _, v := range b.Describe(b.Name) {
			fmt.Fprintf(&text, "| %s | %s | %s |\n", quoted(v), v.Default, v.Doc)
		}
	}
	return text.String() + "\n"
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
		t.Errorf("%s is stale: run make docs", strings.TrimPrefix(file, root))
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
