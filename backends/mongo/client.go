package mongo

import (
	"cmp"
	"context"
	"net"
	"net/url"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

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
	options  *options.ClientOptions        // as the driver has read them
	used     *options.ClientOptions        // the same after the hook
	asks     *options.RunCmdOptionsBuilder // where checks ask
	monitor  monitor
	conns    kit.Conns
}

// connect makes the driver's client, which begins to look for servers, and verifies that one answers. It gives up when
// all have failed once: the driver would go on to wait for one.
func (c *client) connect(ctx context.Context) (err error) {
	hopeful, lost := context.WithCancelCause(ctx)
	defer lost(nil)
	o := *c.options
	o.SetDialer(c).SetLoggerOptions(options.Logger().SetSink(discard{}))
	secure(&o, c.settings.hook)
	preference := cmp.Or(ofRole[c.settings.role], o.ReadPreference, readpref.Primary())
	if given := o.ReadPreference; given != nil && given.Mode() == preference.Mode() {
		preference = given // with its tags
	}
	c.used, c.asks = &o, options.RunCmd().SetReadPreference(preference)
	c.monitor.vars, c.monitor.lost, c.monitor.reads = c.settings.vars, lost, preference
	c.monitor.listen(&o)
	if c.Client, err = driver.Connect(&o); err != nil {
		mechanism := cmp.Or(o.Auth, new(options.Credential)).AuthMechanism
		return c.settings.refusal(err, cmp.Or(wants[mechanism],
			"the driver refuses it: a character in the password that SCRAM forbids, or what a hook has set"))
	}
	bounded, cancel := context.WithTimeout(hopeful, *cmp.Or(o.ServerSelectionTimeout, &c.settings.ServerSelectionTimeout))
	defer cancel()
	if err = c.ask(bounded); err == nil {
		err = c.wantsLogin(bounded)
	}
	if err == nil {
		return nil
	}
	if hopeful.Err() != nil && ctx.Err() == nil {
		err = context.Cause(hopeful)
	}
	_ = c.Close(ctx)
	return err
}

func (c *client) Handle() *driver.Client { return c.Client }

// wantsLogin fails if the server wants a login and there are no credentials: a ping, and hello, never want one.
func (c *client) wantsLogin(ctx context.Context) error {
	if c.used.Auth != nil {
		return nil
	}
	list := bson.D{{Key: "listCollections", Value: 1}, {Key: "nameOnly", Value: true}}
	err := c.Database(cmp.Or(c.settings.Database, "admin")).RunCommand(ctx, list, c.asks).Err()
	if registry.KindOf(c.classify(err)) == registry.KindPermission {
		return kit.Errorf(registry.KindAuth, "the server wants a user name and a password; %s has none",
			c.settings.vars.Name("URI"))
	}
	return nil // other servers may not know the command
}

func (c *client) Check(ctx context.Context) error {
	return c.monitor.moves.Check(ctx, c.monitor.fullest, c.askPooled, c.askDirectly, nil)
}

// askPooled does not wait when the driver knows of no server: it looks only twice a second whether one is back, and
// a client of its own is quicker to see that. When it has given all servers up for not being what the URI says, it
// does not look at all.
func (c *client) askPooled(ctx context.Context) error {
	cause := c.monitor.cause()
	switch registry.KindOf(cause) {
	case registry.KindUnreachable, registry.KindTimeout, registry.KindConfig:
		return cause
	}
	return c.ask(ctx)
}

// askDirectly asks over a client of its own. That knows the servers by the topology: it looks up no mongodb+srv://.
func (c *client) askDirectly(ctx context.Context) error {
	servers := url.URL{Scheme: "mongodb", Host: strings.Join(c.monitor.hosts(), ",")} // a socket's path needs its escapes
	single := *c.settings
	single.hook = func(o *options.ClientOptions) {
		if c.settings.hook != nil {
			c.settings.hook(o)
		}
		o.SetMaxPoolSize(1).SetMinPoolSize(0)
	}
	direct := &client{
		settings: &single,
		options:  options.MergeClientOptions(c.options, options.Client().ApplyURI(servers.String())),
		monitor:  monitor{given: c.monitor.given, answered: c.options.TLSConfig == nil}, // else it may have lost its TLS
	}
	if err := direct.connect(ctx); err != nil {
		return err
	}
	return direct.Close(ctx)
}

