package postgres

import (
	"crypto/x509"
	"errors"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// answers are the errors of a server or a pooler, by SQLSTATE, and then by its class. The server's text is never shown:
// it holds the user's name and the database's, and now and then what it was given.
var answers = kit.Table[string]{
	{"0A000", registry.KindConfig, "the server, or a pooler before it, does not support this"},
	{"08P01", registry.KindUnreachable, "the server, or a pooler before it, did not understand or gave up"},
	{"22023", registry.KindConfig, "the server does not take the value of a variable that the options set"},
	{"25006", registry.KindReadOnly, "the server is read-only, or the transaction is"},
	{"25P03", registry.KindUnreachable, "the server has ended the connection: a transaction was idle for too long"},
	{"25P04", registry.KindUnreachable, "the server has ended the connection: a transaction took too long"},
	{"26000", registry.KindConfig, "a prepared statement is gone: behind a pooler, write default_query_exec_mode=exec"},
	{"28000", registry.KindAuth, "access denied: the server does not let this user in from here to this database"},
	{"3D000", registry.KindConfig, "the server has no such database"},
	{"42501", registry.KindPermission, "permission denied: the user may not do this"},
	{"42704", registry.KindConfig, "the server does not know a variable that the options set, or an object"},
	{"42P05", registry.KindConfig, "a prepared statement exists: behind a pooler, write default_query_exec_mode=exec"},
	{"53100", registry.KindExhausted, "the server's disk is full"},
	{"53200", registry.KindExhausted, "the server is out of memory"},
	{"53300", registry.KindExhausted, "too many connections: the server has none to spare"},
	{"55000", registry.KindLoading, "the database takes no connections now, or an object is not ready"},
	{"55P03", registry.KindTimeout, "a lock was not free in time"},
	{"57014", registry.KindTimeout, "the statement was cancelled, or took longer than statement_timeout"},
	{"57P01", registry.KindUnreachable, "the server has ended the connection: it is shutting down, or was told to"},
	{"57P02", registry.KindUnreachable, "the server has crashed"},
	{"57P03", registry.KindLoading, "the server is starting up, or takes no connections now"},
	{"08", registry.KindUnreachable, "the connection broke, or a pooler does not reach the server"},
	{"22", registry.KindUnknown, "the server does not take a value"},
	{"23", registry.KindUnknown, "a constraint forbids it"},
	{"28", registry.KindAuth, "access denied"},
	{"40", registry.KindUnknown, "the server has rolled the transaction back, as it does after a deadlock"},
	{"42", registry.KindUnknown, "the statement is wrong, or names what there is not"},
	{"53", registry.KindExhausted, "the server has run out of a resource"},
	{"57", registry.KindUnreachable, "the server or an operator has ended the connection"},
	{"58", registry.KindUnreachable, "the server's system has failed"},
	{"XX", registry.KindUnknown, "the server or a pooler has failed"},
}

// poolers are words in lower case that tell what a pooler means by a code that may be anything.
var poolers = kit.Table[string]{
	{"startup parameter", registry.KindConfig, "a pooler does not take a variable that the options set"},
	{"user not found", registry.KindAuth, "access denied: the pooler does not know the user"},
	{"max client", registry.KindExhausted, "too many connections: the pooler has none to spare"},
}

// sqlState is the form of a code; a server that does not keep to it may send back what it was sent.
var sqlState = regexp.MustCompile(`^[0-9A-Z]{5}$`)

// phrases are words of the driver's errors that have neither a type nor a value.
var phrases = kit.Table[string]{
	{"server refused TLS connection", registry.KindTLS, "the server does not offer TLS"},
	{"channel binding", registry.KindAuth, "the server does not log in with the channel binding that is required"},
	{"require_auth", registry.KindAuth, "the server wants another way to log in than require_auth allows"},
	{"sslcertmode", registry.KindTLS, "the server does not ask for a certificate, and sslcertmode requires it"},
	{"SASL auth", registry.KindAuth, "the server wants another way to log in, or does not know the password"},
	{"", registry.KindUnreachable, "the server has sent what is not PostgreSQL"}, // in all others
}

// Classify returns what is to be shown for an error that a handle, or the driver, has returned: an error of one of the
// registry's kinds, in our own words, which holds nothing that was sent to the server. It is nil for nil.
func Classify(err error) error {
	if err == nil {
		return nil
	}
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		return answered(answer)
	}
	if errors.Is(err, puddle.ErrClosedPool) {
		return kit.Errorf(registry.KindNotOpen, "%w: the pool was closed", registry.ErrNotOpen)
	}
	if errors.Is(err, pgconn.ErrConnClosed) {
		return kit.Errorf(registry.KindUnreachable, "the connection broke")
	}
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	reason := kit.Classify(err)
	if !connecting || registry.KindOf(reason) != registry.KindUnknown {
		return reason
	}
	return phrases.First(func(words string) bool { return strings.Contains(err.Error(), words) })
}

func answered(answer *pgconn.PgError) error {
	text := strings.ReplaceAll(strings.ToLower(answer.Message), "_", " ")
	reason := poolers.First(func(words string) bool { return strings.Contains(text, words) })
	if reason != nil && (answer.Code == "08P01" || answer.Code == "XX000") {
		return reason
	}
	for _, row := range answers {
		if strings.HasPrefix(answer.Code, row.Code) && sqlState.MatchString(answer.Code) {
			return kit.Errorf(row.Kind, "%s (%s)", row.Text, answer.Code)
		}
	}
	return kit.Errorf(registry.KindUnknown, "the server answered with an error")
}

// isReadOnly reports whether it is the server that takes no writes, and not a transaction that the program has made
// read-only: servers since version 14 say so of each connection, and of others it is assumed.
func isReadOnly(conn *pgconn.PgConn, err *pgconn.PgError) bool {
	return err.Code == "25006" &&
		(conn.ParameterStatus("in_hot_standby") != "off" || conn.ParameterStatus("default_transaction_read_only") == "on")
}

// explain returns why connecting or asking failed, with the variable that may help. A server that wants TLS refuses the
// login without it.
func (s *settings) explain(err error) error {
	reason := Classify(err)
	answer, answered := errors.AsType[*pgconn.PgError](err)
	if answered && s.driver.ConnConfig.TLSConfig == nil && !isSocket(s.hosts[0]) &&
		wantTLS.MatchString(quoted.ReplaceAllString(answer.Message, "")) {
		return kit.Errorf(registry.KindTLS, "the server wants TLS: set %s, or sslmode in %s",
			s.vars.Name("TLS"), s.vars.Name("URL"))
	}
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown {
		return kit.Errorf(registry.KindTLS, "%w: %s says whom to trust", reason, s.vars.Name("TLS_CA_FILE"))
	}
	return reason
}

// A server has refused a connection for want of TLS if its text, without names of users and databases, has one of these
// words: no pg_hba.conf entry, no encryption; SSL required; connection is insecure. There is no code for it.
var (
	quoted  = regexp.MustCompile(`"[^"]*"`)
	wantTLS = regexp.MustCompile(`(?i)no encryption|ssl|insecure`)
)
