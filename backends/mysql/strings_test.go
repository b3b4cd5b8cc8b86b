package mysql_test

import (
	"strings"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/mysql"
)

const (
	u  = "MYSQL_URL=mysql://app:PW@h/db"
	hp = "MYSQL_HOST=h MYSQL_USER=app MYSQL_PASSWORD=PW"
)

// What platforms hand out, by the numbers of the review of public strings.
func TestStringsOfTheWorldAreRead(t *testing.T) {
	app := usual
	app.User, app.Password, app.Database = "app", "PW", "db"
	parts := app
	parts.Database = ""
	verify := func(r *mysql.Resolved) { r.TLS, r.ServerName = true, "h" }
	encrypt := func(r *mysql.Resolved) { r.TLS, r.SkipVerify, r.ServerName = true, true, "h" }
	same := func(*mysql.Resolved) {}
	socket := func(r *mysql.Resolved) { r.Net, r.Addr = "unix", "/cloudsql/p:r:i" }
	for env, test := range map[string]struct {
		base mysql.Resolved
		edit func(*mysql.Resolved)
	}{
		u + "?ssl-mode=REQUIRED":                                            {app, encrypt},
		u + "?ssl-mode=VERIFY_CA":                                           {app, verify},
		u + "?ssl-mode=VERIFY_IDENTITY":                                     {app, verify},
		u + "?ssl-mode=DISABLED":                                            {app, same},
		u + "?ssl-mode=REQUIRED MYSQL_TLS=verify":                           {app, verify},
		u + "?sslaccept=strict":                                             {app, verify},
		u + "?sslaccept=accept_invalid_certs":                               {app, encrypt},
		u + `?ssl={"rejectUnauthorized":true}`:                              {app, verify},
		u + `?ssl={"rejectUnauthorized":false}`:                             {app, encrypt},
		u + "?ssl={}":                                                       {app, verify},
		u + "?ssl=true":                                                     {app, verify},
		u + "?sslmode=require":                                              {app, encrypt},
		u + "?ssl-mode=REQUIRED&sslaccept=strict":                           {app, verify},
		u + "?ssl-mode=REQUIRED&useSSL=true":                                {app, verify},
		u + "?useSSL=true&sslMode=VERIFY_CA":                                {app, verify},
		u + "?tls=off&useSSL=no":                                            {app, same},
		u + "?reconnect=true":                                               {app, same},
		u + "?serverVersion=8.0.32&charset=utf8mb4":                         {app, same},
		"MYSQL_URL=mysql://app:PW@localhost/db?socket=/cloudsql/p:r:i":      {app, socket},
		"MYSQL_URL=mysql://app:PW@localhost/db?socketPath=/cloudsql/p:r:i":  {app, socket},
		"MYSQL_URL=mysql://app:PW@localhost/db?unix_socket=/cloudsql/p:r:i": {app, socket},
		"MYSQL_HOST=/cloudsql/p:r:i MYSQL_USER=app MYSQL_PASSWORD=PW":       {parts, socket},
		"MYSQL_HOST=h:3307 MYSQL_USER=app MYSQL_PASSWORD=PW":                {parts, func(r *mysql.Resolved) { r.Addr = "h:3307" }},
		"MYSQL_HOST=::1 MYSQL_USER=app MYSQL_PASSWORD=PW":                   {parts, func(r *mysql.Resolved) { r.Addr = "[::1]:3306" }},
		u + " MYSQL_USER=app MYSQL_PASSWORD=PW MYSQL_DATABASE=db":           {app, same},
		u + " MYSQL_HOST=h MYSQL_USERNAME=app MYSQL_PASSWORD=PW":            {app, same},
		"MYSQL_URL=mysql://app@h/db MYSQL_PASSWORD=PW":                      {app, same},
		"MYSQL_URL=mysql://h/db MYSQL_USER=app MYSQL_PASSWORD=PW":           {app, same},
		"MYSQL_URL=mysql://app:PW@h:3306 MYSQL_DATABASE=db":                 {app, same},
		"MYSQL_DSN=app:PW@tcp(h)/ MYSQL_DATABASE=db":                        {app, same},
		u + "?connection_limit=5":                                           {app, func(r *mysql.Resolved) { r.MaxOpenConns = 5 }},
		u + "?connect_timeout=3&socket_timeout=9":                           {app, func(r *mysql.Resolved) { r.Timeout, r.ReadTimeout = 3*time.Second, 9*time.Second }},
		u + "?connectTimeout=3000":                                          {app, func(r *mysql.Resolved) { r.Timeout = 3 * time.Second }},
		u + "?multipleStatements=true":                                      {app, func(r *mysql.Resolved) { r.Flags = "native live multi time " }},
		u + "?allowAllFiles=true":                                           {app, func(r *mysql.Resolved) { r.Flags = "native live time files " }},
		u + "?allowCleartextPasswords=true":                                 {app, func(r *mysql.Resolved) { r.Flags = "native live time clear " }},
		u + "?checkConnLiveness=false":                                      {app, func(r *mysql.Resolved) { r.Flags = "native time " }},
		u + "?transaction_isolation=READ-COMMITTED&innodb_lock_wait_timeout=5": {app, func(r *mysql.Resolved) {
			r.Params = "map[innodb_lock_wait_timeout:5 transaction_isolation:'READ-COMMITTED']"
		}},
		hp: {parts, same},

		"MYSQL_URL=mysql://app:PW@/db?unix_socket=/cloudsql/p:r:i":    {app, socket}, // SQLAlchemy
		u + "?encoding=utf8mb4&pool=5&prepared_statements=false":      {app, same},   // Rails
		u + "?characterSetResults=utf8&tinyInt1isBit=false":           {app, same},   // JDBC
		"MYSQL_URL=mysql://app:PW@[fe80::1%25eth0]/db":                {app, func(r *mysql.Resolved) { r.Addr = "[fe80::1%eth0]:3306" }},
		"MYSQL_HOST=fe80::1%eth0 MYSQL_USER=app MYSQL_PASSWORD=PW":    {parts, func(r *mysql.Resolved) { r.Addr = "[fe80::1%eth0]:3306" }},
		"MYSQL_URL=mysql://app:PW@[fe80::1%eth0]/db MYSQL_TLS=verify": {app, func(r *mysql.Resolved) { r.Addr, r.TLS, r.ServerName = "[fe80::1%eth0]:3306", true, "fe80::1" }},
	} {
		setenv(t, env)
		want := test.base
		test.edit(&want)
		if got := mysql.Resolve(t, "mysql"); got != want {
			t.Errorf("%s\ngot  %+v\nwant %+v", env, got, want)
		}
	}
}

