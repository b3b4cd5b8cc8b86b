package config

import (
	"crypto/sha256"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Live is a value that is made of files, and made again when one of them has changed: a password that is rotated, a
// certificate that is renewed. It notices files that are replaced, also by way of the links that Kubernetes makes, and
// files that are written over. It is safe for concurrent use.
type Live[T any] struct {
	paths []string
	read  func() (T, error)

	mu     sync.Mutex // guards what is below, and is held while the files are read
	value  T
	stamps []stamp
	failed string // why the files could not be read again, if so
}

// settling is how long after a change a file may change once more without a trace in its time: it has the resolution of
// the file system.
const settling = 2 * time.Second

// stat is what the tests count.
var stat = os.Stat

// A stamp is what a look at a file shows.
type stamp struct {
	info    os.FileInfo // nil if there is no such file
	settled bool
	sum     [sha256.Size]byte // of the content, where the time does not tell
}

// NewLive returns what read makes of the files at paths, or its error. Read is called again whenever they have changed.
// The error of read names variables, and quotes neither values nor paths, since it is logged.
func NewLive[T any](paths []string, read func() (T, error)) (*Live[T], error) {
	l := &Live[T]{paths: paths, read: read}
	var err error
	l.value, err = l.consistent()
	return l, err
}

// Get returns the value. It costs one stat for each file, and reads them if one has changed. While they cannot be read,
// because one is missing, empty or half written, Get returns the last good value; that is logged once.
func (l *Live[T]) Get() T {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := look(l.paths, l.stamps)
	// What made the files unreadable may pass without a trace: a permission.
	if l.failed == "" && slices.EqualFunc(l.stamps, now, stamp.isStill) {
		l.stamps = now
		return l.value
	}
	value, err := l.consistent()
	if err == nil {
		l.value, l.failed = value, ""
	} else if text := strings.ReplaceAll(err.Error(), "\n", "; "); text != l.failed {
		l.failed = text
		slog.Default().Warn(text + ": what was read before stays in use")
	}
	return l.value
}

// consistent reads the files until none has changed meanwhile, so that the value is not made of halves; but not for
// ever. It notes what the files looked like before: a later change is seen.
func (l *Live[T]) consistent() (value T, err error) {
	for range 3 {
		before := look(l.paths, nil)
		value, err = l.read()
		l.stamps = before
		if slices.EqualFunc(before, look(l.paths, before), stamp.isStill) {
			break
		}
	}
	return value, err
}

// look looks at the files, and into those that may have changed since before without a trace.
func look(paths []string, before []stamp) []stamp {
	stamps := make([]stamp, len(paths))
	for i, path := range paths {
		info, err := stat(path)
		if err != nil {
			continue
		}
		stamps[i] = stamp{info: info, settled: time.Since(info.ModTime()).Abs() > settling}
		if !stamps[i].settled || before != nil && !before[i].settled {
			content, _ := ReadFile(path)
			stamps[i].sum = sha256.Sum256(content)
		}
	}
	return stamps
}

// isStill reports whether now shows the same file.
func (s stamp) isStill(now stamp) bool {
	if s.info == nil || now.info == nil {
		return s.info == now.info
	}
	return os.SameFile(s.info, now.info) && s.info.Size() == now.info.Size() &&
		s.info.ModTime().Equal(now.info.ModTime()) && (s.settled || s.sum == now.sum)
}
