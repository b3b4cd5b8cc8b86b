package mysql_test

import (
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"io"
	"testing"

	driver "github.com/go-sql-driver/mysql"

	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/registry"
)

func TestEveryErrorOfTheServerHasAKindAndAnHonestText(t *testing.T) {
	for number, want := range map[uint16]string{
		1021: "exhausted: the server's disk, or a table, is full (1021)",
		1037: "exhausted: the server is out of memory, or can make no thread more (1037)",
		1040: "exhausted: too many connections: the server has none to spare (1040)",
		1041: "exhausted: the server is out of memory, or can make no thread more (1041)",
		1042: "unreachable: the server does not know the name of this host (1042)",
		1043: "unreachable: the login was not understood (1043)",
		1044: "permission: access denied: the user may not use this database, or there is none of that name (1044)",
		1045: "auth: access denied (1045)",
		1047: "loading: the node of the cluster is not ready (1047)",
		1049: "config: the server has no such database (1049)",
		1053: "unreachable: the server is shutting down (1053)",
		1105: "unknown: the server or a proxy has failed (1105)",
		1114: "exhausted: the server's disk, or a table, is full (1114)",
		1115: "config: the server does not know the character set (1115)",
		1129: "unreachable: the server blocks this host after many errors, until its host cache is flushed (1129)",
		1130: "auth: the server does not let this host in (1130)",
		1135: "exhausted: the server is out of memory, or can make no thread more (1135)",
		1142: "permission: permission denied: the user may not do this (1142)",
		1143: "permission: permission denied: the user may not do this (1143)",
		1152: "unreachable: the server has lost the connection, or given it up (1152)",
		1153: "config: a packet is bigger than the server's max_allowed_packet (1153)",
		1158: "unreachable: the server has lost the connection, or given it up (1158)",
		1159: "unreachable: the server has waited too long for the client (1159)",
		1160: "unreachable: the server has lost the connection, or given it up (1160)",
		1161: "unreachable: the server has waited too long for the client (1161)",
		1184: "unreachable: the server has lost the connection, or given it up (1184)",
		1193: "config: the server does not know a variable that the options set (1193)",
		1203: "exhausted: too many connections of this user (1203)",
		1205: "timeout: a lock was not free in time (1205)",
		1226: "exhausted: the user has used up a resource (1226)",
		1227: "permission: permission denied: the user may not do this (1227)",
		1231: "config: the server does not take the value or the type of a variable that an option sets (1231)",
		1251: "auth: the server wants another way to log in (1251)",
		1273: "config: the server does not know the collation (1273)",
		1290: "permission: an option of the server forbids it (1290)",
		1232: "config: the server does not take the value or the type of a variable that an option sets (1232)",
		1298: "config: the server does not know the time zone (1298)",
		1317: "canceled: the statement was interrupted (1317)",
		1370: "permission: permission denied: the user may not do this (1370)",
		1524: "auth: the server lacks the way to log in that it has for this user (1524)",
		1698: "auth: access denied (1698)",
		1792: "read_only: the transaction is read-only (1792)",
		1820: "auth: the password has expired (1820)",
		1836: "read_only: the server is read-only (1836)",
		1862: "auth: the password has expired (1862)",
		1927: "unreachable: the server has ended the connection (1927)",
		1969: "timeout: the server has ended the statement after its time limit (1969)",
		2003: "unreachable: a proxy does not reach the server, or has lost it (2003)",
		2006: "unreachable: a proxy does not reach the server, or has lost it (2006)",
		2012: "auth: the server lacks the way to log in that it has for this user (2012)",
		2013: "unreachable: a proxy does not reach the server, or has lost it (2013)",
		2026: "tls: a proxy gets no TLS connection to the server (2026)",
		3024: "timeout: the server has ended the statement after its time limit (3024)",
		3032: "loading: the server is offline, or not available (3032)",
		3100: "unknown: replication, as in a group, has refused the transaction, or rolled it back (3100)",
		3101: "unknown: replication, as in a group, has refused the transaction, or rolled it back (3101)",
		3118: "auth: the account is locked (3118)",
		3159: "tls: the server wants TLS (3159)",
		3168: "loading: the server is offline, or not available (3168)",
		3955: "auth: the account is locked after too many wrong passwords (3955)",
		4031: "unreachable: the server has ended the connection, which was idle for too long (4031)",
		4151: "auth: the account is locked (4151)",
		9001: "unreachable: a proxy does not reach the server, or has lost it (9001)",
		9002: "tls: the server wants TLS (9002)",
		1064: "unknown: the server answered with the error 1064",
	} {
		err := fmt.Errorf("wrapped: %w", &driver.MySQLError{Number: number, Message: "Access denied for user 'SECRET'@'host'"})
		if got := describe(mysql.Classify(err)); got != want {
			t.Errorf("%d\ngot  %s\nwant %s", number, got, want)
		}
	}
}

