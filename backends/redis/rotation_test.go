package redis_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/internal/tlstest"
	"github.com/vibework/mooring/registry"
)

func TestCertificatesAreRotatedUnderLoadWithoutAFailure(t *testing.T) {
	r, server, clients := tlstest.NewRotation(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(server tlstest.Pair, clients []byte) {
		if err := errors.Join(os.WriteFile(at("cert"), server.Cert, 0o600), os.WriteFile(at("key"), server.Key, 0o600),
			os.WriteFile(at("ca"), clients, 0o600)); err != nil {
			t.Error(err)
		}
	}
	write(server, clients)
	free := listen(t)
	addr := free.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	free.Close()
	files := []any{"tls-cert-file", at("cert"), "tls-key-file", at("key"), "tls-ca-cert-file", at("ca")}
	p := redisServer(t, "--tls-port", port, "--tls-auth-clients", "yes",
		"--tls-cert-file", at("cert"), "--tls-key-file", at("key"), "--tls-ca-cert-file", at("ca"))
	r.Serve = func(server tlstest.Pair, clients []byte) {
		write(server, clients)
		p.do("CONFIG", append([]any{"SET"}, files...)...)
	}
	setenv(t, "REDIS_URL=rediss://"+addr+" REDIS_MAX_CONN_LIFETIME=1ns REDIS_TLS_CA_FILE="+r.Client.Path(tlstest.CA)+
		" REDIS_TLS_CERT_FILE="+r.Client.Path(tlstest.Cert)+" REDIS_TLS_KEY_FILE="+r.Client.Path(tlstest.Key))
	res := redis.New("redis")
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Close(t.Context()) }()

	r.Run(t, func(ctx context.Context) error {
		conn, err := res.Conn(ctx)
		if err != nil {
			return err
		}
		_, err = conn.Do("GET", "key")
		return errors.Join(err, conn.Close())
	})

	r.Withdrawn(t)
	if err := res.Check(t.Context()); registry.KindOf(err) != registry.KindTLS {
		t.Errorf("an authority that was withdrawn: %v", err)
	}
	r.Trusted()
	if err := res.Check(t.Context()); err != nil {
		t.Errorf("an authority that is back: %v", err)
	}
}
