package mongotest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/vibework/mooring/internal/mongotest"
)

const (
	user     = "app"
	password = "p@ss/w:rd?#%"
)

func TestWhatIsInsertedCanBeFound(t *testing.T) {
	shop := connect(t, credentials(start(t))).Database("shop")
	orders := shop.Collection("orders")
	if _, err := orders.InsertOne(t.Context(), bson.M{"_id": 1, "item": "rope"}); err != nil {
		t.Fatalf("insert one: %v", err)
	}
	more := []bson.M{{"_id": 2, "item": "rope"}, {"_id": 3, "item": "bollard"}}
	if _, err := orders.InsertMany(t.Context(), more); err != nil {
		t.Fatalf("insert many: %v", err)
	}
	tests := []struct {
		name   string
		in     *mongo.Collection
		filter bson.M
		want   int
	}{
		{"all", orders, bson.M{}, 3},
		{"by id", orders, bson.M{"_id": 2}, 1},
		{"by a field", orders, bson.M{"item": "rope"}, 2},
		{"by a field that is missing", orders, bson.M{"price": 1}, 0},
		{"in another collection", shop.Collection("customers"), bson.M{}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cursor, err := test.in.Find(t.Context(), test.filter)
			if err != nil {
				t.Fatal(err)
			}
			var found []bson.M
			if err := cursor.All(t.Context(), &found); err != nil || len(found) != test.want {
				t.Errorf("found %v, %v, want %d", found, err, test.want)
			}
		})
	}
	var order struct{ Item string }
	err := orders.FindOne(t.Context(), bson.M{"_id": 3}).Decode(&order)
	if err != nil || order.Item != "bollard" {
		t.Errorf("found %+v, %v", order, err)
	}
}

func TestAnInsertMayCarryItsDocumentsInItsBody(t *testing.T) {
	shop := connect(t, credentials(start(t))).Database("shop")
	command := bson.D{
		{Key: "insert", Value: "orders"},
		{Key: "documents", Value: bson.A{bson.M{"_id": 1}}},
	}
	if err := shop.RunCommand(t.Context(), command).Err(); err != nil {
		t.Fatalf("insert: %v", err)
	}
	if err := shop.Collection("orders").FindOne(t.Context(), bson.M{"_id": 1}).Err(); err != nil {
		t.Errorf("find: %v", err)
	}
}

func TestAnUnacknowledgedInsertGetsNoAnswer(t *testing.T) {
	o := credentials(start(t)).SetMaxPoolSize(1).SetWriteConcern(writeconcern.Unacknowledged())
	client := connect(t, o)
	if err := insert(t, client); err != nil {
		t.Fatalf("insert: %v", err)
	}
	orders := client.Database("shop").Collection("orders")
	if err := orders.FindOne(t.Context(), bson.M{"item": "rope"}).Err(); err != nil {
		t.Errorf("find over the same connection: %v", err)
	}
}

func TestTheDriverMayNameTheMechanismOrNot(t *testing.T) {
	for _, mechanism := range []string{"", "SCRAM-SHA-256"} {
		o := credentials(start(t))
		o.Auth.AuthMechanism = mechanism
		if err := insert(t, connect(t, o)); err != nil {
			t.Errorf("mechanism %q: %v", mechanism, err)
		}
	}
}

func TestAWrongLoginIsRefused(t *testing.T) {
	tests := []struct {
		name string
		edit func(*options.Credential)
		code int
	}{
		{"password", func(c *options.Credential) { c.Password = "other" }, 18},
		{"user", func(c *options.Credential) { c.Username = "root" }, 18},
		{"database", func(c *options.Credential) { c.AuthSource = "shop" }, 18},
		{"mechanism", func(c *options.Credential) { c.AuthMechanism = "SCRAM-SHA-1" }, 334},
	}
	s := start(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := credentials(s)
			test.edit(o.Auth)
			wantCode(t, connect(t, o).Ping(t.Context(), nil), test.code)
		})
	}
}

func TestWithoutALoginOnlyPingIsAllowed(t *testing.T) {
	client := connect(t, anonymous(start(t)))
	if err := client.Ping(t.Context(), nil); err != nil {
		t.Errorf("ping: %v", err)
	}
	wantCode(t, insert(t, client), 13)
}

func TestAServerWithoutUsersLetsEverybodyIn(t *testing.T) {
	s := mongotest.Start(t, mongotest.Options{})
	if err := insert(t, connect(t, anonymous(s))); err != nil {
		t.Error(err)
	}
	wantCode(t, connect(t, credentials(s)).Ping(t.Context(), nil), 18)
}

func TestACommandOutOfPlaceIsRefused(t *testing.T) {
	shop := connect(t, credentials(start(t))).Database("shop")
	wantCode(t, shop.RunCommand(t.Context(), bson.M{"compact": "orders"}).Err(), 59)
	shop = connect(t, anonymous(start(t))).Database("shop")
	wantCode(t, shop.RunCommand(t.Context(), bson.M{"saslContinue": 1}).Err(), 17)
}

