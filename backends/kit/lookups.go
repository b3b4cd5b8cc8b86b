package kit

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	remembered   = 30 * time.Second
	enough       = 3                      // a name server may answer with a part of the addresses, in turn
	lookupWithin = 500 * time.Millisecond // a check must not wait for a name server
)

// Lookups remembers what addresses host names had, so that a pool can leave a server that they have left: a planned
// fail-over. The zero value is ready to use. All methods are safe for concurrent use.
type Lookups struct {
	mu   sync.Mutex
	seen []lookedUp
}

type lookedUp struct {
	at    time.Time
	addrs []netip.Addr
}

// Ask looks the hosts up, within ctx and half a second. An answer that fails or is empty counts for nothing, and so do
// those for the other hosts then. The path of a Unix socket is no host.
func (l *Lookups) Ask(ctx context.Context, hosts ...string) {
	ctx, cancel := context.WithTimeout(ctx, lookupWithin)
	defer cancel()
	var addrs []netip.Addr
	for _, host := range hosts {
		if strings.HasPrefix(host, "/") {
			continue
		}
		found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		if err != nil || len(found) == 0 {
			return
		}
		for _, addr := range found {
			addrs = append(addrs, addr.Unmap().WithZone(""))
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget()
	l.seen = append(l.seen, lookedUp{time.Now(), addrs})
}

// Left reports whether the name has left the address of a connection: none of the look-ups of the last 30s has had it,
// and they are three at least.
func (l *Lookups) Left(remote net.Addr) bool {
	tcp, ok := remote.(*net.TCPAddr)
	if !ok {
		return false
	}
	addr := tcp.AddrPort().Addr().Unmap().WithZone("")
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget()
	return len(l.seen) >= enough && !slices.ContainsFunc(l.seen, func(seen lookedUp) bool {
		return slices.Contains(seen.addrs, addr)
	})
}

// forget drops what is too old. The caller holds mu.
func (l *Lookups) forget() {
	l.seen = slices.DeleteFunc(l.seen, func(seen lookedUp) bool { return time.Since(seen.at) > remembered })
}
