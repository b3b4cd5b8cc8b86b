package mongo

import (
	"context"
	"errors"
	"strings"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// lookUp returns what the driver reads in the connection string. For mongodb+srv:// it asks the name server.
func (s *settings) lookUp(ctx context.Context) (*options.ClientOptions, error) {
	read := func() (*options.ClientOptions, error) { return read(s.uri) }
	o, err := inTurn(ctx, s, read, func(*options.ClientOptions) {})
	if err != nil {
		return nil, s.refusal(err, "its options, its TXT record or the files that it names do not fit together")
	}
	merged := *s
	merged.merge(o)
	return o, nil
}

// newClient makes the driver's client. The driver asks the name server again.
func (s *settings) newClient(ctx context.Context, o *options.ClientOptions) (*driver.Client, error) {
	connect := func() (*driver.Client, error) { return driver.Connect(o) }
	c, err := inTurn(ctx, s, connect, func(late *driver.Client) { _ = late.Disconnect(ctx) })
	switch {
	case err == nil:
		return c, nil
	case o.Auth != nil && o.Auth.AuthMechanism == "GSSAPI":
		return nil, s.refusal(err, "authMechanism: GSSAPI needs a program that was built with -tags gssapi")
	}
	return nil, s.refusal(err, "the driver refuses it: "+
		"a character in the password that SCRAM forbids, or what a hook has set")
}

// inTurn calls f, which may wait for a name server whatever ctx says, and waits for it as long as ctx allows.
// At most one
// such call is under way; undo gets what comes too late.
func inTurn[T any](ctx context.Context, s *settings, f func() (T, error), undo func(T)) (result T, err error) {
	over := func() error {
		if s.srv && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return kit.Errorf(registry.KindTimeout, "the name server did not answer in time")
		}
		return kit.Classify(ctx.Err())
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return result, over()
	}
	done := make(chan func())
	go func() {
		defer func() { <-s.turn }()
		got, failed := f()
		select {
		case done <- func() { result, err = got, failed }:
		case <-ctx.Done():
			if failed == nil {
				undo(got)
			}
		}
	}()
	select {
	case deliver := <-done:
		deliver()
		return result, err
	case <-ctx.Done():
		return result, over()
	}
}

// refusal returns what may be shown of an error: that of the name server or the network, or that the connection string
// is at fault, in the words of text unless the driver tells more.
func (s *settings) refusal(err error, text string) error {
	if known := kit.Classify(err); registry.KindOf(known) != registry.KindUnknown {
		return known
	}
	switch words := err.Error(); {
	case strings.Contains(words, "SRV record"), strings.Contains(words, "parent URI"):
		text = "its SRV records lead out of its host's domain"
	case strings.Contains(words, "TXT"):
		text = "its TXT record does not fit: want one, of the form authSource=admin&replicaSet=rs0"
	}
	return kit.Errorf(registry.KindConfig, "%sURI: %s", s.prefix, text)
}
