package postgres_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/backends/postgres"
	"github.com/vibework/mooring/internal/canary"
	"github.com/vibework/mooring/registry"
)

func TestAHostilePasswordLogsInFromWhereverItStands(t *testing.T) {
	log := capture(t)
	s := server(t)
	s.exec(t, "CREATE ROLE hostile LOGIN")
	t.Cleanup(func() { s.exec(t, "DROP ROLE hostile") })
	for name, secret := range canary.Hostile() {
		t.Run(name, func(t *testing.T) {
			s.exec(t, "ALTER ROLE hostile PASSWORD '"+strings.ReplaceAll(secret.Value, "'", "''")+"'")
			file := filepath.Join(t.TempDir(), "password")
			if err := os.WriteFile(file, []byte(secret.Value+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			parts := "PGHOST=127.0.0.1 PGUSER=hostile PGDATABASE=postgres PGPORT=" + strconv.Itoa(s.port)
			for variable, test := range map[string]struct{ others, value string }{
				"POSTGRES_URL":           {"", "postgres://" + url.UserPassword("hostile", secret.Value).String() + "@" + s.addr() + "/postgres"},
				"PGPASSWORD":             {parts, secret.Value},
				"POSTGRES_PASSWORD_FILE": {parts, file},
			} {
				setenv(t, test.others)
				t.Setenv(variable, test.value)
				res := postgres.New("postgres")
				err := res.Open(t.Context())
				switch bare := kit.HasControl(secret.Value) && !strings.HasSuffix(variable, "_URL"); {
				case bare && registry.KindOf(err) != registry.KindConfig:
					t.Errorf("%s with a control character: %v", variable, err)
				case !bare && err != nil:
					t.Errorf("%s: %v", variable, err)
				}
				secret.AbsentFrom(t, res)
				if pool, err := res.Handle(); err == nil {
					secret.AbsentFrom(t, pool.Config().ConnConfig.Config)
				}
				_ = res.Close(t.Context())
			}
		})
		secret.AbsentFrom(t, log.String())
	}
}

func TestASecretInTheWrongPlaceIsNotShown(t *testing.T) {
	log := capture(t)
	addr := closedPort(t)
	for name, secret := range canary.Hostile() {
		t.Run(name, func(t *testing.T) {
			for _, url := range []string{
				secret.Value,
				"postgres://" + secret.Value,
				"postgres:" + secret.Value + "@" + addr,
				"postgres://app:" + secret.Value + "/shop",
				"postgres://app:" + secret.Value + "@" + addr + "/shop",
				"postgres://" + secret.Value + "@" + addr,
				"postgres://app@" + addr + "/" + secret.Value,
				"postgres://app@" + addr + "/shop?" + secret.Value,
				"postgres://app@" + addr + "/shop?" + secret.Value + "=1",
				"postgres://app@" + addr + "/shop?password=" + secret.Escaped(),
				"postgres://app@" + addr + "/shop?host=" + secret.Escaped(),
				"postgres://app@" + addr + "/shop?sslmode=" + secret.Escaped(),
				"postgres://app@" + addr + "/shop?sslrootcert=" + secret.Escaped(),
				"postgres://app@" + addr + "/shop?options=" + secret.Escaped(),
				"postgres://app@" + addr + "/shop?channel_binding=" + secret.Escaped(),
				"postgres://app@" + addr + "/shop?default_query_exec_mode=" + secret.Escaped(),
				"postgres://app@" + addr + "/shop?connect_timeout=" + secret.Escaped(),
				"host=" + addr + " user=app password='" + secret.Value + "'",
				"Host=h;Username=app;Password=" + secret.Value,
				"jdbc:postgresql://h/db?user=app&password=" + secret.Value,
				"postgresql+asyncpg://app:" + secret.Value + "@h/db",
			} {
				cfg := postgres.Config{URL: config.NewSecret(url)}
				res := postgres.New("postgres", postgres.WithConfig(cfg))
				examine(t, secret, res.Configure(), res)
				secret.AbsentFrom(t, cfg)
			}
		})
		secret.AbsentFrom(t, log.String())
	}
}

func TestASecretInAnyVariableIsNotShown(t *testing.T) {
	log := capture(t)
	secret := canary.New("", "")
	port := "PGPORT=" + strconv.Itoa(server(t).port)
	for _, v := range config.Describe[postgres.Config]("postgres") {
		for _, name := range append([]string{v.Name, v.Name + "_FILE"}, v.Aliases...) {
			if v.Name == "POSTGRES_HOST" && name != "POSTGRES_HOST_FILE" {
				continue // a host that is a secret would be looked up
			}
			setenv(t, "PGHOST=127.0.0.1 PGUSER=app PGDATABASE=postgres PGPASSWORD=pw "+port)
			t.Setenv(name, secret.Value)
			r := registry.New()
			r.Register(postgres.New("postgres"))
			r.OpenTimeout = time.Second
			err := r.OpenAll(t.Context())
			secret.AbsentFrom(t, err)
			canary.NoParserIn(t, err)
			_ = r.CloseAll(t.Context())
		}
	}
	// As the name of a database it is shown on purpose.
	secret.AbsentFrom(t, strings.ReplaceAll(log.String(), " database="+secret.Value, ""))
}

func TestAServerThatSendsBackWhatItGotGivesNothingAway(t *testing.T) {
	log := capture(t)
	secret := canary.New("", "")
	addr := echo(t, secret.Value)
	for _, options := range []string{"", "?sslmode=require"} {
		cfg := at("postgres://" + secret.Value + ":" + secret.Value + "@" + addr + "/shop" + options)
		res := postgres.New("postgres", postgres.WithConfig(cfg))
		err := res.Open(t.Context())
		if err == nil {
			t.Error("it is open")
		}
		examine(t, secret, err, res)
	}
	secret.AbsentFrom(t, log.String())
}

// echo is a server whose errors have the secret in every field.
func echo(t *testing.T, secret string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() { l.Close(); serving.Wait() })
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(patience))
			backend := pgproto3.NewBackend(conn, conn)
			_, _ = backend.ReceiveStartupMessage()
			backend.Send(&pgproto3.ErrorResponse{
				Severity: "FATAL", Code: secret, Message: secret, Detail: secret, Hint: secret, Where: secret, Routine: secret,
			})
			_ = backend.Flush()
			conn.Close()
		}
	})
	return l.Addr().String()
}

// examine fails the test if the secret, or the error of a driver or a parser, can be got out of err or res.
func examine(t *testing.T, secret canary.Secret, err error, res *postgres.Resource) {
	t.Helper()
	secret.AbsentFrom(t, err)
	secret.AbsentFromAllButRecords(t, res) // it may stand where a database or a host belongs
	canary.NoParserIn(t, err)
	_, answer := errors.AsType[*pgconn.PgError](err)
	_, parser := errors.AsType[*pgconn.ParseConfigError](err)
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	if answer || parser || connecting {
		t.Error("the error of the driver is in the chain")
	}
}

// capture returns what is logged from now on.
func capture(t *testing.T) *logbook {
	t.Helper()
	book := new(logbook)
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(slog.New(slog.NewTextHandler(book, &slog.HandlerOptions{Level: slog.LevelDebug})))
	return book
}

type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logbook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logbook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
