// Package postgres is the PostgreSQL backend: importing it registers a resource called "postgres" that is configured by
// the POSTGRES_* variables, those of libpq, or DATABASE_URL. It is a module of its own, so that only programs that use
// it inherit the driver, jackc/pgx.
//
//	import "github.com/vibework/mooring/backends/postgres"
//
//	if err := registry.OpenAll(ctx); err != nil { ... }
//	row := postgres.Pool().QueryRow(ctx, "SELECT name FROM users WHERE id = $1", id)
//
// # Configuration
//
// POSTGRES_URL (postgres://user:password@host:5432/database, postgresql:// alike), or DATABASE_URL if it begins so, or
// else POSTGRES_HOST with POSTGRES_PORT, POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DATABASE. Beside a URL these are
// not read, but for what it leaves out; another password is refused. Every variable is a field of [Config]. A second
// instance is registry.Register(postgres.New("postgres-replica")); it reads POSTGRES_REPLICA_*.
//
// The default instance, and no other, also reads PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE,
// PGCHANNELBINDING, PGTARGETSESSIONATTRS, PGAPPNAME and PGOPTIONS where the variable of its own is not set. No other
// variable of libpq counts, nor a file in the home directory such as .pgpass: the driver would read them, and is kept
// from it. Only PGSERVICE cannot be kept from it: one that names no service fails Configure.
//
// In a URL the password is percent-encoded. A host that begins with / is the folder of a Unix socket; in a URL it is
// the option host, as in postgres://user:password@/database?host=/cloudsql/project:region:instance. Of several hosts,
// host1,host2, the first one that answers and has the role is taken, for each connection anew; so it is of PGHOST.
//
// A password, user or URL that stands in a file (POSTGRES_PASSWORD_FILE and so on) is read again for the next
// connection once the file has changed; handles stay as they are. [WithCredentials] asks the program instead.
//
// A URL may end in options, ?sslmode=verify-full&search_path=shop. Those of libpq and of the driver are taken by their
// names, or refused with what to write instead, and so are the variables of the server that are mostly set for a
// connection; others go into options=-c%20name%3Dvalue. Options of other languages' drivers are read where they mean
// the same (schema, connection_limit, ssl ...), skipped with a record where they mean nothing in Go, and else refused.
//
// TLS is off unless POSTGRES_TLS, a TLS file or sslmode asks for it, or what is nothing without TLS, such as
// channel_binding=require. sslmode=require encrypts, and verifies the server only with POSTGRES_TLS_CA_FILE or
// sslrootcert; verify-ca verifies the name, too, as verify-full does. prefer and allow are refused: they may send a
// password in clear text.
//
// Behind a pooler that shares a connection between transactions and knows no prepared statements, write
// pgbouncer=true, or default_query_exec_mode=exec, which is the same.
//
// # Open, check, close
//
// Open connects, logs in, and asks the server a statement, SELECT 1, as a program would. Check asks the same over a
// pooled connection. When that fails or none comes free, it asks over a connection of its own: so a stale connection is
// no failure. A full pool is KindDegraded, a warning, while its connections move, and KindExhausted, a failure, once
// none was lent for 30s. When only the pool does not answer, its connections are dropped.
//
// With POSTGRES_ROLE=primary each new connection and each check ask whether the server takes writes: one that takes
// none, a standby or one whose default_transaction_read_only is on, is KindReadOnly, which Open tries again.
// POSTGRES_ROLE=replica refuses a server that takes some. A user needs no privilege for that.
//
// Close closes the pool and lends no connection from then on. Work under way may finish: a transaction commits if it
// ends within the share that CloseAll gives to Close, less 100ms. Connections that are in use after that are cut, and
// the error counts them.
//
// # Clients
//
// A query waits for a free connection until its context ends. A context that ends while a query runs breaks the
// connection, and the driver has the server cancel the query; the connection keeps its place in the pool until then,
// for POSTGRES_DIAL_TIMEOUT at most. A connection that was idle for a second is asked before it is lent, so after a
// restart of the server the pool heals by itself.
//
// No statement is run twice, and an error of the server is a *pgconn.PgError of the driver to errors.As. When a standby
// refuses a write (25006), all connections of that age leave the pool before they are lent again: a pool makes at most
// its own size of new connections a second, and follows a fail-over within a second. With POSTGRES_ROLE=primary each
// check also looks the host name up: connections to an address that the name has left for 30s leave, too.
//
// The text of an error that the pool returns names the user, the database, and what the server says, which may be what
// it was sent; show [Classify] of it instead. The driver's connections have the password in their Config.
//
// 0 is no limit for POSTGRES_MAX_OPEN_CONNS, the lifetimes and the timeout. In a [Config], where 0 is the default, a
// negative number is.
package postgres
