package main

import (
	"os"
	"runtime"
	"strings"
	"time"
)

// record is what one life has left.
type record struct {
	open, closed sample
	closeErr     error
}

// sample is what the process has at some time.
type sample struct {
	goroutines, sockets int
	heap                int64 // bytes in use
}

func measure() sample {
	runtime.GC()
	runtime.GC() // what a finalizer has kept
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	return sample{runtime.NumGoroutine(), sockets(), int64(mem.HeapAlloc)}
}

// settled measures when what ends by itself has ended: until nothing has become less for a second.
func settled() sample {
	least := measure()
	for since := time.Now(); time.Since(since) < time.Second; time.Sleep(50 * time.Millisecond) {
		now := measure()
		if now.goroutines < least.goroutines || now.sockets < least.sockets {
			least, since = now, time.Now()
		}
	}
	return least
}

// sockets counts the sockets of the process, both ends of the connections to the proxies among them. Where there is no
// /proc it is 0.
func sockets() (n int) {
	const folder = "/proc/self/fd/"
	files, _ := os.ReadDir(folder)
	for _, file := range files {
		if link, err := os.Readlink(folder + file.Name()); err == nil && strings.HasPrefix(link, "socket:") {
			n++
		}
	}
	return n
}
