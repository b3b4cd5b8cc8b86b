// Package mysqls holds backends/mysql against servers that MariaDB is not: the login of MySQL 8, and MySQL 5.6.
package mysqls_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	fake "github.com/go-mysql-org/go-mysql/mysql"
	"github.com/go-mysql-org/go-mysql/server"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/lab/internal/wire"
	"github.com/vibework/mooring/registry"
)

const (
	user     = "app"
	password = "ahoy-sailor"
)

// account is the only one of the server, which keeps it in its cache once it has logged in.
type account struct{}

func (account) CheckUsername(name string) (bool, error) { return name == user, nil }

func (account) GetCredential(name string) (secret string, found bool, err error) {
	return password, name == user, nil
}

// number answers every SELECT with one, which is big enough for max_allowed_packet, too.
type number struct{ server.EmptyHandler }

func (number) UseDB(string) error { return nil }

func (number) HandleQuery(query string) (*fake.Result, error) {
	if !strings.HasPrefix(query, "SELECT") {
		return nil, nil
	}
	rows, err := fake.BuildSimpleTextResultset([]string{"number"}, [][]any{{1 << 20}})
	return fake.NewResult(rows), err
}

// sha2 starts a server that logs in by caching_sha2_password, as MySQL 8 does.
func sha2(t *testing.T, cert *wire.Certificate) (addr string) {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(cert.TLS.Leaf.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	s := server.NewServer("8.4.0", fake.DEFAULT_COLLATION_ID, fake.AUTH_CACHING_SHA2_PASSWORD, key,
		&tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert.TLS}})
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(s, conn)
		}
	}()
	return l.Addr().String()
}

func serve(s *server.Server, conn net.Conn) {
	defer func() { _ = conn.Close() }()
	session, err := s.NewCustomizedConn(conn, account{}, number{})
	for err == nil && !session.Closed() {
		err = session.HandleCommand()
	}
}

// open opens a resource, asks it and closes it.
func open(t *testing.T, cfg mysql.Config) string {
	t.Helper()
	res := mysql.New("mysql", mysql.WithConfig(cfg))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := res.Open(ctx)
	if err == nil {
		err = res.Check(ctx)
	}
	_ = res.Close(ctx)
	if err == nil {
		return "well"
	}
	if strings.Contains(err.Error(), cfg.Password.Reveal()) {
		t.Errorf("the password is in %q", err)
	}
	return fmt.Sprintf("%s: %v", registry.KindOf(err), err)
}

func TestALoginByCachingSha2IsUnderstood(t *testing.T) {
	trusted, err := wire.NewCertificate(t.TempDir(), "trusted")
	if err != nil {
		t.Fatal(err)
	}
	unknown, err := wire.NewCertificate(t.TempDir(), "unknown")
	if err != nil {
		t.Fatal(err)
	}
	const denied, orTLS = "auth: access denied (1045)", ", or the server wants TLS: MYSQL_TLS"
	const stranger = "tls: the server's certificate is signed by an unknown authority: " +
		"MYSQL_TLS_CA_FILE says whom to trust"
	for _, test := range []struct{ name, password, caFile, want string }{
		{"plain", password, "", "well"},
		{"TLS", password, trusted.CertFile, "well"},
		{"plain, wrong password", "wrong-sailor", "", denied + orTLS},
		{"TLS, wrong password", "wrong-sailor", trusted.CertFile, denied},
		{"TLS, unknown authority", password, unknown.CertFile, stranger},
	} {
		t.Run(test.name, func(t *testing.T) {
			host, port, _ := net.SplitHostPort(sha2(t, trusted))
			cfg := mysql.Config{
				Host: host, User: user, Password: config.NewSecret(test.password), Database: "shop",
				TLS: config.TLS{CAFile: test.caFile},
			}
			if err := cfg.Port.UnmarshalText([]byte(port)); err != nil {
				t.Fatal(err)
			}
			if got := open(t, cfg); got != test.want { // with the whole of the password
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			right := cfg
			right.Password, right.TLS.CAFile = config.NewSecret(password), trusted.CertFile
			if got := open(t, right); got != "well" {
				t.Errorf("the right login: %s", got)
			}
			if got := open(t, cfg); got != test.want { // with a hash of it, since the server knows it now
				t.Errorf("again\ngot  %s\nwant %s", got, test.want)
			}
		})
	}
}
