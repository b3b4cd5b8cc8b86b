package mysql_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/internal/mysqltest"
	"github.com/vibework/mooring/internal/tlstest"
	"github.com/vibework/mooring/registry"
)

func TestCertificatesAreRotatedUnderLoadWithoutAFailure(t *testing.T) {
	r, server, clients := tlstest.NewRotation(t)
	dir, err := os.MkdirTemp("", "mooring") //nolint:usetesting // the server may be another user
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(server tlstest.Pair, clients []byte) {
		if err := errors.Join(os.WriteFile(at("cert"), server.Cert, 0o644), os.WriteFile(at("key"), server.Key, 0o644),
			os.WriteFile(at("ca"), clients, 0o644)); err != nil {
			t.Error(err)
		}
	}
	write(server, clients)
	p := mariadbWith(t, "--ssl-cert="+at("cert"), "--ssl-key="+at("key"), "--ssl-ca="+at("ca"))
	exec(t, p.admin, "ALTER USER app REQUIRE X509")
	r.Serve = func(server tlstest.Pair, clients []byte) {
		write(server, clients)
		exec(t, p.admin, "FLUSH SSL")
	}
	setenv(t, "MYSQL_URL=mysql://app:pw@"+p.addr+"/shop MYSQL_TLS=verify MYSQL_CONN_MAX_LIFETIME=1ns MYSQL_TLS_CA_FILE="+
		r.Client.Path(tlstest.CA)+" MYSQL_TLS_CERT_FILE="+r.Client.Path(tlstest.Cert)+
		" MYSQL_TLS_KEY_FILE="+r.Client.Path(tlstest.Key))
	res := mysql.New("mysql")
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Close(t.Context()) }()

	r.Run(t, func(ctx context.Context) error { return ask(ctx, res.DB()) })

	r.Withdrawn(t)
	if err := res.Check(t.Context()); registry.KindOf(err) != registry.KindTLS {
		t.Errorf("an authority that was withdrawn: %v", err)
	}
	r.Trusted()
	if err := res.Check(t.Context()); err != nil {
		t.Errorf("an authority that is back: %v", err)
	}
}

func TestTheBackgroundOpensWithThePasswordThatWasRepaired(t *testing.T) {
	server := mysqltest.Start(t, mysqltest.Options{User: "app", Password: "right"})
	file := filepath.Join(t.TempDir(), "password")
	write := func(password string) {
		if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("wrong")
	setenv(t, "MYSQL_HOST="+server.Addr()+" MYSQL_USER=app MYSQL_PASSWORD_FILE="+file)
	r := registry.New()
	res := mysql.New("mysql")
	r.Register(res)
	r.SetOptional("mysql")
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.CloseAll(t.Context()) }()
	if err := r.Check(t.Context(), "mysql").Err; registry.KindOf(err) != registry.KindNotOpen {
		t.Errorf("with a wrong password: %v", err)
	}
	write("right")
	eventually(t, func() bool { return r.Check(t.Context(), "mysql").Err == nil })
}
