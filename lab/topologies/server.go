package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	driver "github.com/gomodule/redigo/redis"
)

// patience is the longest that servers may take to become what they should be.
const patience = 60 * time.Second

// process is a Redis server or a Sentinel.
type process struct {
	addr, port string
	cmd        *exec.Cmd
	conn       driver.Conn // past all clients
}

// world is a folder and the servers in it.
type world struct {
	ctx       context.Context
	folder    string
	all       []*process
	nodes     []*process
	sentinels []*process
	ids       []string // of the nodes of a cluster
}

func newWorld(ctx context.Context) (*world, error) {
	folder, err := os.MkdirTemp("", "topologies-")
	return &world{ctx: ctx, folder: folder}, err
}

// end kills all servers and removes the folder.
func (w *world) end() {
	for _, p := range w.all {
		if p.conn != nil {
			_ = p.conn.Close()
		}
		p.kill()
	}
	_ = os.RemoveAll(w.folder)
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// start starts a server with this configuration. It is ended with the thread of main, whatever ends that.
func (w *world) start(config string, args ...string) (*process, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errors.New("redis-server is not installed: apt-get install redis-server")
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(w.folder, port)
	file := filepath.Join(folder, "redis.conf")
	config = "bind 127.0.0.1\nport " + port + "\ndir " + folder + "\nloglevel warning\n" + config
	if err := errors.Join(os.Mkdir(folder, 0o700), os.WriteFile(file, []byte(config), 0o600)); err != nil {
		return nil, err
	}
	p := &process{addr: "127.0.0.1:" + port, port: port}
	p.cmd = exec.Command(program, append([]string{file}, args...)...) //nolint:noctx // it is killed in the end
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	w.all = append(w.all, p)
	return p, w.until("redis-server answers", func() (err error) {
		p.conn, err = driver.DialContext(w.ctx, "tcp", p.addr, driver.DialReadTimeout(5*time.Second))
		return err
	})
}

// freePort returns a port below those of outgoing connections; that of a cluster's bus is 10000 above it.
func freePort() (string, error) {
	for range 100 {
		port := strconv.Itoa(12000 + rand.IntN(10000))
		l, err := net.Listen("tcp", "127.0.0.1:"+port) //nolint:noctx // it does not block
		if err == nil {
			return port, l.Close()
		}
	}
	return "", errors.New("no free port between 12000 and 22000")
}

// until waits until f is nil.
func (w *world) until(what string, f func() error) error {
	deadline := time.Now().Add(patience)
	for {
		err := f()
		switch {
		case err == nil:
			return nil
		case w.ctx.Err() != nil:
			return w.ctx.Err()
		case time.Now().After(deadline):
			return fmt.Errorf("not in %v: %s: %w", patience, what, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// says waits until the answer to a command has a text in it.
func (w *world) says(p *process, text, command string, args ...any) error {
	return w.until(command+" says "+text, func() error {
		reply, err := p.conn.Do(command, args...)
		if got := fmt.Sprintf("%s", reply); err == nil && !strings.Contains(got, text) {
			err = errors.New(got)
		}
		return err
	})
}

const (
	downAfter = 2 * time.Second // also the node timeout of the cluster
	slotCount = 16384
	masters   = 3
)

// startSentinels starts a primary with two replicas, and three Sentinels.
func (w *world) startSentinels() error {
	for n := range 3 {
		config := "save \"\"\nrepl-diskless-sync-delay 0\n"
		if n > 0 {
			config += "replicaof 127.0.0.1 " + w.nodes[0].port + "\n"
		}
		p, err := w.start(config)
		if err != nil {
			return err
		}
		w.nodes = append(w.nodes, p)
	}
	for range 3 {
		p, err := w.start(fmt.Sprintf("sentinel monitor shop 127.0.0.1 %s 2\nsentinel down-after-milliseconds shop %d\n"+
			"sentinel failover-timeout shop 10000\n", w.nodes[0].port, downAfter.Milliseconds()), "--sentinel")
		if err != nil {
			return err
		}
		w.sentinels = append(w.sentinels, p)
	}
	for _, s := range w.sentinels {
		err := w.until("the Sentinels know all", func() error {
			about, err := driver.StringMap(s.conn.Do("SENTINEL", "master", "shop"))
			if err == nil && (about["num-other-sentinels"] != "2" || about["num-slaves"] != "2") {
				err = errors.New("not yet")
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// startCluster starts three masters, and a replica of each.
func (w *world) startCluster() error {
	for n := range 2 * masters {
		p, err := w.start(fmt.Sprintf("save \"\"\nrepl-diskless-sync-delay 0\ncluster-enabled yes\ncluster-node-timeout %d\n",
			downAfter.Milliseconds()))
		if err != nil {
			return err
		}
		w.nodes = append(w.nodes, p)
		id, err := driver.String(p.conn.Do("CLUSTER", "MYID"))
		w.ids = append(w.ids, id)
		_, err1 := p.conn.Do("CLUSTER", "SET-CONFIG-EPOCH", n+1)
		if n < masters {
			_, err = p.conn.Do("CLUSTER", "ADDSLOTSRANGE", n*slotCount/masters, (n+1)*slotCount/masters-1)
		}
		_, err2 := p.conn.Do("CLUSTER", "MEET", "127.0.0.1", w.nodes[0].port)
		if err := errors.Join(err, err1, err2); err != nil {
			return err
		}
	}
	for _, p := range w.nodes {
		if err := w.says(p, fmt.Sprintf("cluster_known_nodes:%d\r", 2*masters), "CLUSTER", "INFO"); err != nil {
			return err
		}
	}
	for n := masters; n < 2*masters; n++ {
		if err := w.says(w.nodes[n], "OK", "CLUSTER", "REPLICATE", w.ids[n-masters]); err != nil {
			return err
		}
	}
	for n, p := range w.nodes {
		err := w.says(p, "cluster_state:ok", "CLUSTER", "INFO")
		if n >= masters {
			err = errors.Join(err, w.says(p, "master_link_status:up", "INFO", "replication"))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// move gives slots of the first master to the second, key by key.
func (w *world) move(slots int) error {
	source, target := w.nodes[0], w.nodes[1]
	for slot := range slots {
		_, err1 := target.conn.Do("CLUSTER", "SETSLOT", slot, "IMPORTING", w.ids[0])
		_, err2 := source.conn.Do("CLUSTER", "SETSLOT", slot, "MIGRATING", w.ids[1])
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		for {
			keys, err := driver.Values(source.conn.Do("CLUSTER", "GETKEYSINSLOT", slot, 10))
			if err != nil {
				return err
			}
			if len(keys) == 0 {
				break
			}
			for _, key := range keys {
				if _, err := source.conn.Do("MIGRATE", "127.0.0.1", target.port, key, 0, 5000); err != nil {
					return err
				}
			}
		}
		for _, p := range []*process{target, source, w.nodes[2]} {
			if _, err := p.conn.Do("CLUSTER", "SETSLOT", slot, "NODE", w.ids[1]); err != nil {
				return err
			}
		}
	}
	return nil
}
