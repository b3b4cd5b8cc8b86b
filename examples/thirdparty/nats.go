// Package nats is a backend for NATS, made outside of Mooring and from its documentation alone: the worked example of
// "Adding a backend" in CONTRIBUTING.md. A program that imports it has it opened, checked and closed with the others:
//
//	import nats "github.com/vibework/mooring/examples/thirdparty"
//
//	err := registry.OpenAll(ctx)
//	err = nats.Conn().Publish("orders", data)
//
// Config has the variables: NATS_HOST and so on, or for New("nats-eu") NATS_EU_HOST.
//
// A connection that breaks is made again, for as long as that takes, about once a second, with the password that its
// file has then. What is published meanwhile waits in a buffer of 8 MB. A server that answers no ping for half a minute
// counts as gone. A program that wants to hear of slow consumers and forbidden subjects calls SetErrorHandler on the
// connection.
package nats

import (
	driver "github.com/nats-io/nats.go"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// Name is the name of the default instance.
const Name = "nats"

var std = New(Name)

func init() { registry.Register(std) }

// Conn returns the connection of the default instance. It panics if that was never opened: call it after
// registry.OpenAll, once, and pass the connection down.
func Conn() *driver.Conn { return std.Conn() }

// Handle is Conn with an error instead of a panic: registry.ErrNotOpen, with the reason why.
func Handle() (*driver.Conn, error) { return std.Handle() }

// Use sets options of the default instance. They count from the next Open on. It panics while that is open.
func Use(opts ...Option) { std.Use(opts...) }

// Option is an option of [New] and [Use].
type Option = kit.Option[setup]

// WithConfig takes the configuration from cfg instead of the environment.
func WithConfig(cfg Config) Option { return func(s *setup) { s.config = &cfg } }

// setup is what a program sets in code.
type setup struct{ config *Config }

// Resource is one connection to NATS. All methods are safe for concurrent use.
type Resource struct {
	*kit.Resource[setup, *client, *driver.Conn]
}

// New returns a resource that is configured by the variables of its name: "nats-eu" by NATS_EU_*. It reads nothing yet.
// Register it to have it opened.
func New(name string, opts ...Option) *Resource { return &Resource{kit.New(name, resolve, opts...)} }

// Conn returns the connection, also after Close. It panics if the resource was never opened.
func (r *Resource) Conn() *driver.Conn { return kit.Must(r.Handle()) }
