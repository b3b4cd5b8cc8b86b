package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"syscall"
	"time"

	"github.com/vibework/mooring/lab/internal/server"
	"github.com/vibework/mooring/registry"
)

// window is for how long nobody takes writes.
const window = 2 * time.Second

// switching is something that happens to a primary and its replica. It returns when there is a primary again.
type switching struct {
	topology, name string
	byName         bool // the host name moves to another address; else the address leads elsewhere
	semiSync       bool
	short          bool
	readOnly       bool // the primary says that it takes no writes
	safe           bool // nothing that was acknowledged may be lost
	hangs          bool // the primary does not answer, and database/sql gives a Commit no context
	happen         func(*pair) error
	after          func(*pair) error // what comes when there is a primary again; may be nil
}

var switchings = []switching{
	{topology: "MySQL behind a name", name: "kill -9", byName: true, happen: killPrimary},
	{
		topology: "MySQL behind a name", name: "SIGSTOP", byName: true,
		hangs: true, happen: freezePrimary, after: thawPrimary,
	},
	{
		topology: "MySQL behind a name", name: "a planned switch", byName: true,
		readOnly: true, safe: true, happen: switchOver,
	},
	{topology: "MySQL behind an address", name: "kill -9", happen: killPrimary},
	{topology: "MySQL behind an address", name: "SIGSTOP", hangs: true, happen: freezePrimary, after: thawPrimary},
	{
		topology: "MySQL behind an address", name: "a planned switch", short: true,
		readOnly: true, safe: true, happen: switchOver,
	},
	{topology: "MySQL, semi-sync", name: "kill -9", semiSync: true, safe: true, happen: killPrimary},
	{
		topology: "MySQL, semi-sync", name: "a planned switch",
		semiSync: true, readOnly: true, safe: true, happen: switchOver,
	},
	{
		topology: "MySQL, semi-sync", name: "a read-only window",
		semiSync: true, readOnly: true, safe: true, happen: (*pair).close,
	},
	{
		topology: "MySQL, semi-sync", name: "the replica is gone",
		semiSync: true, safe: true, hangs: true, happen: loseReplica,
	},
}

// killPrimary kills it, and promotes the replica when somebody may have noticed.
func killPrimary(p *pair) error {
	if err := p.servers[0].Kill(); err != nil {
		return err
	}
	time.Sleep(window)
	return errors.Join(p.received(), p.promote())
}

func freezePrimary(p *pair) error {
	if err := p.servers[0].Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	time.Sleep(window)
	return errors.Join(p.received(), p.promote())
}

// thawPrimary wakes the old primary, which finds out at once that it is none.
func thawPrimary(p *pair) error {
	time.Sleep(time.Second)
	return errors.Join(p.servers[0].Signal(syscall.SIGCONT), p.run(0, "SET GLOBAL read_only = 1"))
}

// close lets the primary take no writes for a while.
func (p *pair) close() error {
	err := p.run(0, "SET GLOBAL read_only = 1")
	time.Sleep(window)
	return errors.Join(err, p.run(0, "SET GLOBAL read_only = 0"))
}

// switchOver demotes the primary, which lives on and keeps its connections, and promotes the replica when that has all.
func switchOver(p *pair) error {
	err := p.run(0, "SET GLOBAL read_only = 1")
	time.Sleep(window)
	return errors.Join(err, p.catchUp(), p.promote())
}

// loseReplica kills it, and waits until the primary no longer waits for it.
func loseReplica(p *pair) error {
	if err := p.servers[1].Kill(); err != nil {
		return err
	}
	for start := time.Now(); time.Since(start) < patience; time.Sleep(10 * time.Millisecond) {
		var name, state string
		err := p.admins[0].QueryRowContext(p.ctx, "SHOW STATUS LIKE 'Rpl_semi_sync_master_status'").Scan(&name, &state)
		if err != nil || state == "OFF" {
			return err
		}
	}
	return errors.New("the primary still waits for its replica")
}

func mysqlPart() part {
	p := part{intro: mysqlIntro}
	for _, s := range switchings {
		p.scenarios = append(p.scenarios, scenario{s.topology + ", " + s.name, s.short, s.run})
	}
	return p
}

