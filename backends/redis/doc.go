// Package redis is the Redis backend: importing it registers a resource called "redis" that is configured by
// the REDIS_* variables. It also speaks to Valkey and to whatever else speaks the protocol.
//
//	import "github.com/vibework/mooring/backends/redis"
//
//	if err := registry.OpenAll(ctx); err != nil { ... }
//	conn, err := redis.Conn(ctx) // a redigo connection from the pool; Close returns it
//
// # Configuration
//
// REDIS_URL (redis://user:password@host:6379/0, rediss:// for TLS, valkey:// and valkeys:// alike), or
// REDIS_HOST with REDIS_PORT, REDIS_USERNAME, REDIS_PASSWORD and REDIS_DB. Every variable is a field of
// [Config]. A second instance is registry.Register(redis.New("redis-sessions")); it reads REDIS_SESSIONS_*.
//
// # Open, check, close
//
// Open connects, authenticates, selects the database and sends a PING. Check sends a PING over a pooled
// connection. When that fails or none comes free, it asks over a connection of its own: so a stale connection
// is no failure, and a full pool is KindDegraded, a warning, if the server is well. A user who may not PING counts as
// healthy: the server has answered.
//
// Close closes the pool and lends no connection from then on. Those that the program has borrowed may come back within
// the share that CloseAll gives to Close, less 100ms; then they are cut, and the error counts them.
//
// # Clients
//
// Borrowing waits for a free connection until the context ends. A connection that was idle for over a second
// is tested before it is lent, so after a restart of the server the pool heals by itself.
//
// Redis Cluster and Sentinel are not supported.
package redis
