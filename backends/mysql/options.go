package mysql

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/vibework/mooring/backends/config"
)

// An optionRule says what becomes of an option after the ? of a URL or a DSN.
type optionRule struct {
	verdict verdict
	names   string
	text    string // what the driver wants, or what to write instead
}

type verdict int

const (
	forDriver verdict = iota
	forServer         // a variable of the server, which the driver sets for each connection
	forUs             // see setters
	unneeded          // another driver has it, and Go's does well without
	refused           // another driver has it, and ignoring it would do harm
)

var optionRules = []optionRule{
	{forDriver, "allowAllFiles allowCleartextPasswords allowFallbackToPlaintext allowNativePasswords allowOldPasswords " +
		"checkConnLiveness clientFoundRows columnsWithAlias compress interpolateParams multiStatements parseTime " +
		"rejectReadOnly", "true or false"},
	{forDriver, "connectionAttributes", "pairs such as program:shop,team:web"},
	{forDriver, "loc", "a known time zone; where the system has no list of them, import time/tzdata"},
	{forDriver, "maxAllowedPacket", "a number of bytes"},
	{forDriver, "serverPubKey", "the name of a key that the program has registered with the driver"},
	{forDriver, "timeTruncate", "a duration with a unit, such as 1us"},
	{forServer, "sql_mode time_zone transaction_isolation tx_isolation innodb_lock_wait_timeout lock_wait_timeout " +
		"max_execution_time max_statement_time wait_timeout net_read_timeout net_write_timeout group_concat_max_len " +
		"foreign_key_checks", ""},
	{forUs, "charset collation timeout readTimeout writeTimeout connectionLimit socket tls", ""},
	{unneeded, "autoReconnect reconnect serverVersion useUnicode allowPublicKeyRetrieval pool_timeout pool queueLimit " +
		"waitForConnections enableKeepAlive keepAliveInitialDelay statement_cache_size dateStrings supportBigNumbers " +
		"bigNumberStrings decimalNumbers namedPlaceholders debug trace rewriteBatchedStatements cachePrepStmts " +
		"useServerPrepStmts useLegacyDatetimeCode zeroDateTimeBehavior schema", ""},
	{refused, "sslca ssl-ca ssl_ca sslrootcert", "set PREFIX_TLS_CA_FILE"},
	{refused, "sslcert ssl-cert ssl_cert sslidentity", "set PREFIX_TLS_CERT_FILE, or PREFIX_TLS_CA_FILE for an authority"},
	{refused, "sslkey ssl-key ssl_key sslpassword", "set PREFIX_TLS_KEY_FILE"},
	{
		refused, "requireSSL verifyServerCertificate ssl_verify_cert ssl_verify_identity ssl-verify-server-cert",
		"write tls=true, or tls=skip-verify if the server is not to be verified",
	},
	{refused, "host hostname server port", "write it behind the @; socket names a Unix socket"},
	{refused, "user username password", "write it before the @"},
	{refused, "timezone serverTimezone", "write loc or time_zone"},
	{refused, "allowLoadLocalInfile", "write allowAllFiles"},
	{refused, "strict", "the driver has no such option any more: write sql_mode"},
}

// setters read the options that are ours, by our names for them.
var setters = map[string]func(*settings, string) error{
	"charset":   (*settings).setCharset,
	"collation": (*settings).setCollation,
	"tls":       (*settings).setTLS,

	"timeout":      duration(func(s *settings) *time.Duration { return &s.DialTimeout }),
	"readTimeout":  duration(func(s *settings) *time.Duration { return &s.ReadTimeout }),
	"writeTimeout": duration(func(s *settings) *time.Duration { return &s.WriteTimeout }),

	"multiStatements": func(s *settings, value string) error { return s.try("multiStatements", value, "true or false") },
	"connectionLimit": func(s *settings, value string) (err error) {
		if s.MaxOpenConns, err = strconv.Atoi(value); err != nil || s.MaxOpenConns < 0 {
			return errors.New("not a whole number from 0")
		}
		return nil
	},
	"socket": func(s *settings, value string) error {
		s.socket = value
		return nil
	},
}

// renamed are what other drivers call the options in setters, and the unit of a number there.
var renamed = rename(map[string]string{
	"charset": "characterEncoding", "collation": "connectionCollation", "connectionLimit": "connection_limit",
	"timeout": "connectTimeout:ms connect_timeout:s", "readTimeout": "socketTimeout:ms socket_timeout:s",
	"multiStatements": "multipleStatements allowMultiQueries", "socket": "socketPath unix_socket unixSocket",
	"tls": "ssl useSSL ssl-mode sslmode ssl_mode sslMode sslaccept",
})

