package mongo_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/internal/mongotest"
	"github.com/vibework/mooring/internal/tlstest"
	"github.com/vibework/mooring/registry"
)

func TestCertificatesAreRotatedUnderLoadWithoutAFailure(t *testing.T) {
	const (
		variables = "MONGO_URI=mongodb://{host}/shop MONGO_TLS_CA_FILE={ca}" +
			" MONGO_TLS_CERT_FILE={cert} MONGO_TLS_KEY_FILE={key}"
		uri = "MONGO_URI=mongodb://{host}/shop?tlsCAFile={ca}&tlsCertificateFile={cert}&tlsPrivateKeyFile={key}"
	)
	for name, test := range map[string]struct{ env, host string }{
		"variables, address": {variables, "127.0.0.1"},
		"variables, name":    {variables, "localhost"},
		"both, name":         {strings.Replace(variables, "/shop", "/shop?tls=true", 1), "localhost"},
		"URI, address":       {uri, "127.0.0.1"},
		"URI, name":          {uri, "localhost"},
	} {
		t.Run(name, func(t *testing.T) {
			r, addr := rotating(t)
			_, port, _ := net.SplitHostPort(addr)
			setenv(t, strings.NewReplacer("{host}", net.JoinHostPort(test.host, port), "{ca}", r.Client.Path(tlstest.CA),
				"{cert}", r.Client.Path(tlstest.Cert), "{key}", r.Client.Path(tlstest.Key)).
				Replace(test.env+" MONGO_MAX_CONN_IDLE_TIME=1ns")) // each operation has a connection of its own
			res := mongo.New("mongo")
			if err := res.Open(t.Context()); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = res.Close(t.Context()) }()

			r.Run(t, func(ctx context.Context) error { return res.Client().Ping(ctx, nil) })

			r.Withdrawn(t)
			if err := res.Check(t.Context()); registry.KindOf(err) != registry.KindTLS {
				t.Errorf("an authority that was withdrawn: %v", err)
			}
			r.Trusted()
			if err := res.Check(t.Context()); err != nil {
				t.Errorf("an authority that is back: %v", err)
			}
		})
	}
}

// rotating returns a server that wants a certificate, and what renews that and its own.
func rotating(t *testing.T) (r *tlstest.Rotation, addr string) {
	t.Helper()
	r, server, clients := tlstest.NewRotation(t)
	var now atomic.Pointer[tls.Config]
	r.Serve = func(server tlstest.Pair, clients []byte) {
		pair, err := tls.X509KeyPair(server.Cert, server.Key)
		if err != nil {
			t.Error(err)
		}
		trusted := x509.NewCertPool()
		trusted.AppendCertsFromPEM(clients)
		now.Store(&tls.Config{
			Certificates: []tls.Certificate{pair}, ClientCAs: trusted, ClientAuth: tls.RequireAndVerifyClientCert,
		})
	}
	r.Serve(server, clients)
	fake := mongotest.Start(t, mongotest.Options{TLS: &tls.Config{
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return now.Load(), nil },
	}})
	return r, fake.Addr()
}

// filesOf returns the variables of the client's files.
func filesOf(r *tlstest.Rotation) string {
	return " MONGO_TLS_CA_FILE=" + r.Client.Path(tlstest.CA) + " MONGO_TLS_CERT_FILE=" + r.Client.Path(tlstest.Cert) +
		" MONGO_TLS_KEY_FILE=" + r.Client.Path(tlstest.Key)
}

