package server

import (
	"bufio"
	"fmt"
	"io"
	"os"
)

// childMark, as the first argument, makes this program one of its servers.
const childMark = "serve-for-faults"

// Child serves and never returns if this process was started to be a server. Call it first in main.
func Child() {
	if len(os.Args) != 4 || os.Args[1] != childMark {
		return
	}
	name, addr := os.Args[2], os.Args[3]
	parent := bufio.NewReader(os.Stdin)
	secret, err := parent.ReadString('\n')
	if err == nil && name == "ferretdb" {
		err = serveFerretDB(addr, secret[:len(secret)-1])
	} else if err == nil {
		servePubSub(addr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_, _ = io.Copy(io.Discard, parent) // until the parent is gone
	os.Exit(0)
}
