package main

import (
	"context"
	"slices"
	"time"

	"github.com/vibework/mooring/lab/internal/wire"
	"github.com/vibework/mooring/registry"
)

// The faults, as the page calls them.
const (
	refused       = "refused"
	silent        = "accepts and is silent"
	synDropped    = "SYN dropped"
	noSuchName    = "name does not exist"
	dnsSilent     = "DNS silent"
	frozen        = "frozen mid-session"
	cut           = "cut mid-session"
	cutHandshake  = "cut mid-handshake"
	slow          = "200 ms slow"
	poolExhausted = "pool exhausted"
	killedShort   = "killed -9, back after 3 s"
	killedLong    = "killed -9, back after 60 s"
	wrongPassword = "wrong password"
	unknownCA     = "TLS, unknown CA"
	plainFound    = "TLS expected, plain found"
	serverFull    = "server full"
	readOnly      = "read-only primary"
	demoted       = "primary demoted behind its address"
	diskFull      = "disk full"
	protected     = "protected mode"
	expired       = "password expired"
)

// wants are the kinds that the operations have to fail with; "" is success.
type wants struct{ Open, Check, Close registry.Kind }

// A fault is a thing that goes wrong.
type fault struct {
	name  string
	wants wants
	stage func(context.Context, *world, *backend) (*scene, error)

	deadline time.Duration // of each operation; 0 is the usual one
	heal     time.Duration // in which all must be well after its end; 0 is the usual time
	outage   time.Duration // the server is away for that long, for all operations together
	says     string        // what the text of the error has to have in it
	excuse   []string      // a function that may need some seconds more to return
	hangs    bool          // what is asked for gets no answer: Close finds it in flight
	idle     []registry.Op // to which nothing happens
}

const (
	usualDeadline = 500 * time.Millisecond
	usualHeal     = 2 * time.Second
	longHeal      = 5 * time.Second
	poolSize      = 2
)

// world is what the faults share.
type world struct {
	folder string
	names  *wire.Names
	noise  *noise
}

// A scene is a fault that is about to happen to a server.
type scene struct {
	target target // what resources are configured with

	begin, end func(context.Context) error
	hold       func(context.Context, registry.Resource) (release func(), err error)
	close      func() error
}

// faults are in the order of the page.
func faults() []*fault {
	const (
		unreachable = registry.KindUnreachable
		timeout     = registry.KindTimeout
		exhausted   = registry.KindExhausted
		degraded    = registry.KindDegraded
		auth        = registry.KindAuth
		tls         = registry.KindTLS
		writesNot   = registry.KindReadOnly
		loading     = registry.KindLoading
		config      = registry.KindConfig
	)
	return []*fault{
		{name: refused, wants: wants{unreachable, unreachable, ""}, stage: refuse},
		// A connection that is being made is none in use: Close does not wait for it.
		{name: silent, wants: wants{timeout, timeout, ""}, stage: beSilent, hangs: true},
		{name: synDropped, wants: wants{timeout, timeout, ""}, stage: dropSYN, hangs: true},
		{name: noSuchName, wants: wants{unreachable, unreachable, ""}, stage: dropName},
		{
			name: dnsSilent, wants: wants{timeout, timeout, ""}, stage: silenceName, hangs: true,
			excuse: []string{"net.(*Resolver)"},
		},
		{name: frozen, wants: wants{timeout, timeout, timeout}, stage: freeze, hangs: true},
		{name: cut, stage: cutSession, idle: []registry.Op{registry.OpOpen}},
		{name: cutHandshake, wants: wants{unreachable, unreachable, ""}, stage: cutGreeting},
		{name: slow, stage: slowDown, deadline: 5 * time.Second},
		{
			name: poolExhausted, wants: wants{"", degraded, timeout}, stage: exhaust, deadline: 2 * time.Second,
			idle: []registry.Op{registry.OpOpen},
		},
		{name: killedShort, wants: wants{unreachable, unreachable, ""}, stage: kill, outage: 3 * time.Second},
		{
			name: killedLong, wants: wants{unreachable, unreachable, ""}, stage: kill,
			outage: time.Minute, heal: longHeal,
		},
		{name: wrongPassword, wants: wants{auth, auth, ""}, stage: changePassword},
		{name: unknownCA, wants: wants{tls, tls, ""}, stage: changeAuthority},
		{name: plainFound, wants: wants{tls, tls, ""}, stage: loseTLS, says: "TLS"},
		{
			name: serverFull, wants: wants{exhausted, "", ""}, stage: fillServer,
			idle: []registry.Op{registry.OpCheck, registry.OpClose},
		},
		{name: readOnly, wants: wants{writesNot, writesNot, ""}, stage: inState(readOnly)},
		{name: demoted, wants: wants{writesNot, writesNot, ""}, stage: failOver},
		{name: diskFull, wants: wants{loading, loading, ""}, stage: inState(diskFull)},
		{name: protected, wants: wants{config, config, ""}, stage: refuseStrangers},
		{name: expired, wants: wants{auth, auth, ""}, stage: inState(expired)},
	}
}

// ops are the operations to which something happens.
func (f *fault) ops() []registry.Op {
	return slices.DeleteFunc(operations(), func(op registry.Op) bool { return slices.Contains(f.idle, op) })
}

func operations() []registry.Op {
	return []registry.Op{registry.OpOpen, registry.OpCheck, registry.OpClose}
}

func (f *fault) wanted(b *backend) wants {
	w := f.wants
	if other, ok := b.wants[f.name]; ok {
		w = other
	}
	if kind, ok := b.closes[f.name]; ok {
		w.Close = kind
	}
	return w
}

func (f *fault) bound() time.Duration { return max(f.deadline, usualDeadline) }

func (f *fault) healBound(b *backend) time.Duration {
	return max(f.heal, usualHeal, b.slower[f.name].heal)
}
