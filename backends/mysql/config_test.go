package mysql_test

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/internal/canary"
	"github.com/vibework/mooring/registry"
)

const (
	hint = ` (not wanted? drop its import, or call registry.Unregister("mysql"))`

	notDSN = "MYSQL_DSN: want user:password@tcp(host:port)/database, or unix(/path) for tcp(host:port); " +
		"a / in an option must be percent-encoded (%2F)"
	notAnOption = "an option after the ? is unknown; these are known: allowAllFiles, allowCleartextPasswords, " +
		"allowFallbackToPlaintext, allowNativePasswords, allowOldPasswords, charset, checkConnLiveness, clientFoundRows, " +
		"collation, columnsWithAlias, compress, connectionAttributes, connectionLimit, foreign_key_checks, " +
		"group_concat_max_len, innodb_lock_wait_timeout, interpolateParams, loc, lock_wait_timeout, maxAllowedPacket, " +
		"max_execution_time, max_statement_time, multiStatements, net_read_timeout, net_write_timeout, parseTime, " +
		"readTimeout, rejectReadOnly, serverPubKey, socket, sql_mode, ssl, ssl-mode, sslMode, ssl_mode, sslaccept, " +
		"sslcert, sslkey, sslmode, sslrootcert, timeTruncate, time_zone, timeout, tls, transaction_isolation, tx_isolation, useSSL, wait_timeout, " +
		"writeTimeout"
	malformed = "the options after the ? are malformed: & stands between them, and a ; or % in one must be " +
		"percent-encoded (%3B %25)"
	notURL  = "MYSQL_URL: does not begin with mysql:// or mariadb://"
	escapes = "MYSQL_URL: the characters / ? # @ in a user name, password or option must be percent-encoded " +
		"(%2F %3F %23 %40)"
	notUTF8 = "MYSQL_URL: option collation: not a collation of utf8mb4, utf8mb3 or utf8, since Go's strings are UTF-8"
	badWord = "has a character that is not supported; a + must be percent-encoded (%2B)"
)

