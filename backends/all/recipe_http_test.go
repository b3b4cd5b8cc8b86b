package all_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
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
		cfg, vars, err := config.LoadOr[paymentsConfig](name, nil)
		base, wrong := url.Parse(cfg.URL)
		if err == nil && (wrong != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https") {
			err = fmt.Errorf("%s: not a URL with http:// or https://", vars.Name("URL")) // the parser would quote it
		}
		transport := http.DefaultTransport.(*http.Transport).Clone()
		return &payments{&http.Client{Transport: transport}, base, cfg.Token}, err
	})
}

func (p *payments) Open(ctx context.Context) (*payments, error) {
	err := p.Check(ctx)
	if err != nil {
		p.CloseIdleConnections() // an Open that fails leaves nothing behind
	}
	return p, err
}

func (p *payments) Target() kit.Target          { return kit.Target{Addrs: []string{p.base.Host}} }
func (p *payments) Handle() *http.Client        { return p.Client }
func (p *payments) Close(context.Context) error { p.CloseIdleConnections(); return nil }

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
	addr := server.Listener.Addr().String()
	at := func(t *testing.T, addr string) registry.Resource {
		host, port, _ := strings.Cut(addr, ":")
		name := "payments-" + strings.ReplaceAll(host, ".", "-") + "-" + port // each address is an instance of its own
		t.Setenv(config.Prefix(name)+"URL", "http://"+addr)
		t.Setenv(config.Prefix(name)+"TOKEN", token)
		return newPayments(name)
	}
	registrytest.Run(t, registrytest.Target{
		New:    func(t *testing.T) registry.Resource { return at(t, addr) },
		At:     at,
		Addr:   addr,
		Secret: token,
	})
}

func TestADependencyOverHTTPSaysWhatIsWrong(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(server.Close)
	for url, want := range map[string]registry.Kind{
		"payments":    registry.KindConfig,
		"ftp://host":  registry.KindConfig,
		"http://h h/": registry.KindConfig,
		"host:80":     registry.KindConfig,
		server.URL:    registry.KindAuth,
	} {
		t.Setenv("PAYMENTS_EU_URL", url)
		err := newPayments("payments-eu").Open(t.Context())
		if registry.KindOf(err) != want || want == registry.KindConfig && !strings.HasPrefix(err.Error(), "PAYMENTS_EU_URL") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
