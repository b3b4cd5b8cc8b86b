package mongo_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/registry"
)

const dropped = "the driver has dropped its connections: another operation found the server gone"

func TestEveryAnswerHasAKindAndAnHonestText(t *testing.T) {
	answer := func(code int32) error {
		return fmt.Errorf("SECRET: %w", driver.CommandError{Code: code, Name: "SECRET", Message: "SECRET"})
	}
	broken := driver.CommandError{Labels: []string{"NetworkError"}, Wrapped: errors.New("SECRET")}
	cleared := driver.CommandError{Labels: []string{"TransientTransactionError"}, Message: "SECRET"}
	for _, test := range []struct {
		err  error
		kind registry.Kind
		text string
	}{
		{answer(18), registry.KindAuth, "wrong user name or password, or the user is of another database (MONGO_URI: authSource) (18)"},
		{answer(8000), registry.KindPermission, "Atlas refuses it: the user lacks a role, or the cluster's space is used up (8000)"},
		{fmt.Errorf("auth error: %w", answer(8000)), registry.KindAuth, "the server refuses the login: wrong user name, password or certificate (8000)"},
		{answer(14031), registry.KindExhausted, "the server's disk is full (14031)"},
		{answer(64), registry.KindTimeout, "too few servers have confirmed the write in time (64)"},
		{answer(79), registry.KindConfig, "the replica set does not know this write concern (MONGO_URI: w) (79)"},
		{answer(94), registry.KindLoading, "the replica set is not initiated, or the server is only just starting (94)"},
		{answer(100), registry.KindConfig, "the replica set has too few servers for this write concern (MONGO_URI: w) (100)"},
		{answer(301), registry.KindConfig, "the server has no retryable writes (MONGO_URI: retryWrites=false) (301)"},
		{answer(334), registry.KindAuth, "the server does not offer this way to log in (334)"},
		{answer(13), registry.KindPermission, "the user may not do this (13)"},
		{fmt.Errorf("auth error: %w", answer(13)), registry.KindAuth, "the server refuses the login: wrong user name, password or certificate (13)"},
		{answer(6), registry.KindUnreachable, "the router cannot reach a server, or its connection broke (6)"},
		{answer(50), registry.KindTimeout, "the server took too long (50)"},
		{answer(89), registry.KindTimeout, "the router got no answer in time (89)"},
		{answer(262), registry.KindTimeout, "the server took too long (262)"},
		{answer(91), registry.KindLoading, "the server is shutting down (91)"},
		{answer(11600), registry.KindLoading, "the server is shutting down (11600)"},
		{answer(133), registry.KindLoading, "the router finds no server to read from (133)"},
		{answer(189), registry.KindLoading, "the primary is stepping down (189)"},
		{answer(10058), registry.KindReadOnly, "the server is not the primary (10058)"},
		{answer(10107), registry.KindReadOnly, "the server is not the primary (10107)"},
		{answer(11602), registry.KindLoading, "the replica set is changing (11602)"},
		{answer(13435), registry.KindLoading, "the server is not the primary (13435)"},
		{answer(13436), registry.KindLoading, "the server is recovering (13436)"},
		{answer(7), registry.KindUnreachable, "the router finds no such host (7)"},
		{answer(202), registry.KindUnreachable, "the router cannot reach a server, or its connection broke (202)"},
		{answer(9001), registry.KindUnreachable, "the router cannot reach a server, or its connection broke (9001)"},
		{answer(11), registry.KindAuth, "there is no such user (11)"},
		{answer(391), registry.KindAuth, "the login has expired (391)"},
		{answer(462), registry.KindExhausted, "the server is overloaded (462)"},
		{answer(16500), registry.KindExhausted, "the account has used up its throughput (16500)"},
		{driver.WriteException{WriteConcernError: &driver.WriteConcernError{Code: 91}}, registry.KindLoading, "the server is shutting down (91)"},
		{driver.WriteException{WriteErrors: driver.WriteErrors{{Code: 11000, Message: "SECRET"}}}, registry.KindUnknown, "the server answered with the error 11000"},
		{driver.ClientBulkWriteException{WriteConcernErrors: []driver.WriteConcernError{{Code: 91}}}, registry.KindLoading, "the server is shutting down (91)"},
		{answer(4711), registry.KindUnknown, "the server answered with the error 4711"},
		{errors.New("server is closed"), registry.KindUnreachable, "the server has left the replica set, or the client is being closed"},
		{errors.New("this MongoDB deployment does not support retryable writes. SECRET"), registry.KindConfig, "the server has no retryable writes (MONGO_URI: retryWrites=false)"},
		{fmt.Errorf("connection(SECRET) error occurred during connection handshake: %w", context.Canceled), registry.KindUnreachable, dropped},
		{broken, registry.KindUnreachable, "the connection broke, or what listens there is no MongoDB server"},
		{cleared, registry.KindUnreachable, "the connection broke, or what listens there is no MongoDB server"},
		{driver.CommandError{Wrapped: io.EOF}, registry.KindUnreachable, "the connection was closed"},
		{driver.ErrClientDisconnected, registry.KindNotOpen, "not open: Close or the program has disconnected the client"},
		{context.DeadlineExceeded, registry.KindTimeout, "no answer in time: context deadline exceeded"},
		{context.Canceled, registry.KindCanceled, "context canceled"},
		{errors.New("SECRET"), registry.KindUnknown, "the driver failed with an error of type *errors.errorString"},
	} {
		got := mongo.ClassifyFor(test.err, nil)
		if got.Error() != test.text || registry.KindOf(got) != test.kind {
			t.Errorf("%v\ngot  %s: %v\nwant %s: %s", test.err, registry.KindOf(got), got, test.kind, test.text)
		}
	}
	if mongo.ClassifyFor(nil, errors.New("cause")) != nil {
		t.Error("nil is an error")
	}
}

func TestTheCauseReplacesWhatTheDriverDoesNotSay(t *testing.T) {
	cause := registry.Classify(registry.KindUnreachable, errors.New("connection refused"))
	for _, err := range []error{context.DeadlineExceeded, errors.New("no server")} {
		if got := mongo.ClassifyFor(err, cause); !errors.Is(got, cause) {
			t.Errorf("%v: got %v", err, got)
		}
	}
	for _, err := range []error{context.Canceled, io.EOF, driver.CommandError{Code: 18}} {
		if got := mongo.ClassifyFor(err, cause); errors.Is(got, cause) {
			t.Errorf("%v: got %v", err, got)
		}
	}
}
