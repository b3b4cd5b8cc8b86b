package tcptest_test

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/vibework/mooring/internal/tcptest"
)

func TestEveryConnectionIsServedAndCounted(t *testing.T) {
	s := tcptest.Start(t, echo)
	first, second := dial(t, s), dial(t, s)
	exchange(t, first, "one")
	exchange(t, second, "two")
	if s.Conns() != 2 || s.Accepted() != 2 {
		t.Errorf("%d of %d connections live, want 2 of 2", s.Conns(), s.Accepted())
	}
	_ = first.Close()
	s.WaitConns(1)
	_ = second.Close()
	s.WaitConns(0)
	if s.Accepted() != 2 {
		t.Errorf("%d accepted after all have gone, want 2", s.Accepted())
	}
}

func TestTheConnectionIsClosedWhenServeReturns(t *testing.T) {
	s := tcptest.Start(t, func(c net.Conn) { _, _ = io.WriteString(c, "bye") })
	said, err := io.ReadAll(dial(t, s))
	if string(said) != "bye" || err != nil {
		t.Errorf("read %q, %v", said, err)
	}
	s.WaitConns(0)
}

func TestAFrozenServerHoldsItsAnswersBack(t *testing.T) {
	s := tcptest.Start(t, echo)
	old := dial(t, s)
	exchange(t, old, "before")
	s.Freeze(true)
	s.Freeze(true)
	fresh := dial(t, s)
	for _, c := range []net.Conn{old, fresh} {
		if _, err := io.WriteString(c, "held"); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if n, err := c.Read(make([]byte, 8)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a frozen server answers %d bytes, %v", n, err)
		}
		_ = c.SetReadDeadline(time.Time{})
	}
	s.Freeze(false)
	s.Freeze(false)
	for _, c := range []net.Conn{old, fresh} {
		answer := make([]byte, len("held"))
		if _, err := io.ReadFull(c, answer); string(answer) != "held" {
			t.Errorf("after the thaw: %q, %v", answer, err)
		}
	}
}

func TestStopCutsEveryConnectionAndRefusesNewOnes(t *testing.T) {
	s := tcptest.Start(t, echo)
	c := dial(t, s)
	exchange(t, c, "hello")
	s.Stop()
	s.Stop()
	if s.Conns() != 0 {
		t.Errorf("%d connections outlive Stop", s.Conns())
	}
	if _, err := c.Read(make([]byte, 8)); err == nil {
		t.Error("a stopped server answers")
	}
	if _, err := net.Dial("tcp", s.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dialling a stopped server gives %v", err)
	}
}

func TestStopEndsAnAnswerThatIsHeldBack(t *testing.T) {
	served, failed := make(chan struct{}), make(chan error, 1)
	s := tcptest.Start(t, func(c net.Conn) {
		close(served)
		_, err := io.WriteString(c, "never sent")
		failed <- err
	})
	s.Freeze(true)
	dial(t, s)
	<-served
	s.Stop()
	if err := <-failed; !errors.Is(err, net.ErrClosed) {
		t.Errorf("the answer ended with %v", err)
	}
}

func TestRestartListensOnTheSamePort(t *testing.T) {
	s := tcptest.Start(t, echo)
	addr := s.Addr()
	for range 5 {
		exchange(t, dial(t, s), "hello")
		s.Restart()
	}
	exchange(t, dial(t, s), "hello")
	if s.Addr() != addr || s.Accepted() != 6 {
		t.Errorf("%d accepted at %s, want 6 at %s", s.Accepted(), s.Addr(), addr)
	}
}

func echo(c net.Conn) { _, _ = io.Copy(c, c) }

func dial(t *testing.T, s *tcptest.Server) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func exchange(t *testing.T, c net.Conn, word string) {
	t.Helper()
	answer := make([]byte, len(word))
	if _, err := io.WriteString(c, word); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, answer); err != nil || string(answer) != word {
		t.Fatalf("%q came back as %q, %v", word, answer, err)
	}
}
