package mysql_test

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/internal/mysqltest"
	"github.com/vibework/mooring/registry"
)

// secured starts a server that offers TLS, and returns the file of its authority.
func secured(t *testing.T) (url, authority string) {
	t.Helper()
	web := httptest.NewTLSServer(nil) // for its certificate, which is for 127.0.0.1 and example.com
	defer web.Close()
	authority = filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	if err := os.WriteFile(authority, block, 0o600); err != nil {
		t.Fatal(err)
	}
	s := mysqltest.Start(t, mysqltest.Options{
		User: "app", Password: "secret",
		TLS: &tls.Config{Certificates: web.TLS.Certificates},
	})
	return "mysql://app:secret@" + s.Addr(), authority
}

func TestTLSIsVerifiedUnlessToldOtherwise(t *testing.T) {
	url, authority := secured(t)
	for name, test := range map[string]struct {
		option string
		tls    config.TLS
		want   string // after "tls: the server's certificate is "
	}{
		"own authority":     {"", config.TLS{CAFile: authority}, ""},
		"name of its own":   {"?tls=true", config.TLS{CAFile: authority, ServerName: "example.com"}, ""},
		"another name":      {"", config.TLS{CAFile: authority, ServerName: "other"}, "for another host name"},
		"unknown authority": {"?tls=true", config.TLS{}, "signed by an unknown authority: MYSQL_TLS_CA_FILE says whom to trust"},
		"skipped":           {"?tls=skip-verify", config.TLS{}, ""},
	} {
		cfg := at(url + test.option)
		cfg.TLS = test.tls
		res := mysql.New("mysql", mysql.WithConfig(cfg))
		err := res.Open(t.Context())
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.want != "" && (err == nil || err.Error() != "the server's certificate is "+test.want ||
			registry.KindOf(err) != registry.KindTLS):
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
		if err == nil {
			_ = res.Check(t.Context())
			_ = res.Close(t.Context())
		}
	}
}

func TestAServerWithoutTLSIsNotSpokenToInTheClear(t *testing.T) {
	_, raw := fake(t)
	r, _ := register(at(with(t, raw, func(u *url.URL) { u.RawQuery = "tls=skip-verify" })))
	err := r.OpenAll(t.Context())
	if want := "open mysql: tls: the server does not offer TLS"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAServerThatFallsSilentInTheHandshakeIsATimeout(t *testing.T) {
	// The greeting of a server that offers TLS, and no more.
	greeting := append([]byte("\x0a10.11\x00\x01\x00\x00\x0012345678\x00\x0b\xaa\x2d\x02\x00\x08\x00\x15"), make([]byte, 10)...)
	greeting = append(greeting, "123456789012\x00mysql_native_password\x00"...)
	l := listen(t, "tcp", "127.0.0.1:0")
	serve(t, l, func(conn net.Conn) {
		_, _ = conn.Write(append([]byte{byte(len(greeting)), 0, 0, 0}, greeting...))
	})
	cfg := at("mysql://app:secret@" + l.Addr().String() + "?tls=skip-verify")
	cfg.DialTimeout = 100 * time.Millisecond
	start := time.Now()
	err := mysql.New("mysql", mysql.WithConfig(cfg)).Open(t.Context())
	if want := "no answer in time: context deadline exceeded"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if took := time.Since(start); took > cfg.ReadTimeout {
		t.Errorf("it took %v with a DialTimeout of %v", took, cfg.DialTimeout)
	}
}

func TestAUnixSocketWorksLikeAPort(t *testing.T) {
	server, _ := fake(t)
	socket := filepath.Join(t.TempDir(), "s")
	serve(t, listen(t, "unix", socket), func(client net.Conn) {
		upstream, err := net.Dial("tcp", server.Addr())
		if err != nil {
			return
		}
		defer upstream.Close()
		defer client.Close()
		go func() { _, _ = io.Copy(upstream, client); upstream.Close() }()
		_, _ = io.Copy(client, upstream)
	})
	r, res := open(t, mysql.Config{DSN: config.NewSecret("app:p@ss/w:rd@unix(" + socket + ")/shop")})
	if err := r.CheckAll(t.Context()).Err(); err != nil {
		t.Error(err)
	}
	borrow(t, res.DB(), 1)
	want := "close mysql: timeout: 1 connections were still in use and have been cut"
	if err := closeWithin(t, r, 500*time.Millisecond); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	server.WaitConns(0)
}

func TestAWrongPasswordOverASocketSaysNothingOfTLS(t *testing.T) {
	p := mariadb(t)
	cfg := mysql.Config{Host: p.socket, User: "app", Password: config.NewSecret("no")}
	err := mysql.New("mysql", mysql.WithConfig(cfg)).Open(t.Context())
	if got, want := describe(err), "auth: access denied (1045)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestASocketThatIsNotThereYetIsTriedAgain(t *testing.T) {
	cfg := mysql.Config{DSN: config.NewSecret("app:secret@unix(" + filepath.Join(t.TempDir(), "s") + ")/")}
	err := mysql.New("mysql", mysql.WithConfig(cfg)).Open(t.Context())
	if got, want := describe(err), "unreachable: there is no such socket"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// journal is a log that several goroutines may write to.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// capture makes the default logger write to the journal, down to debug level, until the test ends.
func capture(t *testing.T) *journal {
	t.Helper()
	j := new(journal)
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug})))
	return j
}

func TestARealServerRefusesWhatItDoesNotKnow(t *testing.T) {
	if !realServer(t) {
		return // others refuse nothing, or say so in another way
	}
	for option, want := range map[string]string{
		"collation=utf8mb4_nonsense": "config: the server does not know the collation (1273)",
		"time_zone=Nowhere":          "config: the server does not know the time zone (1298)",
		"wait_timeout=30s":           "config: the server does not take the value or the type of a variable that an option sets (1232)",
		"sql_mode=NONSENSE":          "config: the server does not take the value or the type of a variable that an option sets (1231)",
	} {
		r, _ := register(at(with(t, server(t), func(u *url.URL) { u.RawQuery = option })))
		if err := r.OpenAll(t.Context()); err == nil || err.Error() != "open mysql: "+want {
			t.Errorf("%s\ngot  %v\nwant %s", option, err, want)
		}
	}
	cfg := at(with(t, server(t), func(u *url.URL) {
		u.RawQuery = "collation=utf8mb4_bin&time_zone=%2B01:00&sql_mode=ANSI&charset=utf8mb4&compress=true&multiStatements=1&maxAllowedPacket=0"
	}))
	_, res := open(t, cfg)
	var collation, zone string
	query := "SELECT @@collation_connection, @@time_zone"
	if err := res.DB().QueryRowContext(t.Context(), query).Scan(&collation, &zone); err != nil {
		t.Fatal(err)
	}
	if collation != "utf8mb4_bin" || zone != "+01:00" {
		t.Errorf("the session has %s and %s", collation, zone)
	}
}
