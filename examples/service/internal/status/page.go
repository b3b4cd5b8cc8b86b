// Package status serves one page that shows people how a service and its resources are. It works without
// JavaScript; with it, the page keeps itself up to date.
//
// The page tells more than /readyz does: where each resource is and what it has to be, how long checks take, how full
// pools are, and what kind of error was the last. A real service should serve it where only its operators can look.
package status

import (
	"bytes"
	"cmp"
	"embed"
	"html/template"
	"net/http"
	"time"

	"github.com/vibework/mooring/examples/service/internal/embedded"
	"github.com/vibework/mooring/registry"
)

// Options say what the page shows besides what the registry knows.
type Options struct {
	Servers *embedded.Servers // those of its resources that are embedded get buttons to play an outage
	Roles   map[string]string // what a server has to be, by the names of resources
	Ready   []string          // the resources that /readyz speaks of; nil is all
}

// Page is the status page of a registry. Make one with [New].
type Page struct {
	Options
	registry *registry.Registry
	history  history
}

// New returns a page that records what r tells from now on, until stop is called. The page never starts a check,
// however often it is loaded: it shows the last results, which are young if r.Every is set.
func New(r *registry.Registry, o Options) (page *Page, stop func()) {
	o.Servers = cmp.Or(o.Servers, new(embedded.Servers)) // none
	page = &Page{Options: o, registry: r, history: history{tracks: make(map[string]*track)}}
	return page, r.Observe(page.history.record)
}

// Handle adds the page and what it needs to mux.
func (p *Page) Handle(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", p.serve)
	mux.Handle("GET /assets/{file}", http.FileServerFS(assets))
	mux.HandleFunc("POST /outages/{name}", p.play)
}

//go:embed assets page.html
var assets embed.FS

var page = template.Must(template.ParseFS(assets, "page.html"))

// policy lets the page load its own assets and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

func (p *Page) serve(w http.ResponseWriter, _ *http.Request) {
	var text bytes.Buffer
	if err := page.Execute(&text, p.view(time.Now())); err != nil {
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(text.Bytes())
}

// play is what the buttons do.
func (p *Page) play(w http.ResponseWriter, req *http.Request) {
	if p.Servers.Mode(req.PathValue("name")) == "" {
		http.NotFound(w, req)
		return
	}
	if err := p.Servers.Set(req.PathValue("name"), embedded.Mode(req.FormValue("mode"))); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	http.Redirect(w, req, "/", http.StatusSeeOther)
}
