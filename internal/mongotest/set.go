package mongotest

import (
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Set is a replica set of fakes, called rs0. It holds no elections of its own: a test says who wins. Its members keep
// what they are given to themselves. As those of MongoDB do from 4.4 on, they report a change to a driver that waits.
type Set struct {
	Members []*Server // each may be frozen, stopped and restarted

	mu      sync.Mutex
	addrs   []string
	primary string        // its address; empty during an election
	term    bson.ObjectID // of the last election
	process bson.ObjectID // of all members
	changes int64         // of the primary
}

// StartSet runs a set of n members, of which the first is the primary, until the test ends.
func StartSet(t testing.TB, n int) *Set {
	t.Helper()
	set := &Set{term: bson.NewObjectID(), process: bson.NewObjectID()}
	for range n {
		set.Members = append(set.Members, Start(t, Options{Hello: set.hello}))
	}
	set.mu.Lock()
	defer set.mu.Unlock()
	for _, member := range set.Members {
		set.addrs = append(set.addrs, member.Addr())
	}
	set.primary = set.addrs[0]
	return set
}

// URI returns a connection string that names all members; options may be appended. A driver looks at the members as
// often as it can.
func (s *Set) URI() string {
	return "mongodb://" + strings.Join(s.addrs, ",") + "/shop?replicaSet=rs0&heartbeatFrequencyMS=500"
}

// Elect makes the member of that number the primary. StepDown leaves none.
func (s *Set) Elect(member int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.primary, s.term = s.addrs[member], bson.NewObjectID()
	s.changes++
}

// StepDown makes the primary a secondary, and begins an election.
func (s *Set) StepDown() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.primary = ""
	s.changes++
}

func (s *Set) hello(addr string) bson.D {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := bson.D{
		{Key: "setName", Value: "rs0"},
		{Key: "setVersion", Value: int32(1)},
		{Key: "hosts", Value: s.addrs},
		{Key: "me", Value: addr},
		{Key: "topologyVersion", Value: bson.D{{Key: "processId", Value: s.process}, {Key: "counter", Value: s.changes}}},
	}
	if addr != s.primary {
		return append(answer,
			bson.E{Key: "isWritablePrimary", Value: false},
			bson.E{Key: "ismaster", Value: false},
			bson.E{Key: "secondary", Value: true},
		)
	}
	return append(answer, bson.E{Key: "primary", Value: addr}, bson.E{Key: "electionId", Value: s.term})
}
