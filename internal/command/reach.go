package command

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/vibework/mooring/registry"
)

// place is where a backend is: host:port, the path of a Unix socket, or a name to look up in DNS for them.
type place struct {
	addrs []string
	srv   string
}

// resolve looks up every host, and is nil if one is known at least: clients go on with that one, too.
func (p *place) resolve(ctx context.Context) error {
	if p.srv != "" {
		_, records, err := net.DefaultResolver.LookupSRV(ctx, "mongodb", "tcp", p.srv)
		if err != nil {
			return explain(err)
		}
		for _, record := range records {
			host := strings.TrimSuffix(record.Target, ".")
			p.addrs = append(p.addrs, net.JoinHostPort(host, strconv.Itoa(int(record.Port))))
		}
	}
	return p.keep(func(addr string) error {
		host, _, err := net.SplitHostPort(addr)
		if err == nil { // it is the path of a Unix socket otherwise
			_, err = net.DefaultResolver.LookupHost(ctx, host)
			return err
		}
		return nil
	})
}

// connect connects to every address, and is nil if one answers.
func (p *place) connect(ctx context.Context) error {
	return p.keep(func(addr string) error {
		network := "tcp"
		if strings.HasPrefix(addr, "/") {
			network = "unix"
		}
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

// keep keeps the addresses for which try is nil. If it is nil for none, it returns the first error in words that
// show no address.
func (p *place) keep(try func(addr string) error) error {
	errs := make([]error, len(p.addrs))
	var running sync.WaitGroup
	for n, addr := range p.addrs {
		running.Go(func() { errs[n] = try(addr) })
	}
	running.Wait()
	var kept []string
	var first error
	for n, err := range errs {
		switch {
		case err == nil:
			kept = append(kept, p.addrs[n])
		case first == nil:
			first = err
		}
	}
	p.addrs = kept
	if len(kept) == 0 && first != nil {
		return explain(first)
	}
	return nil
}

// explain says what err is about without the names and addresses in its text.
func explain(err error) error {
	kind := registry.KindOf(err)
	text := "the connection failed"
	errno, isErrno := errors.AsType[syscall.Errno](err)
	dns, isDNS := errors.AsType[*net.DNSError](err)
	switch {
	case isDNS && dns.IsNotFound:
		text = "no such host"
	case kind == registry.KindTimeout:
		text = "no answer in time"
	case isDNS:
		text = "the host name could not be looked up"
	case isErrno:
		text = errno.Error()
	case kind == registry.KindCanceled:
		text = "interrupted"
	}
	return registry.Classify(kind, errors.New(text))
}
