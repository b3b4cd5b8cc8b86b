package registry_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// facade are the files that every other may use, since the methods of Registry hang together by it.
var facade = []string{"registry.go", "default.go"}

// A knot is files of which each uses, directly or not, what every other one declares.
func TestNoKnotHasMoreThanFourFiles(t *testing.T) {
	uses := fileUses(t, ".")
	reach := make(map[string]map[string]bool)
	for file := range uses {
		reach[file] = map[string]bool{file: true}
		for queue := []string{file}; len(queue) > 0; queue = queue[1:] {
			for next := range uses[queue[0]] {
				if !reach[file][next] {
					reach[file][next] = true
					queue = append(queue, next)
				}
			}
		}
	}
	for file := range uses {
		var knot []string
		for other := range reach[file] {
			if reach[other][file] {
				knot = append(knot, other)
			}
		}
		if slices.Sort(knot); len(knot) > 4 && knot[0] == file {
			t.Errorf("a knot of %d files: %s", len(knot), strings.Join(knot, ", "))
		}
	}
	if len(uses) > 12 {
		t.Errorf("%d files beside the facade, and there should be 14 in all", len(uses))
	}
}

// fileUses returns which files of a package use which others, the facade aside.
func fileUses(t *testing.T, folder string) map[string]map[string]bool {
	t.Helper()
	files := token.NewFileSet()
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var parsed []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, file)
	}
	info := types.Info{Uses: make(map[*ast.Ident]types.Object)}
	config := types.Config{Importer: nobody{}, Error: func(error) {}} // what others declare is of no interest
	pkg, _ := config.Check("registry", files, parsed, &info)
	uses := make(map[string]map[string]bool)
	name := func(pos token.Pos) string { return filepath.Base(files.Position(pos).Filename) }
	for _, file := range parsed {
		if own := name(file.Pos()); !slices.Contains(facade, own) {
			uses[own] = make(map[string]bool)
		}
	}
	for ident, object := range info.Uses {
		from, to := name(ident.Pos()), ""
		if object.Pkg() == pkg && object.Pos().IsValid() {
			to = name(object.Pos())
		}
		if to != "" && to != from && uses[from] != nil && uses[to] != nil {
			uses[from][to] = true
		}
	}
	return uses
}

// nobody imports packages in which nothing is declared.
type nobody struct{}

func (nobody) Import(path string) (*types.Package, error) {
	pkg := types.NewPackage(path, filepath.Base(path))
	pkg.MarkComplete()
	return pkg, nil
}
