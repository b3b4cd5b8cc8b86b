// Package mysql is the MySQL backend: importing it registers a resource called "mysql" that is configured by
// the MYSQL_* variables. It also speaks to MariaDB and to whatever else speaks the protocol.
//
//	import "github.com/vibework/mooring/backends/mysql"
//
//	if err := registry.OpenAll(ctx); err != nil { ... }
//	row := mysql.DB().QueryRowContext(ctx, "SELECT name FROM users WHERE id = ?", id)
//
// # Configuration
//
// MYSQL_URL (mysql://user:password@host:3306/database, mariadb:// alike) or MYSQL_DSN (the driver's
// user:password@tcp(host:3306)/database, or unix(/path) for a socket), or else MYSQL_HOST with MYSQL_PORT, MYSQL_USER,
// MYSQL_PASSWORD and MYSQL_DATABASE. Beside a URL or a DSN these are not read, but for what it leaves out; another
// password is refused. Every variable is a field of [Config]. A second instance is
// registry.Register(mysql.New("mysql-replica")); it reads MYSQL_REPLICA_*.
//
// In a URL the password is percent-encoded. In a DSN it stands as it is: the last / ends the address, and the
// last @ before it the password. A host that begins with / is the path of a Unix socket.
//
// A password, user, URL or DSN that stands in a file (MYSQL_PASSWORD_FILE and so on) is read again for the next
// connection once the file has changed; handles stay as they are. [WithCredentials] asks the program instead.
//
// A URL and a DSN may end in options, ?loc=Europe%2FBerlin&tls=true. Those of the driver all work, by its names:
//
//	parseTime, allowNativePasswords, checkConnLiveness    true unless set
//	timeout, readTimeout, writeTimeout    take precedence over MYSQL_DIAL_TIMEOUT and so on
//	tls          true, false or skip-verify, as MYSQL_TLS has it
//	sslrootcert, sslcert, sslkey    paths, as MYSQL_TLS_CA_FILE and so on have them; sslca and ssl-ca are the first
//	loc          the time zone of time.Time values; UTC unless set
//	charset, collation    of utf8mb4 or another utf8, since that is what Go's strings are
//	maxAllowedPacket    in bytes; 0 asks the server, which is the default
//
// The variables of the server that may be set for each connection are sql_mode, time_zone, transaction_isolation,
// tx_isolation, innodb_lock_wait_timeout, lock_wait_timeout, max_execution_time, max_statement_time, wait_timeout,
// net_read_timeout, net_write_timeout, group_concat_max_len and foreign_key_checks. Options of other languages' drivers
// are read where they mean the same (ssl-mode, sslaccept, ssl, socket, connection_limit, connect_timeout ...), skipped
// with a record where they mean nothing in Go, and else refused with what to write. Any other option is refused: the
// driver would take it for a variable of the server and SET it.
//
// # Open, check, close
//
// Open connects, logs in, selects the database and asks the server a statement, as a program would, that reads from a
// table: a node of Galera that is not ready, or a password that has expired, is a failure. Check asks the same over a
// pooled connection. When that fails or none comes free, it asks over a connection of its own: so a stale connection is
// no failure. A full pool is KindDegraded, a warning, while its connections move, and KindExhausted, a failure, once
// none has come back for 30s. When only the pool does not answer, its idle connections are dropped.
//
// MYSQL_ROLE=primary asks whether the server takes writes: a server that takes none is KindReadOnly, which Open tries
// again. MYSQL_ROLE=replica refuses a server that takes some. A user needs no privilege for that. A server or a proxy
// that does not answer it is KindPermission.
//
// Close closes the pool and lends no connection from then on. Work under way may finish: a transaction commits if it
// ends within the share that CloseAll gives to Close, less 100ms. Connections that are in use after that are cut, and
// the error counts them. A statement that such a connection was running may go on at the server until it ends.
//
// # Clients
//
// A query waits for a free connection until its context ends. A connection that the server has closed is not
// lent, so after a restart of the server the pool heals by itself.
//
// No statement is run twice, and an error of the server is a *MySQLError of the driver to errors.As. A connection
// whose server says that it takes no writes (1836, 1290 of read_only, and 1792 unless the program began a read-only
// transaction) leaves the pool when it comes back, and so do the others of its age: a pool makes at most its own size
// of new connections a second, and follows a fail-over within a second. With MYSQL_ROLE=primary each check also looks
// the host name up: connections to an address that the name has left for 30s leave, too. With rejectReadOnly=true,
// which only the URL or the DSN can ask for, the driver takes those errors for a broken connection, and database/sql
// runs the statement again, up to three times in all, although a part of it may have taken effect.
//
// A query may take as long as its context allows. A peer that is gone is found by TCP keepalive within 45s; a server
// process that is stopped while its kernel goes on is not, and a context alone bounds the wait for it.
// MYSQL_READ_TIMEOUT, if it is set, also ends a query that takes longer to answer; the driver calls that an invalid
// connection. A context or a timeout that ends early does not stop the statement on the server. The connection is cut,
// and keeps its place in the pool until the server has let go of it, for a minute at most: queries that are cancelled
// and made again do not fill the server beyond MYSQL_MAX_OPEN_CONNS, and wait instead.
//
// 0 is no limit for MYSQL_MAX_OPEN_CONNS, the lifetimes and the timeouts, and keeps no idle connection for
// MYSQL_MAX_IDLE_CONNS, as in [database/sql]. In a [Config], where 0 is the default, a negative number is.
//
// [Classify] says what an error of a handle is about. The driver logs nothing: it would quote what a server sends.
package mysql
