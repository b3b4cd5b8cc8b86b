package registry_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The rules of the house that a compiler does not know. Each is a function from a file to what is wrong with it,
// so that a test can show it a file that breaks the rule.

// source is a file of this module.
type source struct {
	path  string // from the root of the module, with slashes
	text  []byte
	set   *token.FileSet
	file  *ast.File
	names map[string]string // the import paths, by the names they have in the file
}

func parse(t *testing.T, name string, text []byte) source {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]string)
	for _, spec := range file.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		name := path.Base(imported)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = imported
	}
	return source{name, text, set, file, names}
}

// sources returns the non-test files of this module.
func sources(t *testing.T) (all []source) {
	t.Helper()
	const root = ".."
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return ownDirectory(root, name, entry.Name())
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		below, err := filepath.Rel(root, name)
		all = append(all, parse(t, filepath.ToSlash(below), text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d files were found", len(all))
	}
	return all
}

// ownDirectory skips what is hidden, what the go command ignores, and other modules.
func ownDirectory(root, name, base string) error {
	_, err := os.Stat(filepath.Join(name, "go.mod"))
	if name != root && (err == nil || base == "testdata" || base[0] == '.' || base[0] == '_') {
		return fs.SkipDir
	}
	return nil
}

func TestTheCoreDependsOnTheStandardLibraryAndGoMultierrorOnly(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{.Standard}} {{.ImportPath}}", ".")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	var others []string
	for line := range strings.Lines(string(out)) {
		standard, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		if standard != "true" && !strings.HasPrefix(name, "github.com/vibework/mooring/registry/internal/") {
			others = append(others, name)
		}
		if name == "net/http" || name == "testing" || strings.HasPrefix(name, "crypto/") {
			t.Errorf("it depends on %s", name)
		}
	}
	slices.Sort(others)
	want := []string{
		"github.com/hashicorp/errwrap", "github.com/hashicorp/go-multierror", "github.com/vibework/mooring/registry",
	}
	if !slices.Equal(others, want) {
		t.Errorf("it depends on %q, want %q", others, want)
	}
}

func TestGoMultierrorIsImportedInOneFile(t *testing.T) {
	var files []string
	for _, src := range sources(t) {
		for _, imported := range src.names {
			if imported == "github.com/hashicorp/go-multierror" {
				files = append(files, src.path)
			}
		}
	}
	if len(files) != 1 || files[0] != "registry/errors.go" {
		t.Errorf("it is imported in %q, want registry/errors.go", files)
	}
}

func TestTheEnvironmentIsReadByTheConfigPackageOnly(t *testing.T) {
	for _, src := range sources(t) {
		if dir := path.Dir(src.path); dir != "backends/config" && dir != "internal/command" { // which is a program
			report(t, src, environment(src))
		}
	}
	prove(t, environment, `package p; import "os"; var x = os.Getenv("X")`)
	prove(t, environment, `package p; import sys "os"; var x = sys.Environ`)
}

// environment finds what reads the environment.
func environment(src source) (found []string) {
	readers := []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"}
	ast.Inspect(src.file, func(node ast.Node) bool {
		if selector, ok := node.(*ast.SelectorExpr); ok && slices.Contains(readers, selector.Sel.Name) {
			if from, ok := selector.X.(*ast.Ident); ok && src.names[from.Name] == "os" {
				found = append(found, "it reads the environment with os."+selector.Sel.Name)
			}
		}
		return true
	})
	return found
}

func TestTheInitOfABackendRegistersAndNothingElse(t *testing.T) {
	for _, src := range sources(t) {
		if strings.HasPrefix(src.path, "backends/") {
			report(t, src, inits(src))
		}
	}
	prove(t, inits, `package p; func init() { registry.Register(std); go watch() }`)
	prove(t, inits, `package p; func init() { registry.Register(New("x")) }`)
	prove(t, inits, `package p; func init() {}`)
	if found := inits(parse(t, "x.go", []byte(`package p; func init() { registry.Register(std) }`))); found != nil {
		t.Errorf("the rule forbids what is right: %q", found)
	}
}

