package kit_test

import (
	"testing"

	"github.com/vibework/mooring/backends/config"
)

// variables returns those of an instance for which nothing is set.
func variables(t *testing.T, name string) config.Variables {
	t.Helper()
	_, vars, err := config.LoadOr(name, &struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	return vars
}
