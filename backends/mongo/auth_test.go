package mongo_test

import (
	"context"
	"crypto/tls"
	"net/http/httptest"
	"net/url"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/internal/canary"
	"github.com/vibework/mooring/internal/mongotest"
	"github.com/vibework/mooring/registry"
)

// The fake knows none of these, and says so: the driver has asked it.
func TestEveryWayToLogInReachesTheServer(t *testing.T) {
	secret := canary.New("", "")
	t.Setenv("AWS_REGION", "eu-central-1")
	addr := mongotest.Start(t, mongotest.Options{User: "app", Password: "other"}).Addr()
	login := url.UserPassword("app", secret.Value).String() + "@"
	hook := mongo.WithHook(func(o *options.ClientOptions) {
		o.Auth.OIDCMachineCallback = func(context.Context, *options.OIDCArgs) (*options.OIDCCredential, error) {
			return &options.OIDCCredential{AccessToken: secret.Value}, nil
		}
	})
	for _, uri := range []string{
		"mongodb://" + login + addr + "/?authMechanism=SCRAM-SHA-1",
		"mongodb://" + login + addr + "/?authMechanism=PLAIN",
		"mongodb://" + login + addr + "/?authMechanism=MONGODB-AWS",
		"mongodb://" + addr + "/?authMechanism=mongodb-oidc",
	} {
		err := mongo.New("mongo", mongo.WithConfig(at(uri)), hook).Open(t.Context())
		want := "the server does not offer this way to log in (334)"
		if err == nil || err.Error() != want || registry.KindOf(err) != registry.KindAuth {
			t.Errorf("got %s: %v, want %s", registry.KindOf(err), err, want)
		}
		secret.AbsentFrom(t, err)
	}
}

// Who may not ping is well; who may not log in is not, though some servers answer both with the same code.
func TestARefusedCertificateIsNoHealth(t *testing.T) {
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	file := pemFile(t, certified.Certificate(), certified.TLS.Certificates[0].PrivateKey)
	fake := mongotest.Start(t, mongotest.Options{
		User: "app", Password: password, TLS: &tls.Config{Certificates: certified.TLS.Certificates},
	})
	uri := "mongodb://" + fake.Addr() + "/?authMechanism=MONGODB-X509&tlsCertificateKeyFile=" + file + "&tlsCAFile=" + file
	err := mongo.New("mongo", mongo.WithConfig(at(uri))).Open(t.Context())
	want := "the server refuses the login: wrong user name, password or certificate (13)"
	if err == nil || err.Error() != want || registry.KindOf(err) != registry.KindAuth {
		t.Errorf("got %s: %v, want %s", registry.KindOf(err), err, want)
	}
}

func TestALoginThatTheDriverCannotTryIsRefused(t *testing.T) {
	fake := mongotest.Start(t, mongotest.Options{})
	for query, want := range map[string]string{
		"authMechanism=GSSAPI": "config: MONGO_URI: authMechanism: GSSAPI needs a program that was built with -tags gssapi",
		"authMechanism=MONGODB-OIDC": "config: MONGO_URI: authMechanism: MONGODB-OIDC wants an ENVIRONMENT in " +
			"authMechanismProperties, or a callback that mongo.WithHook sets",
		"authMechanism=MONGODB-OIDC&authMechanismProperties=ENVIRONMENT:k8s": "auth: the driver could not log in: " +
			"it found no credentials or no token (MONGO_URI: authMechanism)",
	} {
		err := mongo.New("mongo", mongo.WithConfig(at("mongodb://app@"+fake.Addr()+"/?"+query))).Open(t.Context())
		if got := string(registry.KindOf(err)) + ": " + err.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		canary.NoParserIn(t, err)
	}
}

func TestALoginThatTakesTooLongIsATimeout(t *testing.T) {
	cfg := at("mongodb://" + mongotest.Start(t, mongotest.Options{}).Addr() + "/?authMechanism=MONGODB-OIDC")
	cfg.ConnectTimeout = waited
	err := mongo.New("mongo", mongo.WithConfig(cfg), mongo.WithHook(func(o *options.ClientOptions) {
		o.Auth.OIDCMachineCallback = func(ctx context.Context, _ *options.OIDCArgs) (*options.OIDCCredential, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
	})).Open(t.Context())
	if registry.KindOf(err) != registry.KindTimeout {
		t.Errorf("got %s: %v", registry.KindOf(err), err)
	}
}
