package faultproxy_test

import (
	"fmt"
	"net"

	"github.com/vibework/mooring/registry/registrytest/faultproxy"
)

// A client meets a network that refuses its connections until it is healed.
func ExampleStart() {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = server.Close() }()

	proxy, err := faultproxy.Start(server.Addr().String())
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
