package wire

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Certificate is one that signs itself, for 127.0.0.1, in files.
type Certificate struct {
	CertFile, KeyFile string
	TLS               tls.Certificate
}

// NewCertificate makes a certificate in folder. Its CertFile is the authority to verify it with.
func NewCertificate(folder, name string) (*Certificate, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048) // which MySQL's logins without TLS want
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(time.Now().UnixNano()),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	c := &Certificate{CertFile: filepath.Join(folder, name+".crt"), KeyFile: filepath.Join(folder, name+".key")}
	if err := os.WriteFile(c.CertFile, certPEM, 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(c.KeyFile, keyPEM, 0o600); err != nil {
		return nil, err
	}
	c.TLS, err = tls.X509KeyPair(certPEM, keyPEM)
	return c, err
}

// Replace puts other's certificate into the files of c.
func (c *Certificate) Replace(other *Certificate) error {
	for to, from := range map[string]string{c.CertFile: other.CertFile, c.KeyFile: other.KeyFile} {
		text, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := os.WriteFile(to, text, 0o600); err != nil {
			return err
		}
	}
	return nil
}