func TestBadConfigurationIsOneLineThatNamesTheVariable(t *testing.T) {
	for name, test := range map[string]struct{ env, want string }{
		"nothing is set":      {"", "MYSQL_URL is not set, nor is MYSQL_DSN or MYSQL_HOST"},
		"URL and DSN":         {"MYSQL_URL=mysql://h MYSQL_DSN=tcp(h)/d", "MYSQL_URL and MYSQL_DSN are set together: keep one"},
		"all three":           {"MYSQL_URL=SECRET MYSQL_DSN=SECRET MYSQL_HOST=SECRET", "MYSQL_URL and MYSQL_DSN are set together: keep one"},
		"URL and file of it":  {"MYSQL_URL=SECRET MYSQL_URL_FILE=SECRET", "MYSQL_URL: set together with MYSQL_URL_FILE; keep one of the two"},
		"file is not there":   {"MYSQL_PASSWORD_FILE=/SECRET", "MYSQL_PASSWORD_FILE: no such file; MYSQL_URL is not set, nor is MYSQL_DSN or MYSQL_HOST"},
		"another scheme":      {"MYSQL_URL=postgres://app:SECRET@h/d", notURL},
		"no scheme":           {"MYSQL_URL=SECRET", notURL},
		"a DSN as URL":        {"MYSQL_URL=app:SECRET@tcp(h:3306)/d", "MYSQL_URL: this is a DSN: put it into MYSQL_DSN"},
		"a DSN in a URL":      {"MYSQL_URL=mysql://app:SECRET@tcp(h:3306)/d", "MYSQL_URL: write host:port for tcp(host:port), and %2F for each / of a socket in the place of the host"},
		"no host":             {"MYSQL_URL=mysql://app:SECRET@/d", "MYSQL_URL: the host is missing or malformed"},
		"host forgotten":      {"MYSQL_URL=mysql://app:SECRET/d", "MYSQL_URL: the port is not a number from 1 to 65535"},
		"two hosts":           {"MYSQL_URL=mysql://a,b/d", "MYSQL_URL: want one host; a second server is a second instance"},
		"slash in password":   {"MYSQL_URL=mysql://app:SEC/RET@h", escapes},
		"question mark":       {"MYSQL_URL=mysql://app:SEC?strict=RET@h", escapes},
		"hash":                {"MYSQL_URL=mysql://app:SEC#RET@h", escapes},
		"percent":             {"MYSQL_URL=mysql://app:SECRET%zz@h", "MYSQL_URL: a % in the user name or password must be percent-encoded (%25)"},
		"port zero":           {"MYSQL_URL=mysql://h:0", "MYSQL_URL: the port is not a number from 1 to 65535"},
		"path of two":         {"MYSQL_URL=mysql://h/SECRET/", "MYSQL_URL: the path must be the name of a database, such as /shop"},
		"percent in path":     {"MYSQL_URL=mysql://h/SECRET%zz", "MYSQL_URL: a % in the name after the / must be percent-encoded (%25)"},
		"malformed options":   {"MYSQL_URL=mysql://h/d?SECRET=%zz", "MYSQL_URL: " + malformed},
		"unknown option":      {"MYSQL_URL=mysql://h/d?SECRET=1", "MYSQL_URL: " + notAnOption},
		"case of an option":   {"MYSQL_URL=mysql://h/d?parsetime=true", "MYSQL_URL: option \"parsetime\" is unknown; did you mean parseTime?"},
		"option that panics":  {"MYSQL_DSN=app@tcp(h)/d?strict=SECRET", "MYSQL_DSN: option strict: not supported: the driver has no such option any more: write sql_mode"},
		"option without name": {"MYSQL_DSN=app@tcp(h)/d?=SECRET", "MYSQL_DSN: " + notAnOption},
		"option twice":        {"MYSQL_URL=mysql://h/d?loc=UTC&loc=SECRET", "MYSQL_URL: option loc: set more than once"},
		"many bad options": {
			"MYSQL_URL=mysql://h/d?charset=SECRET&collation=utf8%20SECRET&compress=SECRET&loc=SECRET&maxAllowedPacket=SECRET&parseTime=SECRET&readTimeout=SECRET&time_zone=%2B00'&timeout=0h0&tls=SECRET&writeTimeout=-1s",
			"MYSQL_URL: option charset: not utf8mb4, utf8mb3 or utf8; MYSQL_URL: option collation: " + badWord +
				"; MYSQL_URL: option compress: not true or false; MYSQL_URL: option loc: not a known time zone; where the system has no list of them, import time/tzdata" +
				"; MYSQL_URL: option maxAllowedPacket: not a number of bytes; MYSQL_URL: option parseTime: not true or false" +
				"; MYSQL_URL: option readTimeout: not a duration with a unit, such as 30s; MYSQL_URL: option time_zone: " + badWord +
				"; MYSQL_URL: option timeout: not a duration with a unit, such as 30s; MYSQL_URL: option tls: not true, false or skip-verify" +
				"; MYSQL_URL: option writeTimeout: must not be negative",
		},
		"another collation":     {"MYSQL_URL=mysql://h/d?collation=latin1_swedish_ci", notUTF8},
		"quoted collation":      {"MYSQL_URL=mysql://h/d?collation='latin1_bin'", notUTF8},
		"control in a database": {"MYSQL_URL=mysql://h/d%0d", "MYSQL_URL: the name after the / has a control character"},
		"unseen in a DSN":       {"MYSQL_DSN=app:SECRET@tcp(h)/d%c2%a0x", "MYSQL_DSN: the name after the / has a control character"},
		"control in a DSN":      {"MYSQL_DSN=app:SECRET@tcp(h)/d%0d", "MYSQL_DSN: the name after the / has a control character"},
		"SQL in a variable":     {"MYSQL_URL=mysql://h/d?sql_mode='ANSI',global%20x=('SECRET')", "MYSQL_URL: option sql_mode: " + badWord},
		"plus in an option":     {"MYSQL_URL=mysql://h/d?time_zone=+01:00", "MYSQL_URL: option time_zone: " + badWord},
		"preferred TLS":         {"MYSQL_URL=mysql://h/d?tls=preferred", "MYSQL_URL: option tls: the connection might be in clear text: want true, false or skip-verify"},
		"TLS off and on":        {"MYSQL_URL=mysql://h/d?tls=true MYSQL_TLS=off", "MYSQL_URL: option tls: conflicts with MYSQL_TLS or another option; remove one"},
		"password beside a URL": {"MYSQL_URL=mysql://app:pw@h MYSQL_PASSWORD=SECRET", "MYSQL_URL: has another password than MYSQL_PASSWORD: keep one"},
		"password beside a DSN": {"MYSQL_DSN=app:pw@tcp(h)/ MYSQL_PASSWORD=SECRET", "MYSQL_DSN: has another password than MYSQL_PASSWORD: keep one"},

		"a DSN with a scheme":       {"MYSQL_DSN=mysql://app:SECRET@tcp(h)/d", "MYSQL_DSN: drop the scheme: mysql:// or mariadb://"},
		"a port in a file":          {"MYSQL_HOST=h MYSQL_PORT_FILE=/dev/null", "MYSQL_PORT_FILE: the file is empty"},
		"TLS in a file":             {"MYSQL_HOST=h MYSQL_TLS_FILE=mysql://SECRET", "MYSQL_TLS_FILE: want the path of a file, not its content"},
		"a URL as DSN":              {"MYSQL_DSN=mysql://app:SECRET@h/d", "MYSQL_DSN: this is a URL: put it into MYSQL_URL"},
		"a URL around a DSN":        {"MYSQL_DSN=mariadb://app:SECRET@tcp(h)/d", "MYSQL_DSN: drop the scheme: mysql:// or mariadb://"},
		"no slash":                  {"MYSQL_DSN=app:SECRET@tcp(h:3306)", notDSN},
		"slash of the password":     {"MYSQL_DSN=app:SEC/RET@tcp(h:3306)", notDSN},
		"slash of an option":        {"MYSQL_DSN=app:SECRET@tcp(h)/d?loc=Europe/SECRET", notDSN},
		"no network":                {"MYSQL_DSN=app:SECRET@h:3306/d", notDSN},
		"address left out":          {"MYSQL_DSN=app:SECRET@/d", notDSN},
		"parenthesis left open":     {"MYSQL_DSN=app:SECRET@tcp(h:3306/d", notDSN},
		"another network":           {"MYSQL_DSN=app:SECRET@SECRET(h:3306)/d", notDSN},
		"relative socket":           {"MYSQL_DSN=app:SECRET@unix(SECRET)/d", notDSN},
		"empty address":             {"MYSQL_DSN=app:SECRET@tcp()/d", "MYSQL_DSN: the host is missing or malformed"},
		"bad port":                  {"MYSQL_DSN=app:SECRET@tcp(h:SECRET)/d", "MYSQL_DSN: the port is not a number from 1 to 65535"},
		"two addresses":             {"MYSQL_DSN=app:SECRET@tcp(SECRET:1,b:2)/d", "MYSQL_DSN: want one host; a second server is a second instance"},
		"percent in the database":   {"MYSQL_DSN=app:SECRET@tcp(h)/d%zz", "MYSQL_DSN: a % in the name after the / must be percent-encoded (%25)"},
		"malformed options of DSN":  {"MYSQL_DSN=app:SECRET@tcp(h)/d?a;b", "MYSQL_DSN: " + malformed},
		"TLS over a socket":         {"MYSQL_DSN=app:SECRET@unix(/run/SECRET)/d MYSQL_TLS=verify", "MYSQL_TLS: there is no TLS over a Unix socket"},
		"malformed host":            {"MYSQL_HOST=SECRET@h", "MYSQL_HOST: not a host name or address: want host:port, without a user or a password"},
		"host with port":            {"MYSQL_HOST=h:SECRET", "MYSQL_HOST: not a host name or address: the port is not a number from 1 to 65535"},
		"password alone":            {"MYSQL_HOST=h MYSQL_PASSWORD=SECRET", "MYSQL_USER is not set, but MYSQL_PASSWORD is"},
		"port no number":            {"MYSQL_HOST=h MYSQL_PORT=SECRET", "MYSQL_PORT: not a port: want 1 to 65535"},
		"unknown role":              {"MYSQL_HOST=h MYSQL_ROLE=SECRET", "MYSQL_ROLE: not primary, replica or any"},
		"TLS mode":                  {"MYSQL_HOST=h MYSQL_TLS=SECRET", "MYSQL_TLS: not off, verify or skip-verify"},
		"duration without unit":     {"MYSQL_HOST=h MYSQL_READ_TIMEOUT=3", "MYSQL_READ_TIMEOUT: not a duration with a unit, such as 30s"},
		"two mistakes in two lines": {"MYSQL_PORT=x MYSQL_MAX_OPEN_CONNS=-1", "MYSQL_PORT: not a port: want 1 to 65535; MYSQL_MAX_OPEN_CONNS: must not be negative; MYSQL_URL is not set, nor is MYSQL_DSN or MYSQL_HOST"},
		"four mistakes at once":     {"MYSQL_HOST=SECRET@h MYSQL_PASSWORD=x MYSQL_TLS=maybe MYSQL_MAX_OPEN_CONNS=x", "MYSQL_MAX_OPEN_CONNS: not a whole number; MYSQL_HOST: not a host name or address: want host:port, without a user or a password; MYSQL_USER is not set, but MYSQL_PASSWORD is; MYSQL_TLS: not off, verify or skip-verify"},
		"another URL is set":        {"DATABASE_URL=mysql://app:SECRET@h/d", "MYSQL_URL is not set, nor is MYSQL_DSN or MYSQL_HOST; DATABASE_URL is set, but not read"},
		"two mistakes in parts":     {"MYSQL_HOST=SECRET@h MYSQL_PASSWORD=x MYSQL_ROLE=x MYSQL_TLS=x", "MYSQL_HOST: not a host name or address: want host:port, without a user or a password; MYSQL_USER is not set, but MYSQL_PASSWORD is; MYSQL_ROLE: not primary, replica or any; MYSQL_TLS: not off, verify or skip-verify"},
	} {
		t.Run(name, func(t *testing.T) {
			secret := canary.New("", "")
			setenv(t, strings.ReplaceAll(test.env, "SECRET", secret.Value))
			r := registry.New()
			r.Register(mysql.New("mysql"))
			err := r.OpenAll(t.Context())
			want := "configure mysql: config: " + test.want
			if test.env == "" {
				want += hint
			}
			if err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if kind := registry.KindOf(err); kind != registry.KindConfig {
				t.Errorf("the kind is %q", kind)
			}
			secret.AbsentFrom(t, err)
			canary.NoParserIn(t, err)
		})
	}
}

