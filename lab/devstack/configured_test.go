package devstack_test

import (
	"slices"
	"testing"

	"github.com/vibework/mooring/lab/devstack"
)

func TestAServerIsConfiguredByAnyVariableThatLeadsToOne(t *testing.T) {
	for _, test := range []struct {
		environ []string
		server  string
		want    string
	}{
		{nil, "mysql", ""},
		{[]string{"MYSQL_URL=mysql://h"}, "mysql", "MYSQL_URL"},
		{[]string{"MYSQL_HOST="}, "mysql", ""},
		{[]string{"MYSQL_PORT=3306"}, "mysql", ""},
		{[]string{"A=b", "MYSQL_DSN=app@/app"}, "mysql", "MYSQL_DSN"},
		{[]string{"MONGODB_URI_FILE=/uri"}, "mongo", "MONGODB_URI_FILE"},
		{[]string{"REDIS_HOST=h"}, "mysql", ""},
		{[]string{"PUBSUB_PROJECT_ID=p"}, "pubsub", ""},
		{[]string{"PUBSUB_EMULATOR_HOST=h:1"}, "pubsub", "PUBSUB_EMULATOR_HOST"},
	} {
		if got, found := devstack.Configured(test.environ, test.server); got != test.want || found != (got != "") {
			t.Errorf("%v leads %s to %q", test.environ, test.server, got)
		}
	}
}

func TestCompleteOverridesNothing(t *testing.T) {
	got := devstack.Complete([]string{"A=1", "B="}, []string{"A=2", "B=3", "C=4"})
	if want := []string{"A=1", "B=", "B=3", "C=4"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
