package command

import "testing"

func TestThePoolThatFitsFollowsFromTheLimitOfTheServer(t *testing.T) {
	for _, test := range []struct {
		connections, pool int
		want              string
	}{
		{151, 10, "the server takes 151 connections: a pool of 10 fits 6 instances, 10 instances fit with a pool of 6"},
		{10000, 10, "the server takes 10000 connections: a pool of 10 fits 454 instances, 10 instances fit with a pool of 499"},
		{12, 10, "the server takes 12 connections: a pool of 10 fits 0 instances, 10 instances do not fit"},
		{151, 0, "the server takes 151 connections: 10 instances fit with a pool of 6"},
	} {
		if got := limitFor(test.connections, test.pool).sentence(test.pool); got != test.want {
			t.Errorf("got %s", got)
		}
	}
}
