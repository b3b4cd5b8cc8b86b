package kit

import (
	"strings"
	"syscall"
)

const (
	tcpUserTimeout = 18 // of linux/tcp.h; package syscall has no name for it
	unacknowledged = 45_000
)

// limitUnacknowledged sets TCP_USER_TIMEOUT. A kernel that does not know it goes without.
func limitUnacknowledged(network, _ string, c syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	return c.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, unacknowledged)
	})
}
