package mysql_test

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/internal/canary"
	"github.com/vibework/mooring/internal/mysqltest"
	"github.com/vibework/mooring/registry"
)

// loginWith starts a server whose user has the secret for a password, and returns its address.
func loginWith(t *testing.T, secret canary.Secret) string {
	t.Helper()
	return mysqltest.Start(t, mysqltest.Options{User: "app", Password: secret.Value, Database: "shop"}).Addr()
}

func TestAHostilePasswordLogsInFromWhereverItStands(t *testing.T) {
	log := capture(t)
	for name, secret := range canary.Hostile() {
		t.Run(name, func(t *testing.T) {
			addr := loginWith(t, secret)
			file := filepath.Join(t.TempDir(), "password")
			if err := os.WriteFile(file, []byte(secret.Value+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			parts := "MYSQL_HOST=127.0.0.1 MYSQL_USER=app MYSQL_DATABASE=shop MYSQL_PORT=tcp://" + addr
			for variable, test := range map[string]struct{ others, value string }{
				"MYSQL_URL":           {"", "mysql://" + url.UserPassword("app", secret.Value).String() + "@" + addr + "/shop"},
				"MYSQL_DSN":           {"", "app:" + secret.Value + "@tcp(" + addr + ")/shop"},
				"MYSQL_PASSWORD":      {parts, secret.Value},
				"MYSQL_PASSWORD_FILE": {parts, file},
			} {
				setenv(t, test.others)
				t.Setenv(variable, test.value)
				res := mysql.New("mysql")
				err := res.Open(t.Context())
				switch bare := kit.HasControl(secret.Value) && variable != "MYSQL_URL"; {
				case bare && (err == nil || err.Error() != variable+": has a control character"):
					t.Errorf("%s with a control character: %v", variable, err)
				case !bare && err != nil:
					t.Errorf("%s: %v", variable, err)
				}
				secret.AbsentFrom(t, res)
				_ = res.Close(t.Context())
			}
		})
		secret.AbsentFrom(t, log.String())
	}
}

func TestAHostilePasswordThatIsNotEscapedIsRightOrRefused(t *testing.T) {
	log := capture(t)
	for name, secret := range canary.Hostile() {
		t.Run(name, func(t *testing.T) {
			addr := loginWith(t, secret)
			setenv(t, "")
			t.Setenv("MYSQL_URL", "mysql://app:"+secret.Value+"@"+addr+"/shop")
			res := mysql.New("mysql")
			err := res.Open(t.Context())
			kind := registry.KindOf(err)
			if name == "escape" && kind == registry.KindAuth { // %41 is an A in every URL
				err = nil
			}
			if err != nil && kind != registry.KindConfig {
				t.Errorf("got %s: %v", kind, err)
			}
			examine(t, secret, err, res)
			_ = res.Close(t.Context())
		})
		secret.AbsentFrom(t, log.String())
	}
}

func TestASecretInTheWrongPlaceIsNotShown(t *testing.T) {
	log := capture(t)
	addr := closedPort(t)
	for name, secret := range canary.Hostile() {
		t.Run(name, func(t *testing.T) {
			for _, url := range []string{
				secret.Value,
				"mysql://" + secret.Value,
				"mysql:" + secret.Value + "@" + addr,
				"mysql://app:" + secret.Value + "/shop",
				"mysql://" + secret.Value + "@" + addr,
				"mysql://app@" + addr + "/" + secret.Value,
				"mysql://app@" + addr + "/shop?" + secret.Value,
				"mysql://app@" + addr + "/shop?" + secret.Value + "=1",
				"mysql://app@" + addr + "/shop?loc=" + secret.Value,
				"mysql://app@" + addr + "/shop?time_zone=" + secret.Escaped(),
				"mysql://app@" + addr + "/shop?tls=" + secret.Escaped(),
				"mysql://app:" + secret.Value + "@tcp(" + addr + ")/shop",
			} {
				configure(t, secret, mysql.Config{URL: config.NewSecret(url)})
			}
			for _, dsn := range []string{
				secret.Value,
				"app:" + secret.Value + "@tcp(" + addr + ")",
				"app:" + secret.Value + "@" + addr + "/shop",
				"app:" + secret.Value + "/shop",
				"app:pw@" + secret.Value + "(" + addr + ")/shop",
				"app:pw@tcp(" + secret.Value + ")/shop",
				"app:pw@unix(" + secret.Value + ")/shop",
				"app:pw@tcp(" + addr + ")/" + secret.Value,
				"app:pw@tcp(" + addr + ")/shop?" + secret.Value,
				"app:pw@tcp(" + addr + ")/shop?strict=" + secret.Value,
				"app:pw@tcp(" + addr + ")/shop?readTimeout=" + secret.Escaped(),
				"app:pw@tcp(" + addr + ")/shop?maxAllowedPacket=" + secret.Escaped(),
			} {
				configure(t, secret, mysql.Config{DSN: config.NewSecret(dsn)})
			}
		})
		secret.AbsentFrom(t, log.String())
	}
}

// configure is Configure of what may not be opened, since it might look a host up that a test has made up.
func configure(t *testing.T, secret canary.Secret, cfg mysql.Config) {
	t.Helper()
	res := mysql.New("mysql", mysql.WithConfig(cfg))
	examine(t, secret, res.Configure(), res)
	secret.AbsentFrom(t, cfg)
}

func TestASecretInAnyVariableIsNotShown(t *testing.T) {
	log := capture(t)
	secret := canary.New("", "")
	server := mysqltest.Start(t, mysqltest.Options{User: "app", Password: "pw", Database: "shop"})
	base := "MYSQL_HOST=127.0.0.1 MYSQL_USER=app MYSQL_DATABASE=shop MYSQL_PASSWORD=pw MYSQL_PORT=tcp://" + server.Addr()
	for _, v := range config.Describe[mysql.Config]("mysql") {
		for _, name := range []string{v.Name, v.Name + "_FILE"} {
			if name == "MYSQL_HOST" || name != v.Name && !v.Secret {
				continue // a host that is a secret would be looked up
			}
			setenv(t, base)
			t.Setenv(name, secret.Value)
			r := registry.New()
			r.Register(mysql.New("mysql"))
			r.OpenTimeout = 100 * time.Millisecond
			err := r.OpenAll(t.Context())
			if err == nil {
				t.Errorf("%s: the secret is good for it", name)
			}
			secret.AbsentFrom(t, err)
			canary.NoParserIn(t, err)
			_ = r.CloseAll(t.Context())
		}
	}
	// As the name of a database it is shown on purpose.
	secret.AbsentFrom(t, strings.ReplaceAll(log.String(), " database="+secret.Value, ""))
}

// examine fails the test if the secret, or the error of a driver or a parser, can be got out of err or res.
func examine(t *testing.T, secret canary.Secret, err error, res *mysql.Resource) {
	t.Helper()
	secret.AbsentFrom(t, err)
	secret.AbsentFromAllButRecords(t, res)
	canary.NoParserIn(t, err)
	if _, ok := errors.AsType[*driver.MySQLError](err); ok {
		t.Error("the error of the driver is in the chain")
	}
	if _, ok := errors.AsType[*time.ParseError](err); ok {
		t.Error("the error of a parser is in the chain")
	}
}
