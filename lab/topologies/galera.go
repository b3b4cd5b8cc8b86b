package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/lab/internal/server"
	"github.com/vibework/mooring/registry"
)

// nodeState is what the node of a cluster can be in.
type nodeState struct {
	name         string
	enter, leave string // statements
	any, primary string // what a check says with that role; "" is nil
}

const notReady = "loading: the node of the cluster is not ready (1047)"

// nowhere is where no other node is.
const nowhere = "gcomm://127.0.0.1:1"

var nodeStates = []nodeState{
	{name: "ready"},
	{"desynced", "SET GLOBAL wsrep_desync = ON", "SET GLOBAL wsrep_desync = OFF", "", ""},
	{
		"read_only", "SET GLOBAL read_only = 1", "SET GLOBAL read_only = 0",
		"", "read_only: the server takes no writes, and the role asks for a primary",
	},
	{
		"wsrep_reject_queries", "SET GLOBAL wsrep_reject_queries = ALL", "SET GLOBAL wsrep_reject_queries = NONE",
		notReady, notReady,
	},
	{
		"non-Primary: the others are out of reach", "SET GLOBAL wsrep_cluster_address = '" + nowhere + "'",
		"SET GLOBAL wsrep_provider_options = 'pc.bootstrap=true'", notReady, notReady,
	},
}

func galeraPart() part {
	return part{galeraIntro, []scenario{{"Galera", true, galera}}}
}

func galeraIntro(ctx context.Context) string {
	return fmt.Sprintf(`## Galera

%s with galera-4, a cluster of one node. What Open and Check of Mooring say in each state of the node,
and a statement on a handle that is open, by mysql.Classify.

| state | role | Open | Check | INSERT |
| --- | --- | --- | --- | --- |
`, server.Versions(ctx)["mysql"])
}

// galera puts a node into its states.
func galera(ctx context.Context) (lines []line, broken, err error) {
	folder, err := os.MkdirTemp("", "topologies-")
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	node, err := server.Galera(ctx, folder)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = node.Stop() }()
	if err := node.Start(ctx); err != nil {
		return nil, nil, err
	}
	admin := node.MySQL(server.Admin, 1)
	defer func() { _ = admin.Close() }()
	run := func(statement string) error {
		if statement == "" {
			return nil
		}
		_, err := admin.ExecContext(ctx, statement)
		return err
	}
	if err := errors.Join(ready(run), run("CREATE TABLE "+server.Database+".pushes (v INT)")); err != nil {
		return nil, nil, err
	}
	for _, role := range []string{"any", "primary"} {
		res := nodeAt(node, role)
		if err := res.Open(ctx); err != nil {
			return nil, nil, err
		}
		for _, s := range nodeStates {
			if err := run(s.enter); err != nil {
				return nil, nil, fmt.Errorf("%s: %w", s.enter, err)
			}
			seen, wrong := s.look(ctx, node, res, role)
			lines, broken = append(lines, seen), errors.Join(broken, wrong)
			if err := errors.Join(run(s.leave), ready(run)); err != nil {
				return nil, nil, fmt.Errorf("%s: %w", s.leave, err)
			}
		}
		if err := res.Close(ctx); err != nil {
			return nil, nil, err
		}
	}
	return lines, broken, nil
}

// ready waits until the node takes statements.
func ready(run func(statement string) error) (err error) {
	for start := time.Now(); time.Since(start) < patience; time.Sleep(10 * time.Millisecond) {
		if err = run("DO 1"); err == nil {
			return nil
		}
	}
	return err
}

// nodeAt is a resource at the node.
func nodeAt(node *server.Process, role string) *mysql.Resource {
	host, port, _ := net.SplitHostPort(node.Addr)
	number, _ := strconv.Atoi(port)
	return mysql.New("mysql", mysql.WithConfig(mysql.Config{
		Host: host, Port: config.Port(number), User: server.User, Password: config.NewSecret(node.Password),
		Database: server.Database, Role: role,
	}))
}

// look has a resource opened, one that is open checked, and a statement run on that.
func (s nodeState) look(ctx context.Context, node *server.Process, res *mysql.Resource, role string) (line, error) {
	want := s.any
	if role == "primary" {
		want = s.primary
	}
	another := nodeAt(node, role)
	opened := say(another.Open(ctx))
	_ = another.Close(ctx)
	checked := say(res.Check(ctx))
	_, err := res.DB().ExecContext(ctx, "INSERT INTO pushes (v) VALUES (1)")
	written := say(mysql.Classify(err))
	var broken error
	for what, got := range map[string]string{"Open": opened, "Check": checked} {
		if got != cmp.Or(want, well) {
			broken = errors.Join(broken, fmt.Errorf("%s, role %s: %s says %q, want %q", s.name, role, what, got, want))
		}
	}
	return line{
		printed: fmt.Sprintf("Galera, %-42s %-8s opens: %s; check: %s; INSERT: %s", s.name, role, opened, checked, written),
		written: fmt.Sprintf("| %s | %s | %s | %s | %s |", s.name, role, opened, checked, written),
	}, broken
}

const well = "well"

func say(err error) string {
	if err == nil {
		return well
	}
	return fmt.Sprintf("%s: %v", registry.KindOf(err), err)
}
