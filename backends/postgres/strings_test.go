package postgres_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/postgres"
)

const (
	u  = "POSTGRES_URL=postgres://app:PW@h/db"
	pg = "PGHOST=h PGUSER=app PGPASSWORD=PW PGDATABASE=db"
)

// What platforms hand out, and what people copy from other languages.
func TestStringsOfTheWorldAreRead(t *testing.T) {
	app := postgres.Resolved{
		Hosts: "h:5432", User: "app", Password: "PW", Database: "db", Role: "any", TLS: "off",
		MaxConns: 10, Lifetime: 5 * time.Minute, IdleTime: time.Minute, Timeout: 5 * time.Second,
		Mode: "cache statement", Params: "map[]", ChannelBinding: "prefer",
	}
	same := func(*postgres.Resolved) {}
	encrypt := func(r *postgres.Resolved) { r.TLS = "skip-verify" }
	verify := func(r *postgres.Resolved) { r.TLS = "verify h" }
	socket := func(r *postgres.Resolved) { r.Hosts = "/cloudsql/p:r:i/.s.PGSQL.5432" }
	host := func(name string, more ...func(*postgres.Resolved)) func(*postgres.Resolved) {
		return func(r *postgres.Resolved) {
			r.Hosts = name
			for _, edit := range more {
				edit(r)
			}
		}
	}
	params := func(text string) func(*postgres.Resolved) { return func(r *postgres.Resolved) { r.Params = text } }
	exec := func(r *postgres.Resolved) { r.Mode = "exec" }
	const neon, supabase = "ep-cool-1234-pooler.eu-central-1.aws.neon.tech", "aws-0-eu-central-1.pooler.supabase.com"
	for env, edit := range map[string]func(*postgres.Resolved){
		// Neon
		"DATABASE_URL=postgresql://app:PW@" + neon + "/db?sslmode=require&channel_binding=require":       host(neon+":5432", encrypt, func(r *postgres.Resolved) { r.ChannelBinding = "require" }),
		"POSTGRES_URL=postgres://app:PW@" + neon + "/db?sslmode=require&options=endpoint%3Dep-cool-1234": host(neon+":5432", encrypt, params("map[options:endpoint=ep-cool-1234]")),
		"POSTGRES_URL=postgres://app:PW@h/db?options=project%3Dep-cool":                                  params("map[options:project=ep-cool]"),
		"PGHOST='h' PGUSER='app' PGPASSWORD='PW' PGDATABASE='db' PGSSLMODE='require' PGCHANNELBINDING='require'": func(r *postgres.Resolved) {
			r.TLS, r.ChannelBinding = "skip-verify", "require"
		},
		// Supabase
		"POSTGRES_URL=postgres://app:PW@" + supabase + ":6543/db?sslmode=require&supa=base-pooler.x": host(supabase+":6543", encrypt),
		"POSTGRES_URL=postgres://app.ref:PW@" + supabase + ":6543/db?pgbouncer=true&connection_limit=1": host(supabase+":6543", exec, func(r *postgres.Resolved) {
			r.User, r.MaxConns = "app.ref", 1
		}),
		"POSTGRES_URL=postgresql://app:PW@db.ref.supabase.co:5432/db": host("db.ref.supabase.co:5432"),
		// Heroku, RDS, Azure, Aiven, DigitalOcean, CockroachDB
		"DATABASE_URL=postgres://app:PW@ec2-1-2-3-4.compute-1.amazonaws.com:5432/db": host("ec2-1-2-3-4.compute-1.amazonaws.com:5432"),
		u + "?sslmode=verify-full":                      verify,
		u + "?sslmode=verify-full&sslrootcert={ca}":     func(r *postgres.Resolved) { r.TLS = "verify h by a CA" },
		u + "?sslmode=require&sslrootcert={ca}":         func(r *postgres.Resolved) { r.TLS = "verify h by a CA" },
		u + " PGSSLMODE=verify-full PGSSLROOTCERT={ca}": func(r *postgres.Resolved) { r.TLS = "verify h by a CA" },
		u + "?sslmode=verify-full&sslrootcert=system":   verify,
		u + "?sslmode=verify-ca":                        verify,
		"POSTGRES_URL=postgres://app%40server:PW@server.postgres.database.azure.com:5432/db?sslmode=require": host("server.postgres.database.azure.com:5432", encrypt, func(r *postgres.Resolved) { r.User = "app@server" }),
		"POSTGRES_URL=postgres://app:PW@pg-1.aivencloud.com:21699/db?sslmode=require":                        host("pg-1.aivencloud.com:21699", encrypt),
		"POSTGRES_URL=postgresql://app:PW@db-do-user-1.db.ondigitalocean.com:25060/db?sslmode=require":       host("db-do-user-1.db.ondigitalocean.com:25060", encrypt),
		"POSTGRES_URL=postgresql://app:PW@free-tier.cockroachlabs.cloud:26257/db?options=--cluster%3Dcool-1": host("free-tier.cockroachlabs.cloud:26257", params("map[options:--cluster=cool-1]")),
		// Cloud SQL
		"POSTGRES_URL=postgres://app:PW@/db?host=/cloudsql/p:r:i":                                           socket,
		"POSTGRES_URL=postgresql://app:PW@localhost/db?host=/cloudsql/p:r:i":                                socket,
		"POSTGRES_URL=postgres://app:PW@%2Fcloudsql%2Fp:r:i/db":                                             socket,
		"POSTGRES_URL=postgres:///db?host=/cloudsql/p:r:i PGUSER=app PGPASSWORD=PW":                         socket,
		"PGHOST=/cloudsql/p:r:i PGUSER=app PGPASSWORD=PW PGDATABASE=db":                                     socket,
		"POSTGRES_HOST=/cloudsql/p:r:i/.s.PGSQL.5432 POSTGRES_USER=app POSTGRES_PASSWORD=PW POSTGRES_DB=db": socket,
		// Prisma, node, JDBC, psycopg, asyncpg, pgx
		u + "?schema=Shop":                                               params(`map[search_path:"Shop"]`),
		u + "?currentSchema=shop":                                        params("map[search_path:shop]"),
		u + "?ApplicationName=shop":                                      params("map[application_name:shop]"),
		u + "?application_name=shop":                                     params("map[application_name:shop]"),
		u + "?connect_timeout=15&pool_timeout=0":                         func(r *postgres.Resolved) { r.Timeout = 15 * time.Second },
		u + "?sslmode=no-verify":                                         encrypt,
		u + "?ssl=true":                                                  encrypt,
		u + "?ssl=require":                                               encrypt,
		u + "?sslmode=disable":                                           same,
		u + "?sslnegotiation=direct":                                     encrypt,
		u + "?sslnegotiation=direct&sslmode=verify-full":                 verify,
		u + "?channel_binding=require":                                   func(r *postgres.Resolved) { r.TLS, r.ChannelBinding = "skip-verify", "require" },
		u + "?ssl=true&sslmode=verify-full":                              verify,
		u + "?sslmode=require&sslaccept=strict":                          verify,
		u + "?sslmode=require&sslrootcert=system":                        verify,
		u + "?client_encoding=UTF8":                                      params("map[client_encoding:UTF8]"),
		u + "?targetServerType=secondary":                                func(r *postgres.Resolved) { r.Role = "replica" },
		"POSTGRES_URL=postgres://app:PW@/db?host=/run/s&port=5433":       host("/run/s/.s.PGSQL.5433"),
		u + "?sslaccept=strict":                                          verify,
		u + "?sslmode=require POSTGRES_TLS=verify":                       verify,
		u + "?statement_cache_size=0":                                    exec,
		u + "?prepareThreshold=0":                                        exec,
		u + "?default_query_exec_mode=simple_protocol":                   func(r *postgres.Resolved) { r.Mode = "simple protocol" },
		u + "?pool_max_conns=7&pool_max_conn_lifetime=1h":                func(r *postgres.Resolved) { r.MaxConns, r.Lifetime = 7, time.Hour },
		u + "?statement_timeout=5000&TimeZone=UTC":                       params("map[statement_timeout:5000 timezone:UTC]"),
		u + "?keepalives=1&gssencmode=disable":                           same,
		u + "?target_session_attrs=read-write":                           func(r *postgres.Resolved) { r.Role = "primary" },
		u + "?target_session_attrs=standby":                              func(r *postgres.Resolved) { r.Role = "replica" },
		"POSTGRES_URL=postgres://app:PW@a:1,b/db":                        host("a:1 b:5432"),
		"POSTGRES_URL=POSTGRES://app:PW@h/db":                            same,
		"POSTGRES_URL=postgres://app:PW@/db?host=a:1,b":                  host("a:1 b:5432"),
		u + "?pgbouncer=true&default_query_exec_mode=cache_describe":     func(r *postgres.Resolved) { r.Mode = "cache describe" },
		u + "?encoding=unicode&pool=5&prepared_statements=false":         exec, // Rails
		u + "?socketTimeout=30&tcpKeepAlive=true&stringtype=unspecified": same, // JDBC
		"POSTGRES_URL=postgres://app:PW@[fe80::1%25eth0]/db":             host("[fe80::1%eth0]:5432"),
		// parts
		"PGHOST=a,/run/s,[::1] PGPORT=5433 PGUSER=app PGPASSWORD=PW PGDATABASE=db": host("a:5433 /run/s/.s.PGSQL.5433 [::1]:5433"),
		"PGHOST=fe80::1%eth0 PGUSER=app PGPASSWORD=PW PGDATABASE=db":               host("[fe80::1%eth0]:5432"),
		pg: same,
		pg + " PGAPPNAME=shop PGOPTIONS=-csearch_path=x PGTARGETSESSIONATTRS=read-write": func(r *postgres.Resolved) {
			r.Role, r.Params = "primary", "map[application_name:shop options:-csearch_path=x]"
		},
		u + " " + pg: same,
		u + " POSTGRES_USER=app POSTGRES_HOST=h POSTGRES_PASSWORD=PW POSTGRES_DB=db":       same,
		u + " DATABASE_URL=mysql://root:x@m/db":                                            same,
		"POSTGRES_URL=postgres://h PGUSER=app PGPASSWORD=PW PGDATABASE=db":                 same,
		"POSTGRES_HOST=h:5433 POSTGRES_USER=app POSTGRES_PASSWORD=PW POSTGRES_DATABASE=db": host("h:5433"),
		"PGHOST=::1 PGUSER=app PGPASSWORD=PW PGDATABASE=db":                                host("[::1]:5432"),
		// what the driver's own parser would trip over, or make use of
		u + " PGCONNECT_TIMEOUT=soon PGTZ=Mars PGREQUIREAUTH=none PGMAXPROTOCOLVERSION=9 PGSSLNEGOTIATION=direct PGPASSFILE=/nowhere": same,
	} {
		setenv(t, strings.ReplaceAll(env, "{ca}", certificate(t)))
		want := app
		edit(&want)
		got, err := postgres.Resolve("postgres")
		if err != nil || got != want {
			t.Errorf("%s\ngot  %+v %v\nwant %+v", env, got, err, want)
		}
	}
}

