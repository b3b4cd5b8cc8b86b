// Package chart draws small SVG charts that can be read on a light and on a dark page.
package chart

import (
	"fmt"
	"html"
	"strings"
)

const (
	width    = 800
	fontSize = 13
)

// style has the colours of a light and of a dark page, each with its background: what shows the chart may not agree
// with what the browser says. Lines take theirs from c0 to c7, which people who see fewer colours can
// tell apart; ours is the strongest.
const style = `<style>
.page{fill:#ffffff}
text{font:13px system-ui,-apple-system,"Segoe UI",sans-serif;fill:#24292f}
.title{font-weight:600;font-size:15px}.small{fill:#57606a;font-size:12px}.end{text-anchor:end}.mid{text-anchor:middle}
.grid{stroke:#d0d7de;stroke-width:1}.bar{fill:#8c959f}.ours{fill:#0969da}.good{fill:#2da44e}.bad{fill:#cf222e}
.on{fill:#ffffff;font-size:12px}.strong{font-weight:600}
.line{fill:none;stroke-width:1.6}.thick{stroke-width:3}
.c0{stroke:#0969da}.c1{stroke:#57606a}.c2{stroke:#8c959f}.c3{stroke:#bf8700}.c4{stroke:#cf222e}.c5{stroke:#8250df}
.c6{stroke:#1a7f37}.c7{stroke:#bc4c00}
@media (prefers-color-scheme:dark){
.page{fill:#0d1117}
text{fill:#e6edf3}.small{fill:#9198a1}.grid{stroke:#3d444d}.bar{fill:#656c76}.ours{fill:#4493f8}.on{fill:#ffffff}
.c0{stroke:#4493f8}.c1{stroke:#d1d7e0}.c2{stroke:#9198a1}.c3{stroke:#d29922}.c4{stroke:#f85149}.c5{stroke:#ab7df8}
.c6{stroke:#3fb950}.c7{stroke:#f0883e}}
</style>
`

// drawing is an SVG in the making.
type drawing struct {
	body   strings.Builder
	height float64
}

// text writes at a point; class says how it looks.
func (d *drawing) text(x, y float64, class, s string) {
	fmt.Fprintf(&d.body, `<text x="%.1f" y="%.1f" class="%s">%s</text>`+"\n", x, y, class, html.EscapeString(s))
}

func (d *drawing) rect(x, y, w, h float64, class string) {
	fmt.Fprintf(&d.body, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="2" class="%s"/>`+"\n", x, y, w, h, class)
}

func (d *drawing) line(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(&d.body, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"/>`+"\n", x1, y1, x2, y2, class)
}

// head writes the title and what the numbers are.
func (d *drawing) head(title, subtitle string) {
	d.text(8, 20, "title", title)
	d.text(8, 38, "small", subtitle)
}

func (d *drawing) svg(title string) string {
	head := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %.0f" width="%d" role="img"`+
		` aria-label="%s">`, width, d.height, width, html.EscapeString(title))
	page := fmt.Sprintf(`<rect width="%d" height="%.0f" class="page"/>`, width, d.height)
	return head + "\n" + style + page + "\n" + d.body.String() + "</svg>\n"
}

// textWidth estimates how wide a text is, generously: every browser has another font.
func textWidth(s string) float64 { return 0.62 * fontSize * float64(len([]rune(s))) }
