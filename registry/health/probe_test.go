package health_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/health"
)

// answering returns the URL of a server that answers everything in this way.
func answering(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return server.URL
}

func TestProbeIsNilForAnySuccessAndSaysWhatElseItGot(t *testing.T) {
	for name, test := range map[string]struct {
		code       int
		body, want string
	}{
		"ok":         {200, "pass", ""},
		"no content": {204, "", ""},
		"unready":    {503, "redis is down\nand more\n", "probe: 503 Service Unavailable: redis is down"},
		"empty":      {404, "", "probe: 404 Not Found"},
		"hostile":    {500, "\x1b[2Jgone\r\n", "probe: 500 Internal Server Error: [2Jgone"},
		"endless":    {500, strings.Repeat("x", 1<<20), "probe: 500 Internal Server Error: " + strings.Repeat("x", 1024)},
	} {
		url := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(test.code)
			_, _ = w.Write([]byte(test.body))
		})
		got := ""
		if err := health.Probe(t.Context(), url); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

func TestProbeShowsNoCommandForATerminalInTheStatus(t *testing.T) {
	url := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 500 \x1b[2JGone\r\nContent-Length: 0\r\n\r\n")
	})
	if err := health.Probe(t.Context(), url); err == nil || err.Error() != "probe: 500 [2JGone" {
		t.Errorf("got %q", err)
	}
}

func TestProbeAsksTheHandlerOfThisPackage(t *testing.T) {
	r := open(t, &fake{name: "mysql"})
	url := answering(t, health.Handler(r, health.Options{}).ServeHTTP) + "/readyz"
	if err := health.Probe(t.Context(), url); err != nil {
		t.Error(err)
	}
	r.Drain()
	want := `probe: 503 Service Unavailable: {"status":"fail","notes":["draining"],"checks":{"mysql":[{"status":"pass"}]}}`
	if err := health.Probe(t.Context(), url); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestProbeFollowsNoRedirection(t *testing.T) {
	elsewhere := answering(t, func(http.ResponseWriter, *http.Request) { t.Error("it was followed") })
	url := answering(t, func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, elsewhere, http.StatusFound)
	})
	err := health.Probe(t.Context(), url)
	if err == nil || !strings.HasPrefix(err.Error(), "probe: 302 Found") {
		t.Errorf("got %v", err)
	}
}

func TestProbeEndsWithItsContext(t *testing.T) {
	url := answering(t, func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := health.Probe(ctx, url); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestProbeGivesUpAfterALittleMoreThanACheckMayTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := health.Bounded(t.Context())
		defer cancel()
		if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != 6*time.Second {
			t.Errorf("it is bounded: %v, by %v", ok, time.Until(deadline))
		}
	})
}

func TestProbeNeverShowsThePasswordOfAURL(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	for _, url := range []string{
		strings.Replace(server.URL, "//", "//user:hunter2@", 1), "http://user:hunter2@", "hunter2", "http://hunter2 /",
		"gopher://user:hunter2@localhost/", "",
	} {
		err := health.Probe(t.Context(), url)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v", url, err)
		}
	}
	if kind := registry.KindOf(health.Probe(t.Context(), server.URL)); kind != registry.KindUnreachable {
		t.Errorf("a closed port is %q", kind)
	}
}
