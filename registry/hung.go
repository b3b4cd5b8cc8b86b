package registry

import (
	"fmt"
	"time"
)

// expire declares the check in flight hung if its time is up. Otherwise it returns when that will be, or the
// zero time when nothing can expire.
func (o *opening) expire(now time.Time) (next time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.ended || o.phase == idle || o.phase == hung:
		return time.Time{}
	case now.Before(o.expires()):
		return o.expires()
	}
	known := o.phase == telling // the check did return; it is an observer that hangs
	o.phase, o.told = hung, known
	err, took := o.hungError(), now.Sub(o.began)
	if known {
		o.deliver(err, took)
	} else {
		go o.declareHung(err, took, o.diagnose(err), o.post(err, took))
	}
	return time.Time{}
}

func (o *opening) declareHung(err error, took time.Duration, changed bool, told <-chan struct{}) {
	o.record(err, took, changed)
	hearOut(told, grace)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.told = true
	o.deliver(err, took)
	if o.back {
		o.rest()
	}
}

func (o *opening) hungError() error {
	err := fmt.Errorf("the check has not returned within %v", o.run.limit)
	return &Error{Op: OpCheck, Name: o.entry.name, Kind: KindHung, Err: err}
}
