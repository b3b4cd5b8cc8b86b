package mongo_test

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/internal/canary"
	"github.com/vibework/mooring/internal/mongotest"
	"github.com/vibework/mooring/registry"
)

func TestAnSRVRecordLeadsToTheServer(t *testing.T) {
	fake := mongotest.Start(t, mongotest.Options{User: "app", Password: password})
	port := uint16(portOf(t, fake.Addr()))
	names := nameServer(t, records{
		"_mongodb._tcp.cluster.mooring.test.": {srv("one.mooring.test.", port)},
		"cluster.mooring.test.":               {txt("authSource=admin")},
		"one.mooring.test.":                   {a(127, 0, 0, 1)},
	})
	uri := strings.Replace(uriOf(fake), "mongodb://", "mongodb+srv://", 1)
	uri = strings.Replace(uri, fake.Addr(), "cluster.mooring.test", 1)
	uri = strings.Replace(uri, "authSource=admin", "tls=false", 1) // which the TXT record knows
	r, res := open(t, at(uri))
	put(t, collection(t, res), 1)
	if result := r.Check(t.Context(), "mongo"); result.Err != nil {
		t.Error(result.Err)
	}
	asked := names.asked("_mongodb._tcp.cluster.mooring.test.")
	fake.Freeze(true)
	if result := r.Check(t.Context(), "mongo"); registry.KindOf(result.Err) != registry.KindTimeout {
		t.Error(result.Err)
	}
	fake.Freeze(false)
	if again := names.asked("_mongodb._tcp.cluster.mooring.test."); asked == 0 || again != asked {
		t.Errorf("the name server was asked %d times by Open, and %d by a check", asked, again-asked)
	}
}

// The driver asks the name server again each minute, if it knows what it had to look up.
func TestTheDriverKnowsWhatItLookedUp(t *testing.T) {
	nameServer(t, records{"_mongodb._tcp.a.b.c.": {srv("one.b.c.", 27017)}, "a.b.c.": nil})
	var uri string
	hook := mongo.WithHook(func(o *options.ClientOptions) { uri = o.GetURI() })
	_ = mongo.New("mongo", mongo.WithConfig(at("mongodb+srv://a.b.c/?srvMaxHosts=3")), hook).Open(t.Context())
	if want := "mongodb+srv://a.b.c/?srvMaxHosts=3"; uri != want {
		t.Errorf("got %s, want %s", uri, want)
	}
}

func TestBadRecordsAreNotFollowed(t *testing.T) {
	const misfit = "config: MONGO_URI: its TXT record does not fit: want one, of the form authSource=admin&replicaSet=rs0"
	good := []record{srv("one.mooring.test.", 27017)}
	for name, test := range map[string]struct {
		srv, txt []record
		want     string
	}{
		"no such host":  {nil, nil, "unreachable: no such host"},
		"other domain":  {[]record{srv("one.evil.test.", 27017)}, nil, "config: MONGO_URI: its SRV records lead out of its host's domain"},
		"domain itself": {[]record{srv("mooring.test.", 27017)}, nil, "config: MONGO_URI: its SRV records lead out of its host's domain"},
		"other option":  {good, []record{txt("tls=false")}, misfit},
		"two records":   {good, []record{txt("authSource=a"), txt("replicaSet=b")}, misfit},
		"contradiction": {good, []record{txt("replicaSet=a&loadBalanced=true")}, "config: MONGO_URI: its options, its TXT record or the files that it names do not fit together"},
	} {
		t.Run(name, func(t *testing.T) {
			nameServer(t, records{"_mongodb._tcp.cluster.mooring.test.": test.srv, "cluster.mooring.test.": test.txt})
			err := mongo.New("mongo", mongo.WithConfig(at("mongodb+srv://cluster.mooring.test"))).Open(t.Context())
			if got := fmt.Sprintf("%s: %v", registry.KindOf(err), err); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			canary.NoParserIn(t, err)
		})
	}
}

func TestAURIWinsOverTheTXTRecord(t *testing.T) {
	fake := mongotest.Start(t, mongotest.Options{User: "app", Password: "secret"})
	nameServer(t, records{
		"_mongodb._tcp.mooring.test.": {srv("one.mooring.test.", uint16(portOf(t, fake.Addr())))},
		"mooring.test.":               {txt("authSource=other&LOADBALANCED=true")},
		"one.mooring.test.":           {a(127, 0, 0, 1)},
	})
	open(t, at("mongodb+srv://app:secret@mooring.test/?tls=false&authSource=admin&loadBalanced=false"))
}

func TestOpenDoesNotWaitForASilentNameServer(t *testing.T) {
	silent := nameServer(t, nil)
	res := mongo.New("mongo", mongo.WithConfig(at("mongodb+srv://cluster.mooring.test")))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-silent.waiting
		cancel()
	}()
	if err := res.Open(ctx); registry.KindOf(err) != registry.KindCanceled {
		t.Errorf("got %v", err)
	}
	before := runtime.NumGoroutine()
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		want := "timeout: the name server did not answer in time"
		if err := res.Open(ctx); err == nil || fmt.Sprintf("%s: %v", registry.KindOf(err), err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
		cancel()
	}
	if after := runtime.NumGoroutine(); after >= before+10 {
		t.Errorf("%d goroutines before, %d after 20 more times", before, after)
	}
	silent.stop()
	if err := res.Open(t.Context()); err == nil { // waits for its turn, until the abandoned one has given up
		t.Error("it found a server")
	}
}

func portOf(t *testing.T, addr string) int {
	t.Helper()
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return tcp.Port
}