func TestTheEndOfALineIsNoPartOfAValue(t *testing.T) {
	for _, end := range []string{"\r", "\n", " ", "\r\n"} {
		for _, environ := range []map[string]string{
			{"MYSQL_URL": "mysql://app:pw@h/shop"},
			{"MYSQL_URL": "mysql://app:pw@h/shop?parseTime=true"},
			{"MYSQL_DSN": "app:pw@tcp(h)/shop"},
			{"MYSQL_HOST": "h", "MYSQL_PORT": "3306", "MYSQL_USER": "app", "MYSQL_PASSWORD": "pw", "MYSQL_DATABASE": "shop"},
		} {
			setenv(t, "")
			for variable, value := range environ {
				t.Setenv(variable, value+end)
			}
			got := mysql.Resolve(t, "mysql")
			want := usual
			want.User, want.Password, want.Database = "app", "pw", "shop"
			if got != want {
				t.Errorf("%q after %v\ngot  %+v\nwant %+v", end, environ, got, want)
			}
		}
	}
}

// usual is what the driver and the pool are given when nothing but the host is set.
var usual = mysql.Resolved{
	Net: "tcp", Addr: "h:3306", MaxOpenConns: 10, MaxIdleConns: 1000,
	ConnMaxLifetime: 5 * time.Minute, ConnMaxIdleTime: time.Minute,
	Timeout: 5 * time.Second, WriteTimeout: 30 * time.Second,
	Flags: "native live time ", Params: "map[]", Loc: "UTC", MaxAllowedPacket: 0, // it is the server's
}