func rename(lists map[string]string) map[string][2]string {
	names := make(map[string][2]string)
	for ours, list := range lists {
		for name := range strings.FieldsSeq(list) {
			name, unit, _ := strings.Cut(name, ":")
			names[name] = [2]string{ours, unit}
		}
	}
	return names
}

// setOptions reads all options. Its error quotes none of what is given, but for names.
func (s *settings) setOptions(given url.Values) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(given)) {
		known, err := true, error(nil)
		if len(given[name]) > 1 {
			err = errors.New("set more than once")
		}
		if err == nil {
			known, err = s.setOption(name, given[name][0])
		}
		switch {
		case !known:
			errs = append(errs, unknownOption(name))
		case err != nil:
			errs = append(errs, fmt.Errorf("option %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func (s *settings) setOption(name, value string) (known bool, err error) {
	if other, found := renamed[name]; found {
		return true, setters[other[0]](s, value+other[1])
	}
	for _, rule := range optionRules {
		if !slices.Contains(strings.Fields(rule.names), name) {
			continue
		}
		switch rule.verdict {
		case forDriver:
			err = s.try(name, value, rule.text)
		case forServer:
			err = s.setVariable(name, value)
		case forUs:
			err = setters[name](s, value)
		case unneeded:
			slog.Info(s.prefix + "URL: option " + name + " is skipped: it means nothing in Go")
		case refused:
			err = errors.New("not supported: " + strings.ReplaceAll(rule.text, "PREFIX_", s.prefix))
		}
		return true, err
	}
	return false, nil
}

// unknownOption quotes the name only if it is nearly that of an option: it may be a part of a password.
func unknownOption(name string) error {
	var known, others []string
	for _, rule := range optionRules {
		if rule.verdict <= forUs {
			known = append(known, strings.Fields(rule.names)...)
		} else {
			others = append(others, strings.Fields(rule.names)...)
		}
	}
	all := slices.AppendSeq(append(others, known...), maps.Keys(renamed))
	if near := config.Nearest(name, all); near != "" {
		return fmt.Errorf("option %q is unknown; did you mean %s?", name, near)
	}
	slices.Sort(known)
	return errors.New("an option after the ? is unknown; these are known: " + strings.Join(known, ", "))
}

// try keeps an option for the driver if its parser, whose errors quote the value, takes it.
func (s *settings) try(name, value, want string) error {
	option := url.Values{name: {value}}
	if _, err := driver.ParseDSN("/?" + option.Encode()); err != nil {
		return errors.New("not " + want)
	}
	s.options.Set(name, value)
	return nil
}

func duration(field func(*settings) *time.Duration) func(*settings, string) error {
	return func(s *settings, value string) error {
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 {
			return errors.New("not a duration with a unit, such as 30s")
		}
		*field(s) = d
		return nil
	}
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
func (s *settings) setCharset(value string) error {
	switch strings.ToLower(value) {
	case "utf8mb4", "utf8mb4,utf8", "utf-8": // the second is the driver's way to ask for the better one
		s.charset = "utf8mb4"
	case "utf8mb3", "utf8":
		s.charset = value
	default:
		return errors.New("not utf8mb4, utf8mb3 or utf8")
	}
	return nil
}

// setCollation takes no collation of another charset than that of Go's strings: what that charset lacks would be stored
// as a ?. The driver's own Collation is silently without effect when the driver does not know it.
func (s *settings) setCollation(value string) error {
	if !strings.HasPrefix(strings.ToLower(strings.Trim(value, "'")), "utf8") {
		return errors.New("not a collation of utf8mb4, utf8mb3 or utf8, since Go's strings are UTF-8")
	}
	return s.setVariable("collation_connection", value)
}

// setTLS reads what the driver calls tls, and what the platforms of the world call it.
func (s *settings) setTLS(value string) error {
	mode := config.TLSVerify
	switch strings.ToLower(strings.ReplaceAll(value, " ", "")) {
	case "true", "1", "strict", "verify_ca", "verify-ca", "verify_identity", "verify-full", "{}",
		`{"rejectunauthorized":true}`:
	case "false", "0", "disabled", "disable":
		mode = config.TLSOff
	case "required", "require": // encrypt, and verify if there is something to verify by
		if s.TLS == (config.TLS{}) {
			mode = config.TLSSkipVerify
			slog.Info(s.prefix + "URL: TLS is required, and the server not verified; tls=true verifies it")
		}
	case config.TLSSkipVerify, "accept_invalid_certs", `{"rejectunauthorized":false}`:
		mode = config.TLSSkipVerify
	case "preferred", "prefer":
		return errors.New("the connection might be in clear text: write true, or skip-verify")
	default:
		return errors.New("not true, false or skip-verify")
	}
	if s.TLS.Mode != "" && s.TLS.Mode != mode {
		return errors.New("conflicts with " + s.prefix + "TLS; remove one")
	}
	s.TLS.Mode = mode
	return nil
}