// inits finds the init functions that do anything but register std.
func inits(src source) (found []string) {
	for _, decl := range src.file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Name.Name != "init" || f.Recv != nil {
			continue
		}
		var body bytes.Buffer
		for _, statement := range f.Body.List {
			_ = printer.Fprint(&body, src.set, statement)
		}
		if body.String() != "registry.Register(std)" {
			found = append(found, "init does "+strconv.Quote(body.String()))
		}
	}
	return found
}

func TestNoFileIsLongerThan400Lines(t *testing.T) {
	for _, src := range sources(t) {
		report(t, src, tooLong(src))
	}
	prove(t, tooLong, "package p\n"+strings.Repeat("\n", 400))
}

func tooLong(src source) []string {
	if lines := bytes.Count(src.text, []byte("\n")); lines > 400 {
		return []string{strconv.Itoa(lines) + " lines are too many: what else is in it?"}
	}
	return nil
}

func TestEveryExportedNameHasADocComment(t *testing.T) {
	for _, src := range sources(t) {
		report(t, src, undocumented(src))
	}
	for _, text := range []string{
		"package p; func F() {}", "package p; type T int", "package p; var A, B int", "package p; const C = 1",
		"package p\n// T is.\ntype T int\nfunc (t *T) M() {}", "package p\n// I is.\ntype I interface { M() }",
		"package p\n// T is.\ntype T[E any] struct{}\nfunc (T[E]) M() {}",
	} {
		prove(t, undocumented, text)
	}
}

// undocumented finds the exported names without a comment of their own, or of their group.
func undocumented(src source) (found []string) {
	note := func(name *ast.Ident, docs ...*ast.CommentGroup) {
		if name.IsExported() && !slices.ContainsFunc(docs, func(doc *ast.CommentGroup) bool { return doc != nil }) {
			found = append(found, name.Name+" has no doc comment")
		}
	}
	for _, decl := range src.file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			owner := receiver(decl)
			if owner == nil || owner.IsExported() && decl.Name.Name != "Error" { // what Error does, everyone knows
				note(decl.Name, decl.Doc)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					note(spec.Name, spec.Doc, spec.Comment, decl.Doc)
					found = append(found, undocumentedMethods(spec)...)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						note(name, spec.Doc, spec.Comment, decl.Doc)
					}
				}
			}
		}
	}
	return found
}

// receiver returns the name of a method's type, or nil for a function.
func receiver(f *ast.FuncDecl) (name *ast.Ident) {
	if f.Recv == nil {
		return nil
	}
	ast.Inspect(f.Recv.List[0].Type, func(node ast.Node) bool {
		if ident, ok := node.(*ast.Ident); ok && name == nil {
			name = ident
		}
		return name == nil
	})
	return name
}

func undocumentedMethods(spec *ast.TypeSpec) (found []string) {
	methods, ok := spec.Type.(*ast.InterfaceType)
	if !ok || !spec.Name.IsExported() {
		return nil
	}
	for _, method := range methods.Methods.List {
		for _, name := range method.Names {
			if name.IsExported() && method.Doc == nil && method.Comment == nil {
				found = append(found, spec.Name.Name+"."+name.Name+" has no doc comment")
			}
		}
	}
	return found
}

func report(t *testing.T, src source, found []string) {
	t.Helper()
	for _, problem := range found {
		t.Errorf("%s: %s", src.path, problem)
	}
}

// prove shows a rule a file that breaks it.
func prove(t *testing.T, rule func(source) []string, text string) {
	t.Helper()
	if len(rule(parse(t, "x.go", []byte(text)))) == 0 {
		t.Errorf("the rule finds nothing wrong with\n%s", text)
	}
}
