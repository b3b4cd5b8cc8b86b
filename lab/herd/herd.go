package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"github.com/vibework/mooring/lab/internal/server"
)

// A scene is a number of programs in front of a server.
type scene struct {
	programs, connections, workers int
	pool                           int           // MYSQL_MAX_OPEN_CONNS; 0 means the default
	openTimeout                    time.Duration // 0 means the default
	work                           time.Duration
}

// herd has the server that all programs are sent to.
type herd struct {
	server *server.Process
	folder string
}

func newHerd(ctx context.Context) (_ *herd, err error) {
	h := new(herd)
	if h.folder, err = os.MkdirTemp("", "herd-"); err != nil {
		return nil, err
	}
	if h.server, err = server.MariaDB(ctx, h.folder, nil); err == nil {
		err = h.server.Start(ctx)
	}
	if err != nil {
		h.stop()
		return nil, err
	}
	return h, nil
}

func (h *herd) stop() {
	if h.server != nil {
		_ = h.server.Stop()
	}
	_ = os.RemoveAll(h.folder)
}

// member is one program.
type member struct {
	opening
	labour

	cmd  *exec.Cmd
	tell io.WriteCloser
	hear *bufio.Reader
}

// play starts the programs, lets all open at once, lets those that have opened work, and ends them.
func (h *herd) play(ctx context.Context, s scene) (members []*member, err error) {
	admin := h.server.MySQL(server.Admin, 1)
	_, err = admin.ExecContext(ctx, "SET GLOBAL max_connections = "+strconv.Itoa(s.connections))
	// The connection that asks is one, too.
	if err := errors.Join(err, admin.Close()); err != nil {
		return nil, err
	}
	defer func() {
		for _, m := range members {
			err = errors.Join(err, m.end())
		}
	}()
	for range s.programs {
		m, err := h.start(ctx, s)
		if err != nil {
			return members, err
		}
		members = append(members, m)
	}
	err = each(members, func(m *member) error { return m.ask(&m.opening) })
	if err != nil {
		return members, err
	}
	return members, each(members, func(m *member) error {
		if m.Kind != "" {
			return nil
		}
		return m.ask(&m.labour)
	})
}

// each lets all members do the same at the same time.
func each[M any](members []M, do func(M) error) error {
	errs := make([]error, len(members))
	var all sync.WaitGroup
	for i, m := range members {
		all.Go(func() { errs[i] = do(m) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (h *herd) start(ctx context.Context, s scene) (*member, error) {
	text, err := json.Marshal(order{OpenTimeout: s.openTimeout, Workers: s.workers, Work: s.work})
	if err != nil {
		return nil, err
	}
	variables := []string{
		"MYSQL_HOST=127.0.0.1", "MYSQL_PORT=" + h.server.Port(), "MYSQL_USER=" + server.User,
		"MYSQL_PASSWORD=" + h.server.Password, "MYSQL_DATABASE=" + server.Database,
	}
	if s.pool > 0 {
		variables = append(variables, "MYSQL_MAX_OPEN_CONNS="+strconv.Itoa(s.pool))
	}
	return start(ctx, variables, programMark, string(text))
}

// start starts this program once more, as another one.
func start(ctx context.Context, variables []string, args ...string) (*member, error) {
	itself, err := os.Executable()
	if err != nil {
		return nil, err
	}
	m := &member{cmd: exec.CommandContext(ctx, itself, args...)}
	m.cmd.Env, m.cmd.Stderr = variables, os.Stderr
	if m.tell, err = m.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := m.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	m.hear = bufio.NewReader(out)
	return m, m.cmd.Start()
}

// ask tells the program to go on, and reads what it answers.
func (m *member) ask(answer any) error {
	if _, err := io.WriteString(m.tell, "\n"); err != nil {
		return err
	}
	line, err := m.hear.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("a program has not answered: %w", err)
	}
	return json.Unmarshal(line, answer)
}

// end lets the program close what is open. It has to end well.
func (m *member) end() error {
	_ = m.tell.Close()
	return m.cmd.Wait()
}
