package nats_test

import (
	"crypto/tls"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	nats "github.com/vibework/mooring/examples/thirdparty"
	"github.com/vibework/mooring/registry"
)

func TestTLSConnectsWithTheAuthorityOfTheServerAndNoOther(t *testing.T) {
	known := httptest.NewTLSServer(nil) // for its certificate, which is valid for 127.0.0.1
	defer known.Close()
	addr := start(t, func(o *server.Options) {
		o.TLSConfig = &tls.Config{Certificates: known.TLS.Certificates}
		o.TLSTimeout = 10
	}).Addr().String()
	authority := filepath.Join(t.TempDir(), "ca.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: known.Certificate().Raw}
	if err := os.WriteFile(authority, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}

	res := at(t, addr, func(c *nats.Config) { c.TLS.CAFile = authority })
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := res.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := res.Close(t.Context()); err != nil {
		t.Error(err)
	}
	err := at(t, addr, func(c *nats.Config) { c.TLS.Mode = "verify" }).Open(t.Context())
	if registry.KindOf(err) != registry.KindTLS {
		t.Errorf("an unknown authority: %v (%s)", err, registry.KindOf(err))
	}
}
