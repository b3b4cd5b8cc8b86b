package devstack_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/vibework/mooring/lab/devstack"
)

func TestMySQLRunsTransactions(t *testing.T) {
	db := openMySQL(t, start(t, "mysql"))
	mustExec(t, db, `CREATE TABLE people (id BIGINT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50) UNIQUE,
		born DATETIME(6), data JSON)`)

	tx := begin(t, db)
	born := time.Date(1815, 12, 10, 1, 2, 3, 4000, time.UTC)
	res := mustExec(t, tx, `INSERT INTO people (name, born, data) VALUES (?, ?, ?)`, "ada", born, `{"a": 1}`)
	if id, err := res.LastInsertId(); id != 1 || err != nil {
		t.Errorf("the first id is %d, %v", id, err)
	}
	if n := count(t, db, "people"); n != 0 {
		t.Errorf("%d rows seen from outside before the commit", n)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}

	var name string
	var got time.Time
	err := db.QueryRowContext(t.Context(), `SELECT name, born FROM people WHERE id = ?`, 1).Scan(&name, &got)
	if err != nil || name != "ada" || !got.Equal(born) {
		t.Errorf("got %q, %v, %v", name, got, err)
	}

	tx = begin(t, db)
	mustExec(t, tx, `DELETE FROM people`)
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, "people"); n != 1 {
		t.Errorf("%d rows after the rollback of a delete", n)
	}
	_, err = db.ExecContext(t.Context(), `INSERT INTO people (name) VALUES ('ada')`)
	wantMySQLError(t, err, 1062)
}

func TestMySQLRefusesAWrongPassword(t *testing.T) {
	config := mysqlConfig(t, start(t, "mysql"))
	config.Passwd = "wrong"
	wantMySQLError(t, openConfig(t, config).PingContext(t.Context()), 1045)
}