func TestAVariableBesideAnOptionSaysTheSame(t *testing.T) {
	for env, want := range map[string]string{
		"?connection_limit=5 MYSQL_MAX_OPEN_CONNS=5":     "",
		"?connection_limit=5 MYSQL_MAX_OPEN_CONNS=10":    "MYSQL_URL: option connection_limit: conflicts with MYSQL_MAX_OPEN_CONNS; remove one",
		"?timeout=3s MYSQL_DIAL_TIMEOUT=3000ms":          "",
		"?connectTimeout=1000 MYSQL_DIAL_TIMEOUT=5s":     "MYSQL_URL: option connectTimeout: conflicts with MYSQL_DIAL_TIMEOUT; remove one",
		"?readTimeout=1s&writeTimeout=1s MYSQL_ROLE=any": "",
	} {
		setenv(t, u+env)
		err := mysql.New("mysql").Configure()
		if (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("%s\ngot  %v\nwant %s", env, err, want)
		}
	}
}

func TestStringsOfTheWorldAreRefusedWithWhatToWrite(t *testing.T) {
	const parens = "write host:port for tcp(host:port), and %2F for each / of a socket in the place of the host"
	const oneOf = "the scheme is that of another language: write mysql://"
	for env, want := range map[string]string{
		"MYSQL_URL=jdbc:mysql://h/db?user=app&password=PW":    "MYSQL_URL: this is a URL of Java: drop jdbc:, and put the user and the password before the @",
		"MYSQL_URL=mysql+pymysql://app:PW@h/db":               "MYSQL_URL: " + oneOf,
		"MYSQL_URL=r2dbc:mysql://app:PW@h/db":                 "MYSQL_URL: this is a URL of Java: write mysql://user:password@host/database",
		"MYSQL_URL=mysql://app:PW@h/db&ssl-mode=REQUIRED":     "MYSQL_URL: a ? must stand before the first option, and an & in a name be percent-encoded (%26)",
		"MYSQL_URL=mysql://app:[YOUR-PASSWORD]@h/db":          "MYSQL_URL: has a <...>, [...] or {...} that is to be replaced, as in <password>",
		hp + " MYSQL_DATABASE=mysql://app:PW@h/db":            "MYSQL_DATABASE: want a name, not a URL",
		u + "?sessionVariables=sql_mode%3DANSI":               "MYSQL_URL: option sessionVariables: not supported: write the variables themselves, such as sql_mode=ANSI",
		u + "?useAffectedRows=false":                          "MYSQL_URL: option useAffectedRows: not supported: write clientFoundRows",
		"MYSQL_URL=mysql2://app:PW@h/db":                      "MYSQL_URL: " + oneOf,
		"MYSQL_URL=Server=h;Database=db;Uid=app;Pwd=PW":       "MYSQL_URL: this is the form of .NET: write mysql://user:password@host/database",
		u + "?sslca=/etc/ca.pem":                              "MYSQL_URL: option sslca: no such file",
		u + "?ssl-mode=PREFERRED":                             "MYSQL_URL: option ssl-mode: the connection might be in clear text: want true, false or skip-verify",
		u + "?timezone=Z":                                     "MYSQL_URL: option timezone: not supported: write loc or time_zone",
		u + "?serverPubKey=other":                             "MYSQL_URL: option serverPubKey: not the name of a key that the program has registered with the driver",
		"MYSQL_URL=mysql://app:PW@::1:3306/db":                "MYSQL_URL: an IPv6 address must stand in brackets, as in [::1]",
		"MYSQL_HOST=fe80::1::2 MYSQL_USER=app":                "MYSQL_HOST: not a host name or address: an IPv6 address must stand in brackets, as in [::1]",
		"MYSQL_HOST=mysql://h MYSQL_USER=app":                 "MYSQL_HOST: not a host name or address: want host:port, without a scheme such as http://",
		"MYSQL_HOST=h:3307 MYSQL_PORT=3306":                   "MYSQL_HOST: has a port, and MYSQL_PORT is another one",
		"MYSQL_DSN=MySQL://app:PW@h/db":                       "MYSQL_DSN: this is a URL: put it into MYSQL_URL",
		"MYSQL_DSN=jdbc:mysql://h/db":                         "MYSQL_DSN: this is a URL of Java: drop jdbc:, and put the user and the password before the @",
		"MYSQL_DSN=mysql:host=h;dbname=db":                    "MYSQL_DSN: this is the form of PHP: write mysql://user:password@host/database",
		"MYSQL_DSN=Server=h;Database=db;Pwd=PW":               "MYSQL_DSN: this is the form of .NET: write mysql://user:password@host/database",
		"MYSQL_URL=mysql://app:PW@tcp(h:3306)/db":             "MYSQL_URL: " + parens,
		"MYSQL_URL=mysql://app:PW@unix(/run/s)/db":            "MYSQL_URL: " + parens,
		"MYSQL_URL=MYSQL_URL=mysql://app:PW@h/db":             "MYSQL_URL: the name of a variable stands before it: drop that and the =",
		u + "?tls=true&useSSL=false":                          "MYSQL_URL: option useSSL: conflicts with MYSQL_TLS or another option; remove one",
		u + "?socket=/a&unix_socket=/b":                       "MYSQL_URL: option unix_socket: is set as socket, too, to another value; remove one",
		u + "?connectTimeout=5000&timeout=3s":                 "MYSQL_URL: option timeout: is set as connectTimeout, too, to another value; remove one",
		u + "?tls=true&amp;charset=utf8":                      "MYSQL_URL: " + malformed,
		u + "?SSLMODE=require":                                `MYSQL_URL: option "SSLMODE" is unknown; did you mean sslMode?`,
		u + "?useSLL=true":                                    `MYSQL_URL: option "useSLL" is unknown; did you mean useSSL?`,
		u + "?requireSSL=true":                                "MYSQL_URL: option requireSSL: not supported: write sslmode=verify-full, or sslmode=no-verify if the server is not to be verified",
		u + "?socket=run/s":                                   "MYSQL_URL: option socket: not the path of a socket",
		u + "?host=/cloudsql/p:r:i":                           "MYSQL_URL: option host: not supported: write it behind the @; socket names a Unix socket",
		u + "?ssl=true&loc=Nowhere&interpolatParams=1":        `MYSQL_URL: option "interpolatParams" is unknown; did you mean interpolateParams?; MYSQL_URL: option loc: not a known time zone; where the system has no list of them, import time/tzdata`,
		"MYSQL_URL=mysql://app:PW@h/db?socket=/s&ssl=true":    "MYSQL_TLS: there is no TLS over a Unix socket",
		"MYSQL_URL=mysql://app:PW@h/db?connection_limit=many": "MYSQL_URL: option connection_limit: not a whole number from 0",
	} {
		setenv(t, env)
		err := mysql.New("mysql").Configure()
		if err == nil || strings.ReplaceAll(err.Error(), "\n", "; ") != want {
			t.Errorf("%s\ngot  %v\nwant %s", env, err, want)
		}
	}
}
