package postgres_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/postgres"
	"github.com/vibework/mooring/registry"
)

// certificate returns the path of a certificate that is its own authority, for localhost; its key is beside it.
func certificate(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(folder, "cert.pem")
}

func TestTLSIsWhatTheVariablesSay(t *testing.T) {
	cert, stranger := certificate(t), certificate(t)
	s := start(t)
	s.stop()
	for name, path := range map[string]string{"cert.pem": cert, "key.pem": filepath.Join(filepath.Dir(cert), "key.pem")} {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(s.folder, name)
		if err := os.WriteFile(copied, content, 0o600); err != nil {
			t.Fatal(err)
		}
		s.own(t, copied)
	}
	hba := filepath.Join(s.data(), "pg_hba.conf")
	if err := os.WriteFile(hba, []byte("local all all trust\nhostssl all all all scram-sha-256\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.launch(t, "ssl=on", "ssl_cert_file="+filepath.Join(s.folder, "cert.pem"), "ssl_key_file="+filepath.Join(s.folder, "key.pem"))
	for options, test := range map[string]struct {
		kind registry.Kind
		want string
	}{
		"":                 {registry.KindTLS, "the server wants TLS: set POSTGRES_TLS, or sslmode in POSTGRES_URL"},
		"?sslmode=require": {},
		"?sslmode=require&channel_binding=require": {},
		"?sslmode=verify-full":                     {registry.KindTLS, "the server's certificate is signed by an unknown authority: POSTGRES_TLS_CA_FILE says whom to trust"},
		"?sslmode=verify-full&sslrootcert=" + cert: {},
		"?sslmode=require&sslrootcert=" + cert:     {},
		"?sslrootcert=" + cert:                     {},
		"?sslmode=require&sslrootcert=" + stranger: {registry.KindTLS, "the server's certificate is signed by an unknown authority: POSTGRES_URL: option sslrootcert says whom to trust"},
	} {
		res := postgres.New("postgres", postgres.WithConfig(at(s.url()+options)))
		err := res.Open(t.Context())
		if registry.KindOf(err) != test.kind || err != nil && err.Error() != test.want {
			t.Errorf("%s\ngot  %v (%s)\nwant %s", options, err, registry.KindOf(err), test.want)
		}
		if err := res.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
