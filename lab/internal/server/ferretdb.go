package server

import (
	"fmt"
	"os"

	ferretauth "github.com/FerretDB/FerretDB/devstackauth"

	"github.com/vibework/mooring/lab/internal/wire"
)

// AuthSource is where FerretDB looks User up.
const AuthSource = ferretauth.Database

// FerretDB returns a MongoDB server, not started yet: this program, in another process.
func FerretDB(folder string) (*Process, error) { return itself(folder, "ferretdb") }

// serveFerretDB serves in this process. FerretDB picks a port at random, so a forwarder is in front of it.
func serveFerretDB(addr, password string) error {
	folder, err := os.Getwd()
	if err != nil {
		return err
	}
	private, _, err := ferretauth.Start(folder, User, password)
	if err != nil {
		return err
	}
	_, err = wire.Listen(addr, private)
	return err
}

// itself returns a process that runs this program as a server.
func itself(folder, name string) (*Process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("this program cannot find itself: %w", err)
	}
	p, err := newProcess(folder, name)
	if err != nil {
		return nil, err
	}
	p.program, p.args, p.secret = program, []string{childMark, name, p.Addr}, p.Password
	return p, nil
}
