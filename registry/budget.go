package registry

import (
	"context"
	"math"
	"sync/atomic"
	"time"
)

// leastShare is what every Close gets, however little time is left.
const leastShare = 250 * time.Millisecond

// budget is the time that a CloseAll or a roll-back has.
type budget struct {
	began     time.Time
	ctx       context.Context
	most      time.Duration             // for one Close
	least     time.Duration             // for one Close
	allowance time.Duration             // how long after ctx all has to be over
	canceled  atomic.Pointer[time.Time] // when ctx was done; nil before
	stop      func()                    // must be called in the end
}

// closingBudget is what CloseAll has for so many resources: after ctx, a least share for each, and the grace.
func (s *settings) closingBudget(ctx context.Context, resources int) *budget {
	b := &budget{began: time.Now(), ctx: ctx, most: s.close, least: min(leastShare, s.close)}
	b.allowance = time.Duration(resources)*b.least + grace
	b.watch()
	return b
}

// rollBackBudget is one CloseTimeout for all; a part of it is kept for calls that return a little late. Its
// context keeps the values of ctx and nothing else.
func (s *settings) rollBackBudget(ctx context.Context, resources int) *budget {
	kept := min(grace, s.close/2)
	live, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.close-kept)
	least := min(leastShare, (s.close-kept)/time.Duration(max(resources, 1)))
	return &budget{began: time.Now(), ctx: live, most: s.close, least: least, allowance: kept, stop: cancel}
}

// watch notes when ctx is done.
func (b *budget) watch() {
	note := func() {
		now := time.Now()
		b.canceled.Store(&now)
	}
	b.stop = func() {}
	if b.ctx.Err() != nil {
		note()
		return
	}
	unwatch := context.AfterFunc(b.ctx, note)
	b.stop = func() { unwatch() }
}

// share returns the time for one Close when so many more come after it.
func (b *budget) share(after int) time.Duration {
	deadline, limited := b.ctx.Deadline()
	switch {
	case b.ctx.Err() != nil:
		return b.least
	case !limited:
		return b.most
	default:
		left := time.Until(deadline) - time.Duration(after)*b.least
		return min(b.most, max(left, b.least))
	}
}

// spare returns how much time there is beyond the least shares of so many Closes that are still to come. A deadline
// that had passed when the budget began passed at that moment.
func (b *budget) spare(after int) time.Duration {
	end, limited := b.ctx.Deadline()
	if canceled := b.canceled.Load(); canceled != nil && (!limited || canceled.Before(end)) {
		end, limited = *canceled, true
	}
	if !limited {
		return math.MaxInt64
	}
	if end.Before(b.began) {
		end = b.began
	}
	return max(0, time.Until(end)+b.allowance-time.Duration(after)*b.least)
}

// patience returns how long to wait, at most so long, for something that is late when so many Closes are still
// to come. It leaves some for them.
func (b *budget) patience(most time.Duration, after int) time.Duration {
	return min(most, b.spare(after)/time.Duration(after+2))
}
