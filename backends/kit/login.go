package kit

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/registry"
)

// Credentials are who logs in, and Rest is what else the configuration says of the server, in any form.
type Credentials struct {
	User     string
	Password config.Secret
	Rest     config.Secret
}

// Credentials returns c, for what [Follow] reads no more of.
func (c Credentials) Credentials() Credentials { return c }

// same reports whether both are the same user with the same password.
func (c Credentials) same(d Credentials) bool {
	return c.User == d.User && c.Password.Reveal() == d.Password.Reveal()
}

// Login gives each new connection the credentials of now, so that a password can be rotated while the program runs. It
// is safe for concurrent use.
type Login struct {
	name   string
	latest func() Credentials // what the configuration says now
	ask    Ask                // instead, unless it is nil

	mu       sync.Mutex
	known    Credentials  // the latest that was seen
	using    Credentials  // known, or those before if the server has refused known
	worked   bool         // the server has accepted using
	fallback *Credentials // what worked before known, until that was tried
}

// newLogin returns the login of the instance called name. It calls latest, which must not block, for each connection. A
// Rest that differs from the first one is told once, and has no effect.
func newLogin(name string, latest func() Credentials) *Login {
	first := latest()
	return &Login{name: name, latest: latest, known: first, using: first}
}

// Ask returns who logs in now, such as a user and a token that is valid for minutes: what WithCredentials takes.
type Ask = func(ctx context.Context) (user string, password config.Secret, err error)

// Follow returns what read makes of the configuration of the instance called name, and a login that reads it again when
// one of the files has changed that the environment names for its variables; or one that calls ask for each connection,
// unless ask is nil. Read must load the configuration by [config.LoadOr], with the same given one: if that is not nil,
// there are no files, and nothing changes. A Rest of the credentials that differs from the first one is told once, and
// has no effect. If read fails, the settings are what it has returned, and there is no login.
func Follow[C any, S interface{ Credentials() Credentials }](
	name string, given *C, ask Ask, read func() (S, error),
) (settings S, login *Login, err error) {
	var files []string
	if given == nil {
		files = config.Files[C](name)
	}
	live, err := config.NewLive(files, read)
	switch settings = live.Get(); {
	case err != nil:
		return settings, nil, err
	case ask != nil:
		return settings, &Login{ask: ask}, nil
	}
	return settings, newLogin(name, func() Credentials { return live.Get().Credentials() }), nil
}

// Connect calls dial with the credentials, and returns its error. If that is of registry.KindAuth, Connect looks once
// more for newer ones. If there are none, it dials with those that worked before: once after each change, so that no
// account is locked, and if they work they stay in use until the server refuses them. An error of an [Ask] is of
// registry.KindAuth, unless ctx has ended, and is not quoted; its panic is of registry.KindPanic.
func (l *Login) Connect(ctx context.Context, dial func(Credentials) error) (err error) {
	if l.ask != nil {
		credentials, err := l.asked(ctx)
		if err != nil {
			return err
		}
		return dial(credentials)
	}
	var refused []Credentials
	for {
		credentials := l.next(refused)
		if slices.ContainsFunc(refused, credentials.same) {
			return err
		}
		if err = dial(credentials); err == nil {
			l.accepted(credentials)
		}
		if registry.KindOf(err) != registry.KindAuth {
			return err
		}
		refused = append(refused, credentials)
	}
}

// User returns who logs in by what the configuration says, for a [Target]: "" if the program says it.
func (l *Login) User() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known.User
}

// asked returns what the program says. It may ignore ctx, or panic where nobody would recover: in the goroutine of a
// pool that makes a connection.
func (l *Login) asked(ctx context.Context) (Credentials, error) {
	credentials, err := Within(ctx, func() (who Credentials, err error) {
		who.User, who.Password, err = l.ask(ctx)
		return who, err
	}, nil)
	switch {
	case err == nil:
	case registry.KindOf(err) == registry.KindPanic:
		err = Errorf(registry.KindPanic, "the function given to WithCredentials panicked")
	case ctx.Err() != nil:
		err = Classify(ctx.Err())
	default:
		err = Errorf(registry.KindAuth, "the function given to WithCredentials failed with an error of type %T", err)
	}
	return credentials, err
}

// Unsure reports whether the credentials that Connect dials with may be refused although others work: they have
// changed, or those before the change are in use again. A backend whose driver dials by itself, where Connect cannot
// dial again, first tries them over a connection of its own.
func (l *Login) Unsure() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.worked && l.fallback != nil || !l.using.same(l.known)
}

// next returns what to try after the server has refused these, one after the other: one of them, if nothing else is
// left.
func (l *Login) next(refused []Credentials) Credentials {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.look()
	switch {
	case len(refused) == 0:
	case !l.using.same(refused[len(refused)-1]): // they have changed meanwhile, or another connection has been here
	case l.fallback != nil:
		l.using, l.fallback, l.worked = *l.fallback, nil, false
		slog.Warn("the server refuses the credentials that have changed: those before are tried", "resource", l.name)
	default:
		l.using, l.worked = l.known, l.worked && l.using.same(l.known)
	}
	return l.using
}

// look sees whether the credentials have changed.
func (l *Login) look() {
	before := l.known
	l.known = l.latest()
	if l.known.Rest.Reveal() != before.Rest.Reveal() {
		slog.Warn("the configuration has changed: only its user and password are used, restart to apply the rest",
			"resource", l.name)
	}
	if l.known.same(before) {
		return
	}
	if worked := l.using; l.worked {
		l.fallback = &worked
	}
	l.using, l.worked = l.known, false
}

func (l *Login) accepted(credentials Credentials) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.worked = l.worked || l.using.same(credentials)
}
