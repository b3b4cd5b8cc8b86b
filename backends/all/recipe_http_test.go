package all_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest"
)

// paymentsConfig is read from PAYMENTS_URL and PAYMENTS_TOKEN, or PAYMENTS_TOKEN_FILE.
type paymentsConfig struct {
	URL   string        `env:"URL,required" doc:"address of the API"`
	Token config.Secret `env:"TOKEN" doc:"sent with every request"`
}

// payments is a dependency over HTTP: the settings of the kit, and its client.
type payments struct {
	*http.Client
	base  *url.URL
	token config.Secret
}

func newPayments(name string) *kit.Resource[struct{}, *payments, *http.Client] {
	return kit.New(name, func(name string, _ struct{}) (*payments, error) {
		cfg, err := config.Load[paymentsConfig](name)
		base, wrong := url.Parse(cfg.URL)
		if err == nil && (wrong != nil || base.Host == "") {
			err = kit.Errorf(registry.KindConfig, "PAYMENTS_URL is no URL") // the parser would quote it
		}
		transport := http.DefaultTransport.(*http.Transport).Clone()
		return &payments{&http.Client{Transport: transport}, base, cfg.Token}, err
	})
}

func (p *payments) Open(ctx context.Context) (*payments, error) { return p, p.Check(ctx) }
func (p *payments) Target() kit.Target                          { return kit.Target{Addrs: []string{p.base.Host}} }
func (p *payments) Handle() *http.Client                        { return p.Client }
func (p *payments) Close(context.Context) error                 { p.CloseIdleConnections(); return nil }

func (p *payments) Check(ctx context.Context) error {
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base.JoinPath("health").String(), nil)
	if err != nil {
		return kit.Classify(err)
	}
	ask.Header.Set("Authorization", "Bearer "+p.token.Reveal())
	answer, err := p.Do(ask)
	if err != nil {
		return kit.Classify(err)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20)) // or the connection is not used again
	_ = answer.Body.Close()
	switch {
	case answer.StatusCode == http.StatusUnauthorized:
		return kit.Errorf(registry.KindAuth, "the token was refused")
	case answer.StatusCode != http.StatusOK:
		return kit.Errorf(registry.KindUnreachable, "it answers with status %d", answer.StatusCode)
	}
	return nil
}

func TestADependencyOverHTTPKeepsTheContract(t *testing.T) {
	const token = "ZQXVKJWPYR"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(server.Close)
	t.Setenv("PAYMENTS_URL", server.URL)
	t.Setenv("PAYMENTS_TOKEN", token)
	registrytest.Run(t, registrytest.Target{
		New:    func(*testing.T) registry.Resource { return newPayments("payments") },
		Secret: token,
	})

	t.Setenv("PAYMENTS_URL", "payments")
	if err := newPayments("payments").Configure(); registry.KindOf(err) != registry.KindConfig {
		t.Errorf("without a host: %v", err)
	}
	t.Setenv("PAYMENTS_URL", server.URL)
	t.Setenv("PAYMENTS_TOKEN", "another")
	if err := newPayments("payments").Open(t.Context()); registry.KindOf(err) != registry.KindAuth {
		t.Errorf("with another token: %v", err)
	}
}
