package devstack

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dolthub/vitess/go/mysql"
)

func TestWriteGateKnowsWhatAStatementTouches(t *testing.T) {
	for query, want := range map[string]access{
		"SELECT 1":                          accessNone,
		"select sleep(5)":                   accessNone,
		"KILL QUERY 7":                      accessNone,
		"SET NAMES utf8mb4":                 accessNone,
		"use app":                           accessNone,
		"  \n\tSELECT *\nFROM t":            accessRead,
		"SET @n = (SELECT COUNT(*) FROM t)": accessRead,
		"show tables":                       accessRead,
		"EXPLAIN SELECT 1":                  accessRead,
		"INSERT INTO t VALUES (1)":          accessWrite,
		"START TRANSACTION":                 accessWrite,
		"COMMIT;":                           accessWrite,
		"(SELECT * FROM t)":                 accessWrite,
		"/* hint */ SELECT 1":               accessWrite,
		"":                                  accessWrite,
	} {
		if got := accessOf(query); got != want {
			t.Errorf("%q: got %d, want %d", query, got, want)
		}
	}
}

func TestWriteGateGivesUpOnAnEndlessTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := &writeGate{turn: make(chan struct{}, 1)}
		idle, waiting := &mysql.Conn{}, &mysql.Conn{}
		run(t, gate, idle, "BEGIN", mysql.ServerInTransaction)

		begun := time.Now()
		_, err := gate.enter(waiting, "DELETE FROM t")
		if e, ok := errors.AsType[*mysql.SQLError](err); !ok || e.Num != mysql.ERLockWaitTimeout {
			t.Fatalf("got %v, want error 1205", err)
		}
		if waited := time.Since(begun); waited != lockWait {
			t.Errorf("waited %v, want %v", waited, lockWait)
		}
		run(t, gate, waiting, "SELECT * FROM t", 0) // reading needs no turn

		run(t, gate, idle, "COMMIT", 0)
		run(t, gate, waiting, "DELETE FROM t", 0)
	})
}

// run passes a statement through the gate, after which the connection has the status flags.
func run(t *testing.T, gate *writeGate, c *mysql.Conn, query string, flags uint16) {
	t.Helper()
	leave, err := gate.enter(c, query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	c.StatusFlags = flags
	leave()
}
