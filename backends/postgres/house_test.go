package postgres_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/postgres"
)

var update = flag.Bool("update", false, "write the documentation instead of comparing it")

func TestDocumentationOfTheVariablesIsUpToDate(t *testing.T) {
	var table strings.Builder
	table.WriteString("\n| variable | also read | default | meaning |\n| --- | --- | --- | --- |\n")
	for _, v := range config.Describe[postgres.Config](postgres.Name) {
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", v.Name, strings.Join(v.Aliases, ", "), v.Default, v.Doc)
	}
	text := read(t, "README.md")
	want := regexp.MustCompile(`(?s)(<!-- variables.*? -->\n).*(<!-- /variables -->)`).
		ReplaceAllString(text, "${1}"+table.String()+"\n${2}")
	if text == want {
		return
	}
	if !*update {
		t.Fatal("README.md is out of date: go test -run Documentation -update writes it")
	}
	if err := os.WriteFile("README.md", []byte(want), 0o600); err != nil {
		t.Fatal(err)
	}
}

// This module is not in the table of backends, which cannot import it: here it is held against MySQL's, which is.
func TestTheModuleHasWhatTheOtherBackendsHave(t *testing.T) {
	for _, file := range []string{"doc.go", "config.go", "client.go", "errors.go", "postgres.go", "contract_test.go"} {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
	want := exported(t, "../mysql", "mysql.go")
	for i, name := range want {
		if want[i] = strings.TrimPrefix(name, "Resource."); want[i] != name {
			want[i] = "Resource." + want[i]
		}
		want[i] = strings.ReplaceAll(want[i], "DB", "Pool")
	}
	if got := exported(t, ".", "postgres.go"); !slices.Equal(got, want) {
		t.Errorf("postgres.go exports\ngot  %v\nwant %v", got, want)
	}
	others := func(folder, file string) []string { // but for the names of Config's fields
		return slices.DeleteFunc(exported(t, folder, ""), func(name string) bool {
			return slices.Contains(exported(t, folder, file), name)
		})
	}
	if got, want := others(".", "postgres.go"), others("../mysql", "mysql.go"); !slices.Equal(got, want) {
		t.Errorf("the other files export\ngot  %v\nwant %v", got, want)
	}
}

func TestImportingTheModuleLinksItsOwnDriverOnly(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, stranger := range []string{
		"go-sql-driver/mysql", "mongo-driver", "redigo", "google.golang.org/grpc", "testing", "net/http", "registrytest",
	} {
		if regexp.MustCompile(`(?m)^(.*/)?` + stranger + `(/.*)?$`).Match(out) {
			t.Errorf("it links %s", stranger)
		}
	}
}

func TestOnlyMooringReadsTheEnvironment(t *testing.T) {
	for _, path := range sources(t, ".") {
		if regexp.MustCompile(`os\.(Getenv|LookupEnv|Environ)`).MatchString(read(t, path)) {
			t.Errorf("%s reads the environment", path)
		}
	}
}

func TestNoSumOfOurOwnModulesIsKept(t *testing.T) {
	if strings.Contains(read(t, "go.sum"), "vibework/mooring") || strings.Contains(read(t, "go.mod"), "replace") {
		t.Error("go.mod replaces a module, or go.sum has a line of one of our own")
	}
}

// exported returns the exported names of a file, or of a package if file is "", in the order in which they stand there.
func exported(t *testing.T, folder, file string) (names []string) {
	t.Helper()
	for _, path := range sources(t, folder) {
		if file != "" && filepath.Base(path) != file {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				name := decl.Name.Name
				if decl.Recv != nil {
					var receiver strings.Builder
					ast.Inspect(decl.Recv, func(n ast.Node) bool {
						if id, ok := n.(*ast.Ident); ok && ast.IsExported(id.Name) {
							receiver.WriteString(id.Name)
						}
						return true
					})
					if receiver.Len() == 0 {
						continue
					}
					name = receiver.String() + "." + name
				}
				if ast.IsExported(decl.Name.Name) {
					names = append(names, name)
				}
			case *ast.GenDecl:
				for _, spec := range decl.Specs {
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						names = append(names, spec.Name.Name)
					case *ast.ValueSpec:
						names = append(names, spec.Names[0].Name)
					}
				}
			}
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !ast.IsExported(name) })
	if file == "" {
		slices.Sort(names)
	}
	return names
}

func sources(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(folder + "/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("there is no code in %s: %v", folder, err)
	}
	return slices.DeleteFunc(files, func(path string) bool { return strings.HasSuffix(path, "_test.go") })
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