func TestStringsOfTheWorldAreRefusedWithWhatToWrite(t *testing.T) {
	const form = ": write postgres://user:password@host/database"
	for env, want := range map[string]string{
		"":                                   "POSTGRES_URL is not set, nor is POSTGRES_HOST",
		"DATABASE_URL=mysql://app:PW@h/db":   "POSTGRES_URL is not set, nor is POSTGRES_HOST",
		"DATABASE_URL=pgsql://app:PW@h/db":   "DATABASE_URL: does not begin with postgres:// or postgresql://",
		"DATABASE_URL=postgis://app:PW@h/db": "DATABASE_URL: does not begin with postgres:// or postgresql://",
		"DATABASE_URL_FILE=/no/such/PW":      "DATABASE_URL_FILE: no such file",
		"POSTGRES_URL=mysql://app:PW@h/db":   "POSTGRES_URL: does not begin with postgres:// or postgresql://",
		"POSTGRES_URL=jdbc:postgresql://h/db?user=app&password=PW": "POSTGRES_URL: this is a URL of Java: drop jdbc:, and put the user and the password before the @",
		"DATABASE_URL=jdbc:postgresql://h/db":                      "DATABASE_URL: this is a URL of Java: drop jdbc:, and put the user and the password before the @",
		"POSTGRES_URL=postgresql+psycopg2://app:PW@h/db":           "POSTGRES_URL: the scheme is that of another language: write postgres://",
		"POSTGRES_URL=postgresql+asyncpg://app:PW@h/db":            "POSTGRES_URL: the scheme is that of another language: write postgres://",
		"DATABASE_URL=postgresql+asyncpg://app:PW@h/db":            "DATABASE_URL: the scheme is that of another language: write postgres://",
		"POSTGRES_URL=Host=h;Database=db;Username=app;Password=PW": "POSTGRES_URL: this is the form of .NET" + form,
		"POSTGRES_URL=host=h|user=app|password=PW|dbname=db":       "POSTGRES_URL: this is the form of libpq with keywords" + form,
		u + "?sslmode=prefer":                                      "POSTGRES_URL: option sslmode: the connection might be in clear text: want disable, require or verify-full",
		u + "?ssl=":                                                "POSTGRES_URL: option ssl: not disable, require or verify-full",
		u + "?sslnegotiation=direct&sslmode=disable":               "POSTGRES_URL: option sslnegotiation: conflicts with POSTGRES_TLS or another option; remove one",
		u + "?sslcertmode=require POSTGRES_TLS=off":                "POSTGRES_URL: option sslcertmode: conflicts with POSTGRES_TLS or another option; remove one",
		pg + " PGSSLMODE=disable PGCHANNELBINDING=require":         "PGCHANNELBINDING: conflicts with PGSSLMODE or another option; remove one",
		u + "?sslmode=disable&ssl=true":                            "POSTGRES_URL: option sslmode: conflicts with POSTGRES_TLS or another option; remove one",
		u + "?sslmode=disable&sslrootcert=system":                  "POSTGRES_URL: option sslrootcert: system wants sslmode=verify-full",
		u + "?sslrootcert=/PW":                                     "POSTGRES_URL: option sslrootcert: no such file",
		u + "?sslnegotiation=PW":                                   "POSTGRES_URL: option sslnegotiation: not supported: write postgres or direct",
		u + "?client_encoding=latin1":                              "POSTGRES_URL: option client_encoding: not supported: Go's strings are UTF-8",
		u + "?channel_binding=PW":                                  "POSTGRES_URL: option channel_binding: not disable, prefer or require",
		u + "?targetServerType=preferSecondary":                    "POSTGRES_URL: option targetServerType: not read-write, read-only or any",
		u + "?port=PW":                                             "POSTGRES_URL: option port: not a port: want 1 to 65535",
		"POSTGRES_URL=postgres://app:PW@h:1/db?port=2":             "POSTGRES_URL: option port: another port stands behind the host",
		u + "?TimeZone=UTC&timezone=CET":                           "POSTGRES_URL: option timezone: set more than once",
		u + "?schema=a&search_path=b":                              "POSTGRES_URL: option search_path: conflicts with another option; remove one",
		"POSTGRES_URL=password=PW|host=h":                          "POSTGRES_URL: this is the form of libpq with keywords" + form,
		u + "?ssl=PW":                                              "POSTGRES_URL: option ssl: not disable, require or verify-full",
		u + "?sslmode=disable POSTGRES_TLS=verify":                 "POSTGRES_URL: option sslmode: conflicts with POSTGRES_TLS or another option; remove one",
		pg + " PGSSLMODE=allow":                                    "PGSSLMODE: the connection might be in clear text: want disable, require or verify-full",
		pg + " PGTARGETSESSIONATTRS=prefer-standby":                "PGTARGETSESSIONATTRS: not primary, replica or any",
		pg + " PGCHANNELBINDING=PW":                                "PGCHANNELBINDING: not disable, prefer or require",
		u + "?search_path=x PGSERVICE=PW":                          "PGSERVICE: the driver would read it and cannot: unset it, and write what the service says",
		u + "?ssl_verify_cert=true":                                "POSTGRES_URL: option ssl_verify_cert: not supported: write sslmode=verify-full, or sslmode=no-verify if the server is not to be verified",
		pg + " PGPORT=PW":                                          "PGPORT: not a port: want 1 to 65535",
		pg + " PGSERVICE=PW":                                       "PGSERVICE: the driver would read it and cannot: unset it, and write what the service says",
		"PGHOST=h":                                                 "POSTGRES_USER is not set, nor does a URL have a user",
		"POSTGRES_URL=postgres://h/db":                             "POSTGRES_USER is not set, nor does a URL have a user",
		u + "?user=PW":                                             "POSTGRES_URL: option user: not supported: write it before the @",
		u + "?service=PW":                                          "POSTGRES_URL: option service: not supported: write what the service says",
		u + "?passfile=PW":                                         "POSTGRES_URL: option passfile: not supported: set POSTGRES_PASSWORD_FILE",
		u + "?default_query_exec_mode=PW":                          "POSTGRES_URL: option default_query_exec_mode: the driver does not take this value",
		u + "?connection_limit=PW":                                 "POSTGRES_URL: option connection_limit: not a whole number from 0",
		u + "?connect_timeout=PW":                                  "POSTGRES_URL: option connect_timeout: not a number of seconds, nor a duration such as 30s",
		u + "?search_path=a&search_path=PW":                        "POSTGRES_URL: option search_path: set more than once",
		u + "?search_path=%00":                                     "POSTGRES_URL: option search_path: has a control character",
		"DATABASE_URL=postgres://app:{your_password}@h/db":         "DATABASE_URL: has a <...>, [...] or {...} that is to be replaced, as in <password>",
		"DATABASE_URL=postgres://app:[PASSWORD]@h/db":              "DATABASE_URL: has a <...>, [...] or {...} that is to be replaced, as in <password>",
		u + "?serch_path=PW":                                       `POSTGRES_URL: option "serch_path" is unknown; did you mean search_path?`,
		u + "?PWPWPW=1":                                            "POSTGRES_URL: an option after the ? is unknown; write a variable of the server as options=-c%20name%3Dvalue",
		u + "?host=/s%00":                                          "POSTGRES_URL: option host: has a control character",
		u + "?host=/s&sslmode=require":                             "POSTGRES_TLS: there is no TLS over a Unix socket",
		"POSTGRES_URL=postgres://app:P/W@h/db":                     "POSTGRES_URL: the characters / ? # @ in a user name, password or option must be percent-encoded (%2F %3F %23 %40)",
		"POSTGRES_URL=postgres://app:PW@/db":                       "POSTGRES_URL: the host is missing or malformed",
		"POSTGRES_URL=postgres://app:PW@::1/db":                    "POSTGRES_URL: an IPv6 address must stand in brackets, as in [::1]",
		"POSTGRES_URL=postgres://app:PW@h/db&sslmode=require":      "POSTGRES_URL: a ? must stand before the first option, and an & in a name be percent-encoded (%26)",
		"POSTGRES_URL=postgres://app:PW@/db?host=h1,":              "POSTGRES_URL: option host: the host is missing or malformed",
		"PGHOST=h1,h2/x PGUSER=app":                                "PGHOST: not a host name or address: want host:port, without a / or a path",
		"PGHOST=h PGUSER=app PGDATABASE=postgres://app:PW@h/db":    "PGDATABASE: want a name, not a URL",
		u + "?readOnly=true":                                       "POSTGRES_URL: option readOnly: not supported: write default_transaction_read_only=on",
		u + " PGPASSWORD=other":                                    "POSTGRES_URL: has another password than PGPASSWORD: keep one",
		"PGHOST=fe80::1::2 PGUSER=app":                             "PGHOST: not a host name or address: an IPv6 address must stand in brackets, as in [::1]",
	} {
		setenv(t, env)
		err := postgres.New("postgres").Configure()
		if env == "" {
			want += hint
		}
		if err == nil || strings.ReplaceAll(err.Error(), "\n", "; ") != want {
			t.Errorf("%s\ngot  %v\nwant %s", env, err, want)
		}
	}
}

