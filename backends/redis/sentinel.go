package redis

import (
	"cmp"
	"context"
	"errors"
	"slices"
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
	askWithin = 500 * time.Millisecond // for the answers of all Sentinels together
	minority  = 50 * time.Millisecond  // for those that are missing when most have answered
	askAgain  = 500 * time.Millisecond // where nobody tells of another primary
	hearAgain = time.Second
)

// sentinels know the address of the primary: they are asked for it before each new connection, and tell when it
// changes. A primary that is being replaced goes on for about ten seconds after the promotion of the next one, and what
// it takes then is lost without an error; so connections to it leave the pool as soon as one Sentinel has told.
type sentinels struct {
	*client
	latest    atomic.Pointer[place]
	listeners sync.WaitGroup
}

// place is where the primary is.
type place struct {
	addr  string          // "" until it is known
	left  context.Context // done once the primary is somewhere else
	leave context.CancelFunc
}

func newPlace(addr string) *place {
	left, leave := context.WithCancel(context.Background())
	return &place{addr, left, leave}
}

// watch listens to the Sentinels until the client closes.
func watch(c *client) *sentinels {
	s := &sentinels{client: c}
	s.latest.Store(newPlace(""))
	for _, addr := range s.addrs {
		s.listeners.Go(func() { s.listen(addr) })
	}
	return s
}

// leave waits for the end of the listening, which is that of all dialling.
func (s *sentinels) leave() { s.listeners.Wait() }

// left reports whether the primary is somewhere else than where a connection to one leads.
func (s *sentinels) left(addr string) bool { return s.latest.Load().addr != addr }

// await borrows a connection. While that fails for a reason that may pass, it tries again when a Sentinel tells of
// another primary, or after a while: until ctx ends, and for REDIS_DIAL_TIMEOUT at most. Nothing has been sent yet.
func (s *sentinels) await(ctx context.Context) (driver.Conn, error) {
	limit, cancel := s.conns.Dialling(ctx, s.DialTimeout)
	defer cancel()
	at := s.latest.Load()
	conn, err := s.borrow(ctx)
	for registry.KindOf(err).Retryable() && pause(limit, at.left.Done(), askAgain) {
		at = s.latest.Load()
		conn, err = s.borrow(limit)
	}
	return conn, err
}

// dial connects to the primary until that has left its place: then it connects to the next. The Sentinels may name one
// before it knows of its promotion: then the error is registry.KindReadOnly.
func (s *sentinels) dial(ctx context.Context) (driver.Conn, error) {
	at, err := s.find(ctx)
	if err != nil {
		return nil, err
	}
	staying, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(at.left, cancel)()
	conn, err := s.connect(staying, at.addr, s.login, s.greetPrimary)
	if err != nil && ctx.Err() == nil && at.left.Err() != nil {
		return s.dial(ctx)
	}
	return conn, err
}

func (s *sentinels) greetPrimary(ctx context.Context, conn driver.Conn, who kit.Credentials) error {
	if err := s.greet(ctx, conn, who); err != nil {
		return err
	}
	role, err := roleOf(ctx, conn)
	if role == "slave" {
		err = kit.Errorf(registry.KindReadOnly, "the server that the Sentinels name takes no writes, or not yet")
	}
	return err
}

// answer is what one Sentinel says of the primary.
type answer struct {
	addr  string
	epoch int64 // grows with every fail-over: who says more knows more
}

// find asks all Sentinels at once where the primary is, and notes it. When most have answered, it hardly waits for the
// rest.
func (s *sentinels) find(ctx context.Context) (*place, error) {
	before := s.latest.Load()
	var asking sync.WaitGroup
	defer asking.Wait()
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	var answers []answer
	var failure error
	for a, err := range askAll(&asking, s.addrs, func(addr string) (answer, error) { return s.ask(ctx, addr) }) {
		if failure = worse(failure, err); err == nil {
			answers = append(answers, a)
		}
		if len(answers) > len(s.addrs)/2 {
			time.AfterFunc(minority, cancel)
		}
	}
	if len(answers) == 0 {
		return nil, s.blame(failure)
	}
	addr := agreed(answers)
	if addr == "" {
		return nil, s.blame(kit.Errorf(registry.KindConfig, "the Sentinels disagree about where the primary is"))
	}
	if addr != before.addr && s.latest.CompareAndSwap(before, newPlace(addr)) {
		before.leave()
	}
	return s.latest.Load(), nil // a Sentinel may have told of a later one meanwhile
}

