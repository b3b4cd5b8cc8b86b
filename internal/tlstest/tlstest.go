// Package tlstest has authorities and certificates for tests, and the files of them that change while a program runs.
package tlstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority signs certificates.
type Authority struct {
	PEM  []byte // its own certificate
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Pair is a certificate for localhost and 127.0.0.1, of a server or of a client, and its key, in PEM.
type Pair struct{ Cert, Key []byte }

var serial int64

// NewAuthority returns one that nobody else trusts.
func NewAuthority(t *testing.T) *Authority {
	t.Helper()
	a := new(Authority)
	pair := a.issue(t)
	a.PEM = pair.Cert
	return a
}

// Issue returns a certificate that the authority has signed.
func (a *Authority) Issue(t *testing.T) Pair {
	t.Helper()
	return a.issue(t)
}

// issue signs the authority's own certificate if it has none yet.
func (a *Authority) issue(t *testing.T) Pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: fmt.Sprintf("test-%d", serial)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if a.cert == nil {
		template.IsCA, template.BasicConstraintsValid = true, true
		a.cert, a.key = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return Pair{
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	}
}

// Mount is a folder of files that are links into ..data, as Kubernetes mounts a secret.
type Mount struct {
	t   *testing.T
	dir string
	n   int
}

// NewMount returns a folder with these files.
func NewMount(t *testing.T, files map[string][]byte) *Mount {
	t.Helper()
	m := &Mount{t: t, dir: t.TempDir()}
	m.Replace(files)
	for name := range files {
		m.must(os.Symlink(filepath.Join("..data", name), m.Path(name)))
	}
	return m
}

// Path returns where a file is.
func (m *Mount) Path(name string) string { return filepath.Join(m.dir, name) }

// Replace puts other files into the place of all, at once: a new folder, to which ..data leads from now on.
func (m *Mount) Replace(files map[string][]byte) {
	m.t.Helper()
	m.n++
	folder := fmt.Sprintf("..%d", m.n)
	m.must(os.Mkdir(m.Path(folder), 0o700))
	for name, content := range files {
		m.must(os.WriteFile(filepath.Join(m.dir, folder, name), content, 0o600))
	}
	m.must(os.Symlink(folder, m.Path("..new")))
	m.must(os.Rename(m.Path("..new"), m.Path("..data")))
}

// Overwrite writes over the files, one after the other.
func (m *Mount) Overwrite(files map[string][]byte) {
	m.t.Helper()
	for name, content := range files {
		m.must(os.WriteFile(m.Path(name), content, 0o600))
	}
}

func (m *Mount) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}
