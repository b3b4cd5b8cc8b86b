package redis_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/internal/tlstest"
	"github.com/vibework/mooring/registry"
)

// secured returns the options of servers that speak TLS to everybody, also to each other, and the file of the authority
// that has signed their certificate. They keep a port without it for the tests.
func secured(t *testing.T) (options []string, authority string) {
	t.Helper()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	a := tlstest.NewAuthority(t)
	pair := a.Issue(t)
	if err := errors.Join(os.WriteFile(at(tlstest.CA), a.PEM, 0o600), os.WriteFile(at(tlstest.Cert), pair.Cert, 0o600),
		os.WriteFile(at(tlstest.Key), pair.Key, 0o600)); err != nil {
		t.Fatal(err)
	}
	return []string{
		"--tls-port", tlsPort, "--tls-cert-file", at(tlstest.Cert), "--tls-key-file", at(tlstest.Key),
		"--tls-ca-cert-file", at(tlstest.CA), "--tls-auth-clients", "no", "--tls-replication", "yes",
	}, at(tlstest.CA)
}

// isSecure tries what has to work with the right authority, and what has to be said with another one.
func isSecure(t *testing.T, url, authority string) {
	t.Helper()
	url = "rediss" + strings.TrimPrefix(url, "redis")
	cfg := at(url)
	cfg.TLS.CAFile = authority
	r, res := open(t, cfg)
	for n := range 20 {
		store(t, res, fmt.Sprint("k", n))
	}
	eventually(t, "the check passes", func() error { return r.CheckAll(t.Context()).Err() })

	_, stranger := secured(t)
	for name, test := range map[string]struct{ url, authority, want string }{
		"another authority": {
			url, stranger,
			"the server's certificate is signed by an unknown authority (see REDIS_TLS_CA_FILE, REDIS_TLS_SERVER_NAME)",
		},
		"another name": {
			strings.ReplaceAll(url, "127.0.0.1", "127.0.0.2"), authority,
			"the server's certificate is for another host name (see REDIS_TLS_CA_FILE, REDIS_TLS_SERVER_NAME)",
		},
	} {
		cfg := at(test.url)
		cfg.TLS.CAFile = test.authority
		err := redis.New("redis", redis.WithConfig(cfg)).Open(t.Context())
		for registry.KindOf(err) == registry.KindTimeout { // on a busy machine
			err = redis.New("redis", redis.WithConfig(cfg)).Open(t.Context())
		}
		if registry.KindOf(err) != registry.KindTLS || !strings.HasSuffix(err.Error(), test.want) {
			t.Errorf("%s: got %s: %v", name, registry.KindOf(err), err)
		}
	}
}

func TestSentinelsAndTheirPrimarySpeakTLS(t *testing.T) {
	options, authority := secured(t)
	w := startWatched(t, append(options, "--bind", "127.0.0.1", "127.0.0.2")...)
	isSecure(t, w.url(), authority)
}

func TestTheNodesOfAClusterSpeakTLS(t *testing.T) {
	options, authority := secured(t)
	options = append(options, "--bind", "127.0.0.1", "127.0.0.2", "--tls-cluster", "yes")
	isSecure(t, startCluster(t, false, options...).url(), authority)
}

func TestNodesThatGiveNamesShowThemInCertificates(t *testing.T) {
	options, authority := secured(t)
	options = append(options, "--bind", "127.0.0.1", "127.0.0.2", "--tls-cluster", "yes",
		"--cluster-announce-hostname", "localhost", "--cluster-preferred-endpoint-type", "hostname")
	isSecure(t, startCluster(t, false, options...).url(), authority)
}
