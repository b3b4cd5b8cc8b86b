package mysql

import (
	sqldriver "database/sql/driver"
	"errors"
	"strings"
	"syscall"

	driver "github.com/go-sql-driver/mysql"

	"github.com/vibework/mooring/backends/internal/fault"
	"github.com/vibework/mooring/registry"
)

type class struct {
	kind registry.Kind
	text string
}

// answers are the errors of a server, by number. The server's text is never shown: it holds the user's name and
// the client's address, and now and then what it was given.
var answers = map[uint16]class{
	1040: {registry.KindExhausted, "the server has no connection to spare"},
	1044: {registry.KindPermission, "the user may not use this database, or there is none of that name"},
	1045: {registry.KindAuth, "access denied"},
	1047: {registry.KindLoading, "the node of the cluster is not ready"}, // how Galera says it
	1049: {registry.KindConfig, "the server has no such database"},
	1053: {registry.KindUnreachable, "the server is shutting down"},
	1129: {registry.KindUnreachable, "the server blocks this host after many errors, until its host cache is flushed"},
	1130: {registry.KindAuth, "the server does not let this host in"},
	1142: {registry.KindPermission, "the user may not do this"},
	1193: {registry.KindConfig, "the server does not know a variable that the options set"},
	1203: {registry.KindExhausted, "the user has no connection to spare"},
	1205: {registry.KindTimeout, "a lock was not free in time"},
	1226: {registry.KindExhausted, "the user has used up a resource"},
	1227: {registry.KindPermission, "the user may not do this"},
	1231: {registry.KindConfig, "the server does not take the value of a variable that the options set"},
	1251: {registry.KindAuth, "the server wants another way to log in"},
	1273: {registry.KindConfig, "the server does not know the collation"},
	1290: {registry.KindPermission, "an option of the server forbids it"}, // of read_only see 1836
	1298: {registry.KindConfig, "the server does not know the time zone"},
	1698: {registry.KindAuth, "access denied"},
	1792: {registry.KindReadOnly, "the transaction is read-only"},
	1820: {registry.KindAuth, "the password has expired"},
	1836: {registry.KindReadOnly, "the server is read-only"},
	1862: {registry.KindAuth, "the password has expired"},
	1927: {registry.KindUnreachable, "the server has ended the connection"},
	2003: {registry.KindUnreachable, "a proxy does not reach the server"},
	2006: {registry.KindUnreachable, "a proxy has lost the server"},
	2012: {registry.KindAuth, "the server has no way to log in for this user"},
	2013: {registry.KindUnreachable, "a proxy has lost the server"},
	3032: {registry.KindLoading, "the server is offline"},
	3118: {registry.KindAuth, "the account is locked"},
	3159: {registry.KindTLS, "the server wants TLS"},
	3168: {registry.KindLoading, "the server is not available"},
	4151: {registry.KindAuth, "the account is locked"},
	9001: {registry.KindUnreachable, "a proxy does not reach the server"}, // ProxySQL
}

// reasons are the errors of the driver itself, and one of a Unix socket.
var reasons = []struct {
	err error
	class
}{
	{driver.ErrInvalidConn, class{registry.KindUnreachable, "the connection broke, or the read timeout has passed"}},
	{sqldriver.ErrBadConn, class{registry.KindUnreachable, "the connection broke"}},
	{driver.ErrNoTLS, class{registry.KindTLS, "the server does not offer TLS"}},
	{driver.ErrCleartextPassword, class{registry.KindAuth, "the server wants the password in clear text"}},
	{driver.ErrOldPassword, class{registry.KindAuth, "the server wants the login of MySQL 4"}},
	{driver.ErrNativePassword, class{registry.KindAuth, "the server wants a native password, which an option forbids"}},
	{driver.ErrUnknownPlugin, class{registry.KindAuth, "the server wants a way to log in that is not supported"}},
	{driver.ErrOldProtocol, class{registry.KindConfig, "the server speaks an older protocol than that of MySQL 4.1"}},
	{driver.ErrMalformPkt, class{registry.KindUnreachable, "the server has sent what is not MySQL"}},
	{driver.ErrPktSync, class{registry.KindUnreachable, "the server has sent what is not MySQL"}},
	{syscall.ENOENT, class{registry.KindUnreachable, "there is no such socket"}}, // or not yet
}

// closedText is the error of a pool that was closed, which database/sql does not export.
const closedText = "sql: database is closed"

// aboutReadOnly reports whether the text of error 1290 names --read-only, --super-read-only or the like.
func aboutReadOnly(text string) bool {
	return strings.Contains(strings.ReplaceAll(text, "_", "-"), "read-only")
}

// classify returns the registry's error for what the driver returned.
func classify(err error) error {
	if answer, ok := errors.AsType[*driver.MySQLError](err); ok {
		known, ok := answers[answer.Number]
		if answer.Number == 1290 && aboutReadOnly(answer.Message) {
			known = answers[1836]
		}
		if ok {
			return fault.New(known.kind, "%s (%d)", known.text, answer.Number)
		}
		return fault.New(registry.KindUnknown, "the server answered with error %d", answer.Number)
	}
	for _, reason := range reasons {
		if errors.Is(err, reason.err) {
			return fault.New(reason.kind, "%s", reason.text)
		}
	}
	if err != nil && err.Error() == closedText {
		return fault.New(registry.KindNotOpen, "%w: the pool was closed", registry.ErrNotOpen)
	}
	return fault.From(err)
}