func TestGarbageEndsTheConnection(t *testing.T) {
	s := start(t)
	message := func(form byte, payload string) string {
		size := byte(16 + len(payload))
		return string([]byte{size, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, form, 7, 0, 0}) + payload
	}
	const query, msg = 2004 - 7<<8, 2013 - 7<<8
	tests := map[string]string{
		"a negative length":       strings.Repeat("\xff", 16),
		"an unknown form":         message(0, ""),
		"a query without a name":  message(query, "\x00\x00\x00\x00admin"),
		"a query without command": message(query, "\x00\x00\x00\x00admin.$cmd\x00"),
		"no flags":                message(msg, ""),
		"no body":                 message(msg, "\x00\x00\x00\x00"),
		"a checksum":              message(msg, "\x01\x00\x00\x00"),
		"an unknown section":      message(msg, "\x00\x00\x00\x00\x02"),
		"a body cut short":        message(msg, "\x00\x00\x00\x00\x00\x09\x00\x00\x00"),
		"an invalid body":         message(msg, "\x00\x00\x00\x00\x00\x06\x00\x00\x00\x01\x00"),
		"a sequence cut short":    message(msg, "\x00\x00\x00\x00\x01\x09\x00\x00\x00"),
		"a sequence of no size":   message(msg, "\x00\x00\x00\x00\x01"),
		"a sequence too small":    message(msg, "\x00\x00\x00\x00\x01\x03\x00\x00\x00"),
		"a sequence of no name":   message(msg, "\x00\x00\x00\x00\x01\x05\x00\x00\x00a"),
		"a sequence of rubbish":   message(msg, "\x00\x00\x00\x00\x01\x06\x00\x00\x00\x00a"),
	}
	for name, bytes := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", s.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			_ = c.SetDeadline(time.Now().Add(10 * time.Second))
			if _, err := io.WriteString(c, bytes); err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(c)
			if len(answer) != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the server answers %q, %v", answer, err)
			}
		})
	}
}

func TestTLSIsRequiredWhenThereIsACertificate(t *testing.T) {
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	roots := x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	s := mongotest.Start(t, mongotest.Options{
		User: user, Password: password,
		TLS: &tls.Config{Certificates: certified.TLS.Certificates},
	})
	o := credentials(s).SetTLSConfig(&tls.Config{RootCAs: roots})
	if err := connect(t, o).Ping(t.Context(), nil); err != nil {
		t.Errorf("with TLS: %v", err)
	}
	if err := pingBriefly(t, connect(t, credentials(s))); err == nil {
		t.Error("without TLS the server answers")
	}
}

func TestFailPingFailsPingsAndNothingElse(t *testing.T) {
	s := start(t)
	client := connect(t, credentials(s))
	for _, code := range []int{13, 91, 11600, 4711} {
		s.FailPing(code)
		wantCode(t, client.Ping(t.Context(), nil), code)
		if err := insert(t, client); err != nil {
			t.Errorf("an insert fails too: %v", err)
		}
	}
	s.FailPing(0)
	if err := client.Ping(t.Context(), nil); err != nil {
		t.Errorf("after FailPing(0): %v", err)
	}
}

func TestAFrozenServerAnswersNobodyUntilItThaws(t *testing.T) {
	s := start(t)
	connected, fresh := connect(t, credentials(s)), connect(t, credentials(s))
	if err := connected.Ping(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	s.Freeze(true)
	for _, client := range []*mongo.Client{connected, fresh} {
		if err := pingBriefly(t, client); !mongo.IsTimeout(err) {
			t.Errorf("a frozen server gives %v", err)
		}
	}
	s.Freeze(false)
	for _, client := range []*mongo.Client{connected, fresh} {
		if err := client.Ping(t.Context(), nil); err != nil {
			t.Errorf("after the thaw: %v", err)
		}
	}
}

func TestTheDriverSurvivesARestartAndSoDoTheDocuments(t *testing.T) {
	s := start(t)
	client := connect(t, credentials(s))
	if err := insert(t, client); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	if err := pingBriefly(t, client); err == nil {
		t.Error("a stopped server answers")
	}
	s.Restart()
	err := client.Database("shop").Collection("orders").FindOne(t.Context(), bson.M{}).Err()
	if err != nil {
		t.Errorf("after the restart: %v", err)
	}
	if err := client.Disconnect(t.Context()); err != nil {
		t.Error(err)
	}
	s.WaitConns(0)
}

func start(t *testing.T) *mongotest.Server {
	t.Helper()
	return mongotest.Start(t, mongotest.Options{User: user, Password: password})
}

func anonymous(s *mongotest.Server) *options.ClientOptions {
	return options.Client().SetHosts([]string{s.Addr()})
}

func credentials(s *mongotest.Server) *options.ClientOptions {
	return anonymous(s).SetAuth(options.Credential{Username: user, Password: password})
}

func connect(t *testing.T, o *options.ClientOptions) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := client.Disconnect(context.Background())
		if err != nil && !errors.Is(err, mongo.ErrClientDisconnected) {
			t.Error(err)
		}
	})
	return client
}

func insert(t *testing.T, client *mongo.Client) error {
	t.Helper()
	orders := client.Database("shop").Collection("orders")
	_, err := orders.InsertOne(t.Context(), bson.M{"item": "rope"})
	return err
}

// pingBriefly is for a server that is not going to answer.
func pingBriefly(t *testing.T, client *mongo.Client) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	return client.Ping(ctx, nil)
}

func wantCode(t *testing.T, err error, code int) {
	t.Helper()
	problem, ok := errors.AsType[mongo.CommandError](err)
	if !ok || int(problem.Code) != code {
		t.Errorf("got %v, want code %d", err, code)
	}
	if err != nil && strings.Contains(err.Error(), password) {
		t.Errorf("the error holds the password: %v", err)
	}
}
