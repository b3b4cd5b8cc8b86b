package main

import (
	"fmt"
	"go/scanner"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/vibework/mooring/internal/backends"
)

// A goal is how many lines of code some folders may have together. Those below the folders count, too.
type goal struct {
	label   string
	folders []string
	without string // a folder that does not count
	most    int
}

// goals are the places where weight is measured, and the only ones.
func goals() []goal {
	all := []goal{{"`registry` and `registry/internal`", []string{"registry", "registry/internal/..."}, "", 1700}}
	for _, b := range backends.Table {
		all = append(all, goal{"`backends/" + b.Name + "`", []string{"backends/" + b.Name + "/..."}, "", 500})
	}
	const suite = "registry/registrytest"
	together := []string{"registry/...", "backends/..."}
	return append(all, goal{"`registry` and `backends`, without `registrytest`", together, suite, 7500})
}

// lines counts lines of source. A line with code and a comment is one of code.
type lines struct{ code, comment int }

// printLines prints a Markdown table of all goals.
func printLines(w io.Writer, root string) error {
	fmt.Fprint(w, "| lines | of code | goal | comments |\n| --- | --- | --- | --- |\n")
	for _, g := range goals() {
		var sum lines
		for _, folder := range g.folders {
			n, err := linesIn(root, folder, g.without)
			if err != nil {
				return err
			}
			sum.code, sum.comment = sum.code+n.code, sum.comment+n.comment
		}
		over := ""
		if sum.code > g.most {
			over = fmt.Sprintf(", %d over", sum.code-g.most)
		}
		fmt.Fprintf(w, "| %s | %d | %d%s | %d %% |\n",
			g.label, sum.code, g.most, over, 100*sum.comment/max(1, sum.comment+sum.code))
	}
	return nil
}

// linesIn counts the lines of a folder's Go files that are no tests. A folder that is not there has none; one that ends
// in /... has those of the folders in it, too.
func linesIn(root, folder, without string) (sum lines, err error) {
	folder, below := strings.CutSuffix(folder, "/...")
	top := filepath.Join(root, folder)
	if _, err := os.Stat(top); os.IsNotExist(err) {
		return sum, nil
	}
	err = filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			_, module := os.Stat(filepath.Join(path, "go.mod")) // another module is not weighed here
			if path != top && (!below || module == nil) || without != "" && path == filepath.Join(root, without) {
				return fs.SkipDir
			}
			return nil
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n := linesOf(source)
		sum.code, sum.comment = sum.code+n.code, sum.comment+n.comment
		return nil
	})
	return sum, err
}

// linesOf counts the lines on which a token stands, and those on which nothing but a comment does.
func linesOf(source []byte) (n lines) {
	file := token.NewFileSet().AddFile("", -1, len(source))
	var s scanner.Scanner
	s.Init(file, source, nil, scanner.ScanComments)
	code, comment := make(map[int]bool), make(map[int]bool)
	for {
		pos, kind, text := s.Scan()
		if kind == token.EOF {
			break
		}
		on := code
		switch {
		case kind == token.COMMENT:
			on = comment
		case kind == token.SEMICOLON && text == "\n": // the one that no one has written
			continue
		}
		first := file.Line(pos)
		for line := first; line <= first+strings.Count(text, "\n"); line++ {
			on[line] = true
		}
	}
	for line := range comment {
		if !code[line] {
			n.comment++
		}
	}
	n.code = len(code)
	return n
}
