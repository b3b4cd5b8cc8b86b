// Package server runs servers for the tools of lab, each in a process of its own that can be killed, on a free port of
// the loopback interface and with a folder that is removed in the end. It never touches a server of the machine.
package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/vibework/mooring/lab/internal/wire"
)

// User is who may log in to the servers, with Process.Password, and Database is theirs.
const (
	User     = "app"
	Database = "app"
)

// patience is the longest that a server may take to start.
const patience = 60 * time.Second

// Process is a server. Its methods are for one goroutine.
type Process struct {
	Addr     string
	Password string
	Folder   string

	program string
	args    []string
	env     []string // beside that of this program
	attr    *syscall.SysProcAttr
	secret  string // the first line of its standard input
	output  output
	cmd     *exec.Cmd
	stdin   io.Closer
	ended   chan struct{}
}

// Start starts the server, again with the data it had, and returns when it accepts connections.
func (p *Process) Start(ctx context.Context) error {
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), p.program, p.args...)
	p.cmd.Dir = p.Folder
	p.cmd.Env, p.cmd.SysProcAttr = append(p.cmd.Environ(), p.env...), p.attr
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return err
	}
	p.stdin = stdin
	if err := p.cmd.Start(); err != nil {
		return err
	}
	p.ended = make(chan struct{})
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	if _, err := io.WriteString(stdin, p.secret+"\n"); err != nil {
		return err
	}
	return p.await(ctx)
}

func (p *Process) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for !wire.Accepts(ctx, p.Addr) {
		select {
		case <-p.ended:
			return fmt.Errorf("%s has ended:\n%s", p.program, p.output.text())
		case <-ctx.Done():
			return fmt.Errorf("%s accepts no connection at %s:\n%s", p.program, p.Addr, p.output.text())
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// Signal sends the server a signal, to freeze it or to thaw it.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Kill ends the server with SIGKILL, and returns when it is gone.
func (p *Process) Kill() error {
	err := p.cmd.Process.Kill()
	<-p.ended
	_ = p.stdin.Close()
	return err
}

// Stop kills the server, if it runs, and removes its folder.
func (p *Process) Stop() error {
	if p.ended != nil {
		_ = p.Kill()
	}
	return os.RemoveAll(p.Folder)
}

// newProcess returns a process with a port, a password and a folder of its own inside of parent. What the program
// is and how it is called is left to the caller.
func newProcess(parent, name string) (*Process, error) {
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(parent, name+"-")
	if err != nil {
		return nil, err
	}
	return &Process{
		Addr:     net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		Password: "p" + strconv.FormatUint(rand.Uint64(), 36),
		Folder:   folder,
	}, nil
}

// Port is that of Addr.
func (p *Process) Port() string {
	_, port, _ := net.SplitHostPort(p.Addr)
	return port
}

// FreePort returns a port below those that the kernel gives to outgoing connections: nobody takes it by accident
// while its server is down. It returns none twice, since whoever has got one may not listen yet.
func FreePort() (int, error) {
	for range 100 {
		port := 20000 + rand.IntN(12000)
		if _, again := portsGiven.LoadOrStore(port, true); again {
			continue
		}
		l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("no free port between 20000 and 32000")
}

var portsGiven sync.Map // by FreePort

// find returns the path of a program, or says which package has it.
func find(program, pkg string) (string, error) {
	for _, name := range []string{program, "/usr/sbin/" + program} { // which not every user's PATH has
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed: apt-get install %s", program, pkg)
}

// output keeps the last of what a server prints.
type output struct {
	mu   sync.Mutex
	last []byte
}

func (o *output) Write(p []byte) (int, error) {
	const most = 2000
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = append(o.last, p...)
	o.last = bytes.Clone(o.last[max(0, len(o.last)-most):])
	return len(p), nil
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.last)
}
