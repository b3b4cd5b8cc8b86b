package redis_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/internal/canary"
	"github.com/vibework/mooring/registry"
)

const hint = ` (not wanted? drop its import, or call registry.Unregister("redis"))`

func TestBadConfigurationIsOneLineThatNamesTheVariable(t *testing.T) {
	for name, test := range map[string]struct{ env, want string }{
		"nothing is set":          {"", "REDIS_URL is not set, nor is REDIS_HOST or REDIS_SENTINEL_HOSTS"},
		"a port and no server":    {"REDIS_PORT=70000", "REDIS_PORT: not a port: want 1 to 65535; REDIS_URL is not set, nor is REDIS_HOST or REDIS_SENTINEL_HOSTS"},
		"a host that is none":     {"REDIS_HOST=h\ai", "REDIS_HOST: has a control character"},
		"another URL is set":      {"DATABASE_URL=rediss://:SECRET@h", "REDIS_URL is not set, nor is REDIS_HOST or REDIS_SENTINEL_HOSTS; DATABASE_URL is set, but not read"},
		"another scheme":          {"REDIS_URL=tcp://h", "REDIS_URL: does not begin with redis:// or rediss:// or valkey:// or valkeys://"},
		"no scheme":               {"REDIS_URL=SECRET", "REDIS_URL: does not begin with redis:// or rediss:// or valkey:// or valkeys://"},
		"opaque":                  {"REDIS_URL=redis:SECRET@h", "REDIS_URL: does not begin with redis:// or rediss:// or valkey:// or valkeys://"},
		"no host":                 {"REDIS_URL=redis://:SECRET@", "REDIS_URL: the host is missing or malformed"},
		"host forgotten":          {"REDIS_URL=redis://user:SECRET/0", "REDIS_URL: the port is not a number from 1 to 65535"},
		"two hosts":               {"REDIS_URL=redis://a,b", "REDIS_URL: want one host; write redis+sentinel://s1,s2/NAME or redis+cluster://n1,n2 for several"},
		"slash in password":       {"REDIS_URL=redis://u:SEC/RET@h", "REDIS_URL: the characters / ? # @ in a user name, password or option must be percent-encoded (%2F %3F %23 %40)"},
		"percent in password":     {"REDIS_URL=redis://u:SECRET%zz@h", "REDIS_URL: a % in the user name or password must be percent-encoded (%25)"},
		"port zero":               {"REDIS_URL=redis://h:0", "REDIS_URL: the port is not a number from 1 to 65535"},
		"database no number":      {"REDIS_URL=redis://h/x", "REDIS_URL: the database must be a number, as in redis://host/0 or ?db=0"},
		"database with slash":     {"REDIS_URL=redis://h/3/", "REDIS_URL: the database must be a number, as in redis://host/0 or ?db=0"},
		"option of go-redis":      {"REDIS_URL=redis://h?read_timeout=3", "REDIS_URL: option read_timeout: not supported: set REDIS_READ_TIMEOUT"},
		"verification off":        {"REDIS_URL=rediss://h?ssl_cert_reqs=none", "REDIS_URL: option ssl_cert_reqs: not supported: set REDIS_TLS=skip-verify"},
		"verification skipped":    {"REDIS_URL=rediss://h?skip_verify=true", "REDIS_URL: option skip_verify: not supported: set REDIS_TLS=skip-verify"},
		"misspelled option":       {"REDIS_URL=redis://h?famly=0", "REDIS_URL: option \"famly\" is unknown; did you mean family?"},
		"unknown option":          {"REDIS_URL=redis://h?colour=red", "REDIS_URL: an option after the ? is unknown; db, tls, family and client_name are known"},
		"secret as an option":     {"REDIS_URL=redis://h?SECRET=1", "REDIS_URL: an option after the ? is unknown; db, tls, family and client_name are known"},
		"version 3":               {"REDIS_URL=redis://h?protocol=3", "REDIS_URL: option protocol: not supported: the driver speaks version 2 only"},
		"family of nobody":        {"REDIS_URL=redis://h?family=5", "REDIS_URL: option family: not 0, 4 or 6"},
		"TLS maybe":               {"REDIS_URL=redis://h?tls=maybe", "REDIS_URL: option tls: not true, false or skip-verify"},
		"two databases":           {"REDIS_URL=redis://h/1?db=2", "REDIS_URL: the path and an option after the ? name different databases"},
		"comma after database":    {"REDIS_URL=redis://h/0,", "REDIS_URL: the database must be a number, as in redis://host/0 or ?db=0"},
		"the form of .NET":        {"REDIS_URL=n.redis.cache.windows.net:6380,password=SECRET=,ssl=True", "REDIS_URL: is in the form of .NET: write the host and its port as rediss://host:6380, and set REDIS_PASSWORD"},
		"another form of .NET":    {"REDIS_URL=h:6379,user=a,pwd=SECRET", "REDIS_URL: is in the form of .NET: write the host and its port as rediss://host:6380, and set REDIS_PASSWORD"},
		"two names of a database": {"REDIS_URL=redis://h?db=1&Database=2", "REDIS_URL: option db: is set as Database, too, to another value; remove one"},
		"database as an option":   {"REDIS_URL=redis://h?db=SECRET", "REDIS_URL: the database must be a number, as in redis://host/0 or ?db=0"},
		"database and no name":    {"REDIS_URL=redis+sentinel://s1,s2/0 REDIS_SENTINEL_MASTER=m", "REDIS_URL: want the name of the primary after the hosts: redis+sentinel://s1,s2/NAME or NAME/0"},
		"TLS by option, and off":  {"REDIS_URL=redis://h?tls=true REDIS_TLS=off", "REDIS_URL: option tls: conflicts with REDIS_TLS or another option; remove one"},
		"TLS off by option":       {"REDIS_URL=rediss://h?ssl=false", "REDIS_URL: asks for TLS, but REDIS_TLS or an option is off"},
		"two words for TLS":       {"REDIS_URL=redis://h?tls=true&ssl=false", "REDIS_URL: option tls: conflicts with REDIS_TLS or another option; remove one"},
		"password in the host":    {"REDIS_HOST=app:SECRET@h", "REDIS_HOST: not a host name or address: want host:port, without a user or a password"},
		"the REST of Upstash":     {"REDIS_URL=https://x.upstash.io", "REDIS_URL: is the address of an HTTP service: want redis:// or rediss://, or REDIS_HOST and REDIS_PASSWORD"},
		"two passwords":           {"REDIS_URL=redis://:SECRET@h REDIS_PASSWORD=other", "REDIS_URL: has another password than REDIS_PASSWORD: keep one"},
		"scheme in the host":      {"REDIS_HOST=https://h", "REDIS_HOST: not a host name or address: want host:port, without a scheme such as http://"},
		"IPv6 without brackets":   {"REDIS_HOST=2001:db8::1:6379", "REDIS_HOST: not a host name or address: an IPv6 address must stand in brackets, as in [::1]"},
		"two ports":               {"REDIS_HOST=h:1 REDIS_PORT=2", "REDIS_HOST: has a port, and REDIS_PORT is another one"},
		"TLS over a socket":       {"REDIS_HOST=/run/redis.sock REDIS_TLS=verify", "REDIS_TLS: there is no TLS over a Unix socket"},
		"unknown role":            {"REDIS_HOST=h REDIS_ROLE=SECRET", "REDIS_ROLE: not primary, replica or any"},
		"blank in a name":         {"REDIS_URL=redis://h?client_name=a%20b", "REDIS_URL: option client_name: want printable letters without a blank"},
		"another name":            {"REDIS_URL=redis://h?client_name=a REDIS_CLIENT_NAME=SECRET", "REDIS_URL: option client_name: conflicts with REDIS_CLIENT_NAME; remove one"},
		"all at once":             {"REDIS_URL=tcp://h REDIS_TLS=maybe REDIS_ROLE=x", "REDIS_URL: does not begin with redis:// or rediss:// or valkey:// or valkeys://; REDIS_TLS: not off, verify or skip-verify; REDIS_ROLE: not primary, replica or any"},
		"user without password":   {"REDIS_URL=redis://app:@h", "REDIS_URL: the user has no password"},
		"no name of a primary":    {"REDIS_URL=redis+sentinel://s1,s2", "REDIS_URL: want the name of the primary after the hosts: redis+sentinel://s1,s2/NAME or NAME/0"},
		"database of a cluster":   {"REDIS_URL=redis+cluster://n1,n2/1", "REDIS_URL: a cluster has no databases: drop what stands after the hosts"},
		"cluster over a socket":   {"REDIS_URL=redis+cluster://%2Frun%2Fr.sock", "REDIS_URL: a cluster is not found by a Unix socket"},
		"the form of Lettuce":     {"REDIS_URL=redis-sentinel://h", "REDIS_URL: is in another program's form: write redis+sentinel://s1,s2/NAME or redis+cluster://n1,n2"},
		"a host like a scheme":    {"REDIS_URL=redis-cache.example:6379", "REDIS_URL: does not begin with redis:// or rediss:// or valkey:// or valkeys://"},
		"a Sentinel's user alone": {"REDIS_URL=redis+sentinel://s1/m REDIS_SENTINEL_USERNAME=SECRET", "REDIS_SENTINEL_PASSWORD is not set, but REDIS_SENTINEL_USERNAME is"},
		"a command":               {"REDIS_URL=redis-cli", "REDIS_URL: is a command: write only what stands behind its -u"},
		"a path":                  {"REDIS_URL=/run/redis.sock", "REDIS_URL: the path of a Unix socket is unix:///path"},
		"one slash of a socket":   {"REDIS_URL=unix:/run/redis.sock", "REDIS_URL: the path of a Unix socket is unix:///path"},
		"a socket of Lettuce":     {"REDIS_URL=redis-socket:///run/redis.sock", "REDIS_URL: the path of a Unix socket is unix:///path"},
		"a URL for each node":     {"REDIS_URL=redis://:SECRET@n1:6379,redis://n2:6379", "REDIS_URL: is in another program's form: write redis+sentinel://s1,s2/NAME or redis+cluster://n1,n2"},
		"a scheme for a cluster":  {"REDIS_URL=cluster://:SECRET@n1", "REDIS_URL: is in another program's form: write redis+sentinel://s1,s2/NAME or redis+cluster://n1,n2"},
		"TLS said twice":          {"REDIS_URL=rediss+tls://h", "REDIS_URL: the scheme is that of another language: write rediss://"},
		"an HTTP service":         {"REDIS_URL=http://x.upstash.io", "REDIS_URL: is the address of an HTTP service: want redis:// or rediss://, or REDIS_HOST and REDIS_PASSWORD"},
		"verification, in camels": {"REDIS_URL=rediss://h?rejectUnauthorized=false", "REDIS_URL: option rejectUnauthorized: not supported: set REDIS_TLS=skip-verify"},
		"a cluster by option":     {"REDIS_URL=redis://n1?addr=n2:6379", "REDIS_URL: option addr: not supported: write redis+cluster://n1,n2"},
		"a primary by option":     {"REDIS_URL=redis+sentinel://s1/m?master_name=x", "REDIS_URL: option master_name: not supported: write redis+sentinel://s1,s2/NAME"},
		"a primary and a host":    {"REDIS_HOST=s1 REDIS_SENTINEL_MASTER=m", "REDIS_SENTINEL_HOSTS is not set, but REDIS_SENTINEL_MASTER is"},
		"another topology":        {"REDIS_URL=redis+SECRET://h", "REDIS_URL: the scheme is that of another language: write redis://"},
		"Sentinels, no primary":   {"REDIS_SENTINEL_HOSTS=s1,s2", "REDIS_SENTINEL_MASTER is not set, but REDIS_SENTINEL_HOSTS is"},
		"primary, no Sentinels":   {"REDIS_SENTINEL_MASTER=SECRET", "REDIS_SENTINEL_HOSTS is not set, but REDIS_SENTINEL_MASTER is"},
		"malformed Sentinel":      {"REDIS_SENTINEL_HOSTS=s1,SECRET@h REDIS_SENTINEL_MASTER=m", "REDIS_SENTINEL_HOSTS: want host:port, without a user or a password"},
		"Sentinels and a host":    {"REDIS_SENTINEL_HOSTS=s1 REDIS_SENTINEL_MASTER=m REDIS_HOST=h", "REDIS_HOST and REDIS_SENTINEL_HOSTS are both set: keep one"},
		"replica by Sentinels":    {"REDIS_URL=redis+sentinel://s1/m REDIS_ROLE=replica", "REDIS_ROLE: Sentinels and a cluster lead to primaries: want primary or any"},
		"TLS off and on":          {"REDIS_URL=rediss://h REDIS_TLS=off", "REDIS_URL: asks for TLS, but REDIS_TLS or an option is off"},
		"malformed host":          {"REDIS_HOST=SECRET@h", "REDIS_HOST: not a host name or address: want host:port, without a user or a password"},
		"user alone":              {"REDIS_HOST=h REDIS_USERNAME=SECRET", "REDIS_PASSWORD is not set, but REDIS_USERNAME is"},
		"port no number":          {"REDIS_HOST=h REDIS_PORT=SECRET", "REDIS_PORT: not a port: want 1 to 65535"},
		"duration without unit":   {"REDIS_HOST=h REDIS_READ_TIMEOUT=3", "REDIS_READ_TIMEOUT: not a duration with a unit, such as 30s"},
		"CA file is not there":    {"REDIS_HOST=h REDIS_TLS_CA_FILE=/SECRET", "REDIS_TLS_CA_FILE: no such file"},
		"a mistake of each kind":  {"REDIS_URL=tcp://h REDIS_DB=x", "REDIS_DB: not a whole number; REDIS_URL: does not begin with redis:// or rediss:// or valkey:// or valkeys://"},
		"two mistakes":            {"REDIS_DB=x REDIS_MAX_IDLE=-1", "REDIS_DB: not a whole number; REDIS_MAX_IDLE: must not be negative; REDIS_URL is not set, nor is REDIS_HOST or REDIS_SENTINEL_HOSTS"},
	} {
		t.Run(name, func(t *testing.T) {
			secret := canary.New("", "")
			setenv(t, strings.ReplaceAll(test.env, "SECRET", secret.Value))
			r := registry.New()
			r.Register(redis.New("redis"))
			err := r.OpenAll(t.Context())
			want := "configure redis: config: " + test.want
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
			{"REDIS_URL": "redis://app:pw@h:6379/2"},
			{"REDIS_HOST": "h", "REDIS_PORT": "6379", "REDIS_USERNAME": "app", "REDIS_PASSWORD": "pw", "REDIS_DB": "2"},
		} {
			setenv(t, "")
			for variable, value := range environ {
				t.Setenv(variable, value+end)
			}
			got := redis.Resolve(t, "redis")
			if got.Addr != "h:6379" || got.Username != "app" || got.Password != "pw" || got.DB != 2 {
				t.Errorf("%q after %v\ngot  %+v", end, environ, got)
			}
		}
	}
}

func TestEveryVariableReachesTheDriver(t *testing.T) {
	setenv(t, `REDIS_HOST=db.example REDIS_PORT=tcp://10.0.0.7:6380 REDIS_USERNAME=app REDIS_PASSWORD=pw REDIS_DB=3
		REDIS_MAX_ACTIVE=7 REDIS_MAX_IDLE=5 REDIS_IDLE_TIMEOUT=1m REDIS_MAX_CONN_LIFETIME=2m
		REDIS_DIAL_TIMEOUT=3s REDIS_READ_TIMEOUT=4s REDIS_WRITE_TIMEOUT=5s REDIS_TLS=skip-verify REDIS_TLS_SERVER_NAME=other
		REDIS_CLIENT_NAME=shop`)
	got := redis.Resolve(t, "redis")
	want := redis.Resolved{
		Addr: "db.example:6380", Username: "app", Password: "pw", DB: 3,
		MaxActive: 7, MaxIdle: 5, IdleTimeout: time.Minute, MaxConnLifetime: 2 * time.Minute,
		DialTimeout: 3 * time.Second, ReadTimeout: 4 * time.Second, WriteTimeout: 5 * time.Second,
		TLS: true, ServerName: "other", SkipVerify: true, ClientName: "shop",
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestAURLIsTakenApart(t *testing.T) {
	for url, want := range map[string]redis.Resolved{
		"redis://h":                  {Addr: "h:6379"},
		"valkey://[::1]:7/9":         {Addr: "[::1]:7", DB: 9},
		"redis://app:p%40ss%2F@h/2":  {Addr: "h:6379", Username: "app", Password: "p@ss/", DB: 2},
		"redis://:p@ss@h":            {Addr: "h:6379", Password: "p@ss"},
		"redis://as-redis-cli@h":     {Addr: "h:6379", Password: "as-redis-cli"},
		"rediss://h:1":               {Addr: "h:1", TLS: true, ServerName: "h"},
		"valkeys://10.0.0.1":         {Addr: "10.0.0.1:6379", TLS: true, ServerName: "10.0.0.1"},
		"redis://u:a:b@redis.local/": {Addr: "redis.local:6379", Username: "u", Password: "a:b"},

		"REDIS://default:PW@[::1]:6379/0":   {Addr: "[::1]:6379", Username: "default", Password: "PW"},
		"redis://default:PW@h?family=0":     {Addr: "h:6379", Username: "default", Password: "PW"},
		"redis://default:PW@h?family=6":     {Addr: "h:6379", Username: "default", Password: "PW", Family: "6"},
		"redis://:PW@h:6379?db=2":           {Addr: "h:6379", Password: "PW", DB: 2},
		"redis://h/2?db=2":                  {Addr: "h:6379", DB: 2},
		"redis://:PW@h?tls=true":            {Addr: "h:6379", Password: "PW", TLS: true, ServerName: "h"},
		"rediss://h?ssl_cert_reqs=required": {Addr: "h:6379", TLS: true, ServerName: "h"},
		"rediss://h?rejectUnauthorized=true&verifyPeer=FULL&ssl_check_hostname=true": {Addr: "h:6379", TLS: true, ServerName: "h"},
		"rediss://:ab+cd=@h":                {Addr: "h:6379", Password: "ab+cd=", TLS: true, ServerName: "h"},
		"redis://h:PW@h":                    {Addr: "h:6379", Username: "h", Password: "PW"},
		"unix:///run/redis.sock":            {Addr: "/run/redis.sock"},
		"unix://u:PW@/run/redis.sock?db=3":  {Addr: "/run/redis.sock", Username: "u", Password: "PW", DB: 3},
		"redis://:PW@%2Frun%2Fredis.sock/1": {Addr: "/run/redis.sock", Password: "PW", DB: 1},

		"redis+sentinel://app:PW@s1:26380,s2,[::1]:7/shop/2": {
			Addr: "s1:26380 s2:26379 [::1]:7", Topology: "sentinel", Master: "shop", Username: "app", Password: "PW", DB: 2,
		},
		"REDISS+Sentinel://s1/shop":         {Addr: "s1:26379", Topology: "sentinel", Master: "shop", TLS: true},
		"redis+sentinel://s1/shop?db=3":     {Addr: "s1:26379", Topology: "sentinel", Master: "shop", DB: 3},
		"redis+cluster://:PW@n1:7000,n2,n3": {Addr: "n1:7000 n2:6379 n3:6379", Topology: "cluster", Password: "PW"},
		"valkeys+cluster://n1":              {Addr: "n1:6379", Topology: "cluster", TLS: true},

		"redis://h?protocol=2&client_name=shop&allowUsernameInURI=true": {Addr: "h:6379", ClientName: "shop"},
	} {
		setenv(t, "REDIS_URL="+url)
		got := redis.Resolve(t, "redis")
		want.MaxActive, want.MaxIdle, want.IdleTimeout, want.MaxConnLifetime = 10, 10, time.Minute, 30*time.Minute
		want.DialTimeout, want.ReadTimeout, want.WriteTimeout = 5*time.Second, 3*time.Second, 3*time.Second
		if got != want {
			t.Errorf("%s\ngot  %+v\nwant %+v", url, got, want)
		}
	}
}

func TestWhatAPlatformSetsBesideTheURLIsIgnored(t *testing.T) {
	for env, want := range map[string]redis.Resolved{
		"REDIS_URL=redis://h:1/2 REDIS_PORT=tcp://10.0.0.7:6379 REDIS_DB=9": {Addr: "h:1", DB: 2},
		"REDIS_URL=redis://h REDIS_DB=9":                                    {Addr: "h:6379"},
		"REDIS_URL=redis://default:PW@h REDIS_PASSWORD=PW REDIS_USERNAME=x": {Addr: "h:6379", Username: "default", Password: "PW"},
		"REDIS_URL=redis://h REDIS_HOST=other REDIS_PORT=1":                 {Addr: "h:6379"},
		"REDIS_URL=redis://h REDIS_PASSWORD=PW":                             {Addr: "h:6379", Password: "PW"},
		"REDIS_URL=redis://app@h REDIS_PASSWORD=PW":                         {Addr: "h:6379", Username: "app", Password: "PW"},
		"REDIS_URL=redis://h REDIS_USERNAME=app REDIS_PASSWORD=PW":          {Addr: "h:6379", Username: "app", Password: "PW"},
	} {
		setenv(t, env)
		got := redis.Resolve(t, "redis")
		if got.Addr != want.Addr || got.DB != want.DB || got.Username != want.Username || got.Password != want.Password {
			t.Errorf("%s: got %+v", env, got)
		}
	}
}

func TestSentinelsAreFoundByVariables(t *testing.T) {
	for env, want := range map[string]redis.Resolved{
		"REDIS_SENTINEL_HOSTS=s1:7,s2 REDIS_SENTINEL_MASTER=m REDIS_PASSWORD=PW REDIS_DB=3": {Addr: "s1:7 s2:26379", Master: "m", Password: "PW", DB: 3},
		"REDIS_URL=redis+sentinel://s1 REDIS_SENTINEL_MASTER=m":                             {Addr: "s1:26379", Master: "m"},
		"REDIS_URL=redis+sentinel://s1/m REDIS_SENTINEL_MASTER=n REDIS_SENTINEL_HOSTS=s2":   {Addr: "s1:26379", Master: "m"},
	} {
		setenv(t, env)
		got := redis.Resolve(t, "redis")
		if got.Addr != want.Addr || got.Master != want.Master || got.DB != want.DB || got.Password != want.Password {
			t.Errorf("%s: got %+v", env, got)
		}
	}
}

func TestAHostMayHaveAPortOrBeASocket(t *testing.T) {
	for host, addr := range map[string]string{
		"h:7": "h:7", "h": "h:6379", "[::1]:7": "[::1]:7", "::1": "[::1]:6379", "/run/redis.sock": "/run/redis.sock",
	} {
		setenv(t, "REDIS_HOST="+host)
		if got := redis.Resolve(t, "redis"); got.Addr != addr {
			t.Errorf("%s is %s, want %s", host, got.Addr, addr)
		}
	}
}

func TestANamedInstanceReadsItsOwnVariablesOnly(t *testing.T) {
	setenv(t, "REDIS_URL=redis://default REDIS_SESSIONS_HOST=sessions REDIS_PASSWORD=other")
	if got := redis.Resolve(t, "redis-sessions"); got.Addr != "sessions:6379" || got.Password != "" {
		t.Errorf("got %+v", got)
	}
}

func TestZeroIsWhatTheDriverMeansByIt(t *testing.T) {
	none := redis.Resolved{Addr: "h:6379"}
	setenv(t, `REDIS_HOST=h REDIS_DB=0 REDIS_MAX_ACTIVE=0 REDIS_MAX_IDLE=0 REDIS_IDLE_TIMEOUT=0s REDIS_MAX_CONN_LIFETIME=0s
		REDIS_DIAL_TIMEOUT=0s REDIS_READ_TIMEOUT=0s REDIS_WRITE_TIMEOUT=0s`)
	if got := redis.Resolve(t, "redis"); got != none {
		t.Errorf("got %+v", got)
	}
	got := redis.ResolveConfig(t, redis.Config{
		Host: "h", MaxActive: -1, MaxIdle: -1, IdleTimeout: -1, MaxConnLifetime: -1,
		DialTimeout: -1, ReadTimeout: -1, WriteTimeout: -1,
	})
	if got != none {
		t.Errorf("below zero, in code: got %+v", got)
	}
	setenv(t, "REDIS_HOST=h REDIS_MAX_ACTIVE=0")
	if got := redis.Resolve(t, "redis"); got.MaxActive != 0 || got.MaxIdle != 10 {
		t.Errorf("without a limit, %d of %d connections are kept idle", got.MaxIdle, got.MaxActive)
	}
}

func TestTLSIsAtLeastVersion12(t *testing.T) {
	setenv(t, "REDIS_URL=rediss://h")
	if got := redis.TLSOf(t, "redis"); got.MinVersion != tls.VersionTLS12 || got.InsecureSkipVerify {
		t.Errorf("got version %x, skip %v", got.MinVersion, got.InsecureSkipVerify)
	}
}

func TestEachServerOfSeveralHasToShowItsName(t *testing.T) {
	for env, want := range map[string]string{
		"REDIS_URL=rediss+cluster://n1,n2":                                  "10.0.0.7",
		"REDIS_URL=rediss+sentinel://s1,s2/m":                               "10.0.0.7",
		"REDIS_URL=rediss+cluster://n1 REDIS_TLS_SERVER_NAME=redis.example": "redis.example",
		"REDIS_URL=rediss://n1":                                             "n1",
	} {
		setenv(t, env)
		if got := redis.TLSTo(t, "10.0.0.7:6379").ServerName; got != want {
			t.Errorf("%s: %s, want %s", env, got, want)
		}
	}
}

func TestAZeroFieldMeansItsDefault(t *testing.T) {
	cfg := config.Defaults(redis.Config{MaxActive: 2})
	if cfg.MaxActive != 2 || cfg.MaxIdle != 10 || cfg.ReadTimeout != 3*time.Second {
		t.Errorf("got %+v", cfg)
	}
}

// setenv sets the variables in list and unsets all others of Redis.
func setenv(t *testing.T, list string) {
	t.Helper()
	for _, v := range config.Describe[redis.Config]("redis") {
		t.Setenv(v.Name, "")
	}
	for pair := range strings.FieldsSeq(list) {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
}

func TestALoneNameInTheURLIsToldOfOnce(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	defer slog.SetDefault(before)
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	name := fmt.Sprintf("redis-%d", time.Now().UnixNano()) // it is told once in the life of the process
	t.Setenv(config.Prefix(name)+"URL", "redis://hunter2@h")
	resource := redis.New(name)
	for range 3 { // as an optional resource is, at each attempt to open it
		if err := resource.Configure(); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(log.String(), "is taken for the password"); n != 1 {
		t.Errorf("%d records:\n%s", n, &log)
	}
}
