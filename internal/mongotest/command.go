package mongotest

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// run carries out a command and returns its answer. The first element of a command names it.
func (c *session) run(q *request) bson.D {
	var name string
	if first, err := q.body.IndexErr(0); err == nil {
		name = first.Key()
	}
	switch strings.ToLower(name) {
	case "hello", "ismaster":
		if _, err := q.body.LookupErr("lsid"); err == nil && c.server.failPing.Load() != 0 {
			return c.server.ping() // a program asks, and not its driver
		}
		answer := c.hello(q.body)
		for until := time.Now().Add(patience); time.Now().Before(until) && knows(q.body, answer); answer = c.hello(q.body) {
			<-time.After(patience / 100)
		}
		return answer
	case "ping":
		return c.server.ping()
	case "saslstart":
		return c.saslStart(q.body, "$db")
	case "saslcontinue":
		return c.saslContinue(q.body)
	}
	if !c.loggedIn {
		return failure(codeUnauthorized, "Command "+name+" requires authentication")
	}
	switch name {
	case "insert":
		if !c.server.takesWrites() {
			return failure(codeNotWritablePrimary, "not primary")
		}
		return c.server.insert(q)
	case "find":
		return c.server.find(q.body)
	case "endSessions":
		return success()
	}
	return failure(codeCommandNotFound, "no such command: '"+name+"'")
}

// patience is how long a server waits for something to report: less than a driver grants it, so that a test can end.
const patience = 500 * time.Millisecond

// knows reports whether the client knows of the state that is in the answer, and waits for the next one.
func knows(question bson.Raw, answer bson.D) bool {
	known, err := question.LookupErr("topologyVersion")
	if err != nil {
		return false
	}
	for _, field := range answer {
		if field.Key == "topologyVersion" {
			_, version, _ := bson.MarshalValue(field.Value)
			return bytes.Equal(known.Value, version)
		}
	}
	return false
}

// hello describes a standalone server of version 7.0, or what Options.Hello makes of it. Without a
// topology version in it, a driver polls the server instead of waiting for it to report changes.
func (c *session) hello(body bson.Raw) bson.D {
	answer := bson.D{
		{Key: "ismaster", Value: true},
		{Key: "isWritablePrimary", Value: true},
		{Key: "helloOk", Value: true},
		{Key: "maxBsonObjectSize", Value: int32(16 << 20)},
		{Key: "maxMessageSizeBytes", Value: int32(maxMessage)},
		{Key: "maxWriteBatchSize", Value: int32(100_000)},
		{Key: "logicalSessionTimeoutMinutes", Value: int32(30)},
		{Key: "minWireVersion", Value: int32(0)},
		{Key: "maxWireVersion", Value: int32(21)},
	}
	if other := c.server.options.Hello; other != nil {
		for _, field := range other(c.server.Addr()) {
			answer = slices.DeleteFunc(answer, func(e bson.E) bool { return e.Key == field.Key })
			answer = append(answer, field)
		}
	}
	if _, err := body.LookupErr("saslSupportedMechs"); err == nil {
		answer = append(answer, bson.E{Key: "saslSupportedMechs", Value: bson.A{mechanism}})
	}
	if start, ok := body.Lookup("speculativeAuthenticate").DocumentOK(); ok {
		if reply := c.saslStart(start, "db"); c.login != nil { // a failure goes unmentioned
			answer = append(answer, bson.E{Key: "speculativeAuthenticate", Value: reply})
		}
	}
	return append(answer, success()...)
}

// takesWrites reports whether hello calls the server one.
func (s *Server) takesWrites() bool {
	if s.options.Hello == nil {
		return true
	}
	return !slices.Contains(s.options.Hello(s.Addr()), bson.E{Key: "isWritablePrimary", Value: false})
}

func (s *Server) ping() bson.D {
	if code := int(s.failPing.Load()); code != 0 {
		return failure(code, "ping fails on request")
	}
	return success()
}

func (s *Server) insert(q *request) bson.D {
	documents := q.documents
	if list, ok := q.body.Lookup("documents").ArrayOK(); ok {
		values, _ := list.Values()
		for _, v := range values {
			if document, ok := v.DocumentOK(); ok {
				documents = append(documents, document)
			}
		}
	}
	where := namespace(q.body, "insert")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.documents[where] = append(s.documents[where], documents...)
	return append(bson.D{{Key: "n", Value: int32(len(documents))}}, success()...)
}

func (s *Server) find(body bson.Raw) bson.D {
	where := namespace(body, "find")
	filter, _ := body.Lookup("filter").DocumentOK()
	found := bson.A{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, document := range s.documents[where] {
		if matches(document, filter) {
			found = append(found, document)
		}
	}
	cursor := bson.D{
		{Key: "id", Value: int64(0)}, // there is no more to fetch
		{Key: "ns", Value: where},
		{Key: "firstBatch", Value: found},
	}
	return append(bson.D{{Key: "cursor", Value: cursor}}, success()...)
}

// namespace is the "database.collection" that a command names.
func namespace(body bson.Raw, command string) string {
	database, _ := body.Lookup("$db").StringValueOK()
	collection, _ := body.Lookup(command).StringValueOK()
	return database + "." + collection
}

// matches reports whether every field of the filter is in the document with an equal value.
func matches(document, filter bson.Raw) bool {
	wanted, _ := filter.Elements()
	for _, e := range wanted {
		if got, err := document.LookupErr(e.Key()); err != nil || !got.Equal(e.Value()) {
			return false
		}
	}
	return true
}
