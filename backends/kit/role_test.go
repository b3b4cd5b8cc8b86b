package kit_test

import (
	"testing"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

func TestARoleIsJudgedByWhetherTheServerTakesWrites(t *testing.T) {
	for _, test := range []struct {
		role   kit.Role
		writes bool
		want   registry.Kind
	}{
		{kit.Any, true, ""},
		{kit.Any, false, ""},
		{kit.Primary, true, ""},
		{kit.Primary, false, registry.KindReadOnly},
		{kit.Replica, true, registry.KindConfig},
		{kit.Replica, false, ""},
	} {
		if got := registry.KindOf(test.role.Judge(test.writes)); got != test.want {
			t.Errorf("%s, takes writes %v: got %q, want %q", test.role, test.writes, got, test.want)
		}
	}
}

func TestAnUnknownRoleIsRefused(t *testing.T) {
	for _, name := range []string{"", "master"} {
		if _, err := kit.ParseRole(variables(t, "x"), name); err == nil || err.Error() != "X_ROLE: not primary, replica or any" {
			t.Errorf("%q: %v", name, err)
		}
	}
}
