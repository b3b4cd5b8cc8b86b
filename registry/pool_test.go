package registry_test

import (
	"testing"

	"github.com/vibework/mooring/registry"
)

func TestPoolStatsPrintAsWhatIsInUse(t *testing.T) {
	for want, stats := range map[string]registry.PoolStats{
		"3 of 20 connections in use": {Max: 20, Open: 5, InUse: 3, Idle: 2},
		"3 connections in use":       {Open: 5, InUse: 3, Idle: 2},
	} {
		if got := stats.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
