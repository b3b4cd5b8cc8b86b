package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/vibework/mooring/lab/devstack"
)

// startMissing starts a server for every backend that the environment leads to no other, and adds the variables
// that lead to these servers to the environment.
func startMissing(ctx context.Context) (*devstack.Stack, error) {
	var missing []string
	for _, name := range devstack.Names() {
		if variable, found := devstack.Configured(os.Environ(), name); found {
			fmt.Printf("%-6s is the server of %s\n", name, variable)
			continue
		}
		fmt.Printf("%-6s is embedded in this process\n", name)
		missing = append(missing, name)
	}
	if len(missing) == 0 {
		return new(devstack.Stack), nil
	}
	stack, err := devstack.Start(ctx, missing...)
	if err != nil {
		return nil, err
	}
	for _, variable := range devstack.Complete(os.Environ(), stack.Env()) {
		name, value, _ := strings.Cut(variable, "=")
		if err := os.Setenv(name, value); err != nil {
			return nil, errors.Join(err, stack.Stop())
		}
	}
	return stack, nil
}
