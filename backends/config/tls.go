package config

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"strings"
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
	Mode string `env:"TLS" words:"true=verify,yes=verify,on=verify,1=verify,verify=verify,false=off,no=off,0=off,off=off,skip-verify=skip-verify" doc:"off, verify or skip-verify; verify if a TLS file is set"` //nolint:lll // one tag
	// CAFile replaces the system's authorities. CertFile and KeyFile, set together, say who the client
	// is. ServerName is the name that the server's certificate must bear; empty means the host. The aliases are those
	// of libpq, for the default instance of PostgreSQL alone.
	CAFile     string `env:"TLS_CA_FILE" alias:"POSTGRES_TLS_CA_FILE=PGSSLROOTCERT" doc:"PEM file of authorities that replace the system's"` //nolint:lll // one tag
	CertFile   string `env:"TLS_CERT_FILE" alias:"POSTGRES_TLS_CERT_FILE=PGSSLCERT" doc:"PEM file of the client's certificate"`              //nolint:lll // one tag
	KeyFile    string `env:"TLS_KEY_FILE" alias:"POSTGRES_TLS_KEY_FILE=PGSSLKEY" doc:"PEM file of the client's key"`
	ServerName string `env:"TLS_SERVER_NAME" doc:"name in the server's certificate, if not the host"`

	required bool
}

// Require asks for TLS and leaves open how, as sslmode=require does: the server is verified only if Mode or another
// field says so. It has no effect beside a Mode.
func (t *TLS) Require() { t.required = true }

// IsRequired reports whether Require was called.
func (t *TLS) IsRequired() bool { return t.required }

// Config returns what the instance called name needs to connect to host, a name or an address without a port: nil if
// TLS is off, else TLS 1.2 at least. The host may be the path of a Unix socket, which has no TLS: that is refused. The
// error lists every problem, by variable and never by value or path.
//
// The files are read now, and again at each handshake if they have changed, so that a renewed certificate is shown and
// an authority that was withdrawn is not trusted any longer. While a file is missing, empty or half written, what was
// read before stays in use. With authorities of its own, the configuration verifies the server in VerifyConnection;
// InsecureSkipVerify only keeps crypto/tls from doing it by the authorities of the beginning. That needs a name: if
// both host and ServerName are empty, since the driver fills in one of many hosts, an authority of the beginning that
// is withdrawn is not trusted any longer, but none that is new is trusted.
func (t TLS) Config(name, host string) (*tls.Config, error) {
	return Variables{name: name}.TLS(t, host)
}

// TLS is [TLS.Config], with errors that name what has set a variable.
func (v Variables) TLS(t TLS, host string) (*tls.Config, error) {
	mode := v.modeOf(t)
	switch {
	case mode == TLSOff:
		return nil, nil
	case mode != TLSVerify && mode != TLSSkipVerify:
		return nil, errors.New(v.Name("TLS") + ": not off, verify or skip-verify")
	case strings.HasPrefix(host, "/"):
		return nil, errors.New(v.Name("TLS") + ": there is no TLS over a Unix socket")
	}
	host, _, _ = strings.Cut(host, "%") // no certificate has the zone of an address
	cfg := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         cmp.Or(t.ServerName, host),
		InsecureSkipVerify: mode == TLSSkipVerify,
	}
	if err := errors.Join(t.trust(cfg, v), t.identify(cfg, v)); err != nil {
		return nil, err
	}
	return cfg, nil
}

// modeOf returns the mode that t has or that follows from its other fields.
func (v Variables) modeOf(t TLS) string {
	switch {
	case t.Mode != "":
		return t.Mode
	case t == TLS{required: true}: // and nothing says how
		LogOnce(slog.LevelInfo, "TLS is required, and the server is not verified: "+v.Prefix()+"TLS=verify verifies it")
		return TLSSkipVerify
	case t != TLS{}:
		return TLSVerify
	}
	return TLSOff
}

// trust makes cfg trust the authorities that are in CAFile at the time of the handshake, or the system's.
func (t TLS) trust(cfg *tls.Config, vars Variables) error {
	if t.CAFile == "" {
		return nil
	}
	roots, err := NewLive([]string{t.CAFile}, func() (*x509.CertPool, error) {
		pem, err := ReadFile(t.CAFile)
		pool := x509.NewCertPool()
		if err == nil && (!pool.AppendCertsFromPEM(pem) || !isWhole(pem)) {
			err = errors.New("no PEM certificate in the file, or half of one")
		}
		return pool, complain(vars.Name("TLS_CA_FILE"), err)
	})
	cfg.RootCAs = roots.Get()
	if err == nil && !cfg.InsecureSkipVerify {
		serverName := cfg.ServerName
		cfg.InsecureSkipVerify = serverName != ""
		cfg.VerifyConnection = func(state tls.ConnectionState) error { return verify(state, serverName, roots.Get()) }
	}
	return err
}

// isWhole reports whether the last block of a PEM file has an end: a file that is being written may have none yet.
func isWhole(pem []byte) bool {
	return bytes.Count(pem, []byte("-----BEGIN ")) == bytes.Count(pem, []byte("-----END "))
}

// verify does what crypto/tls would, with these authorities; without a name it leaves that to crypto/tls.
func verify(state tls.ConnectionState, serverName string, roots *x509.CertPool) error {
	chain := state.PeerCertificates
	intermediates := x509.NewCertPool()
	for _, cert := range chain[1:] {
		intermediates.AddCert(cert)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, DNSName: serverName, Intermediates: intermediates})
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: err}
	}
	return nil
}

// identify makes cfg show the certificate that is in CertFile at the time of the handshake, if there is one.
func (t TLS) identify(cfg *tls.Config, vars Variables) error {
	certVar, keyVar := vars.Name("TLS_CERT_FILE"), vars.Name("TLS_KEY_FILE")
	switch {
	case t.CertFile == "" && t.KeyFile == "":
		return nil
	case t.CertFile == "":
		return errors.New(certVar + ": not set, but " + keyVar + " is")
	case t.KeyFile == "":
		return errors.New(keyVar + ": not set, but " + certVar + " is")
	}
	pair, err := NewLive([]string{t.CertFile, t.KeyFile}, func() (*tls.Certificate, error) {
		cert, certErr := ReadFile(t.CertFile)
		key, keyErr := ReadFile(t.KeyFile)
		if err := errors.Join(complain(certVar, certErr), complain(keyVar, keyErr)); err != nil {
			return nil, err
		}
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return nil, errors.New(certVar + ": not a PEM certificate that matches the key of " + keyVar)
		}
		return &pair, nil
	})
	cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair.Get(), nil }
	return err
}