func TestMySQLUsersCanBeCreatedWithoutLosingTheConnection(t *testing.T) {
	config := mysqlConfig(t, start(t, "mysql"))
	conn, err := openConfig(t, config).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	mustExec(t, conn, `CREATE USER reader IDENTIFIED BY 'secret'`)
	mustExec(t, conn, `GRANT SELECT ON app.* TO reader`)

	config.User, config.Passwd = "reader", "secret"
	if err := openConfig(t, config).PingContext(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestMySQLIsBackWithItsDataAfterAnOutage(t *testing.T) {
	stack := start(t, "mysql")
	db := openMySQL(t, stack)
	mustExec(t, db, `CREATE TABLE kept (id INT PRIMARY KEY)`)
	mustExec(t, db, `INSERT INTO kept VALUES (1)`)
	playOutage(t, stack, "mysql", db.PingContext)
	if n := count(t, db, "kept"); n != 1 {
		t.Errorf("%d rows kept", n)
	}
}

func TestMySQLOutageRollsBackAnOpenTransaction(t *testing.T) {
	stack := start(t, "mysql")
	db := openMySQL(t, stack)
	mustExec(t, db, `CREATE TABLE kept (id INT PRIMARY KEY)`)
	tx := begin(t, db)
	mustExec(t, tx, `INSERT INTO kept VALUES (1)`)
	if err := errors.Join(stack.StopServer("mysql"), stack.StartServer("mysql")); err != nil {
		t.Fatal(err)
	}
	// Writing waits for the end of the transaction, so it shows that there has been one.
	eventually(t, func(ctx context.Context) error {
		_, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS other (id INT PRIMARY KEY)`)
		return err
	})
	if n := count(t, db, "kept"); n != 0 {
		t.Errorf("%d rows of the cut transaction were committed", n)
	}
}

func TestMySQLLosesNoUpdateOfConcurrentStatements(t *testing.T) {
	db := openMySQL(t, start(t, "mysql"))
	mustExec(t, db, `CREATE TABLE counters (id INT PRIMARY KEY, v INT)`)
	mustExec(t, db, `INSERT INTO counters VALUES (1, 0)`)
	concurrently(t, 8, 50, func(int) error {
		_, err := db.ExecContext(t.Context(), `UPDATE counters SET v = v + 1 WHERE id = 1`)
		return err
	}, func() error {
		var v int
		return db.QueryRowContext(t.Context(), `SELECT v FROM counters WHERE id = ?`, 1).Scan(&v)
	})
	if v := counter(t, db, 1); v != 400 {
		t.Errorf("8 times 50 increments make %d", v)
	}
}

func TestMySQLLosesNoUpdateOfConcurrentTransactions(t *testing.T) {
	db := openMySQL(t, start(t, "mysql"))
	mustExec(t, db, `CREATE TABLE counters (id INT PRIMARY KEY, v INT)`)
	for id := range 5 {
		mustExec(t, db, `INSERT INTO counters VALUES (?, 0)`, id)
	}
	concurrently(t, 4, 25, func(worker int) error {
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // nothing after Commit
		// One row is everybody's, the other is the worker's own.
		for _, id := range []int{0, worker + 1} {
			var v int
			err := tx.QueryRowContext(t.Context(), `SELECT v FROM counters WHERE id = ?`, id).Scan(&v)
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(t.Context(), `UPDATE counters SET v = ? WHERE id = ?`, v+1, id)
			if err != nil {
				return err
			}
		}
		return tx.Commit()
	}, func() error {
		_, err := db.ExecContext(t.Context(), `SHOW TABLES`)
		return err
	})
	if v := counter(t, db, 0); v != 100 {
		t.Errorf("4 times 25 increments of one row make %d", v)
	}
	for id := range 4 {
		if v := counter(t, db, id+1); v != 25 {
			t.Errorf("25 increments of row %d make %d", id+1, v)
		}
	}
}

// concurrently runs write on several workers, each a number of times, and read beside them.
func concurrently(t *testing.T, workers, times int, write func(worker int) error, read func() error) {
	t.Helper()
	var writers, reader sync.WaitGroup
	done := make(chan struct{})
	reader.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if err := read(); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for worker := range workers {
		writers.Go(func() {
			for range times {
				if err := write(worker); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	writers.Wait()
	close(done)
	reader.Wait()
}

func openMySQL(t *testing.T, stack *devstack.Stack) *sql.DB {
	t.Helper()
	return openConfig(t, mysqlConfig(t, stack))
}

func mysqlConfig(t *testing.T, stack *devstack.Stack) *driver.Config {
	t.Helper()
	u, err := url.Parse(variable(t, stack, "MYSQL_URL"))
	if err != nil {
		t.Fatal(err)
	}
	config := driver.NewConfig()
	config.Net, config.Addr = "tcp", u.Host
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	config.DBName = strings.TrimPrefix(u.Path, "/")
	config.ParseTime = true
	config.Logger = log.New(io.Discard, "", 0)
	return config
}

func openConfig(t *testing.T, config *driver.Config) *sql.DB {
	t.Helper()
	connector, err := driver.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { db.Close() })
	return db
}

func begin(t *testing.T, db *sql.DB) *sql.Tx {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func mustExec(t *testing.T, db execer, query string, args ...any) sql.Result {
	t.Helper()
	res, err := db.ExecContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return res
}

func count(t *testing.T, db *sql.DB, table string) (n int) {
	t.Helper()
	query := fmt.Sprintf(`SELECT COUNT(*) FROM %s`, table)
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func counter(t *testing.T, db *sql.DB, id int) (v int) {
	t.Helper()
	err := db.QueryRowContext(t.Context(), `SELECT v FROM counters WHERE id = ?`, id).Scan(&v)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func wantMySQLError(t *testing.T, err error, number uint16) {
	t.Helper()
	if e, ok := errors.AsType[*driver.MySQLError](err); !ok || e.Number != number {
		t.Errorf("got %v, want error %d", err, number)
	}
}
