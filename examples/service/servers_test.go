package main

import (
	"os"
	"strings"
	"testing"

	"github.com/vibework/mooring/lab/devstack"
)

// servers returns the variables of the servers to test with: none, so that the service starts its own, or with
// MOORING_TEST_SERVERS=env those of this process.
func servers(t *testing.T) (variables []string) {
	t.Helper()
	if os.Getenv("MOORING_TEST_SERVERS") != "env" {
		return nil
	}
	for _, name := range devstack.Names() {
		if _, found := devstack.Configured(os.Environ(), name); !found {
			t.Fatalf("MOORING_TEST_SERVERS=env wants a %s server in the environment", name)
		}
	}
	for _, variable := range os.Environ() {
		for _, prefix := range []string{"MYSQL_", "MONGO_", "MONGODB_", "REDIS_", "PUBSUB_"} {
			if strings.HasPrefix(variable, prefix) {
				variables = append(variables, variable)
			}
		}
	}
	return variables
}

// lasting is servers for programs that run one after the other.
func lasting(t *testing.T) (variables []string) {
	t.Helper()
	if variables := servers(t); variables != nil {
		return variables
	}
	return stack(t).Env()
}

// stack starts servers in this process.
func stack(t *testing.T) *devstack.Stack {
	t.Helper()
	stack, err := devstack.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stack.Stop() })
	return stack
}
