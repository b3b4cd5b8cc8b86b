package redis_test

import (
	"net"
	"strings"
	"testing"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/internal/tcptest"
)

func TestConnectionsLeaveAnAddressThatTheNameHasLeft(t *testing.T) {
	p := redisServer(t, "--bind", "127.0.0.1", "127.0.0.2")
	_, port, _ := net.SplitHostPort(p.addr)
	names := tcptest.NamesLeadTo(t, "127.0.0.1")
	cfg := at("redis://db.mooring.test:" + port)
	cfg.Role = "primary"
	_, res := open(t, cfg)
	check := func(answers ...string) {
		t.Helper()
		for _, answer := range answers {
			names.LeadTo(strings.Fields(answer)...)
			if err := res.Check(t.Context()); err != nil {
				t.Error(err)
			}
		}
		names.LeadTo("127.0.0.2")
	}
	check("127.0.0.1", "127.0.0.2", "127.0.0.2", "127.0.0.2", "") // in turn, and not at all
	if to := serverOf(t, res); to != "127.0.0.1:"+port {
		t.Errorf("an answer that rotates has moved a connection to %s", to)
	}
	redis.ForgetLookups(res)
	check("127.0.0.2", "127.0.0.2", "127.0.0.2")
	if to := serverOf(t, res); to != "127.0.0.2:"+port {
		t.Errorf("the name has left %s, and the connection has not", to)
	}
}

// serverOf returns the address of the server of the next connection.
func serverOf(t *testing.T, res *redis.Resource) string {
	t.Helper()
	conn, err := res.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	info, err := driver.String(driver.DoContext(conn, t.Context(), "CLIENT", "INFO"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(info, " laddr=")
	addr, _, _ := strings.Cut(rest, " ")
	return addr
}