// ofRole is where a server of the role is to be found.
var ofRole = map[kit.Role]*readpref.ReadPref{kit.Primary: readpref.Primary(), kit.Replica: readpref.Secondary()}

// ask sends a ping to a server that the read preference allows, or, if there is a role to ask for, a hello to one that
// should have it. A user who may not ping is known to the server, and that is all that a ping is for; a proxy that lets
// no ping pass decides nothing either.
func (c *client) ask(ctx context.Context) error {
	question, role := "ping", c.settings.role
	if role != kit.Any {
		question = "hello"
	}
	// A hook may have set a registry that decodes otherwise.
	answer, raw := c.Database("admin").RunCommand(ctx, bson.D{{Key: question, Value: 1}}, c.asks).Raw()
	err := c.classify(raw)
	takesWrites, _ := answer.Lookup("isWritablePrimary").BooleanOK()
	message, _ := answer.Lookup("msg").StringValueOK()
	inSet := !answer.Lookup("setName").IsZero() && !*cmp.Or(c.used.Direct, new(bool))
	refused := registry.KindOf(err) == registry.KindPermission || codeOf(raw) == codeUnknownCommand
	switch {
	case refused && role == kit.Any:
		return nil
	case refused:
		return kit.Errorf(registry.KindPermission, "the server knows no hello, or does not allow it, and %s asks with that",
			c.settings.vars.Name("ROLE"))
	case role == kit.Replica && takesWrites && inSet:
		return kit.Errorf(registry.KindLoading, "the replica set is changing: the server was a secondary a moment ago")
	case err == nil && message != "isdbgrid": // a router has passed the question on to whom it fits
		return role.Judge(takesWrites)
	}
	return err
}

func (c *client) PoolStats() registry.PoolStats { return c.monitor.stats() }

func (c *client) classify(err error) error {
	return classify(err, c.settings.vars.Name("URI"), c.monitor.cause())
}

// Close waits until no session is in progress and no connection is in use, as long as it may. Only then it disconnects:
// from then on the driver refuses the next statement of a transaction. No connection is left behind.
func (c *client) Close(ctx context.Context) error {
	working, stop := kit.Working(ctx)
	defer stop()
	sessions, conns := c.underWay()
	for ; sessions+conns > 0 && working.Err() == nil; sessions, conns = c.underWay() {
		time.Sleep(finishInterval)
	}
	c.disconnect(ctx)
	switch {
	case sessions > conns:
		return kit.Errorf(registry.KindTimeout, "%d sessions were still in progress and have been cut", sessions)
	case conns > 0:
		return kit.Errorf(registry.KindTimeout, "%d connections were still in use and have been cut", conns)
	}
	return nil
}

// underWay returns how many sessions are in progress and how many connections in use. An operation gives its connection
// back a moment before its session.
func (c *client) underWay() (sessions, conns int) {
	return c.NumberSessionsInProgress(), c.PoolStats().InUse
}

// disconnect makes the driver end what it keeps on the servers and close all connections. What has begun meanwhile may
// end as long as there is time, and is then cut; disconnect returns how many connections that were.
func (c *client) disconnect(ctx context.Context) (cut int) {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	return c.conns.Drain(ctx, func() { _ = c.Disconnect(ctx) })
}

// discard keeps MONGODB_LOG_* in the environment from writing commands, and the documents in them, to standard error or
// to a file that may not open.
type discard struct{}

func (discard) Info(int, string, ...any)    {}
func (discard) Error(error, string, ...any) {}

// DialContext dials for the driver, whose context bounds it, too.
func (c *client) DialContext(ctx context.Context, _, addr string) (net.Conn, error) {
	return c.conns.Dial(ctx, addr, 0)
}
