package mongo

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/backends/internal/conns"
	"github.com/vibework/mooring/backends/internal/fault"
	"github.com/vibework/mooring/backends/internal/slot"
	"github.com/vibework/mooring/registry"
)

// grace is what the driver gets to disconnect when there is no time left.
const grace = 50 * time.Millisecond

// client is a client of the driver, and what there is to know about its connections.
type client struct {
	*driver.Client
	settings *settings
	hook     func(*options.ClientOptions)
	login    bool // there are credentials
	watch    watch
	pool     pool
	conns    conns.Set
	open     context.Context // ends when the client is released
	end      context.CancelFunc
}

// connect makes a client and verifies that the server can be used, for as long as the driver may wait for a server.
// The driver would wait even if none is there; this gives up when all have failed once.
func connect(ctx context.Context, s *settings, hook func(*options.ClientOptions)) (*client, error) {
	s, err := s.lookUp(ctx)
	if err != nil {
		return nil, err
	}
	c := &client{settings: s, hook: hook}
	hopeful, lost := context.WithCancelCause(ctx)
	defer lost(nil)
	c.watch.prefix, c.watch.lost = s.prefix, lost
	if err := c.start(); err != nil {
		return nil, err
	}
	if err := c.verify(hopeful); err != nil {
		if hopeful.Err() != nil && ctx.Err() == nil {
			err = context.Cause(hopeful)
		}
		_ = c.release(ctx)
		return nil, err
	}
	return c, nil
}

// start makes the driver's client. It does no I/O, but the driver begins to look for servers.
func (c *client) start() (err error) {
	o := c.settings.clientOptions().SetDialer(dialer{&c.conns, c.settings.ConnectTimeout})
	if c.hook != nil {
		c.hook(o)
	}
	c.listen(o)
	c.login = o.Auth != nil
	if o.MaxPoolSize != nil {
		c.pool.most = int(*o.MaxPoolSize)
	}
	if c.Client, err = driver.Connect(o); err != nil { // what else could be wrong has been checked
		return fault.New(registry.KindConfig, "%sURI: the driver refuses it: "+
			"a character in the password that SCRAM forbids, or what a hook has set", c.settings.prefix)
	}
	c.open, c.end = context.WithCancel(context.Background())
	return nil
}

// verify pings the server, which logs in first if there are credentials. Without, it finds out whether a login is
// wanted: a ping never wants one.
func (c *client) verify(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.settings.ServerSelectionTimeout)
	defer cancel()
	if err := c.ping(ctx); err != nil || c.login {
		return err
	}
	name := c.settings.Database
	if name == "" {
		name = "admin"
	}
	list := bson.D{{Key: "listCollections", Value: 1}, {Key: "nameOnly", Value: true}}
	err := c.classify(c.Database(name).RunCommand(ctx, list).Err())
	if registry.KindOf(err) == registry.KindPermission {
		return fault.New(registry.KindAuth, "the server wants a user name and a password; %sURI has none", c.settings.prefix)
	}
	return nil // other servers may not know the command
}

// check is ErrNotOpen also when the client is released meanwhile: its operations have to end before it can be.
func (c *client) check(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.open, cancel)()
	err := slot.Probe(ctx, c.pingPooled, c.pingDirect)
	if c.open.Err() != nil {
		return registry.ErrNotOpen
	}
	return err
}

// pingPooled does not wait when the driver knows of no server: it looks only twice a second whether one is back, and
// a client of its own is quicker to see that. When it has given all servers up for not being what the URI says, it
// does not look at all.
func (c *client) pingPooled(ctx context.Context) error {
	cause := c.watch.cause()
	switch registry.KindOf(cause) {
	case registry.KindUnreachable, registry.KindTimeout, registry.KindConfig:
		return cause
	}
	err := c.ping(ctx)
	if registry.KindOf(err) == registry.KindTimeout && c.pool.full() {
		return fault.Exhausted(registry.PoolStats{Max: c.pool.most, WaitCount: c.poolStats().WaitCount})
	}
	return err
}

func (c *client) pingDirect(ctx context.Context) error {
	direct, err := connect(ctx, c.settings, func(o *options.ClientOptions) {
		if c.hook != nil {
			c.hook(o)
		}
		o.SetMaxPoolSize(1).SetMinPoolSize(0)
	})
	if err != nil {
		return err
	}
	return direct.release(ctx)
}

// ping is nil also for a user who may not ping: the server is there and knows the user.
func (c *client) ping(ctx context.Context) error {
	err := c.classify(c.Ping(ctx, nil))
	if registry.KindOf(err) == registry.KindPermission {
		return nil
	}
	return err
}

func (c *client) poolStats() registry.PoolStats { return c.pool.stats() }

func (c *client) classify(err error) error {
	return classify(err, c.settings.prefix, c.watch.cause())
}

// release disconnects and sees to it that no connection is left.
func (c *client) release(ctx context.Context) error {
	c.end()
	cut := c.pool.drain(ctx)
	c.disconnect(ctx)
	if cut > 0 {
		return fault.New(registry.KindTimeout, "%d connections were still in use and have been cut", cut)
	}
	return nil
}

// disconnect ends the sessions on the server, as long as Patience allows, and closes all connections. The
// driver gets a context without a deadline: with one, it waits for connections in use in a loop without a pause.
func (c *client) disconnect(ctx context.Context) {
	patient, stop := conns.Patience(ctx)
	defer stop()
	endless, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Disconnect(endless)
	}()
	select {
	case <-done:
	case <-patient.Done():
		cut()
		select {
		case <-done:
		case <-time.After(grace):
		}
	}
	stop()
	c.conns.Drain(patient)
}
