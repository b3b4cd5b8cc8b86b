package mongo

import (
	"context"
	"net/url"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"github.com/vibework/mooring/backends/internal/conns"
	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

const (
	// finishInterval is the time between two looks at what is under way: the driver tells nobody of the end of a session.
	finishInterval = 5 * time.Millisecond

	// patience bounds the disconnecting. As long as a connection is in use, the driver waits in a loop without a pause.
	patience = time.Second
)

// client is a client of the driver, and what there is to know about its connections.
type client struct {
	*driver.Client
	settings *settings
	hook     func(*options.ClientOptions)
	options  *options.ClientOptions // as the driver has read them
	login    bool                   // there are credentials
	reads    *readpref.ReadPref
	watch    watch
	pool     pool
	conns    conns.Set
	open     context.Context // ends when the client is released
	end      context.CancelFunc
}

// connect makes a client and verifies that the server can be used.
func connect(ctx context.Context, s *settings, hook func(*options.ClientOptions)) (*client, error) {
	o, err := s.lookUp(ctx)
	if err != nil {
		return nil, err
	}
	return connectWith(ctx, &client{settings: s, hook: hook, options: o})
}

// connectWith gives up when all servers have failed once. The driver would go on to wait for one.
func connectWith(ctx context.Context, c *client) (*client, error) {
	hopeful, lost := context.WithCancelCause(ctx)
	defer lost(nil)
	c.watch.prefix, c.watch.lost = c.settings.prefix, lost
	if err := c.start(ctx); err != nil {
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

// start makes the driver's client, which begins to look for servers.
func (c *client) start(ctx context.Context) (err error) {
	o := *c.options
	o.TLSConfig = o.TLSConfig.Clone()
	o.SetDialer(dialer{&c.conns, c.settings.ConnectTimeout}).SetLoggerOptions(options.Logger().SetSink(silence{}))
	if c.hook != nil {
		c.hook(&o)
	}
	c.listen(&o)
	c.login, c.reads = o.Auth != nil, o.ReadPreference
	if c.reads == nil {
		c.reads = readpref.Primary()
	}
	if o.MaxPoolSize != nil {
		c.pool.most = int(*o.MaxPoolSize)
	}
	if c.Client, err = c.settings.newClient(ctx, &o); err != nil {
		return err
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
	preference := options.RunCmd().SetReadPreference(c.reads)
	err := c.classify(c.Database(name).RunCommand(ctx, list, preference).Err())
	if registry.KindOf(err) == registry.KindPermission {
		return kit.Errorf(registry.KindAuth, "the server wants a user name and a password; %sURI has none", c.settings.prefix)
	}
	return nil // other servers may not know the command
}

// check is ErrNotOpen also when the client is released meanwhile: its operations have to end before it can be.
func (c *client) check(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.open, cancel)()
	err := kit.Probe(ctx, c.pingPooled, c.pingDirect)
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
		return kit.PoolFull(registry.PoolStats{Max: c.pool.most, WaitCount: c.poolStats().WaitCount})
	}
	return err
}

// pingDirect asks over a client of its own. That knows the servers by the topology: it looks up no mongodb+srv://.
func (c *client) pingDirect(ctx context.Context) error {
	hosts := url.URL{Scheme: "mongodb", Host: strings.Join(c.watch.hosts(c.options.Hosts), ",")}
	o := options.MergeClientOptions(c.options, options.Client().ApplyURI(hosts.String()))
	direct, err := connectWith(ctx, &client{settings: c.settings, options: o, hook: func(o *options.ClientOptions) {
		if c.hook != nil {
			c.hook(o)
		}
		o.SetMaxPoolSize(1).SetMinPoolSize(0)
	}})
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
		return kit.Errorf(registry.KindTimeout, "%d sessions were still in progress and have been cut", sessions)
	case cut > 0:
		return kit.Errorf(registry.KindTimeout, "%d connections were still in use and have been cut", cut)
	}
	return nil
}

// finish waits until no session is in progress and no connection is in use, and leaves some of ctx for
// disconnect. Until
// then the driver must not begin to disconnect: it would refuse the next statement of a transaction.
func (c *client) finish(ctx context.Context) {
	ctx, stop := conns.Working(ctx)
	defer stop()
	ctx, stopHere := conns.Working(ctx)
	defer stopHere()
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

// disconnect makes the driver end what it keeps on the servers and close all connections. What is in use, or has begun
// since finish has looked, may end as long as there is time, and is then cut and counted by the driver.
func (c *client) disconnect(ctx context.Context) {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	working, stopWorking := conns.Working(ctx)
	defer stopWorking()
	graceful, stopGraceful := conns.Working(working)
	defer stopGraceful()
	c.conns.Drain(ctx, func() { _ = c.Disconnect(graceful) })
}
