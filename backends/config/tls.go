package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
)

// The modes of [TLS].
const (
	TLSOff        = "off"
	TLSVerify     = "verify"
	TLSSkipVerify = "skip-verify" // encrypts, but anybody may pose as the server
)

// TLS says how to encrypt connections. Make it a field of a Config; it has no prefix of its own.
type TLS struct {
	// Mode is empty, TLSOff, TLSVerify or TLSSkipVerify. Empty means TLSVerify if any other field is
	// set, else TLSOff; a backend whose URL asks for TLS sets it before it calls Config.
	Mode string `env:"TLS" doc:"off, verify or skip-verify; verify if a TLS file or name is set"`
	// CAFile replaces the system's authorities. CertFile and KeyFile, set together, say who the client
	// is. ServerName is the name that the server's certificate must bear; empty means the host.
	CAFile     string `env:"TLS_CA_FILE" doc:"PEM file of authorities that replace the system's"`
	CertFile   string `env:"TLS_CERT_FILE" doc:"PEM file of the client's certificate"`
	KeyFile    string `env:"TLS_KEY_FILE" doc:"PEM file of the client's key"`
	ServerName string `env:"TLS_SERVER_NAME" doc:"name in the server's certificate, if not the host"`
}

// Config returns what the instance called name needs to connect to host, a name or an address
// without a port: nil if TLS is off, else TLS 1.2 at least. It reads the files at each call, so
// renewed certificates are seen. The error lists every problem, by variable and never by value or
// path.
func (t TLS) Config(name, host string) (*tls.Config, error) {
	prefix := Prefix(name)
	switch t.mode() {
	case TLSOff:
		return nil, nil
	case TLSVerify, TLSSkipVerify:
	default:
		return nil, complain(prefix+"TLS", "not off, verify or skip-verify")
	}
	roots, caErr := t.roots(prefix)
	certificates, certErr := t.certificates(prefix)
	if err := errors.Join(caErr, certErr); err != nil {
		return nil, err
	}
	cfg := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		RootCAs:            roots,
		Certificates:       certificates,
		ServerName:         t.ServerName,
		InsecureSkipVerify: t.mode() == TLSSkipVerify,
	}
	if cfg.ServerName == "" {
		cfg.ServerName = host
	}
	return cfg, nil
}

func (t TLS) mode() string {
	switch {
	case t.Mode != "":
		return t.Mode
	case t != TLS{}:
		return TLSVerify
	}
	return TLSOff
}

// roots returns nil, which stands for the system's, if there is no CA file.
func (t TLS) roots(prefix string) (*x509.CertPool, error) {
	if t.CAFile == "" {
		return nil, nil
	}
	pem, p := readFile(t.CAFile)
	pool := x509.NewCertPool()
	if p == "" && !pool.AppendCertsFromPEM(pem) {
		p = "no PEM certificate in the file"
	}
	return pool, complain(prefix+"TLS_CA_FILE", p)
}

func (t TLS) certificates(prefix string) ([]tls.Certificate, error) {
	certVar, keyVar := prefix+"TLS_CERT_FILE", prefix+"TLS_KEY_FILE"
	switch {
	case t.CertFile == "" && t.KeyFile == "":
		return nil, nil
	case t.CertFile == "":
		return nil, complain(certVar, "not set, but "+problem(keyVar)+" is")
	case t.KeyFile == "":
		return nil, complain(keyVar, "not set, but "+problem(certVar)+" is")
	}
	cert, certProblem := readFile(t.CertFile)
	key, keyProblem := readFile(t.KeyFile)
	if certProblem != "" || keyProblem != "" {
		return nil, errors.Join(complain(certVar, certProblem), complain(keyVar, keyProblem))
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, complain(certVar, "not a PEM certificate that matches the key of "+problem(keyVar))
	}
	return []tls.Certificate{pair}, nil
}
