package mysql

import (
	sqldriver "database/sql/driver"
	"errors"
	"strconv"
	"strings"

	driver "github.com/go-sql-driver/mysql"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// answers are the errors of a server, by their numbers. The server's text is never shown: it holds the user's name and
// the client's address, and now and then what it was given.
var answers = kit.Table[string]{
	{"1021 1114", registry.KindExhausted, "the server's disk, or a table, is full"},
	{"1037 1041 1135", registry.KindExhausted, "the server is out of memory, or can make no thread more"},
	{"1040", registry.KindExhausted, "too many connections: the server has none to spare"},
	{"1042", registry.KindUnreachable, "the server does not know the name of this host"},
	{"1043", registry.KindUnreachable, "the login was not understood"},
	{"1044", registry.KindPermission, "access denied: the user may not use this database, or there is none of that name"},
	{"1045 1698", registry.KindAuth, "access denied"},
	{"1047", registry.KindLoading, "the node of the cluster is not ready"}, // how Galera says it
	{"1049", registry.KindConfig, "the server has no such database"},
	{"1053", registry.KindUnreachable, "the server is shutting down"},
	{"1105", registry.KindUnknown, "the server or a proxy has failed"},
	{"1115", registry.KindConfig, "the server does not know the character set"},
	{"1129", registry.KindUnreachable, "the server blocks this host after many errors, until its host cache is flushed"},
	{"1130", registry.KindAuth, "the server does not let this host in"},
	{"1142 1143 1227 1370", registry.KindPermission, "permission denied: the user may not do this"},
	{"1152 1158 1160 1184", registry.KindUnreachable, "the server has lost the connection, or given it up"},
	{"1153", registry.KindConfig, "a packet is bigger than the server's max_allowed_packet"},
	{"1159 1161", registry.KindUnreachable, "the server has waited too long for the client"},
	{"1193", registry.KindConfig, "the server does not know a variable that the options set"},
	{"1203", registry.KindExhausted, "too many connections of this user"},
	{"1205", registry.KindTimeout, "a lock was not free in time"},
	{"1226", registry.KindExhausted, "the user has used up a resource"},
	{"1231 1232", registry.KindConfig, "the server does not take the value or the type of a variable that an option sets"},
	{"1251", registry.KindAuth, "the server wants another way to log in"},
	{"1273", registry.KindConfig, "the server does not know the collation"},
	{"1290", registry.KindPermission, "an option of the server forbids it"}, // unless it is that it is read-only
	{"1298", registry.KindConfig, "the server does not know the time zone"},
	{"1317", registry.KindCanceled, "the statement was interrupted"},
	{"1524 2012", registry.KindAuth, "the server lacks the way to log in that it has for this user"},
	{"1792", registry.KindReadOnly, "the transaction is read-only"},
	{"1820 1862", registry.KindAuth, "the password has expired"},
	{"1927", registry.KindUnreachable, "the server has ended the connection"},
	{"1969 3024", registry.KindTimeout, "the server has ended the statement after its time limit"},
	{"2003 2006 2013 9001", registry.KindUnreachable, "a proxy does not reach the server, or has lost it"}, // ProxySQL
	{"2026", registry.KindTLS, "a proxy gets no TLS connection to the server"},
	{"3032 3168", registry.KindLoading, "the server is offline, or not available"},
	{"3100 3101", registry.KindUnknown, "replication, as in a group, has refused the transaction, or rolled it back"},
	{"3118 4151", registry.KindAuth, "the account is locked"},
	{"3159 9002", registry.KindTLS, "the server wants TLS"}, // Azure's gateway
	{"3955", registry.KindAuth, "the account is locked after too many wrong passwords"},
	{"4031", registry.KindUnreachable, "the server has ended the connection, which was idle for too long"},
}

// reasons are the errors of the driver itself.
var reasons = kit.Table[error]{
	{driver.ErrInvalidConn, registry.KindUnreachable, "the connection broke, or the read timeout has passed"},
	{sqldriver.ErrBadConn, registry.KindUnreachable, "the connection broke"},
	{driver.ErrNoTLS, registry.KindTLS, "the server does not offer TLS"},
	{driver.ErrCleartextPassword, registry.KindAuth, "the server wants the password in clear text"},
	{driver.ErrOldPassword, registry.KindAuth, "the server wants the login of MySQL 4"},
	{driver.ErrNativePassword, registry.KindAuth, "the server wants a native password, which an option forbids"},
	{driver.ErrUnknownPlugin, registry.KindAuth, "the server wants a way to log in that is not supported"},
	{driver.ErrOldProtocol, registry.KindConfig, "the server speaks an older protocol than that of MySQL 4.1"},
	{driver.ErrMalformPkt, registry.KindUnreachable, "the server has sent what is not MySQL"},
	{driver.ErrPktTooLarge, registry.KindConfig, "a packet is bigger than max_allowed_packet"},
	{driver.ErrPktSync, registry.KindUnreachable, "the server has sent what is not MySQL"},
	{driver.ErrPktSyncMul, registry.KindUnreachable, "the server has sent what is not MySQL"},
}

// Classify returns what is to be shown for an error that a handle, or the driver, has returned: an error of one of the
// registry's kinds, in our own words, which holds nothing that was sent to the server. It is nil for nil.
func Classify(err error) error {
	if answer, ok := errors.AsType[*driver.MySQLError](err); ok {
		switch {
		case isReadOnly(answer):
			return kit.Errorf(registry.KindReadOnly, "the server is read-only (%d)", answer.Number)
		case wantsTLS(answer):
			return kit.Errorf(registry.KindTLS, "the server wants TLS (%d)", answer.Number)
		}
		return answers.Of(strconv.Itoa(int(answer.Number)))
	}
	if reason := reasons.First(func(known error) bool { return errors.Is(err, known) }); reason != nil {
		return reason
	}
	if err != nil && err.Error() == "sql: database is closed" { // database/sql has no name for it
		return kit.Errorf(registry.KindNotOpen, "%w: the pool was closed", registry.ErrNotOpen)
	}
	return kit.Classify(err)
}

// isReadOnly reports whether the server takes no writes: 1290 is any option that forbids a statement, and its text
// names --read-only, --super-read-only or the like.
func isReadOnly(answer *driver.MySQLError) bool {
	names := strings.Contains(strings.ReplaceAll(answer.Message, "_", "-"), "read-only")
	return answer.Number == 1836 || answer.Number == 1290 && names
}

// wantsTLS reports whether a managed server has refused a connection for want of TLS: 1105 is any failure, and the text
// of those that mean this has one of these words.
func wantsTLS(answer *driver.MySQLError) bool {
	text := strings.ToLower(answer.Message)
	return answer.Number == 1105 && (strings.Contains(text, "insecure") || strings.Contains(text, "ssl"))
}
