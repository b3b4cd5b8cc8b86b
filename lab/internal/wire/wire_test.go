package wire_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/vibework/mooring/lab/internal/wire"
)

func TestNamesExistOrDoNotOrAreSilent(t *testing.T) {
	names, err := wire.Take()
	if err != nil {
		t.Fatal(err)
	}
	defer names.Close()
	lookup := func() (addrs []string, err error) {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		return net.DefaultResolver.LookupHost(ctx, "db.faults.test")
	}
	dns := new(net.DNSError)
	if _, err := lookup(); !errors.As(err, &dns) || !dns.IsNotFound {
		t.Errorf("a name that was never set: %v", err)
	}
	names.Set("db.faults.test")
	if addrs, err := lookup(); err != nil || len(addrs) != 1 || addrs[0] != "127.0.0.1" {
		t.Errorf("got %v, %v", addrs, err)
	}
	names.Silence("db.faults.test")
	if _, err := lookup(); !errors.As(err, &dns) || !dns.IsTimeout {
		t.Errorf("a silent name: %v", err)
	}
}

func TestADeafPortDropsWhatDialsItUntilItHears(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "!")
			_ = conn.Close()
		}
	}()
	port, err := wire.Listen("127.0.0.1:0", server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	greeting := func() error {
		conn, err := (&net.Dialer{Timeout: 300 * time.Millisecond}).DialContext(t.Context(), "tcp", port.Addr())
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = io.ReadFull(conn, make([]byte, 1))
		return err
	}
	for range 2 {
		if err := greeting(); err != nil {
			t.Errorf("before: %v", err)
		}
		if err := port.Deafen(t.Context()); err != nil {
			t.Fatal(err)
		}
		var timeout net.Error
		if err := greeting(); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("deaf: %v", err)
		}
		if err := port.Hear(); err != nil {
			t.Fatal(err)
		}
	}
	if err := greeting(); err != nil {
		t.Errorf("after: %v", err)
	}
}
