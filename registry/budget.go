package registry

import (
	"context"
	"sync/atomic"
	"time"
)

// leastShare is what every Close gets, however little time is left.
const leastShare = 250 * time.Millisecond

// budget is the time that a CloseAll or a roll-back has. The next Close gets half of what is left, and the last one
// all of it, so what one does not use is there for those after it.
type budget struct {
	began    time.Time
	ctx      context.Context           // its end is the end of the time, too
	end      time.Time                 // of the time, unless ctx is done before
	least    time.Duration             // for one Close, also after the end
	overrun  time.Duration             // how long after the end all has to be over
	canceled atomic.Pointer[time.Time] // when ctx was done; nil before
	stop     func() bool               // must be called in the end
}

// closingBudget is what CloseAll has for so many resources: until the deadline of ctx or for CloseTimeout, and after
// that a least share for each, and the grace. A deadline that has passed passes now.
func (s *settings) closingBudget(ctx context.Context, resources int) *budget {
	now := time.Now()
	end, limited := ctx.Deadline()
	if !limited {
		end = now.Add(s.close)
	} else if end.Before(now) {
		end = now
	}
	return newBudget(ctx, end, leastShare, time.Duration(resources)*leastShare+grace)
}

// rollBackBudget is one CloseTimeout for all, with what a CloseAll may take beyond its time. Its context keeps the
// values of ctx and nothing else.
func (s *settings) rollBackBudget(ctx context.Context, resources int) *budget {
	late := min(grace, s.close/2)
	least := min(leastShare, (s.close-late)/time.Duration(max(resources, 1)))
	overrun := time.Duration(resources)*least + late
	return newBudget(context.WithoutCancel(ctx), time.Now().Add(s.close-overrun), least, overrun)
}

func newBudget(ctx context.Context, end time.Time, least, overrun time.Duration) *budget {
	b := &budget{began: time.Now(), ctx: ctx, end: end, least: least, overrun: overrun}
	b.stop = context.AfterFunc(ctx, b.noteCanceled)
	return b
}

func (b *budget) noteCanceled() {
	now := time.Now()
	b.canceled.CompareAndSwap(nil, &now)
}

// left returns how much time there is before the end; it is negative after it.
func (b *budget) left() time.Duration {
	if b.ctx.Err() != nil {
		b.noteCanceled()
	}
	end := b.end
	if canceled := b.canceled.Load(); canceled != nil && canceled.Before(end) {
		end = *canceled
	}
	return time.Until(end)
}

// share returns the time for one Close when so many more come after it.
func (b *budget) share(after int) time.Duration {
	if after == 0 {
		return max(b.least, b.left())
	}
	return max(b.least, b.left()/2)
}

// margin is the part of a share that is left when the context of the Close ends: time to say what was lost.
func margin(share time.Duration) time.Duration { return min(grace, share/5*2) }

// spare returns how much time there is beyond the least shares of so many Closes that are still to come.
func (b *budget) spare(after int) time.Duration {
	return max(0, b.left()+b.overrun-time.Duration(after)*b.least)
}

// patience returns how long to wait, at most so long, for something that is late when so many Closes are still
// to come. It leaves some for them.
func (b *budget) patience(most time.Duration, after int) time.Duration {
	return min(most, b.spare(after)/time.Duration(after+2))
}
