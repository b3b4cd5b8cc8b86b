package wire

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"
)

// elsewhere is where connections come from that are none of a client's.
var elsewhere = net.IPv4(127, 0, 0, 2)

// usualBacklog is what the port has when it is not deaf.
const usualBacklog = 128

// Deafen resets all connections and fills the queue of those that wait to be accepted: the kernel drops the
// packets that ask for more.
func (p *Port) Deafen(ctx context.Context) error {
	if err := p.listener.SetDeadline(time.Now()); err != nil {
		return err
	}
	p.accepts.Wait()
	if err := p.backlog(0); err != nil {
		return err
	}
	p.Cut()
	for range usualBacklog {
		dialer := net.Dialer{Timeout: 100 * time.Millisecond, LocalAddr: &net.TCPAddr{IP: elsewhere}}
		conn, err := dialer.DialContext(ctx, "tcp", p.Addr())
		if err != nil {
			if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
				return nil
			}
			return err
		}
		p.mu.Lock()
		p.fillers = append(p.fillers, conn)
		p.mu.Unlock()
	}
	return errors.New("the queue of the listener does not fill")
}

// Hear ends Deafen.
func (p *Port) Hear() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.backlog(usualBacklog); err != nil {
		return err
	}
	p.hush()
	if err := p.listener.SetDeadline(time.Time{}); err != nil {
		return err
	}
	p.accepts.Go(p.accept)
	return nil
}

// hush lets go of the connections that keep the queue full. p.mu is held.
func (p *Port) hush() {
	for _, conn := range p.fillers {
		_ = conn.Close()
	}
	p.fillers = nil
}

func (p *Port) backlog(n int) error {
	raw, err := p.listener.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = syscall.Listen(int(fd), n) })
	return errors.Join(err, failed)
}
