package mongo_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/internal/canary"
	"github.com/vibework/mooring/internal/mongotest"
	"github.com/vibework/mooring/registry"
)

// member is a server of the replica set rs0 that says what it is, and names those that there are besides.
func member(what string, others ...string) func(addr string) bson.D {
	return func(addr string) bson.D {
		hosts := append([]string{addr}, others...)
		hello := bson.D{
			{Key: "setName", Value: "rs0"}, {Key: "setVersion", Value: int32(1)}, {Key: "hosts", Value: hosts}, {Key: "me", Value: addr},
		}
		switch what {
		case "primary":
			return append(hello, bson.E{Key: "primary", Value: addr}, bson.E{Key: "electionId", Value: bson.NewObjectID()})
		case "secondary":
			return append(hello, takesNoWrites("secondary")...)
		case "router":
			return bson.D{{Key: "msg", Value: "isdbgrid"}}
		case "not initiated":
			return takesNoWrites("isreplicaset")
		}
		return nil
	}
}

func takesNoWrites(what string) bson.D {
	return bson.D{
		{Key: "isWritablePrimary", Value: false}, {Key: "ismaster", Value: false}, {Key: what, Value: true},
	}
}

func TestARoleIsAskedOfTheServer(t *testing.T) {
	const (
		noWrites  = "read_only: the server takes no writes, and the role asks for a primary"
		writes    = "config: the server takes writes, and the role asks for a replica"
		noPrimary = "loading: the replica set has no primary"
	)
	for _, test := range []struct{ role, what, options, want string }{
		{"primary", "alone", "", ""},
		{"primary", "primary", "replicaSet=rs0", ""},
		{"primary", "primary", "replicaSet=rs0&readPreference=secondary", ""},
		{"primary", "secondary", "directConnection=true", noWrites},
		{"primary", "secondary", "replicaSet=rs0&readPreference=nearest", noPrimary},
		{"primary", "router", "", ""},
		{"replica", "alone", "", writes},
		{"replica", "primary", "directConnection=true", writes},
		{"replica", "secondary", "replicaSet=rs0", ""},
		{"replica", "router", "", ""},
		{"replica", "primary", "replicaSet=rs0", "loading: the replica set has no secondary (MONGO_URI: readPreference, or MONGO_ROLE)"},
		{"any", "secondary", "directConnection=true", ""},
		{"", "secondary", "replicaSet=rs0&readPreference=nearest", ""},
		{"", "secondary", "replicaSet=rs0", noPrimary},
	} {
		fake := mongotest.Start(t, mongotest.Options{Hello: member(test.what)})
		cfg := at("mongodb://" + fake.Addr() + "/?" + test.options)
		cfg.Role = test.role
		if test.want == noPrimary {
			cfg.ServerSelectionTimeout = waited
		}
		res := mongo.New("mongo", mongo.WithConfig(cfg))
		got := ""
		if err := res.Open(t.Context()); err != nil {
			got = fmt.Sprintf("%s: %v", registry.KindOf(err), err)
		} else if err := res.Check(t.Context()); err != nil {
			t.Errorf("role %s, %s, %s: the check says %v", test.role, test.what, test.options, err)
		}
		if got != test.want {
			t.Errorf("role %s, %s, %s\ngot  %s\nwant %s", test.role, test.what, test.options, got, test.want)
		}
		_ = res.Close(t.Context())
	}
}

// The driver may not know yet that the secondary has become the primary.
func TestAnElectionIsNoMistakeOfTheConfiguration(t *testing.T) {
	set := mongotest.StartSet(t, 2)
	cfg := at(set.URI() + "&serverMonitoringMode=poll")
	cfg.Role = "replica"
	_, res := open(t, cfg)
	want := "loading: the replica set is changing: the server was a secondary a moment ago"
	got := ""
	for round := 1; got == "" && round < 100; round++ {
		set.Elect(round % 2)
		if err := res.Check(t.Context()); err != nil {
			got = fmt.Sprintf("%s: %v", registry.KindOf(err), err)
		}
	}
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// That there is no primary is not why a secondary does not answer.
func TestAFrozenSecondaryFailsNoCheckWhileThereIsAnother(t *testing.T) {
	set := mongotest.StartSet(t, 3)
	_, res := open(t, at(set.URI()+"&readPreference=secondaryPreferred"))
	set.StepDown()
	known := false
	for !known {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		known = res.Client().Ping(ctx, readpref.Primary()) != nil
		cancel()
	}
	for _, member := range set.Members[1:] {
		member.Freeze(true)
		defer member.Freeze(false)
	}
	checks := make(chan error)
	for range 10 {
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			defer cancel()
			checks <- res.Check(ctx)
		}()
	}
	for range 10 {
		if err := <-checks; err != nil {
			t.Error(err)
		}
	}
}

