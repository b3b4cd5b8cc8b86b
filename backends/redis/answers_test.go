package redis_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/redis"
)

// step is what a program does with a connection: Send, Do, Receive after a Flush, or Do(""), which returns all replies.
type step struct {
	call string
	args []any
}

// steps are a few at random, of transactions, watches, pipelines and subscriptions, also of those that make no sense.
func steps(random *rand.Rand) (all []step) {
	commands := [][]any{
		{"MULTI"},
		{"MULTI"},
		{"EXEC"},
		{"EXEC"},
		{"DISCARD"},
		{"UNWATCH"},
		{"WATCH", "{k}1"},
		{"GET", "{k}1"},
		{"INCR", "{k}1"},
		{"SET", "{k}2", 7},
		{"LPUSH", "{k}2", "x"},
		{"INCR", "{k}2"},
		{"SUBSCRIBE", "news"},
		{"PING"},
	}
	for range 3 + random.IntN(9) {
		call := []string{"Send", "Send", "Send", "Send", "Do", "Do", "Receive", "Do all"}[random.IntN(8)]
		all = append(all, step{call, commands[random.IntN(len(commands))]})
	}
	return all
}

// answers are what a connection says to the steps. It is never asked for a reply that nothing has.
func answers(conn driver.Conn, all []step) (said []string) {
	due := 0
	for _, s := range all {
		var reply any
		var err error
		name := s.args[0].(string)
		switch {
		case s.call == "Send":
			due++
			err = conn.Send(name, s.args[1:]...)
		case s.call == "Receive" && due > 0:
			due--
			if err = conn.Flush(); err == nil {
				reply, err = conn.Receive()
			}
		case s.call == "Do":
			due = 0
			reply, err = conn.Do(name, s.args[1:]...)
		case s.call == "Do all":
			due = 0
			reply, err = conn.Do("")
		}
		said = append(said, fmt.Sprintf("%s %v: %s, %v", s.call, s.args, reply, err))
	}
	return said
}

func TestAClusterAnswersAsOneServer(t *testing.T) {
	node := redisServer(t, "--cluster-enabled", "yes")
	node.do("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
	eventually(t, "the cluster works", func() error {
		info, err := driver.String(node.conn.Do("CLUSTER", "INFO"))
		if err == nil && !strings.Contains(info, "cluster_state:ok") {
			err = errors.New(info)
		}
		return err
	})
	cfg := at("redis+cluster://" + node.addr)
	cfg.MaxIdle = -1 // the driver forgets a WATCH after an EXEC that was none
	_, clustered := open(t, cfg)
	cfg = at("redis://" + redisServer(t).addr)
	cfg.MaxIdle = -1
	_, single := open(t, cfg)
	for seed := range uint64(300) {
		all := steps(rand.New(rand.NewPCG(seed, 0)))
		var said [2][]string
		for i, res := range []*redis.Resource{single, clustered} {
			_, _ = do(t.Context(), res, "DEL", "{k}1", "{k}2")
			conn, err := res.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			said[i] = answers(conn, all)
			conn.Close()
			one, err1 := do(t.Context(), res, "GET", "{k}1")
			two, err2 := do(t.Context(), res, "DUMP", "{k}2")
			said[i] = append(said[i], fmt.Sprintf("in the end: %s %v, %q %v", one, err1, two, err2))
		}
		if !slices.Equal(said[0], said[1]) {
			t.Errorf("seed %d: one server says\n%s\nand a cluster\n%s", seed,
				strings.Join(said[0], "\n"), strings.Join(said[1], "\n"))
		}
	}
}
