// Package devstack runs MySQL, MongoDB, Redis and Pub/Sub servers inside the calling process, on
// free loopback ports, so that a program can be tried and tested against all four without Docker,
// cgo or a network. The command [github.com/vibework/mooring/lab/cmd/devstack] puts them
// beside any other program.
//
//	stack, err := devstack.Start(ctx, "mysql", "redis")
//	if err != nil {
//		return err
//	}
//	defer stack.Stop()
//	cmd.Env = append(os.Environ(), stack.Env()...)
//
// The servers speak the real protocols and want a password each (Pub/Sub, like Google's emulator,
// wants none), made up at every start. An outage can be played with [Stack.StopServer] and
// [Stack.StartServer]: clients see their connections cut and new ones refused, and find the port
// and the data as they were when it is over.
//
// # What the servers are good for
//
// Demonstrations, examples, and tests of how a program connects, fails and recovers. They are
// re-implementations, so a test of SQL, of query operators or of speed needs the real server.
// Nothing is kept: all data is gone when the stack stops. Only what follows is known to differ;
// there is more.
//
// MySQL is go-mysql-server with tables in memory:
//   - Transactions, and statements that write, run one at a time over the whole server; one that
//     waits ten seconds gets error 1205. Reading never waits for an open transaction.
//   - A read whose result fills the socket buffers (megabytes) holds up writers until it is read.
//   - Only BEGIN and START TRANSACTION start a transaction that is kept apart from others; with
//     autocommit switched off, sessions lose each other's updates.
//   - No savepoints, a few thousand statements a second, and a transaction copies each table it
//     writes to.
//   - Error numbers 1045, 1049, 1062, 1146 and 1205 are MySQL's; most others, and the texts, are
//     not.
//   - No TLS. The user may do everything.
//
// MongoDB is FerretDB 1.x over SQLite, in a temporary folder (devstack-mongo-*, which stays behind
// when the process is killed):
//   - One writer at a time, please: updates that run at the same time lose each other, without an
//     error.
//   - No multi-document transactions, no change streams, no $lookup; $group computes only its first
//     accumulator. A find scans the collection, with or without an index.
//   - distinct fails under a context with a deadline.
//   - A standalone server, without replica set. No TLS. The user may do everything.
//
// Redis is miniredis:
//   - INFO knows clients and stats only; CONFIG, ROLE and most of CLIENT are missing.
//   - No RESP3 in practice, no persistence, no eviction, no TLS. The user may do everything.
//
// Pub/Sub is pstest, the fake of the official client library:
//   - It starts without topics and subscriptions: creating them is the client's business.
//   - No IAM (TestIamPermissions is not implemented), no credentials, no TLS; any project exists.
//
// # In the same process
//
// The servers' libraries log to process-wide loggers. The first start of MySQL discards the output
// of logrus's standard logger and of vitess's log package; nothing else is touched.
package devstack
