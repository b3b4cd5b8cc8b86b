// Package page writes docs/performance.md and its charts from what a run has found.
package page

import (
	_ "embed"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/vibework/mooring/bench/internal/contender"
	"github.com/vibework/mooring/bench/internal/suite"
)

//go:embed performance.md.tmpl
var text string

var page = template.Must(template.New("page").Parse(text))

// charts is the folder of the charts, beside the page.
const charts = "performance"

// Run is a run with all that the page says of it.
type Run struct {
	Results *suite.Results
	Plan    suite.Plan
	Machine Machine
	Servers string // their versions
}

// section is a part of the page: tables and charts by name, and things to say.
type section struct {
	Tables map[string]string
	Charts map[string]string
}

// Write writes the page and its charts into a folder.
func Write(run Run, dir string) error {
	var sections section
	for _, s := range []section{
		calls(run.Results), endpoint(run.Results), stuck(run.Results), faults(run.Results), outages(run.Results),
		cycles(run.Results), growth(run.Results), lookups(run.Results), inherited(run.Results),
		pings(run.Results), probed(run.Results),
	} {
		sections.add(s)
	}
	var out strings.Builder
	if err := page.Execute(&out, run.data(sections.Tables)); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, charts), 0o755); err != nil {
		return err
	}
	for name, svg := range sections.Charts {
		if err := os.WriteFile(filepath.Join(dir, charts, name+".svg"), []byte(svg), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "performance.md"), []byte(out.String()), 0o644)
}

func (s *section) add(other section) {
	if s.Tables == nil {
		s.Tables, s.Charts = make(map[string]string), make(map[string]string)
	}
	maps.Copy(s.Tables, other.Tables)
	maps.Copy(s.Charts, other.Charts)
}

func (run Run) data(tables map[string]string) map[string]any {
	return map[string]any{
		"Machine": run.Machine, "Versions": strings.Join(Versions(), ", "), "Servers": run.Servers, "Plan": run.Plan,
		"Contenders": contenders(), "Lifecycles": lifecycles(), "Tables": tables, "Timeout": run.Results.HangTimeout,
		"Bars": bars(run.Results), "Verdict": verdict(run.Results), "Reasons": reasons(run.Results),
	}
}

func contenders() string {
	m := newMarkdown("row", "what it is", "the deadline holds")
	for _, c := range contender.Endpoints() {
		holds := "no"
		if c.Enforces {
			holds = "yes"
		}
		m.row(c.Name, c.Note, holds)
	}
	return m.String()
}

func lifecycles() string {
	m := newMarkdown("row", "what it does")
	for _, l := range contender.Lifecycles() {
		m.row(l.Name, l.Note)
	}
	return m.String()
}

func bars(r *suite.Results) string {
	m := newMarkdown("", "what", "must", "great", "measured", "")
	for _, b := range r.Bars() {
		m.row(b.ID, b.What, b.Bound(b.Must), b.Bound(b.Great), b.Found(), b.Verdict())
	}
	return m.String()
}

// verdict counts the bars, and names those that were missed.
func verdict(r *suite.Results) string {
	var great, met, missed int
	var names []string
	for _, b := range r.Bars() {
		switch {
		case !b.Measures():
		case b.IsGreat():
			great++
		case b.Met():
			met++
		default:
			missed++
			if !slices.Contains(names, b.ID) {
				names = append(names, b.ID)
			}
		}
	}
	text := fmt.Sprintf("Of %d bars, %d are great, %d are met and %d are missed", great+met+missed, great, met, missed)
	if missed == 0 {
		return text + "."
	}
	return text + " (" + strings.Join(names, ", ") + ")."
}

// reasons says why bars were missed, as far as that is known.
func reasons(r *suite.Results) string {
	var order []string
	missed := make(map[string][]string) // by reason
	for _, b := range r.Bars() {
		if !b.Measures() || b.Met() || b.Why == "" {
			continue
		}
		if missed[b.Why] == nil {
			order = append(order, b.Why)
		}
		if !slices.Contains(missed[b.Why], b.ID) {
			missed[b.Why] = append(missed[b.Why], b.ID)
		}
	}
	var text strings.Builder
	for _, why := range order {
		fmt.Fprintf(&text, "- %s: %s.\n", strings.Join(missed[why], ", "), why)
	}
	if text.Len() == 0 {
		return ""
	}
	return "What was missed, and why:\n\n" + text.String() + "\n"
}

// plain takes the Markdown out of a name, for a chart.
func plain(name string) string { return strings.NewReplacer("**", "", "`", "").Replace(name) }

func isOurs(name string) bool { return strings.HasPrefix(name, contender.Mooring) }
