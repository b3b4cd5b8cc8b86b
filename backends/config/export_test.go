package config

import (
	"os"
	"sync/atomic"
)

// What the tests cannot reach from outside.
// Edits is edits, as far as it counts.
func Edits(a, b string) int { return min(edits(a, b, maxEdits), maxEdits+1) }

const MaxEdits = maxEdits

// CountStats counts the looks at files until the returned function is called.
func CountStats() (count *atomic.Int64, stop func()) {
	count = new(atomic.Int64)
	stat = func(path string) (os.FileInfo, error) {
		count.Add(1)
		return os.Stat(path)
	}
	return count, func() { stat = os.Stat }
}

func FileError(err error) error { return fileError(err) }

// Forget forgets what was logged, for instances whose names are those of aliases.
func Forget() { logged.Clear() }
