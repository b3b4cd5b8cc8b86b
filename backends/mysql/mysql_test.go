package mysql_test

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/internal/canary"
	"github.com/vibework/mooring/registry"
)

func TestOpenCheckUseCloseAndOpenAgain(t *testing.T) {
	r, res := open(t, at(server(t)))
	for range 2 {
		if report := r.CheckAll(t.Context()); report.Err() != nil {
			t.Fatal(report.Err())
		}
		table := unique()
		exec(t, res.DB(), "CREATE TABLE "+table+" (id INT)")
		exec(t, res.DB(), "INSERT INTO "+table+" VALUES (1)")
		if got := number(t, res.DB(), "SELECT id FROM "+table); got != 1 {
			t.Errorf("got %d", got)
		}
		exec(t, res.DB(), "DROP TABLE "+table)
		if err := r.CloseAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := res.Check(t.Context()); !errors.Is(err, registry.ErrNotOpen) {
			t.Errorf("a check after Close says %v", err)
		}
		if err := r.OpenAll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheConfigurationComesFromTheEnvironment(t *testing.T) {
	url := server(t)
	setenv(t, "MYSQL_REPLICA_URL="+url)
	res := mysql.New("mysql-replica")
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := res.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := res.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestEveryFormOpensTheSameServer(t *testing.T) {
	u, err := url.Parse(server(t))
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	database := strings.TrimPrefix(u.Path, "/")
	dsn := fmt.Sprintf("%s:%s@tcp(%s)/%s?charset=utf8mb4&time_zone=%%27%%2B00:00%%27", u.User.Username(), password, u.Host, database)
	for name, cfg := range map[string]mysql.Config{
		"URL": {URL: config.NewSecret("mariadb" + strings.TrimPrefix(u.String(), "mysql"))},
		"DSN": {DSN: config.NewSecret(dsn)},
		"parts": {
			Host: u.Hostname(), Port: port(t, u.Port()), User: u.User.Username(),
			Password: config.NewSecret(password), Database: database,
		},
	} {
		r, res := open(t, cfg)
		if err := r.CheckAll(t.Context()).Err(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := res.DB().Stats().MaxOpenConnections; got != 10 {
			t.Errorf("%s: at most %d connections, want 10", name, got)
		}
	}
}

func TestTwoInstancesKeepToThemselves(t *testing.T) {
	r := registry.New()
	one := mysql.New("mysql-one", mysql.WithConfig(at(server(t))))
	two := mysql.New("mysql-two", mysql.WithConfig(at(server(t))))
	r.Register(one)
	r.Register(two)
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.CloseAll(t.Context()) }()
	if one.DB() == two.DB() {
		t.Error("they share a handle")
	}
	if found, err := registry.GetFrom[*mysql.Resource](r, "mysql-two"); found != two || err != nil {
		t.Errorf("GetFrom returned %v, %v", found, err)
	}
}

func TestAWrongLoginIsFinalAndNotShown(t *testing.T) {
	secret := canary.New("", "")
	for want, edit := range map[string]func(*url.URL){
		"auth: access denied (1045), or the server wants TLS: MYSQL_TLS": func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), secret.Value) },
		"config: the server has no such database (1049)":                 func(u *url.URL) { u.Path = "/" + secret.Value },
	} {
		r, _ := register(at(with(t, server(t), edit)))
		r.OpenTimeout = time.Minute
		start := time.Now()
		err := r.OpenAll(t.Context())
		if err == nil || err.Error() != "open mysql: "+want {
			t.Errorf("got %v, want %s", err, want)
		}
		if took := time.Since(start); took > r.OpenTimeout/4 {
			t.Errorf("it took %v, so it was tried again", took)
		}
		secret.AbsentFrom(t, err)
		canary.NoParserIn(t, err)
	}
}

// counting counts the connections that a pool makes.
type counting struct {
	sqldriver.Connector
	made *atomic.Int32
}

func (c counting) Connect(ctx context.Context) (sqldriver.Conn, error) {
	c.made.Add(1)
	return c.Connector.Connect(ctx)
}

func TestThePoolStaysBoundedAndWarm(t *testing.T) {
	var made atomic.Int32
	cfg := at(server(t))
	cfg.MaxOpenConns = 5
	_, res := open(t, cfg, mysql.WithHook(func(c sqldriver.Connector) *sql.DB {
		return sql.OpenDB(counting{c, &made})
	}))
	var workers sync.WaitGroup
	for range 20 {
		workers.Go(func() {
			for range 50 {
				var one int
				if err := res.DB().QueryRowContext(t.Context(), "SELECT 1").Scan(&one); err != nil || one != 1 {
					t.Errorf("got %d, %v", one, err)
				}
			}
		})
	}
	workers.Wait()
	warm(t, res.DB(), 5)
	if n := made.Load(); n > 5 {
		t.Errorf("%d connections were made for 1000 queries with MaxOpenConns 5", n)
	}
	if n := res.DB().Stats().Idle; n != 5 {
		t.Errorf("%d connections are kept, want 5", n)
	}
}

func TestAFullPoolIsAWarning(t *testing.T) {
	cfg := at(server(t))
	cfg.MaxOpenConns = 2
	r, res := open(t, cfg)
	borrow(t, res.DB(), 2)
	result := r.Check(t.Context(), "mysql")
	if want := "check mysql: degraded: all 2 connections of the pool are in use (waits: 1)"; result.Err == nil ||
		result.Err.Error() != want {
		t.Errorf("got %v, want %s", result.Err, want)
	}
	if result.Status() != registry.Warn {
		t.Errorf("the status is %q", result.Status())
	}
}

