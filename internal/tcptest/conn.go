package tcptest

import "net"

// conn holds back what the protocol writes while the server is frozen.
type conn struct {
	net.Conn

	server  *Server
	severed chan struct{} // closed when Stop cuts the connection
}

// Write blocks while the server is frozen, until it thaws or Stop cuts the connection.
func (c *conn) Write(p []byte) (int, error) {
	c.server.mu.Lock()
	thawed := c.server.thawed
	c.server.mu.Unlock()
	select {
	case <-thawed:
		return c.Conn.Write(p)
	case <-c.severed:
		return 0, net.ErrClosed
	}
}

// sever cuts the connection under a Write that is held back. It is called once.
func (c *conn) sever() {
	close(c.severed)
	_ = c.Close()
}
