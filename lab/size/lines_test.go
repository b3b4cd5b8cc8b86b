package main

import (
	"os"
	"path/filepath"
	"testing"
)

const source = `// Package a is counted.
package a

import "fmt" // so is this line, once

/* A comment
   of two lines */
var text = ` + "`first\n\nthird`" + `

func f() {
	// nothing
	fmt.Println(text)
}
`

func TestLinesOfCodeAreNeitherBlankNorComments(t *testing.T) {
	if got, want := linesOf([]byte(source)), (lines{code: 8, comment: 4}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestTestsAndOtherModulesAreNotWeighed(t *testing.T) {
	root := t.TempDir()
	for _, file := range []string{
		"a/a.go", "a/a_test.go", "a/b/b.go", "a/b/without/c.go", "a/module/d.go", "a/module/go.mod", "a/module/e/e.go",
	} {
		path := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("package a\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for folder, want := range map[string]int{"a": 1, "a/...": 2, "nowhere": 0} {
		if got, err := linesIn(root, folder, "a/b/without"); got.code != want || err != nil {
			t.Errorf("%s has %+v, %v, want %d", folder, got, err, want)
		}
	}
}
