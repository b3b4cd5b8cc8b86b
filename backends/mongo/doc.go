// Package mongo is the MongoDB backend: importing it registers a resource called "mongo" that is configured by
// the MONGO_* variables. It also speaks to Atlas, FerretDB and to whatever else speaks the protocol.
//
//	import "github.com/vibework/mooring/backends/mongo"
//
//	if err := registry.OpenAll(ctx); err != nil { ... }
//	orders := mongo.Database().Collection("orders") // of the driver's own client; never disconnect that
//
// # Configuration
//
// MONGO_URI (mongodb://user:password@host:27017,host2/database?replicaSet=rs0, or mongodb+srv://user@host/...),
// or MONGODB_URI, MONGO_URL or MONGODB_URL, is a connection string as MongoDB documents it. Every variable is a field
// of [Config]. A second instance is registry.Register(mongo.New("mongo-audit")); it reads MONGO_AUDIT_*.
//
// The driver reads the URI, so all of its options count. Configure checks them first: an option that neither the driver
// nor this package knows is refused, since the driver would ignore it in silence, and with tlsCAfiel=... would connect
// all the same. Options of other languages' drivers that Go's has no need of (useNewUrlParser, socketTimeoutMS) are
// skipped, and the log tells of it; those that would be missed (tlsAllowInvalidCertificates) are refused with what to
// write instead. An option that is also a variable, such as maxPoolSize, is set in one of the two places; when they
// differ, Configure says so.
//
// The user is looked up in the database that authSource names, else in that of the URI's path, else in admin.
// MONGO_DATABASE has no part in it. SCRAM is tried on servers; MONGODB-X509, MONGODB-AWS, MONGODB-OIDC and PLAIN are
// handed to the driver and tried only so far that the server is asked. GSSAPI needs a program built with -tags gssapi.
// The driver cannot change a password on a living client: a renewed one counts from the next opening on. Files of
// authorities and of client certificates, those of MONGO_TLS_* and of the URI, are read again for each new connection
// once they have changed; a key with a password (tlsCertificateKeyFilePassword) is read by the driver, in Open. Where a
// file of authorities replaces the system's, this package does the TLS handshake and asks nobody whether a certificate
// was revoked. The driver asks, by OCSP, for those of public authorities, unless the URI says
// tlsDisableCertificateRevocationCheck=true.
//
// With mongodb+srv:// the driver looks up the names of the servers in each Open, and again each minute as long as it
// knows of none or of a sharded cluster. Members that join a replica set become known from the others.
//
// # Open, check, close
//
// Open connects, logs in and sends a ping. Without a user it also tries to list the collections, for a ping needs
// no login, and a server that wants one would refuse everything else. Check sends a ping, to a server that the URI's
// readPreference allows: with secondaryPreferred a replica set without a primary is well. When that fails or no answer
// comes, it asks what Open asks over a short-lived client of its own: so a stale connection is no failure, and a full
// pool is KindDegraded, a warning, if the server is well, until no connection has come back for 30s: then it is
// KindExhausted. A user who may not ping counts as healthy, and so does a ping that a proxy does not let through: there
// is an answer.
//
// MONGO_ROLE=primary makes both ask a server that takes writes, whatever readPreference says: without one Open is tried
// again, and Check fails, with KindLoading during an election, and KindReadOnly if the one host that is asked takes
// none. MONGO_ROLE=replica asks a secondary. A program that writes sets primary; any, the default, asks no such thing.
//
// Close waits, in its share of the time, until no session is in progress and no connection is in use, and then
// disconnects the client. So a transaction can go on to its end, and so can what else is under way. The driver has no
// way to refuse new operations alone: they are served, too, until Close finds a moment in which none is under way, so
// end your own workers, cursors and change streams first. What is left at the end of the share is cut; the error
// counts it. An operation that has no server to go to does not count, and while it waits for one, the driver (v2.9)
// keeps a processor busy, from the end of Close until the operation's context or MONGO_SERVER_SELECTION_TIMEOUT ends.
//
// # Clients
//
// An operation waits for a server, and for a connection, until its context ends, and for at most
// MONGO_SERVER_SELECTION_TIMEOUT. Give contexts a deadline: the driver has none of its own for an answer. After a
// restart of the server the client heals by itself within a second; reads and writes that the driver retries do
// not even notice. [Classify] returns the kind of an error that an operation returned.
//
// Besides its pools a client keeps connections to watch each member of a replica set: two, or one if the URI says
// serverMonitoringMode=poll. In a fleet of many clients these are most of what a member has to hold, so a fleet sets
// poll: a change that no operation meets is then noticed within heartbeatFrequencyMS, 10s unless set, and not at once.
// The driver's own client would ignore that option of a URI.
//
// The driver's own logging is off, also when MONGODB_LOG_* ask for it: it would write documents to standard error.
// A hook can turn it on.
package mongo
