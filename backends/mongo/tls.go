package mongo

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"strings"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
)

// secureDialer does the TLS handshake in the place of the driver, which has one configuration for all hosts: a server
// can then be verified by the authorities that are in the file at that time only where its name is known besides.
type secureDialer struct {
	options.ContextDialer
	config *tls.Config
	chain  func(tls.ConnectionState) error // verifies all but the name
}

// secure lets hook change o, and takes the handshake over if there is a file of authorities. What a hook sets stays in
// force: another dialer dials, its own configuration is the driver's, its verification comes on top.
func secure(o *options.ClientOptions, hook func(*options.ClientOptions)) {
	given := o.TLSConfig
	ours := given.Clone()
	o.TLSConfig = ours
	if hook != nil {
		hook(o)
	}
	if given != nil && given.VerifyConnection != nil && o.TLSConfig == ours {
		o.SetDialer(secureDialer{o.Dialer, ours, given.VerifyConnection}).SetTLSConfig(nil)
	}
}

// filesIn returns the files that the options of the URI name, which are read as those of the variables are. The driver
// would read them once. It is left to it to read a key that has a password.
func filesIn(u kit.URI, o *options.ClientOptions) (t config.TLS) {
	q := u.Query
	t.CAFile = cmp.Or(q.Get("tlsCAFile"), q.Get("sslCertificateAuthorityFile"))
	if !q.Has("tlsCertificateKeyFilePassword") && !q.Has("sslClientCertificateKeyPassword") {
		both := cmp.Or(q.Get("tlsCertificateKeyFile"), q.Get("sslClientCertificateKeyFile"))
		t.CertFile, t.KeyFile = cmp.Or(both, q.Get("tlsCertificateFile")), cmp.Or(both, q.Get("tlsPrivateKeyFile"))
	}
	if t != (config.TLS{}) && o.TLSConfig != nil && o.TLSConfig.InsecureSkipVerify {
		t.Mode = config.TLSSkipVerify
	}
	return t
}

// DialContext ends when ctx does, which the driver sees to.
func (d secureDialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	raw, err := d.ContextDialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, d.to(addr))
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return conn, nil
}

// to returns the configuration for one server.
func (d secureDialer) to(addr string) *tls.Config {
	cfg := d.config.Clone()
	if cfg.ServerName == "" {
		host, _, _ := net.SplitHostPort(addr)
		cfg.ServerName, _, _ = strings.Cut(host, "%") // no certificate has the zone of an address
	}
	also := cfg.VerifyConnection // the same, unless a hook has put its own there
	if also == nil {
		also = d.chain
	}
	cfg.InsecureSkipVerify = true // by the authorities of the beginning
	cfg.VerifyConnection = func(state tls.ConnectionState) error {
		return cmp.Or(d.chain(state), state.PeerCertificates[0].VerifyHostname(cfg.ServerName), also(state))
	}
	return cfg
}