func TestAVariableBesideAnOptionSaysTheSame(t *testing.T) {
	refusals := map[string]string{
		"?application_name=x PGAPPNAME=x":                                  "",
		"?sslmode=verify-full PGSSLMODE=verify-full":                       "",
		"?targetServerType=secondary PGTARGETSESSIONATTRS=read-only":       "",
		"?sslmode=verify-full PGSSLMODE=disable":                           "option sslmode: conflicts with PGSSLMODE or another option; remove one",
		"?application_name=x PGAPPNAME=y":                                  "option application_name: conflicts with PGAPPNAME; remove one",
		"?targetServerType=primary PGTARGETSESSIONATTRS=read-only":         "option targetServerType: conflicts with PGTARGETSESSIONATTRS; remove one",
		"?connect_timeout=3 POSTGRES_DIAL_TIMEOUT=5s":                      "option connect_timeout: conflicts with POSTGRES_DIAL_TIMEOUT; remove one",
		"?sslmode=verify-full&sslrootcert=/no/such PGSSLROOTCERT=/no/file": "option sslrootcert: conflicts with PGSSLROOTCERT; remove one",
		"?sslmode=verify-full&sslrootcert=/no/such":                        "option sslrootcert: no such file",
	}
	for env, want := range refusals {
		setenv(t, u+env)
		err := postgres.New("postgres").Configure()
		if want != "" {
			want = "POSTGRES_URL: " + want
		}
		if (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("%s\ngot  %v\nwant %s", env, err, want)
		}
	}
	setenv(t, pg+" PGSSLROOTCERT=/no/such")
	if err := postgres.New("postgres").Configure(); err == nil || err.Error() != "PGSSLROOTCERT: no such file" {
		t.Errorf("got %v", err)
	}
}

