package nats

import (
	"errors"

	driver "github.com/nats-io/nats.go"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// classify says in words of its own what err is, because the driver quotes what servers say.
func classify(err error) error {
	kind, text := registry.KindOf(err), "no answer from the server"
	switch {
	case err == nil:
		return nil
	case errors.Is(err, driver.ErrAuthorization), errors.Is(err, driver.ErrAuthExpired):
		kind, text = registry.KindAuth, "access denied"
	case errors.Is(err, driver.ErrSecureConnWanted), kind == registry.KindTLS:
		kind, text = registry.KindTLS, "no TLS session with the server"
	case kind == registry.KindUnknown:
		kind = registry.KindUnreachable
	}
	return kit.Errorf(kind, "%s", text)
}
