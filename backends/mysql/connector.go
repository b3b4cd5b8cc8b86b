package mysql

import (
	"cmp"
	"context"
	"crypto/x509"
	sqldriver "database/sql/driver"
	"errors"
	"io"
	"net"
	"sync/atomic"
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
	w := newWire(c.conns)
	cfg := c.driver.Clone()
	cfg.User, cfg.Passwd = who.User, who.Password.Reveal()
	cfg.DialFunc = func(ctx context.Context, _, addr string) (net.Conn, error) {
		raw, err := c.conns.Dial(ctx, addr, c.DialTimeout)
		w.Socket, _ = raw.(kit.Socket) // which it is
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
	w.phase.CompareAndSwap(loggingIn, idle)
	return &connection{session: conn.(session), of: c, wire: w, made: time.Now()}, nil
}

// Driver returns the driver, for those who wrap it.
func (c *client) Driver() sqldriver.Driver { return &driver.MySQLDriver{} }

// wire is the socket of a connection. It remembers why it broke: the driver calls it invalid and says no more.
type wire struct {
	kit.Socket
	broke error
	phase atomic.Int32
	conns *kit.Conns
	life  context.Context // ends when the connection has left its pool
	end   context.CancelFunc
}

func newWire(conns *kit.Conns) *wire {
	w := &wire{conns: conns}
	w.life, w.end = context.WithCancel(context.Background())
	return w
}

// The phases of a wire.
const (
	ungreeted int32 = iota
	loggingIn
	idle   // the server owes no answer
	asked  // it owes one
	closed // by the driver
)

var errGreeting = kit.Errorf(registry.KindConfig, "what answers on this port does not speak MySQL")

// Read also looks at the server's first packet. The driver panics over that of the X protocol, on the port
// next door, and would wait for the rest of what other servers say.
func (w *wire) Read(p []byte) (n int, err error) {
	switch w.phase.Load() {
	case closed: // the driver may have moved the deadline
		return 0, net.ErrClosed
	case ungreeted:
		const protocol10, refusal = 10, 0xff
		n, err = io.ReadAtLeast(w.Socket, p, 5) // three bytes of length, the sequence, the protocol
		if err == nil && p[4] != protocol10 && p[4] != refusal {
			err = errGreeting
		}
		w.phase.CompareAndSwap(ungreeted, loggingIn)
	default:
		n, err = w.Socket.Read(p)
	}
	if n > 0 {
		w.phase.CompareAndSwap(asked, idle)
	}
	w.broke = cmp.Or(err, w.broke)
	return n, err
}

func (w *wire) Write(p []byte) (n int, err error) {
	w.phase.CompareAndSwap(idle, asked)
	n, err = w.Socket.Write(p)
	w.broke = cmp.Or(err, w.broke)
	return n, err
}

// letGo is how long a connection that was cut keeps its place when its server does not let go.
const letGo = time.Minute

// Close is what the driver calls once. While the server owes an answer, it is only told that nobody waits for that: the
// rest is for the Close of the connection, which comes later. The wire hangs up then, after letGo, or when the pool is
// closed, also while a program holds the connection.
func (w *wire) Close() error {
	if w.phase.Swap(closed) != asked {
		return w.Socket.Close()
	}
	ctx, cancel := w.conns.Dialling(w.life, letGo)
	context.AfterFunc(ctx, func() {
		cancel()
		_ = w.Socket.Close()
	})
	_ = w.SetReadDeadline(time.Unix(1, 0)) // ends what the driver reads
	return w.CloseWrite()
}

// explain returns why connecting failed: the driver's reason, unless it is a vague one and more is known. A server that
// wants TLS of a user refuses the login without it, and says no more.
func (s *settings) explain(w *wire, err error) error {
	answer, answered := errors.AsType[*driver.MySQLError](err)
	reason := Classify(err)
	switch kind := registry.KindOf(reason); {
	case answered && answer.Number == 1045 && s.driver.TLS == nil && s.driver.Net == "tcp":
		return kit.Errorf(kind, "%w, or the server wants TLS: %s", reason, s.vars.Name("TLS"))
	case kind == registry.KindTLS && s.driver.TLS == nil:
		return kit.Errorf(kind, "%w: set %s", reason, s.vars.Name("TLS"))
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return kit.Errorf(kind, "%w: %s says whom to trust", reason, s.vars.Name("TLS_CA_FILE"))
	case !answered && w.broke != nil && (kind == registry.KindUnreachable || kind == registry.KindUnknown):
		return kit.Classify(w.broke)
	}
	return reason
}
