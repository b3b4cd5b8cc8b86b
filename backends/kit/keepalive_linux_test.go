package kit_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/kit"
)

func TestADeadPeerIsFoundWithin45Seconds(t *testing.T) {
	const tcpUserTimeout = 18
	server := listen(t)
	conn, err := new(kit.Conns).Dial(t.Context(), server.Addr().String(), 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for name, option := range map[string]struct{ level, option, want int }{
		"SO_KEEPALIVE":     {syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1},
		"TCP_KEEPIDLE":     {syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE, 15},
		"TCP_KEEPINTVL":    {syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL, 10},
		"TCP_KEEPCNT":      {syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT, 3},
		"TCP_USER_TIMEOUT": {syscall.IPPROTO_TCP, tcpUserTimeout, 45_000},
	} {
		var got int
		if err := raw.Control(func(fd uintptr) { got, err = syscall.GetsockoptInt(int(fd), option.level, option.option) }); err != nil {
			t.Fatal(err)
		}
		if err != nil || got != option.want {
			t.Errorf("%s is %d (%v), want %d", name, got, err, option.want)
		}
	}
}
