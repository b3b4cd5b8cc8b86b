package registrytest_test

import (
	"fmt"
	"net"
	"testing"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest"
)

// The test of a resource of one's own. The lamp has no server, so its target has only New.
func ExampleRun() {
	testContract := func(t *testing.T) { // TestContract in a test file
		registrytest.Run(t, registrytest.Target{
			New: func(*testing.T) registry.Resource { return new(lamp) },
		})
	}
	_ = testContract // go test calls it
}

// A client meets a network that refuses its connections until it is healed.
func ExampleStartProxy() {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = server.Close() }()

	proxy, err := registrytest.StartProxy(server.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = proxy.Close() }()

	connects := func() bool {
		conn, err := net.Dial("tcp", proxy.Addr())
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}
	fmt.Println("at first:", connects())
	proxy.Refuse()
	fmt.Println("refusing:", connects())
	proxy.Pass()
	fmt.Println("healed:", connects())
	// Output:
	// at first: true
	// refusing: false
	// healed: true
}