func TestAServerThatDoesNotKnowTheQuestionHasNoRole(t *testing.T) {
	for role, want := range map[string]registry.Kind{"primary": registry.KindPermission, "replica": registry.KindPermission, "any": ""} {
		fake := mongotest.Start(t, mongotest.Options{})
		fake.FailPing(59)
		cfg := at("mongodb://" + fake.Addr())
		cfg.Role = role
		res := mongo.New("mongo", mongo.WithConfig(cfg))
		if err := res.Open(t.Context()); registry.KindOf(err) != want {
			t.Errorf("role %s: got %v, want %s", role, err, want)
		}
		_ = res.Close(t.Context())
	}
}

func TestOpenNamesWhatIsWrongWithTheReplicaSet(t *testing.T) {
	for _, test := range []struct{ what, options, want string }{
		{"primary", "replicaSet=rs1", "config: none of the hosts belongs to the replica set that is asked for (MONGO_URI: replicaSet)"},
		{"secondary", "replicaSet=rs1&directConnection=true", "config: none of the hosts belongs to the replica set that is asked for (MONGO_URI: replicaSet)"},
		{"alone", "replicaSet=rs1&directConnection=true", "config: none of the hosts belongs to the replica set that is asked for (MONGO_URI: replicaSet)"},
		{"not initiated", "replicaSet=rs0", "loading: the replica set is not initiated, or its servers are only just starting"},
		{"primary", "replicaSet=rs0&readPreference=secondary", "loading: the replica set has no secondary (MONGO_URI: readPreference, or MONGO_ROLE)"},
	} {
		fake := mongotest.Start(t, mongotest.Options{Hello: member(test.what)})
		cfg := at("mongodb://" + fake.Addr() + "/?" + test.options)
		cfg.ServerSelectionTimeout = waited
		err := mongo.New("mongo", mongo.WithConfig(cfg)).Open(t.Context())
		if got := fmt.Sprintf("%s: %v", registry.KindOf(err), err); got != test.want {
			t.Errorf("%s, %s\ngot  %s\nwant %s", test.what, test.options, got, test.want)
		}
		canary.NoParserIn(t, err)
	}
}

func TestTagsThatNoServerHasAreNamed(t *testing.T) {
	set := mongotest.StartSet(t, 2)
	want := "loading: the replica set has no server with the tags that are asked for (MONGO_URI: readPreferenceTags)"
	for _, role := range []string{"any", "replica"} {
		for _, mode := range []string{"secondary", "nearest"} {
			if role == "replica" && mode == "nearest" {
				continue // the role asks a secondary, and the tags are of any server
			}
			cfg := waiting(set.URI() + "&readPreferenceTags=dc:ny&readPreference=" + mode)
			cfg.Role = role
			res := mongo.New("mongo", mongo.WithConfig(cfg))
			err := res.Open(t.Context())
			if got := fmt.Sprintf("%s: %v", registry.KindOf(err), err); got != want {
				t.Errorf("role %s, %s\ngot  %s\nwant %s", role, mode, got, want)
			}
			_ = res.Close(t.Context())
		}
	}
}

func TestErrorsNameTheVariableThatIsSet(t *testing.T) {
	addr := mongotest.Start(t, mongotest.Options{User: "app", Password: "secret"}).Addr()
	for uri, want := range map[string]string{
		"mongodb://app:other@" + addr: "wrong user name or password, or the user is of another database " +
			"(MONGODB_URI: authSource) (18)",
		"mongodb://app:secret@" + addr + "/?loadBalanced=true": "there is no load balancer (MONGODB_URI: loadBalanced)",
		"mongodb://app:secret@" + addr + "/?replicaSet=rs0": "none of the hosts belongs to the replica set that is asked for " +
			"(MONGODB_URI: replicaSet)",
		"mongodb://app:secret@" + addr: "mongo: no database: set MONGO_DATABASE, or name it in MONGODB_URI (mongodb://host/name)",
	} {
		setenv(t, "MONGODB_URI="+uri)
		res := mongo.New("mongo")
		got := fmt.Sprint(res.Open(t.Context()))
		if got == "<nil>" {
			got = panicOf(func() { res.Database() })
		}
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		_ = res.Close(t.Context())
	}
}

