package command

import (
	"cmp"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/vibework/mooring/registry"
)

// screen is where to write.
type screen struct {
	io.Writer
	terminal bool
}

func screenOf(f *os.File) screen { return screen{f, term.IsTerminal(int(f.Fd()))} }

// output is a writer that keeps its first error.
type output struct {
	io.Writer
	err error
}

func (o *output) Write(text []byte) (n int, err error) {
	n, err = o.Writer.Write(text)
	o.err = cmp.Or(o.err, err)
	return n, err
}

// painter colours text for a status.
type painter func(status registry.Status, text string) string

// painter returns one that colours on a terminal only, and there not if NO_COLOR is set.
func (s screen) painter() painter {
	if !s.terminal || os.Getenv("NO_COLOR") != "" {
		return func(_ registry.Status, text string) string { return text }
	}
	return colour
}

func colour(status registry.Status, text string) string {
	code := map[registry.Status]int{registry.Pass: 32, registry.Warn: 33, registry.Fail: 31, skipped: 90}[status]
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", code, text)
}
