// Package redis is the Redis backend: importing it registers a resource called "redis" that is configured by the
// REDIS_* variables. It also speaks to Valkey and to whatever else speaks the protocol.
//
//	import "github.com/vibework/mooring/backends/redis"
//
//	if err := registry.OpenAll(ctx); err != nil { ... }
//	conn, err := redis.Conn(ctx) // a redigo connection from the pool; Close returns it
//
// # Configuration
//
// REDIS_URL (redis://user:password@host:6379/0, rediss:// for TLS, valkey:// and valkeys:// alike, unix:///path for a
// socket), or REDIS_HOST with REDIS_PORT, REDIS_USERNAME, REDIS_PASSWORD and REDIS_DB. A URL counts before the parts,
// which give only what it lacks: a password and its user. Of other libraries' options after the ?, db, tls, family and
// client_name are read. Every variable is a field of [Config]. A second instance is
// registry.Register(redis.New("redis-sessions")); it reads REDIS_SESSIONS_*.
//
// # Sentinel
//
// REDIS_URL=redis+sentinel://user:password@s1:26379,s2,s3/NAME/0 (rediss+sentinel:// for TLS), or REDIS_SENTINEL_HOSTS
// with REDIS_SENTINEL_MASTER, leads to the primary that the Sentinels know by that name. User and password are those of
// the primary; the Sentinels have REDIS_SENTINEL_USERNAME and REDIS_SENTINEL_PASSWORD. All are asked at once before
// each new connection, within half a second, and one that answers is enough; who knows of the latest fail-over counts.
// The server has to say that it is the primary. A subscription at each Sentinel tells when another one is promoted:
// then borrowed connections to the old one are closed when they come back, and idle ones are not lent. While there is
// no primary, [Conn] waits for the next one until its context ends, and for REDIS_DIAL_TIMEOUT at most; a check says at
// once what is wrong. What the old primary has confirmed and not passed on is lost: that is how Redis replicates.
//
// # Cluster
//
// REDIS_URL=redis+cluster://user:password@n1:7000,n2,n3 (rediss+cluster:// for TLS) leads to a cluster: the nodes named
// tell of the others. There is a pool for each master, of at most REDIS_MAX_ACTIVE connections, so [Pool] and [Handle]
// do not apply. What [Conn] returns borrows a connection of a node for each command, by the command's first key. Where
// MOVED, ASK or TRYAGAIN answers, or where nothing could be sent, it tries again until the context ends, and for
// REDIS_DIAL_TIMEOUT at most; what was sent and has no answer is not sent again. A pipeline, a transaction or a script
// is of keys of one slot: write {user7}:name and {user7}:mail. What Send has been given is sent with the first Receive,
// the next Do, or Close. WATCH, MULTI and a subscription keep to one connection until they end; one that cannot begin
// ends what [Conn] has returned, so that nothing is done outside of it. If the slot moves meanwhile, the answer is
// MOVED or ASK, of registry.KindLoading: begin again. A command without a key asks any master. Refused are SCAN, KEYS,
// DBSIZE, FLUSHALL and SCRIPT, which would speak of one node only; AUTH, CLIENT and their like, which would change one
// connection; and WAIT, unless it is in a pipeline behind what it waits for. But for a subscription, one goroutine
// uses a connection at a time.
//
// Check asks every master, and what it thinks of the cluster, and fails while a slot has no master. PoolStats are sums.
//
// With TLS, Sentinels and all that they or the nodes name show a certificate for the name or the address that is given
// there, or for REDIS_TLS_SERVER_NAME.
//
// # Open and check
//
// Open connects, authenticates, selects the database and sends a PING. A Sentinel, and a node of a cluster that does
// not hold all slots, are refused by name. Check sends a PING over a pooled connection. When that fails or none comes
// free, it asks over a connection of its own: so a stale connection is no failure. A full pool is KindDegraded, a
// warning, if the server is well, and KindExhausted, a failure, once no connection has come back for 30s. A user who
// may not PING counts as healthy: the server has answered.
//
// With REDIS_ROLE=primary a server that takes no writes is KindReadOnly: Open tries again, and Check fails. With
// replica it has to be one. The question is ROLE, or INFO for a user who may not ask that.
//
// # Passwords that change
//
// A password or a URL in a file is read again for each new connection once the file has changed. A password that the
// server refuses falls back, once, to the one that worked. Of a URL only the user and the password are used, the rest
// counts at the next Open. [WithCredentials] asks the program instead, such as for a token of IAM.
//
// # Close
//
// Close lends no connection from its beginning on: who asks gets registry.ErrNotOpen. Those that the program has
// borrowed may come back within the share that CloseAll gives to Close, less 100ms; then they are cut, and the error
// counts them.
//
// # Clients
//
// Borrowing waits for a free connection until the context ends. A connection that the server has closed is not lent,
// and one that was idle for over a second is tested before, so after a restart of the server the pool heals by itself.
// A connection that is no longer as the pool made it is closed when it comes back: after AUTH, CLIENT, HELLO, QUIT,
// RESET, SELECT and subscriptions. For another database register a second instance.
//
// After a fail-over behind one address the old primary answers READONLY. The program gets that error, nothing is sent
// twice, and all connections of that time leave the pool as soon as they are a second old. With REDIS_ROLE=primary a
// connection also leaves when the host name has not had its address for 30s. [Classify] tells the kind of any error
// that a connection has returned.
//
// # Blocking commands and subscriptions
//
// REDIS_READ_TIMEOUT (3s) bounds the wait for every reply, also where the context has more time. A command that waits
// at the server, such as BLPOP, and a subscription name a limit of their own, by driver.DoWithTimeout and
// ReceiveWithTimeout; 0 is none. See the examples of [Conn].
//
// Peers that are gone are found within 45s by TCP keepalive, also during such a wait. A server that is stopped while
// its machine lives is not: bound the wait where that matters.
package redis
