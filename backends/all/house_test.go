package all_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vibework/mooring/internal/backends"
)

const module = "github.com/vibework/mooring/"

func TestAProgramLinksTheDriversItImportsOnly(t *testing.T) {
	for _, backend := range backends.Table {
		out, err := exec.Command("go", "list", "-deps", "../"+backend.Name).Output()
		if err != nil {
			t.Fatal(err)
		}
		deps := strings.Fields(string(out))
		for _, other := range backends.Table {
			own := other.Name == backend.Name
			for _, dep := range []string{other.Driver, module + "backends/" + other.Name} {
				if linked := slices.Contains(deps, dep); linked != own {
					t.Errorf("%s links %s: %v", backend.Name, dep, linked)
				}
			}
		}
		for _, dep := range []string{"testing", module + "registry/registrytest"} {
			if slices.Contains(deps, dep) {
				t.Errorf("%s links %s", backend.Name, dep)
			}
		}
	}
}

func TestTheBackendsHaveTheSameFiles(t *testing.T) {
	for _, b := range backends.Table {
		backend, files := b.Name, parse(t, b.Name)
		for _, name := range []string{"doc.go", "config.go", "client.go", "errors.go", backend + ".go"} {
			if files["../"+backend+"/"+name] == nil {
				t.Errorf("%s has no %s", backend, name)
			}
		}
	}
}

func TestTheBackendsExportTheSameNamesInTheSameOrder(t *testing.T) {
	for _, b := range backends.Table {
		backend := b.Name
		want := slices.Concat([]string{"Name"}, b.Accessors,
			[]string{"Handle", "Use", "Option", "WithConfig", "WithHook", "Resource", "New"})
		got := exported(parse(t, backend)["../"+backend+"/"+backend+".go"])
		got = slices.DeleteFunc(got, func(name string) bool { return strings.HasPrefix(name, "Resource.") })
		if !slices.Equal(got, want) {
			t.Errorf("%s\ngot  %v\nwant %v", backend, got, want)
		}
		for _, name := range append(slices.Clip(b.Accessors), "Handle") { // in the file, or of kit.Resource
			if _, found := reflect.TypeOf(b.New(backend)).MethodByName(name); !found {
				t.Errorf("the Resource of %s has no method %s", backend, name)
			}
		}
	}
}

func TestImportingABackendDoesNothingButRegisterIt(t *testing.T) {
	inits := 0
	for _, backend := range backends.Table {
		for name, file := range parse(t, backend.Name) {
			for _, decl := range file.Decls {
				f, ok := decl.(*ast.FuncDecl)
				if !ok || f.Name.Name != "init" || f.Recv != nil {
					continue
				}
				inits++
				var body bytes.Buffer
				_ = printer.Fprint(&body, token.NewFileSet(), f.Body)
				if got := strings.Join(strings.Fields(body.String()), " "); got != "{ registry.Register(std) }" {
					t.Errorf("init of %s is %s", name, got)
				}
			}
		}
	}
	if inits != len(backends.Table) {
		t.Errorf("there are %d init functions, want one for each backend", inits)
	}
}

// parse returns the files of a backend that are not tests.
func parse(t *testing.T, backend string) map[string]*ast.File {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", `{{join .GoFiles " "}}`, "../"+backend).Output()
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]*ast.File)
	for name := range strings.FieldsSeq(string(out)) {
		path := "../" + backend + "/" + name
		if files[path], err = parser.ParseFile(token.NewFileSet(), path, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// exported returns the exported names of a file in the order in which they stand there.
func exported(file *ast.File) (names []string) {
	add := func(name string) {
		if ast.IsExported(name[strings.LastIndexByte(name, '.')+1:]) {
			names = append(names, name)
		}
	}
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Recv == nil {
				add(decl.Name.Name)
			} else {
				add("Resource." + decl.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					add(spec.Name.Name)
				case *ast.ValueSpec:
					add(spec.Names[0].Name)
				}
			}
		}
	}
	return names
}