func TestMembersWithNamesThatNobodyKnowsAreExplained(t *testing.T) {
	nameServer(t, records{})
	inside := func(string) bson.D {
		return append(bson.D{{Key: "hosts", Value: []string{"db-0.inside:27017"}}}, member("primary")("db-0.inside:27017")[:2]...)
	}
	fake := mongotest.Start(t, mongotest.Options{Hello: inside})
	err := mongo.New("mongo", mongo.WithConfig(at("mongodb://"+fake.Addr()+"/?replicaSet=rs0"))).Open(t.Context())
	want := "unreachable: no such host: the replica set gives its members names that are not known here " +
		"(MONGO_URI: directConnection=true asks one server alone)"
	if got := fmt.Sprintf("%s: %v", registry.KindOf(err), err); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAHostInCapitalsIsOneOfTheURI(t *testing.T) {
	nameServer(t, records{})
	cfg := waiting("mongodb://No.Such.Host/?replicaSet=rs0")
	err := mongo.New("mongo", mongo.WithConfig(cfg)).Open(t.Context())
	if got := fmt.Sprintf("%s: %v", registry.KindOf(err), err); got != "unreachable: no such host" {
		t.Errorf("got %s", got)
	}
}

// Without a user Open asks for more than a ping, and must not ask the primary for it.
func TestReadersDoNotWaitForAPrimary(t *testing.T) {
	fake := mongotest.Start(t, mongotest.Options{Hello: member("secondary", closedPort(t))})
	cfg := at("mongodb://" + fake.Addr() + "/?replicaSet=rs0&readPreference=secondaryPreferred")
	start := time.Now()
	r, _ := open(t, cfg)
	if result := r.Check(t.Context(), "mongo"); result.Err != nil {
		t.Error(result.Err)
	}
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("it took %v of the 30s that the driver waits for a server", took)
	}
}

func TestAPoolThatDoesNotMoveIsExhausted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hear, full, _ := mongo.Moves(1)
		tell := func(what string) { hear(&event.PoolEvent{Type: what, Address: "h:1", ConnectionID: 1}) }
		for _, what := range []string{
			event.ConnectionPoolCreated, event.ConnectionReady, event.ConnectionCheckedOut, event.ConnectionCheckedIn,
		} {
			tell(what)
		}
		if err := full(); err != nil {
			t.Errorf("with the only connection back: %v", err)
		}
		tell(event.ConnectionCheckedOut)
		if kind := registry.KindOf(full()); kind != registry.KindDegraded {
			t.Errorf("at first it is %q", kind)
		}
		<-time.After(30 * time.Second)
		if kind := registry.KindOf(full()); kind != registry.KindExhausted {
			t.Errorf("after 30s it is %q", kind)
		}
	})
}

// Callers may come faster than connections are lent, and each server has a pool of its own.
func TestWhoComesBehindOthersWaits(t *testing.T) {
	hear, _, stats := mongo.Moves(1)
	tell := func(addr, what string, after time.Duration) {
		hear(&event.PoolEvent{Type: what, Address: addr, Duration: after})
	}
	for range 3 {
		tell("h:1", event.ConnectionCheckOutStarted, 0)
	}
	tell("h:2", event.ConnectionCheckOutStarted, 0)
	tell("h:1", event.ConnectionCheckedOut, time.Millisecond)
	tell("h:2", event.ConnectionCheckedOut, time.Millisecond)
	tell("h:1", event.ConnectionCheckedIn, 0)
	tell("h:1", event.ConnectionCheckedOut, 2*time.Second)
	tell("h:1", event.ConnectionCheckOutFailed, 3*time.Second)
	if got := stats(); got.WaitCount != 2 || got.WaitDuration != 5*time.Second {
		t.Errorf("%d callers have waited for %v", got.WaitCount, got.WaitDuration)
	}
}
