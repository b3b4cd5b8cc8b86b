package config_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/vibework/mooring/backends/config"
)

func TestAnAuthorityIsTrustedFromWhenItIsInTheFile(t *testing.T) {
	first, second := newTLSServer(t, nil), newTLSServer(t, nil)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	replace(t, ca, first.authority)
	cfg, err := config.TLS{CAFile: ca}.Config("mysql", "localhost")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		does             string
		file             string
		trustsA, trustsB bool
		change           func(t *testing.T, path, content string)
	}{
		{"as it was", first.authority, true, false, replace},
		{"both", first.authority + second.authority, true, true, replace},
		{"half written", first.authority + second.authority[:100], true, true, write},
		{"the other one", second.authority, false, true, write},
		{"empty", "", false, true, write},
	} {
		test.change(t, ca, test.file)
		for server, trusted := range map[*tlsServer]bool{first: test.trustsA, second: test.trustsB} {
			err := server.shakeHands(cfg)
			if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown == trusted || trusted != (err == nil) {
				t.Errorf("%s: trusted: %v, want %t", test.does, err, trusted)
			}
		}
	}
}

func TestTheNameOfTheServerIsVerifiedWithAuthoritiesOfItsOwn(t *testing.T) {
	server := newTLSServer(t, nil)
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "::1": false, "elsewhere": false, "localhost.elsewhere": false,
	} {
		cfg, err := config.TLS{CAFile: writeFile(t, server.authority)}.Config("mysql", host)
		if err != nil {
			t.Fatal(err)
		}
		err = server.shakeHands(cfg)
		if _, wrong := errors.AsType[x509.HostnameError](err); wrong == want || want != (err == nil) {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestWithoutANameTheAuthoritiesAreAtMostThoseOfTheBeginning(t *testing.T) {
	server := newTLSServer(t, nil)
	file := writeFile(t, server.authority)
	cfg, err := config.TLS{CAFile: file}.Config("mongo", "")
	if err != nil || cfg.InsecureSkipVerify {
		t.Fatalf("%v; skips: %t", err, cfg.InsecureSkipVerify)
	}
	for host, want := range map[string]bool{"localhost": true, "127.0.0.1": true, "elsewhere": false} {
		named := cfg.Clone()
		named.ServerName = host
		if err := server.shakeHands(named); want != (err == nil) {
			t.Errorf("%s: %v", host, err)
		}
	}
	replace(t, file, newTLSServer(t, nil).authority)
	withdrawn := cfg.Clone()
	withdrawn.ServerName = "localhost"
	if err := server.shakeHands(withdrawn); err == nil {
		t.Error("an authority that was withdrawn is trusted")
	}
}

func TestARenewedClientCertificateIsShown(t *testing.T) {
	shown := make(chan []byte, 1)
	server := newTLSServer(t, func(certificates [][]byte, _ [][]*x509.Certificate) error {
		shown <- certificates[0]
		return nil
	})
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	renew := func() []byte {
		newCert, newKey := writePair(t)
		replace(t, cert, read(t, newCert))
		replace(t, key, read(t, newKey))
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		return pair.Certificate[0]
	}
	want := renew()
	cfg, err := config.TLS{Mode: "skip-verify", CertFile: cert, KeyFile: key}.Config("mysql", "localhost")
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if err := server.shakeHands(cfg); err != nil {
			t.Fatal(err)
		}
		if got := <-shown; string(got) != string(want) {
			t.Error("not the certificate of now")
		}
		newCert, _ := writePair(t)
		replace(t, cert, read(t, newCert)) // half of what is to come: the key is another one's
		if err := server.shakeHands(cfg); err != nil {
			t.Fatal(err)
		}
		if got := <-shown; string(got) != string(want) {
			t.Error("not the last good certificate while the files do not fit")
		}
		want = renew()
	}
}

// tlsServer has a certificate for localhost and 127.0.0.1, signed by an authority of its own.
type tlsServer struct {
	addr      string
	authority string
}

// newTLSServer starts a server that looks at the certificates of its clients, if examine is not nil.
func newTLSServer(t *testing.T, examine func([][]byte, [][]*x509.Certificate) error) *tlsServer {
	t.Helper()
	cert, key := writePair(t)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{pair}, VerifyPeerCertificate: examine}
	if examine != nil {
		cfg.ClientAuth = tls.RequireAnyClientCert
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", cfg)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	t.Cleanup(group.Wait)
	t.Cleanup(func() { _ = listener.Close() })
	group.Go(func() {
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			_, _ = io.Copy(conn, conn)
			_ = conn.Close()
		}
	})
	return &tlsServer{listener.Addr().String(), read(t, cert)}
}

// shakeHands connects and sends a byte there and back: with TLS 1.3 a server refuses a certificate after the handshake.
func (s *tlsServer) shakeHands(cfg *tls.Config) error {
	raw, err := net.Dial("tcp", s.addr)
	if err != nil {
		return err
	}
	conn := tls.Client(raw, cfg)
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("x")); err != nil {
		return err
	}
	_, err = io.ReadFull(conn, make([]byte, 1))
	return err
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
