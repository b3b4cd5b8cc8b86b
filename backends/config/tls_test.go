package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/config"
)

func TestTLSIsOffUnlessSomethingAsksForIt(t *testing.T) {
	cert, key := writePair(t)
	for _, test := range []struct {
		tls  config.TLS
		want string
	}{
		{config.TLS{}, config.TLSOff},
		{config.TLS{Mode: "off"}, config.TLSOff},
		{config.TLS{Mode: "off", CAFile: "missing"}, config.TLSOff},
		{config.TLS{Mode: "verify"}, config.TLSVerify},
		{config.TLS{Mode: "skip-verify"}, config.TLSSkipVerify},
		{config.TLS{CAFile: cert}, config.TLSVerify},
		{config.TLS{CertFile: cert, KeyFile: key}, config.TLSVerify},
		{config.TLS{ServerName: "db"}, config.TLSVerify},
	} {
		cfg, err := test.tls.Config("mysql", "host")
		if err != nil {
			t.Errorf("%+v: %v", test.tls, err)
			continue
		}
		if (cfg == nil) != (test.want == config.TLSOff) {
			t.Errorf("%+v: config %v", test.tls, cfg)
			continue
		}
		if cfg == nil {
			continue
		}
		if verifies := !cfg.InsecureSkipVerify || cfg.VerifyConnection != nil; verifies != (test.want == config.TLSVerify) {
			t.Errorf("%+v: verifies %t", test.tls, verifies)
		}
		if cfg.MinVersion != tls.VersionTLS12 {
			t.Errorf("%+v: MinVersion %x", test.tls, cfg.MinVersion)
		}
		if (cfg.RootCAs == nil) != (test.tls.CAFile == "") {
			t.Errorf("%+v: RootCAs %v", test.tls, cfg.RootCAs)
		}
		if (cfg.GetClientCertificate == nil) != (test.tls.CertFile == "") {
			t.Errorf("%+v: shows a certificate: %t", test.tls, cfg.GetClientCertificate != nil)
		}
	}
}

func TestTLSVerifiesTheHostUnlessAServerNameIsSet(t *testing.T) {
	for name, want := range map[string]string{"": "host", "db": "db"} {
		cfg, err := config.TLS{Mode: "verify", ServerName: name}.Config("mysql", "host")
		if err != nil || cfg.ServerName != want {
			t.Errorf("server name %q, %v; want %q", cfg.ServerName, err, want)
		}
	}
	if cfg, err := (config.TLS{Mode: "verify"}).Config("mysql", "fe80::1%eth0"); err != nil || cfg.ServerName != "fe80::1" {
		t.Errorf("an address with a zone: server name %q, %v", cfg.ServerName, err)
	}
}

func TestThereIsNoTLSOverAUnixSocket(t *testing.T) {
	if cfg, err := (config.TLS{}).Config("mysql", "/run/mysqld.sock"); cfg != nil || err != nil {
		t.Errorf("without TLS: %v, %v", cfg, err)
	}
	_, err := config.TLS{Mode: "verify"}.Config("mysql", "/run/mysqld.sock")
	if want := "MYSQL_TLS: there is no TLS over a Unix socket"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestTLSNamesEveryBadVariableAndNoPath(t *testing.T) {
	cert, key := writePair(t)
	_, otherKey := writePair(t)
	dir := t.TempDir()
	missing := filepath.Join(dir, "hunter2")
	text := writeFile(t, "hunter2")
	half := writeFile(t, read(t, cert)+read(t, cert)[:200])
	const mismatch = "MYSQL_A_TLS_CERT_FILE: not a PEM certificate that matches the key of " +
		"MYSQL_A_TLS_KEY_FILE"
	for _, test := range []struct {
		tls  config.TLS
		want []string
	}{
		{config.TLS{Mode: "hunter2"}, []string{"MYSQL_A_TLS: not off, verify or skip-verify"}},
		{config.TLS{CAFile: missing}, []string{"MYSQL_A_TLS_CA_FILE: no such file"}},
		{config.TLS{CAFile: dir}, []string{"MYSQL_A_TLS_CA_FILE: is a directory"}},
		{config.TLS{CAFile: text}, []string{"MYSQL_A_TLS_CA_FILE: no PEM certificate in the file, or half of one"}},
		{config.TLS{CAFile: half}, []string{"MYSQL_A_TLS_CA_FILE: no PEM certificate in the file, or half of one"}},
		{
			config.TLS{CAFile: "-----BEGIN CERTIFICATE-----\nhunter2"},
			[]string{"MYSQL_A_TLS_CA_FILE: want the path of a file, not its content"},
		},
		{config.TLS{CAFile: key}, []string{"MYSQL_A_TLS_CA_FILE: no PEM certificate in the file, or half of one"}},
		{
			config.TLS{CAFile: missing, CertFile: cert},
			[]string{
				"MYSQL_A_TLS_CA_FILE: no such file",
				"MYSQL_A_TLS_KEY_FILE: not set, but MYSQL_A_TLS_CERT_FILE is",
			},
		},
		{
			config.TLS{KeyFile: key},
			[]string{"MYSQL_A_TLS_CERT_FILE: not set, but MYSQL_A_TLS_KEY_FILE is"},
		},
		{
			config.TLS{CertFile: missing, KeyFile: dir, CAFile: text, Mode: "skip-verify"},
			[]string{
				"MYSQL_A_TLS_CA_FILE: no PEM certificate in the file, or half of one",
				"MYSQL_A_TLS_CERT_FILE: no such file",
				"MYSQL_A_TLS_KEY_FILE: is a directory",
			},
		},
		{config.TLS{CertFile: cert, KeyFile: otherKey}, []string{mismatch}},
		{config.TLS{CertFile: text, KeyFile: key}, []string{mismatch}},
		{config.TLS{CertFile: key, KeyFile: cert}, []string{mismatch}},
	} {
		cfg, err := test.tls.Config("mysql-a", "host")
		if cfg != nil {
			t.Errorf("%+v: a config came with the error", test.tls)
		}
		assertError(t, err, test.want...)
	}
}

func TestTLSConfigsShakeHands(t *testing.T) {
	cert, key := writePair(t)
	server, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{server},
	})
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	t.Cleanup(group.Wait)
	t.Cleanup(func() { _ = listener.Close() })
	group.Go(func() {
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.Close()
		}
	})
	for _, test := range []struct {
		tls  config.TLS
		want bool
	}{
		{config.TLS{CAFile: cert, CertFile: cert, KeyFile: key}, true},
		{config.TLS{Mode: "skip-verify"}, true},
		{config.TLS{Mode: "verify"}, false},
		{config.TLS{CAFile: cert, ServerName: "elsewhere"}, false},
	} {
		cfg, err := test.tls.Config("mysql", "localhost")
		if err != nil {
			t.Fatal(err)
		}
		conn, err := tls.Dial("tcp", listener.Addr().String(), cfg)
		if (err == nil) != test.want {
			t.Errorf("%+v: %v", test.tls, err)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
}

// writePair writes a new certificate for localhost, its own authority, and its key.
func writePair(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "localhost"},
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return writeFile(t, encode("CERTIFICATE", der)), writeFile(t, encode("PRIVATE KEY", keyDER))
}
