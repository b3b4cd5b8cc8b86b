package postgres

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	driver "github.com/jackc/pgx/v5/pgxpool"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
)

// Options after the ? of a URL, by what becomes of them. Those that are fields of Config are in field.
var (
	forDriver = strings.Fields("default_query_exec_mode description_cache_capacity krbspn krbsrvname " +
		"max_protocol_version min_protocol_version pool_max_conn_lifetime_jitter pool_min_conns pool_min_idle_conns " +
		"require_auth sslcertmode sslnegotiation statement_cache_capacity " +
		// and the variables of the server that may be set for each connection
		"client_encoding datestyle default_transaction_isolation default_transaction_read_only extra_float_digits " +
		"idle_in_transaction_session_timeout idle_session_timeout intervalstyle lock_timeout row_security search_path " +
		"statement_timeout timezone work_mem")
	renamed = map[string]string{ // what other languages' drivers call them
		"applicationname": "application_name", "connection_limit": "pool_max_conns", "currentschema": "search_path",
		"logintimeout": "connect_timeout", "schema": "search_path", "ssl": "sslmode", "sslaccept": "sslmode",
		"sslca": "sslrootcert", "targetservertype": "target_session_attrs",
	}
	skipped = strings.Fields("fallback_application_name gssencmode keepalives keepalives_count keepalives_idle " +
		"keepalives_interval pool_timeout prepared_statement_cache_size preparethreshold serverversion socket_timeout " +
		"sslcompression sslsni statement_cache_size supa tcp_user_timeout uselibpqcompat workaround")
	refused = map[string]string{
		"user": "write it before the @", "password": "write it before the @", "dbname": "write it as the path",
		"hostaddr": "write the address as the host", "passfile": "set PREFIX_PASSWORD_FILE",
		"service": "write what the service says", "servicefile": "write what the service says",
		"sslpassword": "the key in PREFIX_TLS_KEY_FILE must not be encrypted", "sslcrl": "revoked certificates are not read",
		"load_balance_hosts": "hosts are tried in their order",
	}
)

const wantURL = "write postgres://user:password@host/database"

func isOurs(url string) bool {
	url = strings.ToLower(url)
	return strings.HasPrefix(url, "postgres") || strings.HasPrefix(url, "jdbc:postgres")
}

// fromURL reads a URL, and puts it together with the other variables: it wins, and they fill in what it leaves out.
func (s *settings) fromURL(form, raw string) error {
	scheme, rest, isURL := strings.Cut(strings.ToLower(raw), "://")
	switch {
	case scheme == "postgres" || scheme == "postgresql":
	case strings.HasPrefix(scheme, "jdbc:"):
		return errors.New("this is a URL of Java: drop jdbc:, and put the user and the password before the @")
	case strings.HasPrefix(scheme, "postgres"): // postgresql+psycopg2, postgresql+asyncpg
		return errors.New("the scheme is that of another language: write postgres://")
	case !isURL && strings.Contains(raw, "=") && strings.Contains(raw, ";"):
		return errors.New("this is the form of .NET: " + wantURL)
	case !isURL && strings.Contains(raw, "="):
		return errors.New("this is the form of libpq with keywords: " + wantURL)
	}
	authority, _, _ := strings.Cut(rest, "/")
	if (authority == "" || strings.HasSuffix(authority, "@")) && strings.Contains(rest, "host=") {
		at := len(scheme) + len("://") + len(authority)
		raw = raw[:at] + "localhost" + raw[at:] // the option says where
	}
	u, err := kit.ParseURI(raw, "postgres", "postgresql")
	if err != nil {
		return err
	}
	s.hosts = u.Hosts
	if err := s.reconcile(form, u); err != nil {
		return err
	}
	return s.setOptions(u.Query)
}

