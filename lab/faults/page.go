package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/vibework/mooring/lab/internal/server"
	"github.com/vibework/mooring/registry"
)

//go:embed reliability.md.tmpl
var pageText string

// titles are the backends as the page calls them.
var titles = map[string]string{
	"mysql": "MySQL", "mongo": "MongoDB", "redis": "Redis", "pubsub": "Pub/Sub", "postgres": "PostgreSQL",
}

// write writes the page into folder.
func (r *results) write(ctx context.Context, folder string) error {
	versions := server.Versions(ctx)
	page, err := template.New("page").Funcs(template.FuncMap{
		"title":   func(b *backend) string { return titles[b.name] },
		"version": func(b *backend) string { return versions[b.name] },
		"row":     r.row,
		"claims":  r.claimsOf,
		"ms":      ms,
	}).Parse(pageText)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	err = page.Execute(&text, map[string]any{
		"Commit": commit(ctx), "Day": r.began.UTC().Format(time.DateOnly),
		"Minutes": fmt.Sprintf("%.0f", r.took.Minutes()), "Noise": r.noise, "Lateness": lateness, "Repeated": r.repeated(),
		"Deadline": usualDeadline, "Backends": r.backends, "Faults": r.faults, "Failures": r.failures(),
		"Exceptions": r.exceptions(),
		"Sections":   []string{allAtOnce, messages, connections, moves},
	})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "reliability.md"), text.Bytes(), 0o644)
}

// row is a line of a backend's table.
func (r *results) row(b *backend, f *fault) string {
	if why := b.cannot[f.name]; why != "" {
		return fmt.Sprintf("| %s | cannot be shown: %s ||||||", f.name, why)
	}
	var line strings.Builder
	fmt.Fprintf(&line, "| %s |", f.name)
	var left, healed []string
	for _, op := range operations() {
		c := r.cell(b, f, op)
		if c == nil {
			line.WriteString(" does not apply |")
			continue
		}
		fmt.Fprintf(&line, " %s %s%s |", c.kindText(), ms(c.took), c.mark())
		left = append(left, c.leftText())
		healed = append(healed, ms(c.healed))
	}
	fmt.Fprintf(&line, " %s | %s | %s of %s |", ms(f.bound()), strings.Join(left, ", "),
		strings.Join(healed, ", "), ms(f.healBound(b)))
	return line.String()
}

// cell is nil if nothing happens to the operation.
func (r *results) cell(b *backend, f *fault, op registry.Op) *cell {
	for _, c := range r.cells[key(b.name, f.name)] {
		if c.op == op {
			return c
		}
	}
	return nil
}

func (c *cell) kindText() string {
	if c.got == "" {
		return "nil"
	}
	return "`" + string(c.got) + "`"
}

// leftText also says for how long there was more, if that was long.
func (c *cell) leftText() string {
	if c.lingered > settle {
		return fmt.Sprintf("%v after %.1f s", c.left, c.lingered.Seconds())
	}
	return c.left.String()
}

func (c *cell) mark() string {
	if len(c.problems) > 0 {
		return " **FAILED**"
	}
	return ""
}

func (r *results) claimsOf(section string) (lines []string) {
	for _, c := range r.claims {
		if c.section != section {
			continue
		}
		line := fmt.Sprintf("| %s | %s |", c.text, c.seen)
		if c.bound > 0 {
			line += fmt.Sprintf(" %s of %s |", ms(c.took), ms(c.bound))
		}
		if len(c.problems) > 0 {
			line += " **FAILED** |"
		}
		lines = append(lines, line)
	}
	return lines
}

// repeated counts what was measured twice.
func (r *results) repeated() (n int) {
	for _, cells := range r.cells {
		for _, c := range cells {
			if c.repeated {
				n++
			}
		}
	}
	for _, c := range r.claims {
		if c.repeated {
			n++
		}
	}
	return n
}

// exceptions are the faults after which a backend has more time to be well.
func (r *results) exceptions() (lines []string) {
	for _, b := range r.backends {
		for _, f := range r.faults {
			if s, ok := b.slower[f.name]; ok {
				lines = append(lines, fmt.Sprintf("After %q %s has %s: %s", f.name, titles[b.name], ms(s.heal), s.why))
			}
		}
	}
	return lines
}

// ms is a duration as the page has it.
func ms(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "< 1 ms"
	case d%time.Second == 0:
		return fmt.Sprintf("%d s", d/time.Second)
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}

// commit is that of the working copy.
func commit(ctx context.Context) string {
	text, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}
