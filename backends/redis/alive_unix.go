//go:build unix

package redis

import (
	"crypto/tls"
	"errors"
	"net"
	"syscall"
)

// hasEnded reports whether the server has closed an idle connection, or sent what nobody asked for. It does not wait.
func hasEnded(conn net.Conn) (ended bool) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	raw, err := conn.(syscall.Conn).SyscallConn() // of kit.Conns
	if err != nil {
		return true
	}
	err = raw.Control(func(fd uintptr) {
		_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		ended = !errors.Is(err, syscall.EAGAIN) && !errors.Is(err, syscall.EINTR)
	})
	return ended || err != nil
}
