package mysql

import (
	"context"
	"crypto/x509"
	sqldriver "database/sql/driver"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// Connect connects, logs in with the credentials of now and selects the database within DialTimeout; the driver alone
// would bound the dialling only. Its error can be shown, unlike the driver's.
func (c *client) Connect(ctx context.Context) (conn sqldriver.Conn, err error) {
	if err := c.places.take(ctx); err != nil { // as in a pool that is full, the time of the caller alone counts
		return nil, err
	}
	ctx, cancel := c.conns.Dialling(ctx, c.DialTimeout)
	defer cancel()
	err = c.login.Connect(ctx, func(who kit.Credentials) (err error) {
		conn, err = c.connect(ctx, who)
		return err
	})
	if err != nil {
		c.places.add(-1)
	}
	return conn, err
}

func (c *client) connect(ctx context.Context, who kit.Credentials) (sqldriver.Conn, error) {
	w := &wire{conns: c.conns, places: c.places}
	cfg := c.driver.Clone()
	cfg.User, cfg.Passwd = who.User, who.Password.Reveal()
	cfg.DialFunc = func(ctx context.Context, _, addr string) (_ net.Conn, err error) {
		w.Conn, err = c.conns.Dial(ctx, addr, c.DialTimeout)
		return w, err
	}
	inner, err := driver.NewConnector(cfg)
	if err != nil {
		return nil, Classify(err)
	}
	conn, err := inner.Connect(ctx)
	if over := c.conns.Err(); over != nil {
		if err == nil {
			_ = conn.Close()
		}
		return nil, over
	}
	if err != nil {
		return nil, c.explain(w, err)
	}
	c.notes.Lent()
	w.lent.Store(true)
	return &connection{session: conn.(session), of: c, wire: w, made: time.Now()}, nil
}

// Driver returns the driver, for those who wrap it.
func (c *client) Driver() sqldriver.Driver { return &driver.MySQLDriver{} }

// wire is a connection that remembers why it broke: the driver calls it invalid and says no more. And it remembers
// whether the server owes an answer.
type wire struct {
	net.Conn
	greeted bool
	broke   error

	conns   *kit.Conns
	places  *places
	reading sync.Mutex
	lent    atomic.Bool // and so it has one of the places
	asked   atomic.Bool // and there is no answer yet
	closed  atomic.Bool
}

var errGreeting = kit.Errorf(registry.KindConfig, "what answers on this port does not speak MySQL")

// Read also looks at the server's first packet. The driver panics over that of the X protocol, on the port
// next door, and would wait for the rest of what other servers say.
func (w *wire) Read(p []byte) (n int, err error) {
	w.reading.Lock()
	defer w.reading.Unlock()
	if w.closed.Load() {
		return 0, net.ErrClosed
	}
	if w.greeted {
		n, err = w.Conn.Read(p)
	} else {
		const protocol10, refusal = 10, 0xff
		n, err = io.ReadAtLeast(w.Conn, p, 5) // three bytes of length, the sequence, the protocol
		if err == nil && p[4] != protocol10 && p[4] != refusal {
			err = errGreeting
		}
		w.greeted = err == nil
	}
	if n > 0 {
		w.asked.Store(false)
	}
	if err != nil {
		w.broke = err
	}
	return n, err
}

func (w *wire) Write(p []byte) (n int, err error) {
	w.asked.Store(true)
	if n, err = w.Conn.Write(p); err != nil {
		w.broke = err
	}
	return n, err
}

// SyscallConn lets the driver see whether the server has hung up.
func (w *wire) SyscallConn() (syscall.RawConn, error) {
	return w.Conn.(syscall.Conn).SyscallConn()
}

// explain returns why connecting failed: the driver's reason, unless it is a vague one and more is known. A server that
// wants TLS of a user refuses the login without it, and says no more.
func (s *settings) explain(w *wire, err error) error {
	answer, answered := errors.AsType[*driver.MySQLError](err)
	if answered && answer.Number == 1045 && s.driver.TLS == nil && s.driver.Net == "tcp" {
		return kit.Errorf(registry.KindAuth, "access denied (1045), or the server wants TLS: %s", s.vars.Name("TLS"))
	}
	reason := Classify(err)
	switch kind := registry.KindOf(reason); {
	case kind == registry.KindTLS && s.driver.TLS == nil:
		return kit.Errorf(kind, "%w: set %s", reason, s.vars.Name("TLS"))
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return kit.Errorf(kind, "%w: %s says whom to trust", reason, s.vars.Name("TLS_CA_FILE"))
	case !answered && w.broke != nil && (kind == registry.KindUnreachable || kind == registry.KindUnknown):
		return kit.Classify(w.broke)
	}
	return reason
}