// run has all clients work on the pair, lets it happen, and counts.
func (s switching) run(ctx context.Context) (lines []line, broken, err error) {
	p, err := newPair(ctx, s.byName, s.semiSync)
	if err != nil {
		return nil, nil, err
	}
	defer p.end()
	clients, check, err := p.openAll()
	if err != nil {
		return nil, nil, err
	}
	began, loads, stop := work(ctx, clients)
	before := p.made()
	said := make(chan error, 1)
	time.AfterFunc(window/2, func() { said <- check(ctx) })
	promotion, made, err := s.pass(p, began)
	well := time.Since(began)
	time.Sleep(3 * time.Second)
	stop()
	if err != nil {
		return nil, nil, err
	}
	broken = s.checked(<-said, check(ctx))
	for n, l := range loads {
		r := l.row(s.topology, s.name, began, promotion)
		r.made = made[n] - before[n]
		if err := l.count(&r, p.list); err != nil {
			return nil, nil, err
		}
		if n == 0 {
			broken = errors.Join(broken, s.judge(r, well))
		}
		lines = append(lines, line{fmt.Sprintf("%s, %d made", r, r.made), fmt.Sprintf("%s %d |", r.cells(), r.made)})
		l.client.close()
	}
	return lines, broken, nil
}

// pass lets it happen, and returns when there was a primary again, and how many connections had been made by then.
func (s switching) pass(p *pair, began time.Time) (promotion time.Duration, made []int, err error) {
	err = s.happen(p)
	promotion, made = time.Since(began), p.made()
	if err == nil && s.after != nil {
		err = s.after(p)
	}
	return promotion, made, err
}

// made returns how many connections each client has made to what was the primary.
func (p *pair) made() (numbers []int) {
	for _, g := range p.gates {
		numbers = append(numbers, g.first.Accepted())
	}
	return numbers
}

// checked looks at what the check has said in the middle of it and in the end.
func (s switching) checked(during, after error) error {
	switch kind := registry.KindOf(during); {
	case s.readOnly && kind != registry.KindReadOnly:
		return fmt.Errorf("the check of a server that takes no writes says %q: %w", kind, during)
	case after != nil:
		return fmt.Errorf("the check says in the end: %w", after)
	}
	return nil
}

// judge returns what is not as this module promises.
func (s switching) judge(us row, well time.Duration) error {
	longest := limit
	if s.hangs {
		longest = well
	}
	broken := us.judge(well, longest)
	if s.safe && us.lost > 0 {
		broken = append(broken, fmt.Errorf("%d acknowledged writes are lost", us.lost))
	}
	most := poolOf * (1 + int(math.Ceil(us.promotion.Seconds())))
	if s.readOnly && us.made > most {
		broken = append(broken, fmt.Errorf("%d connections were made in %v by a pool of %d", us.made, us.promotion, poolOf))
	}
	return errors.Join(broken...)
}

func mysqlIntro(ctx context.Context) string {
	return fmt.Sprintf(`## MySQL

%s: a primary and a replica, by GTID. Behind a name, a name server has another answer once the replica
is promoted; behind an address, new connections lead to the new primary and the others stay where they are. A planned
switch makes the primary read-only, which lives on with its connections, and promotes the replica %v later; a frozen
one wakes a second after the promotion. Semi-sync is a primary that waits up to %v for its replica before it
acknowledges; "a read-only window" is one of %[2]v without a promotion. Mooring has MYSQL_ROLE=primary; go-sql-driver
is used as it is by database/sql, with the same size of the pool, %[4]d. "made" are connections that were made to the
old primary from the event to the promotion. Every second write is a transaction, and no context bounds its Commit:
database/sql gives it none.

Mooring returns the server's own error for each write that was refused, and leaves that connection once it is a second
old. Without rejectReadOnly the driver keeps it for ever. With it, the driver hides the error, and database/sql tries up
to three times, on new connections: that many reach a server which is being replaced.

| topology | event | client | written | errors | last error | promotion | longest | lost | twice | made |
| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
`, server.Versions(ctx)["mysql"], window, replAfter, poolOf)
}