func TestEveryVariableReachesTheDriver(t *testing.T) {
	setenv(t, `MYSQL_HOST=db.example MYSQL_PORT=tcp://10.0.0.7:3307 MYSQL_USER=app MYSQL_PASSWORD=pw MYSQL_DATABASE=shop
		MYSQL_MAX_OPEN_CONNS=7 MYSQL_MAX_IDLE_CONNS=5 MYSQL_CONN_MAX_LIFETIME=1m MYSQL_CONN_MAX_IDLE_TIME=2m
		MYSQL_DIAL_TIMEOUT=3s MYSQL_READ_TIMEOUT=4s MYSQL_WRITE_TIMEOUT=6s MYSQL_TLS=skip-verify MYSQL_TLS_SERVER_NAME=other`)
	want := usual
	want.Addr, want.User, want.Password, want.Database = "db.example:3307", "app", "pw", "shop"
	want.MaxOpenConns, want.MaxIdleConns, want.ConnMaxLifetime, want.ConnMaxIdleTime = 7, 5, time.Minute, 2*time.Minute
	want.Timeout, want.ReadTimeout, want.WriteTimeout = 3*time.Second, 4*time.Second, 6*time.Second
	want.TLS, want.SkipVerify, want.ServerName = true, true, "other"
	if got := mysql.Resolve(t, "mysql"); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestAURLAndADSNAreTakenApart(t *testing.T) {
	for form, edit := range map[string]func(*mysql.Resolved){
		"URL=mysql://h":                     func(*mysql.Resolved) {},
		"URL=mysql://h/":                    func(*mysql.Resolved) {},
		"URL=mariadb://app:pw@[::1]:7/shop": func(r *mysql.Resolved) { r.Addr, r.User, r.Password, r.Database = "[::1]:7", "app", "pw", "shop" },
		"URL=mysql://app@h/sh%2Dop":         func(r *mysql.Resolved) { r.User, r.Database = "app", "sh-op" },
		"URL=mysql://app:p%40s%2F%25@h":     func(r *mysql.Resolved) { r.User, r.Password = "app", "p@s/%" },
		"URL=mysql://app:a:b@c@h":           func(r *mysql.Resolved) { r.User, r.Password = "app", "a:b@c" },
		"URL=mysql://app:@h":                func(r *mysql.Resolved) { r.User = "app" },
		"DSN=tcp(h)/":                       func(*mysql.Resolved) {},
		"DSN=app@tcp(h:7)/sh%2Dop":          func(r *mysql.Resolved) { r.Addr, r.User, r.Database = "h:7", "app", "sh-op" },
		"DSN=app:a/b?c@d:e%41#(x)@tcp([::1]:7)/shop": func(r *mysql.Resolved) {
			r.Addr, r.User, r.Password, r.Database = "[::1]:7", "app", "a/b?c@d:e%41#(x)", "shop"
		},
		"DSN=app:x@tcp(other)/y?strict=z@tcp(h)/shop": func(r *mysql.Resolved) {
			r.User, r.Password, r.Database = "app", "x@tcp(other)/y?strict=z", "shop"
		},
		"URL=mysql://app:pw@%2Fcloudsql%2Fp:r:i/shop": func(r *mysql.Resolved) {
			r.Net, r.Addr, r.User, r.Password, r.Database = "unix", "/cloudsql/p:r:i", "app", "pw", "shop"
		},
		"DSN=app:pw@unix(/cloudsql/p:r:i)/shop": func(r *mysql.Resolved) {
			r.Net, r.Addr, r.User, r.Password, r.Database = "unix", "/cloudsql/p:r:i", "app", "pw", "shop"
		},
	} {
		setenv(t, "MYSQL_"+form)
		want := usual
		edit(&want)
		if got := mysql.Resolve(t, "mysql"); got != want {
			t.Errorf("%s\ngot  %+v\nwant %+v", form, got, want)
		}
	}
}

func TestEveryOptionReachesTheDriver(t *testing.T) {
	for option, edit := range map[string]func(*mysql.Resolved){
		"":                                  func(*mysql.Resolved) {},
		"allowNativePasswords=0":            func(r *mysql.Resolved) { r.Flags = "live time " },
		"clientFoundRows=true":              func(r *mysql.Resolved) { r.Flags = "native live found time " },
		"columnsWithAlias=1":                func(r *mysql.Resolved) { r.Flags = "native live alias time " },
		"interpolateParams=true":            func(r *mysql.Resolved) { r.Flags = "native live interpolate time " },
		"multiStatements=TRUE":              func(r *mysql.Resolved) { r.Flags = "native live multi time " },
		"parseTime=true":                    func(*mysql.Resolved) {},
		"parseTime=false":                   func(r *mysql.Resolved) { r.Flags = "native live " },
		"rejectReadOnly=true":               func(r *mysql.Resolved) { r.Flags = "native live time reject " },
		"timeout=1s&readTimeout=2s":         func(r *mysql.Resolved) { r.Timeout, r.ReadTimeout = time.Second, 2*time.Second },
		"writeTimeout=1m":                   func(r *mysql.Resolved) { r.WriteTimeout = time.Minute },
		"loc=Local":                         func(r *mysql.Resolved) { r.Loc = "Local" },
		"loc=Europe%2FBerlin":               func(r *mysql.Resolved) { r.Loc = "Europe/Berlin" },
		"maxAllowedPacket=1024":             func(r *mysql.Resolved) { r.MaxAllowedPacket = 1024 },
		"collation='UTF8_bin'":              func(r *mysql.Resolved) { r.Params = "map[collation_connection:'UTF8_bin']" },
		"collation=utf8mb4_bin":             func(r *mysql.Resolved) { r.Params = "map[collation_connection:'utf8mb4_bin']" },
		"sql_mode='ANSI,TRADITIONAL'":       func(r *mysql.Resolved) { r.Params = "map[sql_mode:'ANSI,TRADITIONAL']" },
		"time_zone=%27%2B01:00%27":          func(r *mysql.Resolved) { r.Params = "map[time_zone:'+01:00']" },
		"sql_mode=&time_zone=Europe%2FRome": func(r *mysql.Resolved) { r.Params = "map[sql_mode:'' time_zone:'Europe/Rome']" },
		"tls=true":                          func(r *mysql.Resolved) { r.TLS, r.ServerName = true, "h" },
		"tls=false":                         func(*mysql.Resolved) {},
		"tls=skip-verify":                   func(r *mysql.Resolved) { r.TLS, r.SkipVerify, r.ServerName = true, true, "h" },
	} {
		for _, form := range []string{"MYSQL_URL=mysql://h/?", "MYSQL_DSN=tcp(h)/?"} {
			setenv(t, form+option)
			want := usual
			edit(&want)
			if got := mysql.Resolve(t, "mysql"); got != want {
				t.Errorf("%s%s\ngot  %+v\nwant %+v", form, option, got, want)
			}
		}
	}
}

func TestCharsetAndCompressionReachTheDriver(t *testing.T) {
	for option, want := range map[string]string{
		"charset=utf8mb4": "charset=utf8mb4", "charset=utf8mb4,utf8": "charset=utf8mb4", "charset=utf8": "charset=utf8",
		"compress=true": "compress=true",
	} {
		setenv(t, "MYSQL_URL=mysql://h?"+option)
		if got := mysql.DriverConfig(t, "mysql").FormatDSN(); !strings.Contains(got+"&", want+"&") {
			t.Errorf("%s: the driver has %s", option, got)
		}
	}
}

func TestWhatAPlatformSetsBesideTheURLIsIgnored(t *testing.T) {
	name := fmt.Sprintf("mysql-n%d", time.Now().UnixNano()) // a process is told but once
	for _, form := range []string{"{}URL=mysql://app@h:1/shop", "{}DSN=app@tcp(h:1)/shop"} {
		log := capture(t)
		whole := strings.NewReplacer("{}", config.Prefix(name))
		setenv(t, whole.Replace(form+" {}PORT=tcp://10.0.0.7:3306 {}USER=other {}DATABASE=other"))
		for range 2 {
			if got := mysql.Resolve(t, name); got.Addr != "h:1" || got.User != "app" || got.Database != "shop" {
				t.Errorf("%s: got %+v", form, got)
			}
		}
		t.Setenv(whole.Replace(form[:len("{}URL")]), "")
		want := whole.Replace("level=INFO msg=\"not read because " + form[:len("{}URL")] + " is set: {}PORT, {}DATABASE, {}USER\"")
		if strings.Count(log.String(), want) != 1 {
			t.Errorf("the log has not one %s:\n%s", want, log)
		}
	}
}

func TestANamedInstanceReadsItsOwnVariablesOnly(t *testing.T) {
	setenv(t, "MYSQL_URL=mysql://default MYSQL_PASSWORD=other MYSQL_REPLICA_HOST=replica MYSQL_REPLICA_USER=app")
	if got := mysql.Resolve(t, "mysql-replica"); got.Addr != "replica:3306" || got.Password != "" || got.User != "app" {
		t.Errorf("got %+v", got)
	}
}

func TestAsManyIdleConnectionsAreKeptAsMayBeOpen(t *testing.T) {
	_, url := fake(t)
	for env, want := range map[string]int{"": 3, " MYSQL_MAX_IDLE_CONNS=2": 2, " MYSQL_MAX_IDLE_CONNS=9": 3} {
		setenv(t, "MYSQL_MAX_OPEN_CONNS=3 MYSQL_URL="+url+env)
		res := mysql.New("mysql")
		if err := res.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		warm(t, res.DB(), 3)
		if got := res.DB().Stats().Idle; got != want {
			t.Errorf("%s: %d idle connections are kept, want %d", env, got, want)
		}
		_ = res.Close(t.Context())
	}
}

func TestZeroIsNoLimitAndNotTheDefault(t *testing.T) {
	setenv(t, `MYSQL_URL=mysql://h MYSQL_MAX_OPEN_CONNS=0 MYSQL_MAX_IDLE_CONNS=0 MYSQL_CONN_MAX_LIFETIME=0
		MYSQL_CONN_MAX_IDLE_TIME=0s MYSQL_DIAL_TIMEOUT=0s MYSQL_READ_TIMEOUT=0s MYSQL_WRITE_TIMEOUT=0s`)
	want := usual
	want.MaxOpenConns, want.MaxIdleConns, want.ConnMaxLifetime, want.ConnMaxIdleTime = 0, 0, 0, 0
	want.Timeout, want.ReadTimeout, want.WriteTimeout = 0, 0, 0
	if got := mysql.Resolve(t, "mysql"); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	setenv(t, "MYSQL_URL=mysql://h?timeout=0&readTimeout=0s&writeTimeout=0")
	if got := mysql.Resolve(t, "mysql"); got.Timeout != 0 || got.ReadTimeout != 0 || got.WriteTimeout != 0 {
		t.Errorf("options of a URL: got %+v", got)
	}
}

func TestTLSIsAtLeastVersion12(t *testing.T) {
	setenv(t, "MYSQL_HOST=h MYSQL_TLS=verify")
	if got := mysql.DriverConfig(t, "mysql").TLS; got.MinVersion != tls.VersionTLS12 || got.InsecureSkipVerify {
		t.Errorf("got version %x, skip %v", got.MinVersion, got.InsecureSkipVerify)
	}
}

func TestAZeroFieldMeansItsDefault(t *testing.T) {
	cfg := config.Defaults(mysql.Config{MaxOpenConns: 2})
	if cfg.MaxOpenConns != 2 || cfg.WriteTimeout != 30*time.Second || cfg.ConnMaxLifetime != 5*time.Minute {
		t.Errorf("got %+v", cfg)
	}
}

// setenv sets the variables in list and unsets all others of MySQL.
func setenv(t *testing.T, list string) {
	t.Helper()
	for _, v := range config.Describe[mysql.Config]("mysql") {
		t.Setenv(v.Name, "")
		t.Setenv(v.Name+"_FILE", "")
	}
	for pair := range strings.FieldsSeq(list) {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
}

func TestTheDriverPrintsNothingThatAServerHasSent(t *testing.T) {
	setenv(t, "MYSQL_HOST=h")
	if _, silent := mysql.DriverConfig(t, "mysql").Logger.(*driver.NopLogger); !silent {
		t.Error("the driver has a logger")
	}
}
