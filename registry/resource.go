package registry

import (
	"context"
	"fmt"
	"time"
)

// Resource is one backend that a program depends on. To write one: implement these four methods, call
// [Register] with it in init, and run the contract of package registrytest on it in a test.
//
// Calls of Open and Close on one resource are serialized: never two at the same time, and never an Open of what is
// open. Check may be called at any time, also while Close runs, but never twice at once on one opening.
// All methods must be safe for concurrent use all the same: programs hold resources of their own, too, and may
// call them with a context that has no deadline.
//
// No error may show a password, a key, or a URL that holds one. An error wrapped by [Classify] tells the
// registry what kind of failure it is; for plain errors [KindOf] has to guess. Open is tried again for the kinds that
// are [Kind.Retryable], and for no other.
//
// A method that has nothing to report must return nil itself, and not a variable of type *net.OpError, say, that is
// nil: that is an error, and the registry reports it as a panic.
type Resource interface {
	// Name is the resource's constant, unique name: lower-case words and digits joined by hyphens, such as
	// "mysql" or "mysql-replica". The registry asks for it once, in Register.
	Name() string

	// Open connects and verifies that the backend can serve. Nil means ready. An error leaves nothing behind:
	// no connection, no goroutine. Open may be called again after an error and after Close. It must return
	// soon after ctx is done, with an error if it was done before; a deadline that has passed is KindTimeout,
	// and a server that refuses or cuts the connection is reported at once, with a Kind that is retryable. The
	// context bounds the opening only, not the life of what was opened.
	Open(ctx context.Context) error

	// Check says whether the backend can serve now. It asks the backend, with as few rights as possible; it
	// does not reconnect and does not retry in a loop. It must return soon after ctx is done, and a check that was
	// canceled must not affect later ones. Before Open and after Close it returns an error for
	// which errors.Is(err, ErrNotOpen) holds.
	Check(ctx context.Context) error

	// Close releases everything and gives up waiting when ctx is done, with an error that says what was lost. If ctx is
	// done already, Close must still release everything, without waiting. It does not wait for a Check in flight. Closing
	// what is not open is nil.
	Close(ctx context.Context) error
}

// Configurer is implemented by resources that read and check their configuration apart from opening.
// [Registry.OpenAll] calls every Configure before the first Open, so that one error shows every mistake.
type Configurer interface {
	// Configure reads and validates the configuration. It does no I/O beyond reading files. Its error names
	// every bad or missing variable and quotes no value; an errors.Join of one error for each is welcome. It needs
	// no Classify: without one it is KindConfig. It is abandoned when it takes longer than OpenTimeout, as an Open is.
	//
	// OpenAll calls it once, for all attempts, and the background before each of its own. A program that calls Open
	// directly may leave it out: then Open has to read the configuration by itself.
	Configure() error
}

// PoolStats are the numbers of a pool of connections at one moment, in the words of database/sql.
type PoolStats struct {
	Max   int // the most connections that there may be; 0 means any number
	Open  int // the connections that there are: InUse and Idle together
	InUse int // lent out, or, with some drivers, being made
	Idle  int // ready to be lent

	WaitCount    int64         // how often a caller has had to wait for a connection, since the opening
	WaitDuration time.Duration // how long these waits, less those under way, have taken in all
}

// Pooler is implemented by resources that lend connections from a pool. Package health shows the numbers, and an
// observer may turn them into metrics. To ask one by its name:
//
//	res, err := registry.Get[registry.Pooler]("mysql")
type Pooler interface {
	// PoolStats returns the numbers of the pool, all zero while the resource is not open. It reads counters: it
	// neither asks the backend nor waits. It may be called at any time, from any goroutine.
	PoolStats() PoolStats
}

// String returns such as "3 of 20 connections in use".
func (s PoolStats) String() string {
	if s.Max == 0 {
		return fmt.Sprintf("%d connections in use", s.InUse)
	}
	return fmt.Sprintf("%d of %d connections in use", s.InUse, s.Max)
}
