package redis

import (
	"context"
	"regexp"
	"strings"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// ask asks what a program would: a PING, which a server that cannot save refuses as it refuses writes, and the server's
// role if one is wanted.
func (c *client) ask(ctx context.Context, conn driver.Conn) error {
	if c.topology == cluster {
		return askState(ctx, conn)
	}
	if err := ping(ctx, conn); err != nil || c.role == kit.Any {
		return err
	}
	role, err := roleOf(ctx, conn)
	switch {
	case err != nil:
		return err
	case role != "master" && role != "slave":
		return kit.Errorf(registry.KindPermission,
			"the user may ask neither ROLE nor INFO, and %sROLE needs one of them", c.vars.Prefix())
	}
	return c.notes.Judge(c.role, role == "master")
}

// ping is nil also for a user who may not PING (NOPERM): the server is there and knows the user.
func ping(ctx context.Context, conn driver.Conn) error {
	reply, err := driver.DoContext(conn, ctx, "PING")
	switch {
	case registry.KindOf(Classify(err)) == registry.KindPermission:
		return nil
	case err == nil && reply != "PONG": // a server that sends back what it gets sends an array
		return kit.Errorf(registry.KindUnknown, "the answer to PING is not PONG; is this a Redis server?")
	}
	return err
}

// roleOf returns master or slave, and "" where the server does not say. Its error is of the connection, or of a server
// that answers nothing now.
func roleOf(ctx context.Context, conn driver.Conn) (string, error) {
	reply, err := driver.DoContext(conn, ctx, "ROLE")
	if fields, _ := reply.([]any); len(fields) > 0 {
		return text(fields[0], nil)
	}
	if err != nil && !unanswered(err) {
		return "", err
	}
	return field(ctx, conn, "role", "INFO", "replication")
}

// identify refuses what the configuration does not speak of: a Sentinel, a node of a cluster that does not hold all
// slots, and one server where a cluster should be. What the server or a proxy does not answer decides nothing.
func (c *client) identify(ctx context.Context, conn driver.Conn) error {
	mode, err := field(ctx, conn, "redis_mode", "INFO", "server")
	switch {
	case err != nil:
		return c.firstWord(err)
	case mode == "sentinel":
		return kit.Errorf(registry.KindConfig, "this is a Sentinel, and not the server that it watches: "+
			"write %sURL=redis+sentinel://host:26379/NAME", c.vars.Prefix())
	case mode != "cluster" && mode != "" && c.topology == cluster:
		return kit.Errorf(registry.KindConfig, "this is one server, and no cluster: write %sURL=redis://host:6379",
			c.vars.Prefix())
	case mode != "cluster" || c.topology == cluster:
		return nil
	}
	nodes, err := text(driver.DoContext(conn, ctx, "CLUSTER", "NODES"))
	if nodes != "" && !holdsAllSlots.MatchString(nodes) {
		return kit.Errorf(registry.KindConfig, "this is a node of a cluster, and does not hold all slots: "+
			"write %sURL=redis+cluster://host:6379", c.vars.Prefix())
	}
	return err
}

// because returns the reason why a server has refused a question: it may be of another kind, which does not know that.
// A server that does not say what it is, NOAUTH say, leaves the reason as it was.
func (c *client) because(ctx context.Context, conn driver.Conn, err error) error {
	if refused(err) {
		if wrong := c.identify(ctx, conn); registry.KindOf(wrong) == registry.KindConfig {
			return wrong
		}
	}
	return err
}

// holdsAllSlots is how CLUSTER NODES, which has a line for each node, with its flags and, at its end, the ranges of its
// slots, tells of the node that answers.
var holdsAllSlots = regexp.MustCompile(`[ ,]myself.* 0-16383`)

// field returns a field of what the command answers, such as INFO, and "" if the server does not say.
func field(ctx context.Context, conn driver.Conn, name, command, section string) (string, error) {
	fields, err := text(driver.DoContext(conn, ctx, command, section))
	_, rest, _ := strings.Cut("\n"+fields, "\n"+name+":")
	value, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(value), err
}

// text returns an answer in words, and "" for any other and for a question that is not answered.
func text(reply any, err error) (string, error) {
	words, _ := driver.String(reply, err)
	if unanswered(err) {
		err = nil
	}
	return words, err
}