func TestPoolStatsAreThoseOfTheHandle(t *testing.T) {
	cfg := at(server(t))
	cfg.MaxOpenConns = 3
	res := mysql.New("mysql", mysql.WithConfig(cfg))
	if got := res.PoolStats(); got != (registry.PoolStats{}) {
		t.Errorf("before Open they are %+v", got)
	}
	r, res := open(t, cfg)
	warm(t, res.DB(), 2)
	borrow(t, res.DB(), 1)
	if got, want := res.PoolStats(), (registry.PoolStats{Max: 3, Open: 2, InUse: 1, Idle: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	_ = closeWithin(t, r, 500*time.Millisecond)
	if got := res.PoolStats(); got != (registry.PoolStats{}) {
		t.Errorf("after Close they are %+v", got)
	}
}

func TestAStatementRunsOnceAndItsErrorIsTheServers(t *testing.T) {
	fake, url := fake(t)
	_, res := open(t, at(url))
	for _, number := range []int{1290, 1792, 1836} {
		fake.FailQuery(number)
		before := len(fake.Queries())
		_, err := res.DB().ExecContext(t.Context(), "CALL charge()")
		if answer, ok := errors.AsType[*driver.MySQLError](err); !ok || int(answer.Number) != number {
			t.Errorf("got %v, want error %d", err, number)
		}
		if ran := fake.Queries()[before:]; len(ran) != 1 {
			t.Errorf("error %d: the server was told %q", number, ran)
		}
	}
}

func TestAQueryOnAFullPoolWaitsForTheContextOnly(t *testing.T) {
	cfg := at(server(t))
	cfg.MaxOpenConns = 1
	_, res := open(t, cfg)
	borrow(t, res.DB(), 1)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := res.DB().ExecContext(ctx, "SET @x = 1"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestTheHandleIsThereFromOpenOn(t *testing.T) {
	const closed = "mysql: not open: registry.OpenAll has not opened it yet"
	res := mysql.New("mysql", mysql.WithConfig(at(server(t))))
	if _, err := res.Handle(); !errors.Is(err, registry.ErrNotOpen) || err.Error() != closed {
		t.Errorf("before Open: %v", err)
	}
	if text := panicOf(func() { res.DB() }); text != closed {
		t.Errorf("DB before Open panicked with %q", text)
	}
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	db := res.DB()
	if err := res.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again, err := res.Handle(); again != db || err != nil {
		t.Errorf("after Close it is another, or %v", err)
	}
	if err := db.PingContext(t.Context()); err == nil {
		t.Error("the handle works after Close")
	}
}

func TestHandleSaysWhyOpenFailed(t *testing.T) {
	res := mysql.New("mysql", mysql.WithConfig(mysql.Config{}))
	if err := res.Open(t.Context()); registry.KindOf(err) != registry.KindConfig {
		t.Errorf("Open returned %v", err)
	}
	_, err := res.Handle()
	want := "mysql: not open: MYSQL_URL is not set, nor is MYSQL_DSN or MYSQL_HOST"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestTheLimitsArePutOnWhatTheHookReturns(t *testing.T) {
	cfg := at(server(t))
	cfg.MaxOpenConns, cfg.MaxIdleConns, cfg.ConnMaxLifetime, cfg.ConnMaxIdleTime = 7, 6, time.Hour, time.Minute
	var made *sql.DB
	_, res := open(t, cfg, mysql.WithHook(func(c sqldriver.Connector) *sql.DB {
		if _, ok := c.Driver().(*driver.MySQLDriver); !ok {
			t.Errorf("the driver is a %T", c.Driver())
		}
		made = sql.OpenDB(c)
		return made
	}))
	if res.DB() != made {
		t.Error("the handle is another")
	}
	limits := reflect.ValueOf(made).Elem() // only that of open connections is in its Stats
	for field, want := range map[string]int64{
		"maxOpen": 7, "maxIdleCount": 6, "maxLifetime": int64(time.Hour), "maxIdleTime": int64(time.Minute),
	} {
		if got := limits.FieldByName(field).Int(); got != want {
			t.Errorf("%s is %d, want %d", field, got, want)
		}
	}
}

func TestOptionsOfAnOpenResourceCannotBeChanged(t *testing.T) {
	_, res := open(t, at(server(t)))
	text := panicOf(func() { res.Use(mysql.WithConfig(mysql.Config{})) })
	if text != "mysql: Use after the resource was opened" {
		t.Errorf("got %q", text)
	}
}

func TestAHandleThatTheProgramHasClosedIsNotOpen(t *testing.T) {
	r, res := open(t, at(server(t)))
	if err := res.DB().Close(); err != nil {
		t.Fatal(err)
	}
	result := r.Check(t.Context(), "mysql")
	if want := "check mysql: not open: the pool was closed"; result.Err == nil || result.Err.Error() != want {
		t.Errorf("got %v, want %s", result.Err, want)
	}
	if !errors.Is(result.Err, registry.ErrNotOpen) {
		t.Error("it is not ErrNotOpen")
	}
}

func port(t *testing.T, text string) (p config.Port) {
	t.Helper()
	if err := p.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return p
}