func TestAServerOfAnotherNameIsRefused(t *testing.T) {
	r, addr := rotating(t)
	_, port, _ := net.SplitHostPort(addr)
	nameServer(t, records{"mooring.test.": {a(127, 0, 0, 1)}})
	const other = "tls: the server's certificate is for another host name"
	for env, want := range map[string]string{
		"MONGO_URI=mongodb://127.0.0.1:":                                    "",
		"MONGO_URI=mongodb://mooring.test:":                                 other,
		"MONGO_TLS_SERVER_NAME=localhost MONGO_URI=mongodb://mooring.test:": "",
		"MONGO_TLS_SERVER_NAME=other MONGO_URI=mongodb://127.0.0.1:":        other,
		"MONGO_TLS=skip-verify MONGO_URI=mongodb://mooring.test:":           "",
	} {
		setenv(t, env+port+filesOf(r))
		res := mongo.New("mongo")
		err := res.Open(t.Context())
		if got := fmt.Sprintf("%s: %v", registry.KindOf(err), err); got != want && (err != nil || want != "") {
			t.Errorf("%s: got %s, want %s", env, got, want)
		}
		_ = res.Close(t.Context())
	}
}

func TestNoCertificateHasAZone(t *testing.T) {
	if got := mongo.NameOf("[fe80::1%eth0]:27017"); got != "fe80::1" {
		t.Errorf("got %s", got)
	}
}

// A hook may dial or verify in its own way, and what it leaves alone holds.
func TestAHookDoesNotTurnTheVerificationOff(t *testing.T) {
	r, addr := rotating(t)
	setenv(t, "MONGO_URI=mongodb://"+addr+filesOf(r))
	var asked atomic.Int32
	verify := func(tls.ConnectionState) error { asked.Add(1); return nil }
	for name, hook := range map[string]func(*options.ClientOptions){
		"dials":    func(o *options.ClientOptions) { o.SetDialer(new(net.Dialer)) },
		"looks":    func(o *options.ClientOptions) { o.TLSConfig.VerifyConnection = verify },
		"replaces": func(o *options.ClientOptions) { o.SetTLSConfig(o.TLSConfig.Clone()) },
	} {
		t.Run(name, func(t *testing.T) {
			res := mongo.New("mongo", mongo.WithHook(hook))
			if err := res.Open(t.Context()); err != nil {
				t.Fatal(err)
			}
			_ = res.Close(t.Context())
			r.Client.Overwrite(map[string][]byte{tlstest.CA: tlstest.NewAuthority(t).PEM})
			defer r.Trusted()
			if err := res.Open(t.Context()); registry.KindOf(err) != registry.KindTLS {
				t.Errorf("a server that is not trusted: %v", err)
			}
			_ = res.Close(t.Context())
		})
	}
	if asked.Load() == 0 {
		t.Error("the hook has not been asked")
	}
}

func TestAFileOfTheURIThatIsHalfWrittenIsRefused(t *testing.T) {
	whole := tlstest.NewAuthority(t).PEM
	mount := tlstest.NewMount(t, map[string][]byte{tlstest.CA: append(whole, whole[:100]...)})
	setenv(t, "MONGO_URI=mongodb://h/?tlsCAFile="+mount.Path(tlstest.CA))
	err := mongo.New("mongo").Configure()
	if want := "MONGO_URI: a file of its TLS options: no PEM certificate in the file, or half of one"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAFileOfTheURIIsNoneOfAVariable(t *testing.T) {
	r, addr := rotating(t)
	setenv(t, "MONGO_MAX_CONN_IDLE_TIME=1ns MONGO_URI=mongodb://"+addr+"/?tlsCAFile="+r.Client.Path(tlstest.CA)+
		"&tlsCertificateFile="+r.Client.Path(tlstest.Cert)+"&tlsPrivateKeyFile="+r.Client.Path(tlstest.Key))
	res := mongo.New("mongo")
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	log := capture(t)
	r.Client.Overwrite(map[string][]byte{tlstest.CA: nil})
	if err := res.Check(t.Context()); err != nil {
		t.Errorf("what was read before is not in use: %v", err)
	}
	_ = res.Close(t.Context())
	const want = "MONGO_URI: a file of its TLS options: no PEM certificate in the file, or half of one: what was read before stays in use"
	if !strings.Contains(log.String(), want) {
		t.Errorf("got  %s\nwant %s", log, want)
	}
}
