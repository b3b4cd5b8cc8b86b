package postgres

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	driver "github.com/jackc/pgx/v5/pgxpool"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
)

// known returns the options that may stand after the ? of a URL, and reads them into s.
func (s *settings) known() kit.URLOptions {
	const seconds = "a number of seconds, nor a duration such as 30s"
	exec := func(_, _ string) error { // prepares nothing under a name
		return s.try("default_query_exec_mode", cmp.Or(s.given["default_query_exec_mode"], "exec"))
	}
	return kit.URLOptions{Vars: s.vars, AnyCase: true, Known: append(kit.TLSOptions(&s.TLS, s.setSSLMode), []kit.URLOption{
		{Names: "pgbouncer=true statement_cache_size=0 preparethreshold=0 prepared_statements=false", Set: exec},
		{Names: "host", Set: s.setHost},
		{Names: "application_name", Also: "applicationname", Field: &s.AppName, Key: "APP_NAME"},
		{Names: "channel_binding", Field: &s.ChannelBinding, Key: "CHANNEL_BINDING"},
		{Names: "options", Field: &s.Options, Key: "OPTIONS"},
		{Names: "port", Set: s.setPort},
		{
			Names: "target_session_attrs", Also: "targetservertype",
			Set: s.setRole, Text: "read-write, read-only or any", Field: &s.Role, Key: "ROLE",
		},
		{Names: "connect_timeout:s", Also: "logintimeout:s", Field: &s.DialTimeout, Key: "DIAL_TIMEOUT", Text: seconds},
		{Names: "pool_max_conns", Also: "connection_limit", Field: &s.MaxOpenConns, Key: "MAX_OPEN_CONNS"},
		{Names: "pool_max_conn_lifetime", Field: &s.ConnMaxLifetime, Key: "CONN_MAX_LIFETIME"},
		{Names: "pool_max_conn_idle_time", Field: &s.ConnMaxIdleTime, Key: "CONN_MAX_IDLE_TIME"},

		{Names: "schema", Set: s.setSchema},
		{Names: "search_path", Also: "currentschema", Set: s.try}, // a variable of the server, as some of these are
		{Names: "client_encoding=unicode client_encoding=utf-8 client_encoding=utf8 datestyle default_query_exec_mode " +
			"default_transaction_isolation default_transaction_read_only description_cache_capacity extra_float_digits " +
			"idle_in_transaction_session_timeout idle_session_timeout intervalstyle krbspn krbsrvname lock_timeout " +
			"max_protocol_version min_protocol_version pool_max_conn_lifetime_jitter pool_min_conns pool_min_idle_conns " +
			"require_auth row_security sslcertmode sslnegotiation=direct sslnegotiation=postgres statement_cache_capacity " +
			"statement_timeout timezone work_mem", Set: s.try},

		{Names: "fallback_application_name gssencmode keepalives keepalives_count keepalives_idle keepalives_interval " +
			"pgbouncer pool_timeout prepared_statement_cache_size preparethreshold rewritebatchedinserts serverversion " +
			"socket_timeout sslcompression sslsni statement_cache_size supa tcp_user_timeout uselibpqcompat workaround " +
			"encoding=utf8 encoding=unicode charset=utf8 pool prepared_statements checkout_timeout conn_max_age " +
			"sockettimeout tcpkeepalive loggerlevel binarytransfer defaultrowfetchsize stringtype command_timeout " +
			"idle_timeout"},

		{Names: "sslnegotiation", Text: "write postgres or direct"},
		{Names: "client_encoding", Text: "Go's strings are UTF-8"},
		{Names: "user password", Text: "write it before the @"},
		{Names: "dbname", Text: "write it as the path"},
		{Names: "hostaddr", Text: "write the address as the host"},
		{Names: "passfile", Text: "set PREFIX_PASSWORD_FILE"},
		{Names: "service servicefile", Text: "write what the service says"},
		{Names: "readonly", Text: "write default_transaction_read_only=on"},
		{Names: "sslcrl", Text: "revoked certificates are not read"},
		{Names: "load_balance_hosts", Text: "hosts are tried in their order"},
	}...), Hint: "write a variable of the server as options=-c%20name%3Dvalue"}
}

// wanted says what some options have to be.
var wanted = map[string]string{"channel_binding": "not disable, prefer or require"}

// try keeps an option for the driver if its parser, whose errors quote the value, takes it.
func (s *settings) try(name, value string) error {
	if kit.HasControl(value) {
		return errors.New("has a control character")
	}
	if _, err := driver.ParseConfig(harmless + keyword(name, value)); err != nil && s.service == nil {
		return errors.New(cmp.Or(wanted[name], "the driver does not take this value"))
	}
	if before, twice := s.given[name]; twice && before != value {
		return errors.New("conflicts with another option; remove one")
	}
	s.given[name] = value
	if slices.Contains(overTLS, name+"="+value) {
		return s.setSSLMode("", "require")
	}
	return nil
}

// overTLS are options that the driver has no use for, or that fail late, without TLS.
var overTLS = []string{"channel_binding=require", "sslcertmode=require", "sslnegotiation=direct"}

// setRole reads what libpq and JDBC call a role.
func (s *settings) setRole(_, value string) error {
	role, err := kit.ParseRole(s.vars, roleOf(value))
	s.Role = cmp.Or(string(role), s.Role)
	return err
}

// setSchema reads the name of one schema, as Prisma has it: letters keep their case.
func (s *settings) setSchema(_, value string) error {
	return s.try("search_path", pgx.Identifier{value}.Sanitize())
}

// setPort reads the port of a socket, mostly.
func (s *settings) setPort(_, value string) error {
	var port config.Port
	err := port.UnmarshalText([]byte(value))
	for i, host := range s.hosts {
		if s.hosts[i].Port = port; host.Port != 0 && host.Port != port {
			err = errors.New("another port stands behind the host")
		}
	}
	return err
}

func keyword(name, value string) string {
	return name + "='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "' "
}
