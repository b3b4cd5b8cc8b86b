package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/redis"
)

// clustered are the nodes of a cluster: masters, and then as many replicas in the same order, if any.
type clustered struct {
	t     *testing.T
	nodes []*process
	ids   []string
}

// startCluster starts three masters, with a replica each or none.
func startCluster(t *testing.T, replicas bool, options ...string) *clustered {
	t.Helper()
	const masters, slots = 3, 16384
	c := &clustered{t: t}
	count := masters
	if replicas {
		count *= 2
	}
	for n := range count {
		node := redisServer(t, append([]string{
			"--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--repl-diskless-sync-delay", "0",
		}, options...)...)
		c.nodes = append(c.nodes, node)
		c.ids = append(c.ids, string(node.do("CLUSTER", "MYID").([]byte)))
		node.do("CLUSTER", "SET-CONFIG-EPOCH", n+1)
		if n < masters {
			node.do("CLUSTER", "ADDSLOTSRANGE", n*slots/masters, (n+1)*slots/masters-1)
		}
		if n > 0 {
			node.do("CLUSTER", "MEET", "127.0.0.1", port(c.nodes[0]))
		}
	}
	known := func(what string) {
		for _, node := range c.nodes {
			eventually(t, "every node says "+what, func() error {
				info, err := driver.String(node.conn.Do("CLUSTER", "INFO"))
				if err == nil && !strings.Contains(info, what) {
					err = errors.New(info)
				}
				return err
			})
		}
	}
	known(fmt.Sprintf("cluster_known_nodes:%d\r", count))
	for n := masters; n < count; n++ {
		eventually(t, "a node replicates", func() error {
			_, err := c.nodes[n].conn.Do("CLUSTER", "REPLICATE", c.ids[n-masters])
			return err
		})
	}
	known("cluster_state:ok")
	for n := masters; n < count; n++ {
		eventually(t, "a replica has its data", func() error {
			info, err := driver.String(c.nodes[n].conn.Do("INFO", "replication"))
			if err == nil && !strings.Contains(info, "master_link_status:up") {
				err = errors.New(info)
			}
			return err
		})
	}
	return c
}

func (c *clustered) url() string {
	addrs := make([]string, len(c.nodes))
	for i, node := range c.nodes {
		addrs[i] = node.place()
	}
	return "redis+cluster://" + strings.Join(addrs, ",")
}

// work writes to keys of all slots until stop is called, which returns how many writes worked and the errors.
func work(t *testing.T, res *redis.Resource) (done *atomic.Int64, stop func() []error) {
	t.Helper()
	var mu sync.Mutex
	var errs []error
	ctx, cancel := context.WithCancel(t.Context())
	var workers sync.WaitGroup
	done = new(atomic.Int64)
	for w := range 4 {
		workers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				one, end := context.WithTimeout(context.Background(), 30*time.Second)
				_, err := do(one, res, "INCR", fmt.Sprint("key", w, "-", n%50))
				end()
				if err == nil {
					done.Add(1)
				} else {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
				}
				<-time.After(time.Millisecond)
			}
		})
	}
	return done, func() []error {
		cancel()
		workers.Wait()
		return errs
	}
}

// sum adds up what the workers have written.
func sum(t *testing.T, res *redis.Resource) (total int64) {
	t.Helper()
	for w := range 4 {
		for n := range 50 {
			value, err := driver.Int64(do(t.Context(), res, "GET", fmt.Sprint("key", w, "-", n)))
			if err != nil && !errors.Is(err, driver.ErrNil) {
				t.Fatal(err)
			}
			total += value
		}
	}
	return total
}

func more(t *testing.T, done *atomic.Int64, by int64) {
	t.Helper()
	want := done.Load() + by
	eventually(t, "writes go on", func() error {
		if now := done.Load(); now < want {
			return fmt.Errorf("%d of %d", now, want)
		}
		return nil
	})
}

func store(t *testing.T, res *redis.Resource, key string) string {
	t.Helper()
	if reply, err := do(t.Context(), res, "SET", key, "v"); err != nil || reply != "OK" {
		t.Fatalf("SET is answered with %s, %v", reply, err)
	}
	return key
}

// move moves a slot to the next master, key by key.
func (c *clustered) move(slot int) {
	const masters, slots = 3, 16384
	from := 0
	for slot >= (from+1)*slots/masters {
		from++
	}
	to := (from + 1) % masters
	source, target := c.nodes[from], c.nodes[to]
	target.do("CLUSTER", "SETSLOT", slot, "IMPORTING", c.ids[from])
	source.do("CLUSTER", "SETSLOT", slot, "MIGRATING", c.ids[to])
	for {
		keys := source.do("CLUSTER", "GETKEYSINSLOT", slot, 10).([]any)
		if len(keys) == 0 {
			break
		}
		for _, key := range keys {
			source.do("MIGRATE", "127.0.0.1", port(target), key, 0, 5000)
		}
	}
	for _, node := range []*process{target, source, c.nodes[3-from-to]} {
		node.do("CLUSTER", "SETSLOT", slot, "NODE", c.ids[to])
	}
}