func TestTheOptionThatForbidsAStatementMayBeReadOnly(t *testing.T) {
	const text = "The MySQL server is running with the %s option so it cannot execute this statement"
	for option, want := range map[string]string{
		"--read-only":        "read_only: the server is read-only (1290)",
		"--super-read-only":  "read_only: the server is read-only (1290)",
		"--read_only":        "read_only: the server is read-only (1290)",
		"--secure-file-priv": "permission: an option of the server forbids it (1290)",
	} {
		err := &driver.MySQLError{Number: 1290, Message: fmt.Sprintf(text, option)}
		if got := describe(mysql.Classify(err)); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", option, got, want)
		}
	}
}

func TestAManagedServerThatWantsTLSSaysSoInItsText(t *testing.T) {
	for text, want := range map[string]string{
		"Connections using insecure transport are prohibited.":                                                 "tls: the server wants TLS (1105)",
		"unknown error: Code: UNAVAILABLE server does not allow insecure connections, client must use SSL/TLS": "tls: the server wants TLS (1105)",
		"unknown error: Code: UNAVAILABLE":                                                                     "unknown: the server or a proxy has failed (1105)",
	} {
		if got := describe(mysql.Classify(&driver.MySQLError{Number: 1105, Message: text})); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
}

func TestAServerThatWantsTLSNamesTheVariable(t *testing.T) {
	fake, url := fake(t)
	for number, want := range map[int]string{
		3159: "tls: the server wants TLS (3159): set MYSQL_TLS",
		9002: "tls: the server wants TLS (9002): set MYSQL_TLS",
		1045: "auth: access denied (1045), or the server wants TLS: MYSQL_TLS",
	} {
		fake.RejectConnections(number)
		if got := describe(mysql.New("mysql", mysql.WithConfig(at(url))).Open(t.Context())); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestEveryErrorOfTheDriverHasAKindAndAnHonestText(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{driver.ErrInvalidConn, "unreachable: the connection broke, or the read timeout has passed"},
		{sqldriver.ErrBadConn, "unreachable: the connection broke"},
		{driver.ErrNoTLS, "tls: the server does not offer TLS"},
		{driver.ErrCleartextPassword, "auth: the server wants the password in clear text"},
		{driver.ErrOldPassword, "auth: the server wants the login of MySQL 4"},
		{driver.ErrNativePassword, "auth: the server wants a native password, which an option forbids"},
		{driver.ErrUnknownPlugin, "auth: the server wants a way to log in that is not supported"},
		{driver.ErrOldProtocol, "config: the server speaks an older protocol than that of MySQL 4.1"},
		{driver.ErrMalformPkt, "unreachable: the server has sent what is not MySQL"},
		{driver.ErrPktTooLarge, "config: a packet is bigger than max_allowed_packet"},
		{driver.ErrPktSync, "unreachable: the server has sent what is not MySQL"},
		{driver.ErrPktSyncMul, "unreachable: the server has sent what is not MySQL"},
		{errors.New("sql: database is closed"), "not_open: not open: the pool was closed"},
		{io.EOF, "unreachable: the connection was closed"},
		{context.DeadlineExceeded, "timeout: no answer in time: context deadline exceeded"},
		{context.Canceled, "canceled: context canceled"},
		{errors.New("SECRET"), "unknown: the driver failed with an error of type *errors.errorString"},
	} {
		if got := describe(mysql.Classify(test.err)); got != test.want {
			t.Errorf("%v\ngot  %s\nwant %s", test.err, got, test.want)
		}
	}
	if mysql.Classify(nil) != nil {
		t.Error("nil is an error")
	}
}

func TestTheDriversErrorIsNotToBeFoundInOurs(t *testing.T) {
	err := mysql.Classify(&driver.MySQLError{Number: 1045, Message: "SECRET"})
	if _, ok := errors.AsType[*driver.MySQLError](err); ok {
		t.Error("its text can be reached")
	}
}

func describe(err error) string { return fmt.Sprintf("%s: %v", registry.KindOf(err), err) }
