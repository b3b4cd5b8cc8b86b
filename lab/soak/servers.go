package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/vibework/mooring/lab/devstack"
	"github.com/vibework/mooring/lab/internal/server"
)

// serve is what the other process does: the servers are not to count among the goroutines and sockets of the clients.
func serve(ctx context.Context) error {
	stack, err := devstack.Start(ctx, "mongo", "redis", "pubsub")
	if err != nil {
		return err
	}
	defer func() { _ = stack.Stop() }()
	folder, err := os.MkdirTemp("", "soak-")
	if err != nil {
		return err
	}
	mariadb, err := server.MariaDB(ctx, folder, nil, "--max-connections=1000") // the embedded one is never read-only
	if err != nil {
		return errors.Join(err, os.RemoveAll(folder))
	}
	defer func() { _ = errors.Join(mariadb.Stop(), os.RemoveAll(folder)) }()
	if err := mariadb.Start(ctx); err != nil {
		return err
	}
	for _, variable := range stack.Env() {
		fmt.Println(variable)
	}
	fmt.Printf("MYSQL_URL=mysql://%s:%s@%s/%s\n\n", server.User, mariadb.Password, mariadb.Addr, server.Database)
	_, _ = io.Copy(io.Discard, os.Stdin)
	return nil
}

// startServers starts the other process and returns what its servers' variables say.
func startServers(ctx context.Context) (env map[string]string, stop func(), err error) {
	program, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, "-servers") // it outlives the clients
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	stop = func() {
		_ = input.Close()
		_ = cmd.Wait()
	}
	env = make(map[string]string)
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if lines.Text() == "" {
			return env, stop, nil
		}
		name, value, _ := strings.Cut(lines.Text(), "=")
		env[name] = value
	}
	stop()
	return nil, nil, errors.New("the servers did not start")
}
