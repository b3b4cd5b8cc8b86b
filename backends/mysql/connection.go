package mysql

import (
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	driver "github.com/go-sql-driver/mysql"
)

// session is what the driver's connection can do.
type session interface {
	sqldriver.Conn
	sqldriver.Pinger
	sqldriver.ExecerContext
	sqldriver.QueryerContext
	sqldriver.ConnPrepareContext
	sqldriver.ConnBeginTx
	sqldriver.NamedValueChecker
	sqldriver.SessionResetter
	sqldriver.Validator
	// What conn.Raw is used for: the driver's Result has the ids of all rows.
	Exec(query string, args []sqldriver.Value) (sqldriver.Result, error)
	Query(query string, args []sqldriver.Value) (sqldriver.Rows, error)
}

type arguments = []sqldriver.NamedValue

// connection is a session that leaves its pool when its server turns out to be the wrong one: it has said that it takes
// no writes, or the host name has left its address. The error that told so is the program's, and nothing is run again.
type connection struct {
	session
	of       *client
	wire     *wire
	made     time.Time
	readOnly bool // the last transaction was to be read-only
	left     sync.Once
}

// IsValid reports whether the connection, which has come back, may stay in the pool.
func (c *connection) IsValid() bool {
	c.of.notes.Returned()
	return c.session.IsValid() && !c.stale()
}

// ResetSession is called before the connection is lent. Nothing has been sent when it fails.
func (c *connection) ResetSession(ctx context.Context) error {
	if c.stale() {
		return sqldriver.ErrBadConn
	}
	c.readOnly = false
	c.of.notes.Lent()
	return c.session.ResetSession(ctx)
}

// Close closes the connection. If the server owes an answer, the connection keeps its place until the server has closed
// its end, or the wire hangs up. A program that has the connection of the driver may have closed it before.
func (c *connection) Close() error {
	err := c.session.Close()
	go c.left.Do(func() {
		defer c.of.places.add(-1)
		defer c.wire.end()
		for {
			_ = c.wire.SetReadDeadline(time.Time{}) // the wire, or the driver, has set one
			if _, err := io.Copy(io.Discard, c.wire.Socket); !errors.Is(err, os.ErrDeadlineExceeded) {
				return
			}
		}
	})
	return err
}

func (c *connection) stale() bool {
	return c.of.notes.Stale(c.made) || c.of.notes.Left(c.wire.RemoteAddr())
}

// note looks at what the server has answered, and passes it on.
func (c *connection) note(err error) error {
	answer, ok := errors.AsType[*driver.MySQLError](err)
	if ok && (isReadOnly(answer) || answer.Number == 1792 && !c.readOnly) {
		c.of.notes.ReadOnly()
	}
	return err
}

func (c *connection) ExecContext(ctx context.Context, query string, args arguments) (sqldriver.Result, error) {
	result, err := c.session.ExecContext(ctx, query, args)
	return result, c.note(err)
}

func (c *connection) QueryContext(ctx context.Context, query string, args arguments) (sqldriver.Rows, error) {
	rows, err := c.session.QueryContext(ctx, query, args)
	return rows, c.note(err)
}

func (c *connection) PrepareContext(ctx context.Context, query string) (sqldriver.Stmt, error) {
	stmt, err := c.session.PrepareContext(ctx, query)
	if err != nil {
		return nil, c.note(err)
	}
	return &statement{stmt.(prepared), c}, nil
}

func (c *connection) BeginTx(ctx context.Context, opts sqldriver.TxOptions) (sqldriver.Tx, error) {
	c.readOnly = opts.ReadOnly
	tx, err := c.session.BeginTx(ctx, opts)
	return transaction{tx, c}, c.note(err)
}

type transaction struct {
	sqldriver.Tx
	conn *connection
}

func (t transaction) Commit() error { return t.conn.note(t.Tx.Commit()) }

// prepared is what the driver's statement can do.
type prepared interface {
	sqldriver.Stmt
	sqldriver.StmtExecContext
	sqldriver.StmtQueryContext
	sqldriver.NamedValueChecker
}

type statement struct {
	prepared
	conn *connection
}

func (s *statement) ExecContext(ctx context.Context, args arguments) (sqldriver.Result, error) {
	result, err := s.prepared.ExecContext(ctx, args)
	return result, s.conn.note(err)
}

func (s *statement) QueryContext(ctx context.Context, args arguments) (sqldriver.Rows, error) {
	rows, err := s.prepared.QueryContext(ctx, args)
	return rows, s.conn.note(err)
}
