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

const (
	// closeTimeout bounds a Close whose context has no deadline.
	closeTimeout = 25 * time.Second

	// reserve is what of the time for a Close is kept for disconnecting, at most a quarter of it.
	reserve = 250 * time.Millisecond

	// finishInterval is the time between two looks at what is under way: the driver tells nobody of the end of a session.
	finishInterval = 5 * time.Millisecond

	// patience bounds the disconnecting. As long as a connection is in use, the driver waits in a loop without a pause.
	patience = time.Second

	// grace is what the driver gets to disconnect when there is no time left.
	grace = 50 * time.Millisecond
)

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
		return fault.PoolFull(registry.PoolStats{Max: c.pool.most, WaitCount: c.poolStats().WaitCount})
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

// release disconnects when nothing is under way any more, or at the end of ctx, and leaves no connection behind.
func (c *client) release(ctx context.Context) error {
	c.end()
	c.finish(ctx)
	cut := -c.pool.cutInUse() // by a change of the replica set
	c.disconnect(ctx)
	cut += c.pool.cutInUse()
	sessions := c.NumberSessionsInProgress()
	switch {
	case sessions > cut:
		return fault.New(registry.KindTimeout, "%d sessions were still in progress and have been cut", sessions)
	case cut > 0:
		return fault.New(registry.KindTimeout, "%d connections were still in use and have been cut", cut)
	}
	return nil
}

// finish waits until no session is in progress and no connection is in use, and keeps a reserve of ctx. Until then
// the driver must not begin to disconnect: it would refuse the next statement of a transaction.
func (c *client) finish(ctx context.Context) {
	left := closeTimeout
	if deadline, ok := ctx.Deadline(); ok {
		left = time.Until(deadline)
	}
	ctx, cancel := context.WithTimeout(ctx, left-min(reserve, left/4))
	defer cancel()
	look := time.NewTicker(finishInterval)
	defer look.Stop()
	for c.NumberSessionsInProgress() > 0 || c.poolStats().InUse > 0 {
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

// disconnect makes the driver end what it keeps on the servers and close all connections. What has begun since finish
// has looked, or is still in use, may end until the reserve of ctx, too, is used up; then it is cut.
func (c *client) disconnect(ctx context.Context) {
	left := patience
	if deadline, ok := ctx.Deadline(); ok {
		left = min(patience, time.Until(deadline)*4/5)
	}
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Disconnect(ctx)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		select {
		case <-done:
		case <-time.After(grace):
		}
	}
	c.conns.Drain(ctx, func() {})
}
