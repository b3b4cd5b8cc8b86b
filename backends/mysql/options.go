package mysql

import (
	"errors"
	"net/url"
	"strconv"
	"strings"

	driver "github.com/go-sql-driver/mysql"

	"github.com/vibework/mooring/backends/kit"
)

// known returns the options that may stand after the ? of a URL or a DSN, and reads them into s.
func (s *settings) known() kit.URLOptions {
	const yesOrNo = "true or false"
	return kit.URLOptions{Vars: s.vars, Known: append(kit.TLSOptions(&s.TLS, s.setTLS), []kit.URLOption{
		{Names: "allowAllFiles allowCleartextPasswords allowFallbackToPlaintext allowNativePasswords allowOldPasswords " +
			"checkConnLiveness clientFoundRows columnsWithAlias compress interpolateParams parseTime " +
			"rejectReadOnly", Set: s.try, Text: yesOrNo},
		{Names: "multiStatements", Also: "multipleStatements allowMultiQueries", Set: s.try, Text: yesOrNo},
		{Names: "connectionAttributes", Set: s.try, Text: "pairs such as program:shop,team:web"},
		{Names: "loc", Set: s.try, Text: "a known time zone; where the system has no list of them, import time/tzdata"},
		{Names: "maxAllowedPacket", Set: s.try, Text: "a number of bytes"},
		{Names: "serverPubKey", Set: s.try, Text: "the name of a key that the program has registered with the driver"},
		{Names: "timeTruncate", Set: s.try, Text: "a duration with a unit, such as 1us"},

		{Names: "sql_mode time_zone transaction_isolation tx_isolation innodb_lock_wait_timeout lock_wait_timeout " +
			"max_execution_time max_statement_time wait_timeout net_read_timeout net_write_timeout group_concat_max_len " +
			"foreign_key_checks", Set: s.setVariable},
		{Names: "collation", Also: "connectionCollation", Set: s.setCollation},

		{Names: "charset", Also: "characterEncoding encoding", Set: s.setCharset},
		{Names: "timeout", Also: "connectTimeout:ms connect_timeout:s", Field: &s.DialTimeout, Key: "DIAL_TIMEOUT"},
		{Names: "readTimeout", Also: "socketTimeout:ms socket_timeout:s", Field: &s.ReadTimeout, Key: "READ_TIMEOUT"},
		{Names: "writeTimeout", Field: &s.WriteTimeout, Key: "WRITE_TIMEOUT"},
		{Names: "connectionLimit", Also: "connection_limit", Field: &s.MaxOpenConns, Key: "MAX_OPEN_CONNS"},
		{Names: "socket", Also: "socketPath unix_socket unixSocket", Set: s.setSocket},

		{Names: "autoReconnect reconnect serverVersion useUnicode allowPublicKeyRetrieval pool_timeout pool queueLimit " +
			"waitForConnections enableKeepAlive keepAliveInitialDelay statement_cache_size dateStrings supportBigNumbers " +
			"bigNumberStrings decimalNumbers namedPlaceholders debug trace rewriteBatchedStatements cachePrepStmts " +
			"useServerPrepStmts useLegacyDatetimeCode zeroDateTimeBehavior schema prepared_statements checkout_timeout " +
			"reaping_frequency idle_timeout acquireTimeout conn_max_age characterSetResults tinyInt1isBit " +
			"useAffectedRows=true autoReconnectForPools maxReconnects useCursorFetch"},

		{Names: "host hostname server port", Text: "write it behind the @; socket names a Unix socket"},
		{Names: "user username password", Text: "write it before the @"},
		{Names: "timezone serverTimezone", Text: "write loc or time_zone"},
		{Names: "sessionVariables init_command initSQL", Text: "write the variables themselves, such as sql_mode=ANSI"},
		{Names: "useCompression", Text: "write compress"},
		{Names: "flags useAffectedRows", Text: "write clientFoundRows"},
		{Names: "allowLoadLocalInfile", Text: "write allowAllFiles"},
		{Names: "strict", Text: "the driver has no such option any more: write sql_mode"},
	}...)}
}

// try keeps an option for the driver if its parser takes it.
func (s *settings) try(name, value string) error {
	option := url.Values{name: {value}}
	if _, err := driver.ParseDSN("/?" + option.Encode()); err != nil {
		return err
	}
	s.options.Set(name, value)
	return nil
}

func (s *settings) setSocket(_, value string) error {
	if !strings.HasPrefix(value, "/") {
		return errors.New("not the path of a socket")
	}
	s.host = kit.Host{Name: value}
	return nil
}

// setVariable sets a variable of the server for each connection. The driver puts the value into a statement as it is,
// so it must be a number, or a plain word, quoted or not, which is quoted here.
func (s *settings) setVariable(name, value string) error {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-:/,"
	word := value
	if len(value) > 1 && value[0] == '\'' {
		word = strings.TrimSuffix(value[1:], "'")
	}
	if strings.Trim(word, plain) != "" {
		return errors.New("has a character that is not supported; a + must be percent-encoded (%2B)")
	}
	if _, err := strconv.ParseFloat(word, 64); err != nil {
		word = "'" + word + "'"
	}
	s.options.Set(name, word)
	return nil
}

// setCharset takes no other charset than that of Go's strings, whatever its name.
func (s *settings) setCharset(_, value string) error {
	switch strings.ToLower(value) {
	case "utf8mb4", "utf8mb4,utf8", "utf-8": // the second is the driver's way to ask for the better one
		value = "utf8mb4"
	case "utf8mb3", "utf8":
	default:
		return errors.New("not utf8mb4, utf8mb3 or utf8")
	}
	s.options.Set("charset", value)
	return nil
}

// setCollation takes no collation of another charset than that of Go's strings: what that charset lacks would be stored
// as a ?. The driver's own Collation is silently without effect when the driver does not know it.
func (s *settings) setCollation(_, value string) error {
	if !strings.HasPrefix(strings.ToLower(strings.Trim(value, "'")), "utf8") {
		return errors.New("not a collation of utf8mb4, utf8mb3 or utf8, since Go's strings are UTF-8")
	}
	return s.setVariable("collation_connection", value)
}

func (s *settings) setTLS(_, value string) error {
	return kit.SetTLS(&s.TLS, s.vars, value, "true, false or skip-verify")
}