func (s *settings) reconcile(form string, u kit.URI) error {
	if !u.Password.IsZero() && !s.Password.IsZero() && u.Password.Reveal() != s.Password.Reveal() {
		return fmt.Errorf("has another password than %sPASSWORD: keep one", s.prefix)
	}
	var ignored []string
	for _, part := range []struct{ key, ours, url string }{
		{"HOST", s.Host, "a host"}, {"USER", s.User, u.User}, {"DATABASE", s.Database, u.Path},
	} {
		if part.ours != "" && part.url != "" {
			ignored = append(ignored, s.prefix+part.key)
		}
	}
	if len(ignored) > 0 {
		slog.Info("not read because " + form + " is set: " + strings.Join(ignored, ", "))
	}
	s.User, s.Database = cmp.Or(u.User, s.User), cmp.Or(u.Path, s.Database)
	if !u.Password.IsZero() {
		s.Password = u.Password
	}
	return nil
}

// setOptions reads all options. Its error quotes none of what is given, but for names.
func (s *settings) setOptions(given url.Values) error {
	var found kit.Problems
	for _, name := range slices.Sorted(maps.Keys(given)) {
		known, err := s.setOption(strings.ToLower(name), given.Get(name))
		if len(given[name]) > 1 {
			err = errors.New("set more than once")
		}
		if !known {
			found = append(found, unknownOption(name))
		} else {
			found.Add(err != nil, "option %s: %w", name, err)
		}
	}
	return found.Err()
}

func (s *settings) setOption(name, value string) (known bool, err error) {
	switch {
	case name == "pgbouncer" && value == "true",
		value == "0" && (name == "statement_cache_size" || name == "preparethreshold"):
		name, value = "default_query_exec_mode", "exec" // no statement is prepared under a name
	case name == "pgbouncer", slices.Contains(skipped, name):
		slog.Info(s.prefix + "URL: option " + name + " is skipped: it means nothing in Go")
		return true, nil
	case refused[name] != "":
		return true, errors.New("not supported: " + strings.ReplaceAll(refused[name], "PREFIX_", s.prefix))
	case renamed[name] != "":
		name = renamed[name]
	}
	switch field := s.field(name).(type) {
	case *string:
		*field = value
	case *int:
		*field, err = strconv.Atoi(value)
		if err != nil || *field < 0 {
			err = errors.New("not a whole number from 0")
		}
	case *time.Duration:
		if strings.Trim(value, "0123456789") == "" {
			value += "s" // as libpq has it
		}
		*field, err = time.ParseDuration(value)
		if err != nil || *field < 0 {
			err = errors.New("not a number of seconds, nor a duration such as 30s")
		}
	case *[]kit.Host:
		err = s.setHost(value, (*field)[0].Port)
	default:
		return slices.Contains(forDriver, name), s.try(name, value)
	}
	return true, err
}

// field returns what an option sets, if that is a field of ours.
func (s *settings) field(name string) any {
	fields := map[string]any{
		"host": &s.hosts, "application_name": &s.AppName, "channel_binding": &s.ChannelBinding, "options": &s.Options,
		"target_session_attrs": &s.Role, "sslmode": &s.SSLMode, "sslrootcert": &s.TLS.CAFile,
		"sslcert": &s.TLS.CertFile, "sslkey": &s.TLS.KeyFile, "connect_timeout": &s.DialTimeout,
		"pool_max_conns": &s.MaxOpenConns, "pool_max_conn_lifetime": &s.ConnMaxLifetime,
		"pool_max_conn_idle_time": &s.ConnMaxIdleTime,
	}
	return fields[name]
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

// unknownOption quotes the name only if it is nearly that of an option: it may be a part of a password.
func unknownOption(name string) error {
	known := slices.Concat(forDriver, skipped, slices.Collect(maps.Keys(renamed)), slices.Collect(maps.Keys(refused)),
		strings.Fields("host application_name channel_binding options sslmode connect_timeout target_session_attrs"))
	if near := config.Nearest(name, known); near != "" {
		return fmt.Errorf("option %q is unknown; did you mean %s?", name, near)
	}
	return errors.New("an option after the ? is unknown; write a variable of the server as options=-c%20name%3Dvalue")
}
