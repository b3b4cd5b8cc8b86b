// Package ferretauth starts FerretDB with SCRAM authentication switched on, which FerretDB's
// public package cannot do: its Config has no user and no password, and it lets everybody in.
//
// The package lives in a module whose path lies below github.com/FerretDB/FerretDB, because only
// such a package may import FerretDB's internal ones. Its go.mod exists for that path alone; the
// lab module replaces it with this folder.
//
// [Start] follows, step by step, what ferretdb.New of FerretDB v1.24.2 sets up (copyright 2021
// FerretDB Inc., Apache License 2.0, https://github.com/FerretDB/FerretDB/blob/v1.24.2/LICENSE),
// and adds the user.
package ferretauth

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"sync"

	"github.com/FerretDB/FerretDB/internal/clientconn"
	"github.com/FerretDB/FerretDB/internal/clientconn/connmetrics"
	"github.com/FerretDB/FerretDB/internal/handler/registry"
	"github.com/FerretDB/FerretDB/internal/util/password"
	"github.com/FerretDB/FerretDB/internal/util/state"
)

// Database is where the user is created: what MongoDB calls the authentication source.
const Database = "admin"

// Start serves MongoDB's protocol on a free loopback port, keeping its data in SQLite files in
// folder, which must exist. Clients log in as user with secret by SCRAM-SHA-1 or SCRAM-SHA-256.
// It returns the address it listens on and a function that stops it, to be called once. Stopping
// waits up to three seconds for connected clients to leave, so cut their connections first.
func Start(folder, user, secret string) (addr string, stop func(), err error) {
	provider, err := newState()
	if err != nil {
		return "", nil, err
	}

	metrics := connmetrics.NewListenerMetrics()
	handler, closeBackend, err := registry.NewHandler("sqlite", &registry.NewHandlerOpts{
		Logger:        slog.New(slog.DiscardHandler),
		ConnMetrics:   metrics.ConnMetrics,
		StateProvider: provider,
		SetupDatabase: Database,
		SetupUsername: user,
		SetupPassword: password.WrapPassword(secret),
		SQLiteURL:     folderURL(folder),
		TestOpts: registry.TestOpts{
			CappedCleanupPercentage: 10,
			BatchSize:               100,
			EnableNewAuth:           true,
		},
	})
	if err != nil {
		if closeBackend != nil {
			closeBackend()
		}
		return "", nil, fmt.Errorf("ferretdb handler: %w", err)
	}

	listener, err := clientconn.Listen(&clientconn.NewListenerOpts{
		TCP:     "127.0.0.1:0",
		Mode:    clientconn.NormalMode,
		Metrics: metrics,
		Handler: handler,
		Logger:  slog.New(slog.DiscardHandler),
	})
	if err != nil {
		closeBackend()
		return "", nil, fmt.Errorf("ferretdb listener: %w", err)
	}

	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { listener.Run(ctx) })
	return listener.TCPAddr().String(), func() {
		cancel()
		running.Wait()
		closeBackend()
	}, nil
}

// newState returns FerretDB's process state, kept in memory, with telemetry off for good.
func newState() (*state.Provider, error) {
	provider, err := state.NewProvider("")
	if err != nil {
		return nil, fmt.Errorf("ferretdb state: %w", err)
	}
	err = provider.Update(func(s *state.State) {
		s.DisableTelemetry()
		s.TelemetryLocked = true
	})
	if err != nil {
		return nil, fmt.Errorf("ferretdb state: %w", err)
	}
	return provider, nil
}

// folderURL names folder the way FerretDB's SQLite backend wants it: a file URL without a host and
// with a slash at the end.
func folderURL(folder string) string {
	u := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(folder) + "/"}
	return u.String()
}
