package redis

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

const (
	askWithin   = 500 * time.Millisecond // for the answers of all Sentinels together
	minority    = 50 * time.Millisecond  // for those that are missing when most have answered
	listenAgain = time.Second
)

// sentinels know the address of the primary: they are asked for it before each new connection, and tell when it
// changes. A primary that is being replaced goes on for about ten seconds after the promotion of the next one, and what
// it takes then is lost without an error; so connections to it leave the pool as soon as one Sentinel has told.
type sentinels struct {
	*client
	latest    atomic.Pointer[string] // the address of the primary; nil until it is known
	stop      context.CancelFunc
	listeners sync.WaitGroup
}

// watch listens to the Sentinels until leave is called.
func watch(c *client) *sentinels {
	s := &sentinels{client: c}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	for _, addr := range s.addrs {
		s.listeners.Go(func() { s.listen(ctx, addr) })
	}
	return s
}

// leave ends the listening. It does nothing for nil.
func (s *sentinels) leave() {
	if s != nil {
		s.stop()
		s.listeners.Wait()
	}
}

// left reports whether the primary is somewhere else. It is false for nil.
func (s *sentinels) left(addr string) bool {
	if s == nil {
		return false
	}
	latest := s.latest.Load()
	return latest != nil && *latest != addr
}

// dial connects to the primary. What the Sentinels name may not know of its promotion yet: then the error is
// registry.KindReadOnly.
func (s *sentinels) dial(ctx context.Context) (driver.Conn, error) {
	addr, err := s.find(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := s.dialAt(ctx, addr)
	if err != nil {
		return nil, err
	}
	role, err := roleOf(ctx, conn)
	if err = Classify(err); err == nil && role == "slave" {
		err = kit.Errorf(registry.KindReadOnly, "the server that the Sentinels name takes no writes, or not yet")
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// answer is what one Sentinel says of the primary.
type answer struct {
	addr  string
	epoch int64 // grows with every fail-over: who says more knows more
	err   error
}

// find asks all Sentinels at once for the address of the primary, and notes it. When most have answered, it hardly
// waits for the rest.
func (s *sentinels) find(ctx context.Context) (string, error) {
	before := s.latest.Load()
	var asking sync.WaitGroup
	defer asking.Wait()
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	arriving := make(chan answer, len(s.addrs))
	for _, addr := range s.addrs {
		asking.Go(func() { arriving <- s.ask(ctx, addr) })
	}
	var answers []answer
	var enough <-chan time.Time
	good := 0
	for waiting := true; waiting && len(answers) < len(s.addrs); {
		select {
		case a := <-arriving:
			answers = append(answers, a)
			if a.err == nil {
				good++
			}
			if good > len(s.addrs)/2 && enough == nil {
				enough = time.After(minority)
			}
		case <-enough:
			waiting = false
		}
	}
	addr, err := s.judge(answers)
	if err == nil {
		s.latest.CompareAndSwap(before, &addr) // unless a Sentinel has told of a later one meanwhile
	}
	return addr, err
}

// ask asks one Sentinel.
func (s *sentinels) ask(ctx context.Context, addr string) (a answer) {
	conn, err := s.reach(ctx, addr)
	if err != nil {
		return answer{err: err}
	}
	defer func() { _ = conn.Close() }()
	place, err := driver.Strings(driver.DoContext(conn, ctx, "SENTINEL", "get-master-addr-by-name", s.SentinelMaster))
	switch reply, _ := errors.AsType[driver.Error](err); {
	case errors.Is(err, driver.ErrNil):
		return answer{err: kit.Errorf(registry.KindConfig, "the Sentinels know no primary of that name")}
	case strings.HasPrefix(string(reply), "ERR unknown command"):
		return answer{err: kit.Errorf(registry.KindConfig, "this is no Sentinel")}
	case err == nil && len(place) != 2:
		return answer{err: kit.Errorf(registry.KindUnknown, "the answer of the Sentinel is no address")}
	case err != nil:
		return answer{err: Classify(err)}
	}
	about, err := driver.StringMap(driver.DoContext(conn, ctx, "SENTINEL", "master", s.SentinelMaster))
	if err != nil && !unanswered(err) {
		return answer{err: Classify(err)}
	}
	a.addr = hostPort(place[0], place[1])
	a.epoch, _ = strconv.ParseInt(about["config-epoch"], 10, 64)
	return a
}

// judge returns the address that those name who know of the latest fail-over.
func (s *sentinels) judge(answers []answer) (string, error) {
	var failure error
	votes, latest := make(map[string]int), int64(-1)
	for _, a := range answers {
		switch {
		case a.err != nil:
			failure = worse(failure, a.err)
			continue
		case a.epoch > latest:
			votes, latest = make(map[string]int), a.epoch
		}
		if a.epoch == latest {
			votes[a.addr]++
		}
	}
	of := 0
	for _, n := range votes {
		of += n
	}
	for addr, n := range votes {
		if 2*n > of {
			return addr, nil
		}
	}
	if of > 0 {
		failure = kit.Errorf(registry.KindConfig, "the Sentinels disagree about where the primary is")
	}
	return "", s.blame(failure)
}

// blame names the variable that a failure of the Sentinels is about.
func (s *sentinels) blame(failure error) error {
	kind, variable, say := registry.KindOf(failure), "SENTINEL_HOSTS", ""
	switch {
	case kind == registry.KindAuth || kind == registry.KindPermission:
		variable = "SENTINEL_PASSWORD"
	case !s.URL.IsZero():
		variable = "URL"
	}
	if !isFinal(failure) {
		say = "no Sentinel leads to the primary: "
	}
	return kit.Errorf(kind, "%s%s: %s%w", s.prefix, variable, say, failure)
}

// reach connects to a Sentinel and logs in.
func (s *sentinels) reach(ctx context.Context, addr string) (conn driver.Conn, err error) {
	err = s.toSentinels.Connect(ctx, func(who kit.Credentials) (err error) {
		conn, _, err = s.connect(ctx, addr, func(conn driver.Conn) error { return s.authenticate(ctx, conn, who) })
		return err
	})
	return conn, err
}

// listen hears what one Sentinel tells, and comes back when the connection breaks.
func (s *sentinels) listen(ctx context.Context, addr string) {
	for ctx.Err() == nil {
		s.hear(ctx, addr)
		select {
		case <-ctx.Done():
		case <-time.After(listenAgain):
		}
	}
}

func (s *sentinels) hear(ctx context.Context, addr string) {
	dialling, cancel := s.conns.Dialling(ctx, s.DialTimeout)
	defer cancel()
	conn, err := s.reach(dialling, addr)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	told := driver.PubSubConn{Conn: conn}
	if told.Subscribe("+switch-master") != nil {
		return
	}
	for {
		switch event := told.ReceiveWithTimeout(0).(type) {
		case error:
			return
		case driver.Subscription: // what was told before, nobody has heard
			_, _ = s.find(dialling)
		case driver.Message: // name, old address and port, new address and port
			if f := strings.Fields(string(event.Data)); len(f) == 5 && f[0] == s.SentinelMaster {
				now := hostPort(f[3], f[4])
				s.latest.Store(&now)
			}
		}
	}
}
