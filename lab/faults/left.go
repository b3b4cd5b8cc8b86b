package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"time"
)

// markKey is the key of the goroutine label by which a subject is known.
const markKey = "faults"

const (
	settle     = time.Second      // for what is closed to be gone
	longSettle = 15 * time.Second // for what has an excuse
	calm       = 100 * time.Millisecond
)

// stock is what there is of a subject.
type stock struct {
	stacks  []string // of its goroutines
	sockets int
}

// String says nothing of what there is none of.
func (s stock) String() string {
	var parts []string
	for _, part := range []struct {
		n    int
		name string
	}{{s.sockets, "socket"}, {len(s.stacks), "goroutine"}} {
		switch {
		case part.n == 1:
			parts = append(parts, "1 "+part.name)
		case part.n != 0:
			parts = append(parts, fmt.Sprintf("%d %ss", part.n, part.name))
		}
	}
	if parts == nil {
		return "nothing"
	}
	return strings.Join(parts, " and ")
}

func (s stock) exceeds(other stock) bool {
	const unknown = -1
	return s.sockets == unknown || s.sockets > other.sockets || len(s.stacks) > len(other.stacks)
}

// without leaves out the goroutines that are in one of these functions.
func (s stock) without(functions ...string) stock {
	s.stacks = slices.DeleteFunc(slices.Clone(s.stacks), func(stack string) bool {
		return slices.ContainsFunc(functions, func(f string) bool { return strings.Contains(stack, f) })
	})
	return s
}

// stock counts the sockets to addr, if that is not "", and the goroutines.
func (s *subject) stock(addr string) stock {
	now := stock{stacks: goroutines(s.mark)}
	if addr != "" {
		now.sockets = socketsTo(addr)
	}
	return now
}

// settled is the stock when it has not changed for a moment.
func (s *subject) settled(ctx context.Context, addr string) stock {
	start := time.Now()
	was, since := s.stock(addr), start
	for time.Since(since) < calm && time.Since(start) < settle && ctx.Err() == nil {
		pause(ctx, 10*time.Millisecond)
		now := s.stock(addr)
		if len(now.stacks) != len(was.stacks) || now.sockets != was.sockets {
			was, since = now, time.Now()
		}
	}
	return was
}

// search is where to look for what is left, and what may be.
type search struct {
	addr   string   // sockets to it count, if it is not ""
	before stock    // which is no leftover
	excuse []string // functions that may need some seconds more to return
	ignore []string // functions of goroutines that do not count
}

// leftovers waits until there is no more of the subject than before, and returns what there is in the end, and for
// how long there was more.
func (s *subject) leftovers(ctx context.Context, where search) (left stock, took time.Duration) {
	before := where.before.without(where.ignore...)
	start := time.Now()
	for {
		left = s.stock(where.addr)
		counted := left.without(where.ignore...)
		took = time.Since(start)
		switch {
		case !counted.exceeds(before), ctx.Err() != nil:
			return left, took
		case took > longSettle, took > settle && counted.without(where.excuse...).exceeds(before):
			return left, took
		}
		pause(ctx, 10*time.Millisecond)
	}
}

// goroutines returns the functions of each goroutine that bears the mark.
func goroutines(mark string) (stacks []string) {
	var profile strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&profile, 1)
	label := fmt.Sprintf("%q:%q", markKey, mark)
	for record := range strings.SplitSeq(profile.String(), "\n\n") {
		if !strings.Contains(record, label) {
			continue
		}
		var names []string
		alike := 0 // goroutines with the same stack share a record
		for line := range strings.Lines(record) {
			switch fields := strings.Fields(line); {
			case len(fields) > 2 && fields[1] == "@":
				alike, _ = strconv.Atoi(fields[0])
			case len(fields) == 4 && fields[0] == "#":
				names = append(names, fields[2])
			}
		}
		for range alike {
			stacks = append(stacks, strings.Join(names, " < "))
		}
	}
	return stacks
}

// socketsTo counts the sockets of this machine that lead to the port of addr from 127.0.0.1 and belong to a
// process. Only this one makes such connections.
func socketsTo(addr string) (n int) {
	_, text, _ := net.SplitHostPort(addr)
	port, _ := strconv.Atoi(text)
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return -1
	}
	const loopback = "0100007F:"
	remote := fmt.Sprintf("%s%04X", loopback, port)
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		const inode = 9
		if len(f) > inode && strings.HasPrefix(f[1], loopback) && f[2] == remote && f[inode] != "0" {
			n++
		}
	}
	return n
}
