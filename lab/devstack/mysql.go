package devstack

import (
	"crypto/rand"
	"io"
	stdlog "log"
	"net/url"
	"sync"

	sqle "github.com/dolthub/go-mysql-server"
	"github.com/dolthub/go-mysql-server/memory"
	gms "github.com/dolthub/go-mysql-server/server"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/mysql_db"
	"github.com/dolthub/go-mysql-server/sql/types"
	vitess "github.com/dolthub/vitess/go/vt/log"
	"github.com/sirupsen/logrus"
)

// Every server that knows users has this one, and a database of the same name where it knows those.
const (
	user     = "app"
	database = "app"
)

func startMySQL() (*server, error) {
	password := rand.Text()
	engine, provider := newEngine(password)

	listener, err := listen(loopback)
	if err != nil {
		return nil, err
	}
	addr := listener.Addr().String()
	config := gms.Config{Protocol: "tcp", Address: addr, Listener: listener}
	srv, err := gms.NewServerWithHandler(config, engine, sql.NewContext,
		memory.NewSessionBuilder(provider), nil, newWriteGate)
	if err != nil {
		listener.Close()
		return nil, err
	}

	var running sync.WaitGroup
	running.Go(func() { _ = srv.Start() }) // returns when the listener is closed, always nil
	return &server{
		addr: addr,
		env: func(addr string) []string {
			u := url.URL{
				Scheme: "mysql", User: url.UserPassword(user, password), Host: addr, Path: "/" + database,
			}
			return []string{"MYSQL_URL=" + u.String()}
		},
		stop: func() error {
			_ = srv.Close()    // always nil
			_ = engine.Close() // ends the statements that still run; always "context canceled"
			running.Wait()
			return nil
		},
	}, nil
}

// building keeps two stacks that start at once apart: an engine writes package variables of
// go-mysql-server while it is built.
var building sync.Mutex

// newEngine returns an engine with the empty database and the user, who may do everything.
func newEngine(password string) (*sqle.Engine, *memory.DbProvider) {
	building.Lock()
	defer building.Unlock()
	silence()

	db := memory.NewDatabase(database)
	db.EnablePrimaryKeyIndexes()
	provider := memory.NewDBProvider(db)
	engine := sqle.NewDefault(provider)
	// A client with MYSQL_ROLE asks for it, and MySQL has it; the engine has read_only alone.
	sql.SystemVariables.AddSystemVariables([]sql.SystemVariable{&sql.MysqlSystemVariable{
		Name: "innodb_read_only", Scope: sql.GetMysqlScope(sql.SystemVariableScope_Global),
		Type: types.NewSystemBoolType("innodb_read_only"), Default: int8(0),
	}})

	accounts := engine.Analyzer.Catalog.MySQLDb
	accounts.SetEnabled(true) // or every password will do
	// Without a persister CREATE USER and GRANT cut the connection they came by.
	accounts.SetPersister(&mysql_db.NoopPersister{})
	editor := accounts.Editor()
	defer editor.Close()
	accounts.AddSuperUser(editor, user, "%", password)
	return engine, provider
}

// silence discards what the engine logs. Both of its loggers belong to the whole process, so this
// happens once, before the first server runs.
var silence = sync.OnceFunc(func() {
	logrus.SetOutput(io.Discard)
	discard := stdlog.New(io.Discard, "", 0)
	vitess.Info, vitess.Infof = discard.Print, discard.Printf
	vitess.Warning, vitess.Warningf = discard.Print, discard.Printf
	vitess.Error, vitess.Errorf = discard.Print, discard.Printf
})
