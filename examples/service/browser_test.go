//go:build browser

package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/vibework/mooring/examples/service/internal/status"
	"github.com/vibework/mooring/registry"
)

// The browser is Debian's chromium, and these tests fail without it.

func TestBrowserSeesReadinessFlipAndHeal(t *testing.T) {
	t.Parallel()
	p := serving(t, nil)
	ctx := browser(t)
	do(ctx, t, chromedp.Navigate(p.url), shows("#verdict", "Ready"))

	do(ctx, t, press("mysql", "stopped"), shows("#verdict", "Not ready"), shows("#mysql-status", "unreachable"))
	awaitReadyz(t, p, 503)
	do(ctx, t, press("mysql", "running"), shows("#mysql-status", "healthy"), shows("#verdict b", "Ready"))
	awaitReadyz(t, p, 200)

	do(ctx, t, press("redis", "frozen"), shows("#redis-status", "timeout"), shows("#verdict", "with a warning"))
	awaitReadyz(t, p, 200)
	do(ctx, t, press("redis", "running"), shows("#redis-status", "healthy"), shows("#redis-error", "timeout"))
}

func TestBrowserNeedsNoJavaScript(t *testing.T) {
	t.Parallel()
	p := serving(t, nil)
	ctx := browser(t)
	do(ctx, t, command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	do(ctx, t, chromedp.Navigate(p.url), shows("#verdict", "Ready"),
		press("mongo", "frozen"), shows("#verdict", "Not ready"), shows("#mongo-status", "timeout"),
		press("mongo", "running"), shows("#verdict b", "Ready"))
}

func TestBrowserSaysWhenTheServiceIsGone(t *testing.T) {
	t.Parallel()
	p := serving(t, nil, "-drain", "3s")
	ctx := browser(t)
	do(ctx, t, chromedp.Navigate(p.url), shows("#verdict", "Ready"))
	p.Signal(t, syscall.SIGTERM)
	do(ctx, t, shows("#verdict", "Draining"), shows("#verdict", "does not answer"))
}

func TestBrowserSaysWhenThePageFails(t *testing.T) {
	t.Parallel()
	page, forget := status.New(new(registry.Registry), status.Options{})
	defer forget()
	mux := http.NewServeMux()
	page.Handle(mux)
	var broken atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if broken.Load() {
			http.Error(w, `<p id="verdict">Starting</p>`, http.StatusInternalServerError)
			return
		}
		mux.ServeHTTP(w, req)
	}))
	defer server.Close()
	ctx := browser(t)
	do(ctx, t, chromedp.Navigate(server.URL), shows("#verdict", "Starting"))
	broken.Store(true)
	do(ctx, t, shows("#verdict", "does not answer"))
	broken.Store(false)
	do(ctx, t, shows("#verdict", "Starting"))
}

// TestBrowserShowsAllOfThePage looks for what sticks out at the side, and leaves pictures for people.
func TestBrowserShowsAllOfThePage(t *testing.T) {
	t.Parallel()
	p := serving(t, nil)
	ctx := browser(t)
	do(ctx, t, chromedp.Navigate(p.url))
	if os.Getenv("SCREENSHOTS") != "" { // a picture wants a past
		do(ctx, t, shows("#redis-spark", `x="100"`))
	}
	play(t, p, "mysql", "frozen")
	do(ctx, t, shows("#mysql-status", "timeout"))
	play(t, p, "mysql", "running")
	play(t, p, "redis", "stopped")
	do(ctx, t, shows("#redis-status", "unreachable"), shows("#mysql-status", "healthy"))
	for _, screen := range []struct {
		name          string
		width, height int64
	}{{"desktop", 1120, 640}, {"tablet", 820, 1180}, {"phone", 375, 812}} {
		background := make(map[string]string)
		for _, scheme := range []string{"light", "dark"} {
			t.Run(screen.name+" "+scheme, func(t *testing.T) {
				do(ctx, t, chromedp.EmulateViewport(screen.width, screen.height), prefer(scheme))
				tooWide, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > innerWidth`))
				if err != nil {
					t.Fatal(err)
				}
				if tooWide {
					t.Error("the page is wider than the screen")
				}
				background[scheme], err = chromedp.Run(ctx, chromedp.Evaluate[string](`getComputedStyle(document.body).backgroundColor`))
				if err != nil {
					t.Fatal(err)
				}
				keep(ctx, t, screen.name+"-"+scheme+".png")
			})
		}
		if background["light"] == background["dark"] {
			t.Errorf("%s: light or dark, the background is %s", screen.name, background["light"])
		}
	}
}
