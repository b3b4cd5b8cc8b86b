// Package embedded starts servers inside this process for the backends of which the environment says nothing, each
// behind a proxy that can play an outage.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"

	"github.com/vibework/mooring/lab/devstack"
	"github.com/vibework/mooring/registry/registrytest/faultproxy"
)

// Servers are the servers that were started; the zero value has none. All methods but Start may be called
// concurrently.
type Servers struct{ byName map[string]*server }

type server struct {
	stack *devstack.Stack // with this one server
	proxy *faultproxy.Proxy
	state
}

// Start starts a server for each backend of which no variable is set, and sets the variables that lead there. A
// variable that is misspelt counts, too: it is for the backend to say what is missing. The caller calls Stop, also
// after an error.
func (s *Servers) Start(ctx context.Context) error {
	s.byName = make(map[string]*server)
	for _, name := range devstack.Names() {
		if variable, found := variableOf(name, os.Environ()); found {
			slog.Info("no embedded server, since a variable is set", "resource", name, "variable", variable)
			continue
		}
		if err := s.start(ctx, name); err != nil {
			return err
		}
		slog.Info("started an embedded server, which forgets everything in the end", "resource", name)
	}
	return nil
}

// Stop stops all of them.
func (s *Servers) Stop() error {
	var errs []error
	for _, server := range s.byName {
		errs = append(errs, server.proxy.Close(), server.stack.Stop())
	}
	return errors.Join(errs...)
}

func (s *Servers) start(ctx context.Context, name string) error {
	stack, err := devstack.Start(ctx, name)
	if err != nil {
		return err
	}
	proxy, err := faultproxy.Start(address.FindString(stack.Env()[0]))
	if err != nil {
		return errors.Join(err, stack.Stop())
	}
	s.byName[name] = &server{stack: stack, proxy: proxy, state: state{mode: Running}}
	return setenv(stack.Env(), proxy.Addr())
}

// variableOf returns a variable that belongs to the backend by its name, and has a value.
func variableOf(backend string, environ []string) (name string, found bool) {
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		if value != "" && strings.HasPrefix(name, strings.ToUpper(backend)) {
			return name, true
		}
	}
	return "", false
}

// address finds the address in a variable of a stack of one server.
var address = regexp.MustCompile(`127\.0\.0\.1:[0-9]+`)

// setenv sets the variables, with addr in place of the server's own address.
func setenv(variables []string, addr string) error {
	for _, variable := range variables {
		name, value, _ := strings.Cut(address.ReplaceAllLiteralString(variable, addr), "=")
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	return nil
}
