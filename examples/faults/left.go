package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"
)

// markKey is the key of the goroutine label by which a subject is known.
const markKey = "faults"

const (
	settle     = time.Second      // for what is closed to be gone
	longSettle = 15 * time.Second // for what has an excuse
)

// leftovers waits until nothing is left of the subject, and returns what is left in the end, and for how long
// something was.
func (s *subject) leftovers(ctx context.Context, addr, excuse string) (left string, took time.Duration) {
	start := time.Now()
	for {
		stacks := goroutines(s.mark)
		excused := excuse != "" && len(stacks) > 0
		for _, stack := range stacks {
			excused = excused && strings.Contains(stack, excuse)
		}
		sockets := 0
		if addr != "" {
			sockets = socketsTo(addr)
		}
		took = time.Since(start)
		switch {
		case len(stacks) == 0 && sockets == 0:
			return "", took
		case ctx.Err() != nil, took > longSettle, took > settle && !excused:
			return fmt.Sprintf("%d sockets, goroutines: %s", sockets, strings.Join(stacks, "; ")), took
		}
		pause(ctx, 10*time.Millisecond)
	}
}

// goroutines returns the functions of all goroutines that bear the mark.
func goroutines(mark string) (stacks []string) {
	var profile strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&profile, 1)
	label := fmt.Sprintf("%q:%q", markKey, mark)
	for record := range strings.SplitSeq(profile.String(), "\n\n") {
		if !strings.Contains(record, label) {
			continue
		}
		var names []string
		for line := range strings.Lines(record) {
			if fields := strings.Fields(line); len(fields) == 4 && fields[0] == "#" {
				names = append(names, fields[2])
			}
		}
		stacks = append(stacks, strings.Join(names, " < "))
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
