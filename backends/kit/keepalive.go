package kit

import (
	"net"
	"time"
)

// dialer dials the connections of a backend. TCP keepalive finds a peer that is gone within 45s, also while a query
// waits for its answer: the first question after 15s of silence, then one every 10s, three in all. On Linux
// TCP_USER_TIMEOUT does the same for what was sent and never acknowledged. A process that is stopped while the kernel
// of its machine goes on is alive to both: only a context bounds the wait for it.
var dialer = net.Dialer{
	KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 10 * time.Second, Count: 3},
	Control:         limitUnacknowledged,
}