func TestAHintNamesTheVariableThatTakesTheValue(t *testing.T) {
	log, name := capture(t), fmt.Sprintf("postgres-n%d", time.Now().UnixNano()) // a process is told but once
	whole := strings.NewReplacer("{}", config.Prefix(name))
	setenv(t, whole.Replace("{}HOST=h {}USER=app {}SCHEMA=shop {}SSL_MODE=verify-full {}SSLMODE=require"))
	if _, err := postgres.Resolve(name); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"{}SCHEMA is not read; {}OPTIONS is", "{}SSL_MODE is not read; {}SSLMODE is", "{}TLS=verify verifies it",
	} {
		if want = whole.Replace(want); !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, log)
		}
	}
}

func TestOnlyTheDefaultInstanceReadsWhatLibpqReads(t *testing.T) {
	setenv(t, pg+" DATABASE_URL=postgres://app:PW@h/db PGAPPNAME=x PGTZ=Mars")
	if _, err := postgres.Resolve("postgres-eu"); err == nil {
		t.Error("postgres-eu is configured")
	}
	setenv(t, pg+" PGAPPNAME=x PGSSLMODE=require POSTGRES_EU_HOST=eu POSTGRES_EU_USER=other")
	got, err := postgres.Resolve("postgres-eu")
	if err != nil || got.Hosts != "eu:5432" || got.User != "other" || got.Password+got.Database != "" ||
		got.Params != "map[]" || got.TLS != "off" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestANegativeNumberIsNoLimit(t *testing.T) {
	cfg := at(server(t).url())
	cfg.MaxOpenConns, cfg.ConnMaxLifetime, cfg.ConnMaxIdleTime, cfg.DialTimeout = -1, -1, -1, -1
	_, res := open(t, cfg)
	held := borrow(t, res.Pool(), 12)
	if stats := res.PoolStats(); stats.Max != 0 || stats.InUse != len(held) {
		t.Errorf("%+v", stats)
	}
}

// hint is what is added where nothing is set.
const hint = ` (not wanted? drop its import, or call registry.Unregister("postgres"))`
