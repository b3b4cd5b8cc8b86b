package postgres

import (
	"errors"
	"strings"

	driver "github.com/jackc/pgx/v5/pgxpool"

	"github.com/vibework/mooring/backends/kit"
)

// known returns the options that may stand after the ? of a URL, and reads them into s.
func (s *settings) known() kit.URLOptions {
	const seconds = "a number of seconds, nor a duration such as 30s"
	exec := func(_, _ string) error { return s.try("default_query_exec_mode", "exec") } // prepares nothing under a name
	return kit.URLOptions{Prefix: s.prefix, AnyCase: true, Known: []kit.URLOption{
		{Names: "pgbouncer=true statement_cache_size=0 preparethreshold=0", Set: exec},
		{Names: "host", Set: s.setHost},
		{Names: "application_name", Also: "applicationname", Set: kit.Into(&s.AppName)},
		{Names: "channel_binding", Set: kit.Into(&s.ChannelBinding)},
		{Names: "options", Set: kit.Into(&s.Options)},
		{Names: "target_session_attrs", Also: "targetservertype", Set: kit.Into(&s.Role)},
		{Names: "sslmode", Also: "ssl sslaccept", Set: kit.Into(&s.SSLMode)},
		{Names: "sslrootcert", Also: "sslca", Set: kit.Into(&s.TLS.CAFile)},
		{Names: "sslcert", Set: kit.Into(&s.TLS.CertFile)},
		{Names: "sslkey", Set: kit.Into(&s.TLS.KeyFile)},
		{Names: "connect_timeout:s", Also: "logintimeout:s", Set: kit.Into(&s.DialTimeout), Text: seconds},
		{Names: "pool_max_conns", Also: "connection_limit", Set: kit.Into(&s.MaxOpenConns)},
		{Names: "pool_max_conn_lifetime", Set: kit.Into(&s.ConnMaxLifetime)},
		{Names: "pool_max_conn_idle_time", Set: kit.Into(&s.ConnMaxIdleTime)},

		{Names: "default_query_exec_mode description_cache_capacity krbspn krbsrvname max_protocol_version " +
			"min_protocol_version pool_max_conn_lifetime_jitter pool_min_conns pool_min_idle_conns require_auth " +
			"sslcertmode sslnegotiation statement_cache_capacity", Set: s.try},
		{Names: "search_path", Also: "currentschema schema", Set: s.try}, // and other variables of the server
		{Names: "client_encoding datestyle default_transaction_isolation default_transaction_read_only " +
			"extra_float_digits idle_in_transaction_session_timeout idle_session_timeout intervalstyle lock_timeout " +
			"row_security statement_timeout timezone work_mem", Set: s.try},

		{Names: "fallback_application_name gssencmode keepalives keepalives_count keepalives_idle keepalives_interval " +
			"pgbouncer pool_timeout prepared_statement_cache_size preparethreshold serverversion " +
			"socket_timeout sslcompression sslsni statement_cache_size supa tcp_user_timeout uselibpqcompat workaround"},

		{Names: "user password", Text: "write it before the @"},
		{Names: "dbname", Text: "write it as the path"},
		{Names: "hostaddr", Text: "write the address as the host"},
		{Names: "passfile", Text: "set PREFIX_PASSWORD_FILE"},
		{Names: "service servicefile", Text: "write what the service says"},
		{Names: "sslpassword", Text: "the key in PREFIX_TLS_KEY_FILE must not be encrypted"},
		{Names: "sslcrl", Text: "revoked certificates are not read"},
		{Names: "load_balance_hosts", Text: "hosts are tried in their order"},
	}, Hint: "write a variable of the server as options=-c%20name%3Dvalue"}
}

// try keeps an option for the driver if its parser, whose errors quote the value, takes it.
func (s *settings) try(name, value string) error {
	if kit.HasControl(value) {
		return errors.New("has a control character")
	}
	if _, err := driver.ParseConfig(harmless + keyword(name, value)); err != nil {
		return errors.New("the driver does not take this value")
	}
	s.given[name] = value
	return nil
}

func keyword(name, value string) string {
	return name + "='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "' "
}
