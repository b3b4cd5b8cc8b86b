package mongo_test

import (
	"context"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/internal/mongotest"
	"github.com/vibework/mooring/registry"
)

func TestAFailOverIsSeenAndHealsByItself(t *testing.T) {
	for name, lose := range map[string]func(*mongotest.Set){
		"lost":         func(set *mongotest.Set) { set.Members[0].Stop() },
		"frozen":       func(set *mongotest.Set) { set.Members[0].Freeze(true) },
		"stepped down": (*mongotest.Set).StepDown,
	} {
		t.Run(name, func(t *testing.T) {
			set := mongotest.StartSet(t, 3)
			defer set.Members[0].Freeze(false)
			r, res := open(t, roleOf(set, "primary"))
			_, replica := open(t, roleOf(set, "replica"))
			put(t, collection(t, res), 1)
			lose(set)
			until(t, r, func(kind registry.Kind) bool { return kind == registry.KindLoading })
			if err := replica.Check(t.Context()); err != nil {
				t.Errorf("who reads from a secondary is told: %v", err)
			}
			set.Elect(1)
			until(t, r, func(kind registry.Kind) bool { return kind == "" })
			if _, err := collection(t, res).InsertOne(t.Context(), bson.M{"_id": 2}); err != nil {
				t.Errorf("a write after the election: %v", err)
			}
		})
	}
}

func TestReadersStayReadyDuringAnElection(t *testing.T) {
	set := mongotest.StartSet(t, 3)
	r, res := open(t, waiting(set.URI()+"&readPreference=secondaryPreferred"))
	set.StepDown()
	if _, err := collection(t, res).InsertOne(t.Context(), bson.M{"_id": 1}); err == nil {
		t.Error("a write succeeded")
	}
	for range 5 {
		if result := r.Check(t.Context(), "mongo"); result.Err != nil {
			t.Error(result.Err)
		}
	}
}

func TestARefusedWriteIsReadOnly(t *testing.T) {
	set := mongotest.StartSet(t, 3)
	_, res := open(t, waiting(set.URI()+"&retryWrites=false"))
	set.StepDown()
	_, err := collection(t, res).InsertOne(t.Context(), bson.M{"_id": 1})
	got := mongo.Classify(err)
	if want := "the server is not the primary (10107)"; registry.KindOf(got) != registry.KindReadOnly || got.Error() != want {
		t.Errorf("got %s: %v, want %s", registry.KindOf(got), got, want)
	}
}

// What docs say of a fleet is what this test asserts, and what it prints with -v.
func TestPollingTakesOneConnectionLessToEachMember(t *testing.T) {
	for mode, want := range map[string][]int{"auto": {3, 2, 2}, "poll": {2, 1, 1}} {
		set := mongotest.StartSet(t, 3)
		_, res := open(t, waiting(set.URI()+"&serverMonitoringMode="+mode))
		put(t, collection(t, res), 1)
		for i, member := range set.Members {
			member.WaitConns(want[i])
		}
		t.Logf("serverMonitoringMode=%s: %d connections to the primary, %d to each secondary", mode, want[0], want[1])
	}
}

// waiting is at with a wait for a primary that a test can sit through.
func waiting(uri string) mongo.Config {
	cfg := at(uri)
	cfg.ServerSelectionTimeout = waited
	return cfg
}

func roleOf(set *mongotest.Set, role string) mongo.Config {
	cfg := waiting(set.URI())
	cfg.Role = role
	return cfg
}

// until checks until the kind is what is waited for.
func until(t *testing.T, r *registry.Registry, is func(registry.Kind) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		result := r.Check(ctx, "mongo")
		if is(registry.KindOf(result.Err)) {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("30s later it says %v", result.Err)
		}
	}
}