// agreed returns the address that most of those name who know of the latest fail-over, and "" if there is none.
func agreed(answers []answer) string {
	latest := slices.MaxFunc(answers, func(a, b answer) int { return cmp.Compare(a.epoch, b.epoch) }).epoch
	answers = slices.DeleteFunc(answers, func(a answer) bool { return a.epoch < latest })
	votes := make(map[string]int)
	for _, a := range answers {
		if votes[a.addr]++; 2*votes[a.addr] > len(answers) {
			return a.addr
		}
	}
	return ""
}

// ask asks one Sentinel.
func (s *sentinels) ask(ctx context.Context, addr string) (a answer, err error) {
	conn, err := s.connect(ctx, addr, s.toSentinels, s.authenticate)
	if err != nil {
		return a, err
	}
	defer func() { _ = conn.Close() }()
	at, err := driver.Strings(driver.DoContext(conn, ctx, "SENTINEL", "get-master-addr-by-name", s.SentinelMaster))
	switch refusal, _ := errors.AsType[driver.Error](err); {
	case errors.Is(err, driver.ErrNil):
		return a, kit.Errorf(registry.KindConfig, "the Sentinels know no primary of that name")
	case strings.HasPrefix(string(refusal), "ERR unknown command"):
		return a, kit.Errorf(registry.KindConfig, "this is no Sentinel")
	case err != nil:
		return a, Classify(s.firstWord(err))
	case len(at) != 2:
		return a, kit.Errorf(registry.KindUnknown, "the answer of the Sentinel is no address")
	}
	about, err := driver.StringMap(driver.DoContext(conn, ctx, "SENTINEL", "master", s.SentinelMaster))
	if refused(err) { // who may not ask that does without
		err = nil
	}
	a.epoch, _ = strconv.ParseInt(about["config-epoch"], 10, 64)
	a.addr = hostPort(at[0], at[1])
	return a, Classify(err)
}

// blame names the variable that a failure of the Sentinels is about.
func (s *sentinels) blame(failure error) error {
	kind, variable, say := registry.KindOf(failure), "SENTINEL_HOSTS", ""
	switch {
	case kind == registry.KindTLS:
		return failure // it names its own
	case kind == registry.KindAuth || kind == registry.KindPermission:
		variable = "SENTINEL_PASSWORD"
	case !s.URL.IsZero():
		variable = "URL"
	}
	if kind.Retryable() {
		say = "no Sentinel leads to the primary: "
	}
	return kit.Errorf(kind, "%s: %s%w", s.vars.Name(variable), say, failure)
}

// listen hears what one Sentinel tells, and comes back when the connection breaks.
func (s *sentinels) listen(addr string) {
	ctx, cancel := s.conns.Dialling(context.Background(), 0)
	defer cancel()
	for listening := true; listening; listening = pause(ctx, nil, hearAgain) {
		s.hear(ctx, addr)
	}
}

func (s *sentinels) hear(ctx context.Context, addr string) {
	dialling, cancel := s.conns.Dialling(ctx, s.DialTimeout)
	defer cancel()
	conn, err := s.connect(dialling, addr, s.toSentinels, s.authenticate)
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
			f := strings.Fields(string(event.Data))
			if len(f) == 5 && f[0] == s.SentinelMaster && s.left(hostPort(f[3], f[4])) {
				s.latest.Swap(newPlace(hostPort(f[3], f[4]))).leave()
			}
		}
	}
}
