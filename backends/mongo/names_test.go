package mongo_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
)

// records are the answers of a name server, by name; a name with none is there, one that is missing is not.
type records map[string][]record

type record struct {
	kind uint16
	data []byte
}

func srv(target string, port uint16) record {
	return record{33, slices.Concat(make([]byte, 4), binary.BigEndian.AppendUint16(nil, port), labels(target))}
}

func txt(text string) record { return record{16, append([]byte{byte(len(text))}, text...)} }

func a(ip ...byte) record { return record{1, ip} }

func labels(name string) (wire []byte) {
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		wire = append(append(wire, byte(len(label))), label...)
	}
	return append(wire, 0)
}

// fakeNames is a name server that the process asks instead of its own.
type fakeNames struct {
	records records // nil means that it never answers
	waiting chan struct{}

	serving sync.WaitGroup
	mu      sync.Mutex
	count   map[string]int
	conns   []net.Conn
	stopped bool
	silent  string // the name that is not answered for
}

// nameServer makes the process ask a fake until the test ends.
func nameServer(t *testing.T, known records) *fakeNames {
	n := &fakeNames{records: known, waiting: make(chan struct{}, 16), count: make(map[string]int)}
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: n.dial}
	t.Cleanup(func() {
		net.DefaultResolver = before
		n.stop()
	})
	return n
}

// dial returns a pipe, which is no packet connection, so questions come as they do over TCP.
func (n *fakeNames) dial(context.Context, string, string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stopped {
		return nil, net.ErrClosed
	}
	near, far := net.Pipe()
	n.conns = append(n.conns, near)
	n.serving.Go(func() { n.serve(far) })
	return near, nil
}

func (n *fakeNames) stop() {
	n.mu.Lock()
	n.stopped = true
	for _, conn := range n.conns {
		_ = conn.Close()
	}
	n.mu.Unlock()
	n.serving.Wait()
}

// set makes the records of a name others.
func (n *fakeNames) set(name string, known ...record) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.records[name] = known
}

// silence makes the server answer no question for a name.
func (n *fakeNames) silence(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.silent = name
}

func (n *fakeNames) asked(name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.count[name]
}

// serve answers one question.
func (n *fakeNames) serve(conn net.Conn) {
	defer conn.Close()
	var size uint16
	if binary.Read(conn, binary.BigEndian, &size) != nil {
		return
	}
	question := make([]byte, size)
	if _, err := io.ReadFull(conn, question); err != nil {
		return
	}
	answer := n.answer(question)
	if answer == nil {
		select {
		case n.waiting <- struct{}{}:
		default:
		}
		_, _ = conn.Read(question) // until the other side is closed
		return
	}
	_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
}

// answer repeats the header and the question, and appends the records of the kind that is asked for. It is nil if there
// is to be none.
func (n *fakeNames) answer(question []byte) []byte {
	var name strings.Builder
	at := 12
	for question[at] != 0 {
		end := at + 1 + int(question[at])
		name.Write(append(question[at+1:end:end], '.'))
		at = end
	}
	kind := binary.BigEndian.Uint16(question[at+1:])
	n.mu.Lock()
	found, exists := n.records[name.String()]
	n.count[name.String()]++
	silent := n.records == nil || n.silent == name.String()
	n.mu.Unlock()
	if silent {
		return nil
	}
	answer := slices.Clone(question[:at+5])
	answer[2], answer[3] = 0x84, 0 // an authoritative answer
	if !exists {
		answer[3] = 3 // no such name
	}
	count := uint16(0)
	for _, r := range found {
		if r.kind == kind {
			count++
			answer = append(answer, 0xc0, 12) // the name in the question
			answer = binary.BigEndian.AppendUint16(answer, r.kind)
			answer = append(answer, 0, 1, 0, 0, 0, 60)
			answer = binary.BigEndian.AppendUint16(answer, uint16(len(r.data)))
			answer = append(answer, r.data...)
		}
	}
	binary.BigEndian.PutUint16(answer[6:], count)
	binary.BigEndian.PutUint16(answer[8:], 0)
	binary.BigEndian.PutUint16(answer[10:], 0)
	return answer
}
