// Package registrytest has what tests need: for those of a resource the contract of [registry.Resource] as a test
// suite, and for those of a program a resource that fails on command, [Fake], and [Open], which opens real ones and
// fails a test that leaves something behind.
//
// # The contract
//
// This is the whole test of a backend's own, here for a resource that example.New makes of a host:port:
//
//	func TestContract(t *testing.T) {
//		server := startServer(t) // a fake, or a real one
//		registrytest.Run(t, registrytest.Target{
//			New: func(t *testing.T) registry.Resource {
//				return example.New(server.Addr(), "ZQXVKJWPYR")
//			},
//			At: func(t *testing.T, addr string) registry.Resource {
//				return example.New(addr, "ZQXVKJWPYR")
//			},
//			Addr:   server.Addr(),
//			Secret: "ZQXVKJWPYR", // the password in use
//		})
//	}
//
// [Run] has one subtest for each rule and says, where one is broken, how, and why a program needs it. A healthy
// resource takes some seconds. Only New is required; the rules for every resource are:
//
//   - the name is valid and constant
//   - open, check and close succeed
//   - check before open is ErrNotOpen
//   - check after close is ErrNotOpen
//   - close before open is nil
//   - close again is nil
//   - open again after close
//   - checks run at the same time
//   - check runs while open and close do
//   - open with a done context fails
//   - check with a done context does no harm
//   - close with a done context closes
//   - the context of open may end
//   - close leaves nothing behind
//
// With At and Addr, the network between the resource and its server is broken in all usual ways:
//
//   - constructing and configuring are inert
//   - open of a closed port fails soon
//   - open of a server that resets fails soon
//   - open of a silent server ends with its deadline
//   - open of a silent server ends when cancelled
//   - open of a server of another kind fails
//   - a failed open leaves nothing behind
//   - open again after it failed
//   - check of a frozen server ends with its deadline
//   - check of a frozen server ends when cancelled
//   - check does not wait for an open or close of a frozen server
//   - check heals after a cut connection
//   - check fails while the server is away and heals when it is back
//   - check does not retry in a loop
//   - close of a frozen server ends with its context
//   - close does not wait for a check of a frozen server
//
// With Secret:
//
//   - nothing shows the secret
//
// That looks at every error, at how a resource prints before Open and after Close, and at what it logs by
// [slog.Default] and package log. It does not see what a driver writes to [os.Stderr] itself.
//
// Before each Open, Run calls Configure if there is one, as OpenAll does. A call that panics or is stuck breaks
// whatever rule it was made for. So does one that returns an error that nobody can look at: a nil pointer, one whose
// methods panic or block, one that wraps itself, or a text of more than 4 kB, of which the registry would cut the end.
//
// The suite does not blame a resource that keeps the contract, also on a busy machine: it gives a call 2s to return
// after its context is done, a client 15s to find its server again, and New a minute, where a program is better
// served by a tenth of that. It may miss what another run finds. It counts goroutines by a profiler label that they
// inherit, so servers and other tests in the same process may come and go meanwhile.
package registrytest
