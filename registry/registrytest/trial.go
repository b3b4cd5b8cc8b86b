package registrytest

import (
	"context"
	"runtime/pprof"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest/faultproxy"
)

// A trial is the examination of one rule.
type trial struct {
	*suite
	t       *testing.T
	ctx     context.Context // done when the trial is over
	mark    string          // labels all goroutines that the trial's calls start
	proxies []*faultproxy.Proxy
	undo    []func()

	mu    sync.Mutex
	worst error // the first breach
}

// markKey is the key of the goroutine label by which a trial knows its own, and marks makes the values.
const markKey = "registrytest"

var marks atomic.Int64

func (s *suite) begin(t *testing.T) *trial {
	mark := strconv.FormatInt(marks.Add(1), 10)
	ctx, cancel := context.WithCancel(pprof.WithLabels(t.Context(), pprof.Labels(markKey, mark)))
	return &trial{suite: s, t: t, ctx: ctx, mark: mark, undo: []func(){cancel}}
}

// end closes what the trial has opened. What goes wrong now is no affair of its rule.
func (s *trial) end() {
	for len(s.undo) > 0 {
		last := len(s.undo) - 1
		undo := s.undo[last]
		s.undo = s.undo[:last]
		undo()
	}
}

// within returns a context that ends after d.
func (s *trial) within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(s.ctx, d)
	context.AfterFunc(s.ctx, cancel) // and not before: it may have opened something
	return ctx
}

// cancelled returns a context that is cancelled after d, long before its deadline. Zero means already.
func (s *trial) cancelled(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(s.ctx, s.long)
	if d > 0 {
		time.AfterFunc(d, cancel)
	} else {
		cancel()
	}
	return ctx
}

// fresh returns a resource that New has made.
func (s *trial) fresh() *subject {
	return s.examine(s.build("New", s.mark+byNew, s.start, s.New), nil)
}

// proxied returns a resource that At has made, with a proxy between it and its server.
func (s *trial) proxied() *subject { return s.facing(s.Addr) }

// facing is proxied for another server.
func (s *trial) facing(upstream string) *subject {
	proxy := s.proxy(upstream)
	return s.examine(s.build("At", s.mark+byAt, s.settle, s.at(proxy.Addr())), proxy)
}

// watched returns a resource whose connections can be counted, if there is a way to.
func (s *trial) watched() *subject {
	if s.At == nil {
		return s.fresh()
	}
	return s.proxied()
}

func (s *trial) proxy(upstream string) *faultproxy.Proxy {
	p, err := faultproxy.Start(upstream)
	if err != nil {
		s.t.Fatal(err)
	}
	s.proxies = append(s.proxies, p)
	s.undo = append(s.undo, func() { _ = p.Close() })
	return p
}

func (s *trial) examine(res registry.Resource, proxy *faultproxy.Proxy) *subject {
	x := &subject{s, res, proxy}
	s.undo = append(s.undo, func() {
		if proxy != nil {
			proxy.Pass()
		}
		_ = x.close(s.within(s.slack))
	})
	return x
}
