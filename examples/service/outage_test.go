package main

import (
	"net/http"
	"strings"
	"testing"
)

// Outages are played on embedded servers, whatever the environment says.

func TestAnOutageTurnsReadinessRedUntilTheServerIsRestored(t *testing.T) {
	t.Parallel()
	p := serving(t, nil)
	for _, outage := range []struct{ name, mode, kind string }{
		{"mysql", "frozen", "timeout"}, {"mongo", "stopped", "unreachable"},
	} {
		play(t, p, outage.name, outage.mode)
		awaitReadyz(t, p, http.StatusServiceUnavailable)
		eventually(t, "the page shows it", func() bool {
			_, page := p.get(t, "/")
			return strings.Contains(page, "Not ready") &&
				strings.Contains(page, `<span class="word fail">`+outage.kind)
		})
		play(t, p, outage.name, "running")
		awaitReadyz(t, p, http.StatusOK)
		eventually(t, "the page shows that it is over, and what it was", func() bool {
			_, page := p.get(t, "/")
			return strings.Contains(page, "<b>Ready</b>") && strings.Contains(page, "<b>"+outage.kind+"</b>")
		})
	}
}

func TestTheServiceGoesOnWhenRedisDoesNot(t *testing.T) {
	t.Parallel()
	p := serving(t, nil)
	for _, mode := range []string{"frozen", "stopped"} {
		play(t, p, "redis", mode)
		awaitPacked(t, p, place(t, p))
		if code, text := p.get(t, "/products"); code != http.StatusOK {
			t.Errorf("/products answers %d %s", code, text)
		}
		eventually(t, "readiness warns", func() bool {
			code, text := p.get(t, "/readyz")
			return code == http.StatusOK && strings.Contains(text, `"warn"`)
		})
	}
}

func TestTheCacheAnswersWhenMongoDBDoesNot(t *testing.T) {
	t.Parallel()
	p := serving(t, nil)
	// A cache that is slow for once is passed over, so there is another try.
	eventually(t, "the products are read from the cache", func() bool {
		play(t, p, "mongo", "running")
		_, stored := p.get(t, "/products")
		play(t, p, "mongo", "stopped")
		code, cached := p.get(t, "/products")
		return code == http.StatusOK && cached == stored
	})
}

func TestAnOrderStandsWhenPubSubDoesNotAnswer(t *testing.T) {
	t.Parallel()
	p := serving(t, nil)
	play(t, p, "pubsub", "frozen")
	order := place(t, p)
	play(t, p, "pubsub", "running")
	awaitPacked(t, p, order)
}

func TestAnEventComesAgainWhenMySQLWasAway(t *testing.T) {
	t.Parallel()
	p := serving(t, nil)
	play(t, p, "pubsub", "frozen")
	order := place(t, p)
	play(t, p, "mysql", "stopped")
	play(t, p, "pubsub", "running")
	p.Await(t, "its event will come again")
	play(t, p, "mysql", "running")
	awaitPacked(t, p, order)
}

func TestAFailingBackendIsNotDescribedToCustomers(t *testing.T) {
	t.Parallel()
	p := serving(t, nil)
	play(t, p, "mongo", "stopped")
	code, text := p.request(t, "POST", "/orders", `{"product": "rope", "quantity": 2}`)
	if code != http.StatusServiceUnavailable || strings.TrimSpace(text) != `{"error":"try again later"}` {
		t.Errorf("it answers %d %s", code, text)
	}
}

func TestThereAreNoButtonsForTheServersOfOthers(t *testing.T) {
	t.Parallel()
	p := serving(t, []string{"REDIS_URL=redis://127.0.0.1:1/0"})
	if _, page := p.get(t, "/"); strings.Contains(page, "/outages/redis") || !strings.Contains(page, "/outages/mysql") {
		t.Errorf("the page is\n%s", page)
	}
	if code, _ := p.request(t, "POST", "/outages/redis", "mode=stopped"); code != http.StatusNotFound {
		t.Errorf("a button that is not there answers %d", code)
	}
	if code, _ := p.request(t, "POST", "/outages/mysql", "mode=burning"); code != http.StatusBadRequest {
		t.Errorf("an unknown outage is answered by %d", code)
	}
}

func TestAPageOfAnotherOriginCannotPressTheButtons(t *testing.T) {
	t.Parallel()
	p := serving(t, nil)
	req, err := http.NewRequestWithContext(t.Context(), "POST", p.url+"/outages/mysql", strings.NewReader("mode=stopped"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("it answers %s", res.Status)
	}
}

// play presses a button of the page.
func play(t *testing.T, p *program, name, mode string) {
	t.Helper()
	if code, text := p.request(t, "POST", "/outages/"+name, "mode="+mode); code != http.StatusSeeOther {
		t.Fatalf("the button answers %d %s", code, text)
	}
}

func awaitReadyz(t *testing.T, p *program, want int) {
	t.Helper()
	eventually(t, "/readyz answers "+http.StatusText(want), func() bool {
		code, _ := p.get(t, "/readyz")
		return code == want
	})
}
