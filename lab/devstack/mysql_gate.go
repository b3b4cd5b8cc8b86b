package devstack

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/sqltypes"
	querypb "github.com/dolthub/vitess/go/vt/proto/query"
)

// lockWait is how long a statement waits for its turn to write.
const lockWait = 10 * time.Second

// writeGate puts the statements of all connections in an order that go-mysql-server's memory tables
// can bear. By themselves they have data races when two connections write, and a commit puts back
// every table its transaction has looked at, wiping out what others committed meanwhile.
type writeGate struct {
	mysql.Handler

	// turn holds one token while somebody may write: a connection, for one statement or until its
	// transaction ends.
	turn  chan struct{}
	owner atomic.Pointer[mysql.Conn]
	// tables is held for the length of one statement.
	tables sync.RWMutex
}

func newWriteGate(h mysql.Handler) (mysql.Handler, error) {
	return &writeGate{Handler: h, turn: make(chan struct{}, 1)}, nil
}

func (g *writeGate) ComQuery(
	ctx context.Context, c *mysql.Conn, query string, spool mysql.ResultSpoolFn,
) error {
	leave, err := g.enter(c, query)
	if err != nil {
		return err
	}
	defer leave()
	return g.Handler.ComQuery(ctx, c, query, spool)
}

// ComMultiQuery runs the first statement of query and returns the rest.
func (g *writeGate) ComMultiQuery(
	ctx context.Context, c *mysql.Conn, query string, spool mysql.ResultSpoolFn,
) (string, error) {
	leave, err := g.enter(c, query)
	if err != nil {
		return "", err
	}
	defer leave()
	return g.Handler.ComMultiQuery(ctx, c, query, spool)
}

// ComPrepare only looks at the tables, whatever the statement does.
func (g *writeGate) ComPrepare(
	ctx context.Context, c *mysql.Conn, query string, prepare *mysql.PrepareData,
) ([]*querypb.Field, error) {
	g.tables.RLock()
	defer g.tables.RUnlock()
	return g.Handler.ComPrepare(ctx, c, query, prepare)
}

func (g *writeGate) ComStmtExecute(
	ctx context.Context, c *mysql.Conn, prepare *mysql.PrepareData, spool func(*sqltypes.Result) error,
) error {
	leave, err := g.enter(c, prepare.PrepareStmt)
	if err != nil {
		return err
	}
	defer leave()
	return g.Handler.ComStmtExecute(ctx, c, prepare, spool)
}

func (g *writeGate) ComResetConnection(c *mysql.Conn) error {
	defer g.giveUpTurn(c)
	return g.Handler.ComResetConnection(c)
}

// ConnectionClosed also ends the transaction of a client that has gone.
func (g *writeGate) ConnectionClosed(c *mysql.Conn) {
	defer g.giveUpTurn(c)
	g.Handler.ConnectionClosed(c)
}

// enter waits until the statement may run. The caller calls leave when it has.
func (g *writeGate) enter(c *mysql.Conn, query string) (leave func(), err error) {
	switch accessOf(query) {
	case accessNone:
		return func() { g.settleTurn(c) }, nil
	case accessRead:
		g.tables.RLock()
		return func() { g.tables.RUnlock(); g.settleTurn(c) }, nil
	default:
		if err := g.takeTurn(c); err != nil {
			return nil, err
		}
		g.tables.Lock()
		return func() { g.tables.Unlock(); g.settleTurn(c) }, nil
	}
}

func (g *writeGate) takeTurn(c *mysql.Conn) error {
	if g.owner.Load() == c {
		return nil
	}
	timeout := time.NewTimer(lockWait)
	defer timeout.Stop()
	select {
	case g.turn <- struct{}{}:
		g.owner.Store(c)
		return nil
	case <-timeout.C:
		return mysql.NewSQLError(mysql.ERLockWaitTimeout, mysql.SSUnknownSQLState,
			"Lock wait timeout exceeded; try restarting transaction")
	}
}

// settleTurn ends c's turn, if it has it, unless c is in a transaction.
func (g *writeGate) settleTurn(c *mysql.Conn) {
	if c.StatusFlags&uint16(mysql.ServerInTransaction) == 0 {
		g.giveUpTurn(c)
	}
}

func (g *writeGate) giveUpTurn(c *mysql.Conn) {
	if g.owner.CompareAndSwap(c, nil) {
		<-g.turn
	}
}

type access int

const (
	accessNone  access = iota // touches no table: never waits
	accessRead                // waits for a write statement to end, not for transactions
	accessWrite               // waits for its turn: writes, BEGIN, COMMIT, and what is not known
)

// accessOf judges by the first word; what it cannot judge is taken for a write.
func accessOf(query string) access {
	query = strings.ToLower(strings.TrimSpace(query))
	end := strings.IndexFunc(query, func(r rune) bool { return r < 'a' || r > 'z' })
	if end < 0 {
		end = len(query)
	}
	switch query[:end] {
	case "kill", "use":
		return accessNone
	case "show", "describe", "desc", "explain":
		return accessRead
	case "select", "set":
		if strings.Contains(query, "from") {
			return accessRead
		}
		return accessNone
	default:
		return accessWrite
	}
}
