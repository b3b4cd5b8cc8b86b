// Package registrytest has what the tests of a resource need.
//
// # Faults
//
// A [Proxy] listens between a client and its server and breaks the network between
// them on command: packets vanish, connections are reset or refused, answers are late
// or stop half-way. It passes any protocol over TCP, TLS included.
//
//	proxy := registrytest.NewProxy(t, "127.0.0.1:3306")
//	// let the client dial proxy.Addr(), then:
//	proxy.Blackhole() // the server has become silent
//	proxy.Pass()      // and is back
//
// Programs that are not tests use [StartProxy].
package registrytest
