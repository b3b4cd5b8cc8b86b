package mongo

import (
	"context"
	"net"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/backends/internal/conns"
)

// clientOptions returns what the driver gets; a hook may change it.
func (s *settings) clientOptions() *options.ClientOptions {
	o := *s.others
	o.Hosts = nil
	for _, host := range s.hosts {
		o.Hosts = append(o.Hosts, host.Addr(usualPort))
	}
	if s.user != "" || s.mechanism == x509 {
		o.SetAuth(options.Credential{
			AuthMechanism: s.mechanism,
			AuthSource:    s.authSource(),
			Username:      s.user,
			Password:      s.password.Reveal(),
			PasswordSet:   !s.password.IsZero(),
		})
	}
	if s.tls != nil {
		o.SetTLSConfig(s.tls.Clone())
	}
	if preference := s.read.preference(); preference != nil {
		o.SetReadPreference(preference)
	}
	return o.SetMaxPoolSize(uint64(s.MaxPoolSize)).
		SetMinPoolSize(uint64(s.MinPoolSize)).
		SetMaxConnIdleTime(s.MaxConnIdleTime).
		SetServerSelectionTimeout(s.ServerSelectionTimeout).
		SetConnectTimeout(s.ConnectTimeout).
		SetLoggerOptions(options.Logger().SetSink(silence{}))
}

// silence keeps MONGODB_LOG_* in the environment from writing commands, and the documents in them, to standard
// error or to a file that may not open.
type silence struct{}

func (silence) Info(int, string, ...any)    {}
func (silence) Error(error, string, ...any) {}

// dialer dials for the driver, whose context bounds it, too.
type dialer struct {
	conns   *conns.Set
	timeout time.Duration
}

func (d dialer) DialContext(ctx context.Context, _, addr string) (net.Conn, error) {
	return d.conns.Dial(ctx, addr, d.timeout)
}
