package mongo_test

import (
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func closedPort(t *testing.T) string {
	l := listen(t)
	l.Close()
	return l.Addr().String()
}

// silentPort accepts connections and says nothing.
func silentPort(t *testing.T) string {
	l := listen(t)
	serve(t, l, func(net.Conn) {})
	return l.Addr().String()
}

// hangUp closes every connection after the first bytes.
func hangUp(t *testing.T) string { return answering(t, "") }

// answering says the same to everybody, and closes the connection.
func answering(t *testing.T, what string) string {
	l := listen(t)
	serve(t, l, func(conn net.Conn) {
		buffer := make([]byte, 1<<16)
		_, _ = conn.Read(buffer)
		_, _ = conn.Write([]byte(what))
		conn.Close()
	})
	return l.Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func serve(t *testing.T, l net.Listener, handle func(net.Conn)) {
	t.Helper()
	var serving sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, conn := range conns {
			conn.Close()
		}
		mu.Unlock()
		serving.Wait()
	})
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			serving.Go(func() { handle(conn) })
		}
	})
}

// pemFile writes the certificate to a file, and the key behind it unless that is nil.
func pemFile(t *testing.T, certificate *x509.Certificate, key any) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "certificate.pem")
	content := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
	if key != nil {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		content = append(content, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
