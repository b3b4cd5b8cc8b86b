package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/vibework/mooring/lab/internal/server"
	"github.com/vibework/mooring/lab/internal/wire"
)

const (
	hostName  = "primary.test"
	replAfter = 2 * time.Second // a semi-synchronous primary waits for its replica
)

// pair is a primary and a replica of MariaDB, by GTID, and what is in front of them for each client.
type pair struct {
	ctx      context.Context
	folder   string
	names    *wire.Names // nil: clients connect to an address that leads to the primary
	servers  [2]*server.Process
	admins   [2]*sql.DB
	gates    []gate
	serving  int // which server takes the writes
	password string
}

// gate is in front of the servers for one client, so that its connections can be told from those of the others. Behind
// a name, each server has a port of its own, at an address of its own; else one port leads to one or the other.
type gate struct{ first, second *wire.Port }

func newPair(ctx context.Context, byName, semiSync bool) (p *pair, err error) {
	p = &pair{ctx: ctx}
	defer func() {
		if err != nil {
			p.end()
		}
	}()
	if p.folder, err = os.MkdirTemp("", "topologies-"); err != nil {
		return p, err
	}
	if byName {
		if p.names, err = wire.Take(); err != nil {
			return p, err
		}
		p.names.SetTo(hostName, "127.0.0.2")
	}
	for n := range p.servers {
		if err := p.start(n, semiSync); err != nil {
			return p, err
		}
	}
	return p, p.replicate()
}

func (p *pair) start(n int, semiSync bool) (err error) {
	options := []string{
		fmt.Sprintf("--server-id=%d", n+1), "--log-bin=binlog", "--log-slave-updates", "--gtid-strict-mode",
		"--slave-net-timeout=5",
	}
	if semiSync {
		options = append(options, "--rpl-semi-sync-slave-enabled=ON", "--rpl-semi-sync-master-wait-point=AFTER_SYNC",
			fmt.Sprintf("--rpl-semi-sync-master-timeout=%d", replAfter.Milliseconds()))
		if n == 0 {
			options = append(options, "--rpl-semi-sync-master-enabled=ON")
		}
	}
	if p.servers[n], err = server.MariaDB(p.ctx, p.folder, nil, options...); err != nil {
		return err
	}
	if err := p.servers[n].Start(p.ctx); err != nil {
		return err
	}
	p.admins[n] = p.servers[n].MySQL(server.Admin, 2)
	return nil
}

// replicate makes the second server a replica, and what clients need at the first one: the replica gets it from there.
func (p *pair) replicate() error {
	primary := p.servers[0]
	p.password = primary.Password
	if err := p.run(1,
		"SET GLOBAL read_only = 1",
		fmt.Sprintf("CHANGE MASTER TO master_host = '127.0.0.1', master_port = %s, master_user = '%s', "+
			"master_password = '%s', master_use_gtid = slave_pos, master_connect_retry = 1",
			primary.Port(), server.Admin, primary.Password),
		"START SLAVE"); err != nil {
		return err
	}
	if err := p.run(0,
		"CREATE TABLE "+server.Database+".pushes "+
			"(n BIGINT PRIMARY KEY AUTO_INCREMENT, k VARCHAR(60), v VARCHAR(60), KEY (k))",
		fmt.Sprintf("CREATE USER shop IDENTIFIED BY '%s'", p.password),
		fmt.Sprintf("GRANT SELECT, INSERT ON %s.* TO shop", server.Database)); err != nil {
		return err
	}
	return p.catchUp()
}

// end kills the servers and removes the folder.
func (p *pair) end() {
	for n, s := range p.servers {
		if p.admins[n] != nil {
			_ = p.admins[n].Close()
		}
		if s != nil {
			_ = s.Stop()
		}
	}
	for _, g := range p.gates {
		_ = g.first.Close()
		if g.second != nil {
			_ = g.second.Close()
		}
	}
	if p.names != nil {
		_ = p.names.Close()
	}
	_ = os.RemoveAll(p.folder)
}

// gate makes one more gate and returns where clients find it.
func (p *pair) gate() (host, port string, err error) {
	if p.names == nil {
		first, err := wire.Listen("127.0.0.1:0", p.servers[0].Addr)
		if err != nil {
			return "", "", err
		}
		p.gates = append(p.gates, gate{first: first})
		return net.SplitHostPort(first.Addr())
	}
	number, err := server.FreePort()
	if err != nil {
		return "", "", err
	}
	port = fmt.Sprint(number)
	first, err1 := wire.Listen("127.0.0.2:"+port, p.servers[0].Addr)
	second, err2 := wire.Listen("127.0.0.3:"+port, p.servers[1].Addr)
	if err := errors.Join(err1, err2); err != nil {
		return "", "", err
	}
	p.gates = append(p.gates, gate{first, second})
	return hostName, port, nil
}

// lead makes the name, or the address, that of the second server.
func (p *pair) lead() {
	p.serving = 1
	if p.names != nil {
		p.names.SetTo(hostName, "127.0.0.3")
		return
	}
	for _, g := range p.gates {
		g.first.Turn(p.servers[1].Addr)
	}
}

func (p *pair) run(n int, statements ...string) error {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	for _, statement := range statements {
		if _, err := p.admins[n].ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", strings.Fields(statement)[0], err)
		}
	}
	return nil
}

// catchUp waits until the replica has all that the primary has written.
func (p *pair) catchUp() error {
	var position string
	if err := p.admins[0].QueryRowContext(p.ctx, "SELECT @@gtid_binlog_pos").Scan(&position); err != nil {
		return err
	}
	return p.applied(position)
}

func (p *pair) applied(position string) error {
	var result int
	err := p.admins[1].QueryRowContext(p.ctx, "SELECT MASTER_GTID_WAIT(?, ?)", position, patience.Seconds()).Scan(&result)
	if err == nil && result != 0 {
		err = fmt.Errorf("the replica has not reached %s in %v", position, patience)
	}
	return err
}

// received waits until the replica has applied all that it has received.
func (p *pair) received() error {
	if err := p.run(1, "STOP SLAVE IO_THREAD"); err != nil {
		return err
	}
	status, err := p.replica()
	if err != nil {
		return err
	}
	return p.applied(status["Gtid_IO_Pos"])
}

// replica is what the replica says of itself.
func (p *pair) replica() (map[string]string, error) {
	rows, err := p.admins[1].QueryContext(p.ctx, "SHOW SLAVE STATUS")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values, places := make([]sql.NullString, len(names)), make([]any, len(names))
	for n := range values {
		places[n] = &values[n]
	}
	status := make(map[string]string)
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return nil, err
		}
		for n, name := range names {
			status[name] = values[n].String
		}
	}
	return status, rows.Err()
}

// promote makes the replica the primary.
func (p *pair) promote() error {
	if err := p.run(1, "STOP SLAVE", "SET GLOBAL read_only = 0"); err != nil {
		return err
	}
	p.lead()
	return nil
}

// list reads what has been written, past all clients.
func (p *pair) list(key string) (values []string, err error) {
	rows, err := p.admins[p.serving].QueryContext(p.ctx, "SELECT v FROM "+server.Database+".pushes WHERE k = ?", key)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var value string
		if err := rows.Scan(&value); err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, rows.Err()
}
