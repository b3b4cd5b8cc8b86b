package command

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/internal/backends"
	"github.com/vibework/mooring/registry"
)

func TestEveryBackendOfTheTableHasAPlace(t *testing.T) {
	for _, b := range backends.Table {
		if _, ok := b.New(b.Name).(interface{ Target() kit.Target }); !ok {
			t.Errorf("%s has none: give its resource a Target, as kit.Resource has", b.Name)
		}
	}
}

func TestWhereABackendIsAndAsWhom(t *testing.T) {
	for _, test := range []struct {
		backend  string
		variable string
		want     target
	}{
		{"mysql", "MYSQL_URL=mysql://u:p%40@db:1/x", target{"db:1", "x", "", "u"}},
		{"mysql", "MYSQL_URL=mysql://[::1]/x", target{"[::1]:3306", "x", "", ""}},
		{"mysql", "MYSQL_URL=mysql://u:p@db/x?socket=/run/my.sock", target{"/run/my.sock", "x", "", "u"}},
		{"mysql", "MYSQL_DSN=u:p(@/)@tcp(db:1)/x", target{"db:1", "x", "", "u"}},
		{"mysql", "MYSQL_DSN=u@tcp(db)/x", target{"db:3306", "x", "", "u"}},
		{"mysql", "MYSQL_DSN=u@unix(/run/my.sock)/x", target{"/run/my.sock", "x", "", "u"}},
		{"mysql", "MYSQL_HOST=db", target{"db:3306", "", "", ""}},
		{"mysql", "MYSQL_HOST=db:1", target{"db:1", "", "", ""}},
		{"mongo", "MONGO_URI=mongodb://u:p@a:1,b/x?authSource=admin", target{"a:1,b:27017", "x", "", "u"}},
		{"mongo", "MONGO_URI=mongodb+srv://u:p@cluster.test/x", target{"cluster.test", "x", "", "u"}},
		{"redis", "REDIS_URL=rediss://:p@db/0", target{"db:6379", "0", "", ""}},
		{"redis", "REDIS_URL=redis://word@db/0", target{"db:6379", "0", "", ""}}, // it is the password
		{"redis", "REDIS_HOST=::1", target{"[::1]:6379", "0", "", ""}},
		{"redis", "REDIS_HOST=/run/redis.sock", target{"/run/redis.sock", "0", "", ""}},
		{"redis", "REDIS_URL=redis+sentinel://:p@a:1,b/shop/0", target{"a:1,b:26379", "0", "", ""}},
		{"redis", "REDIS_URL=rediss+cluster://:p@a:1,b", target{"a:1,b:6379", "0", "", ""}},
		{"pubsub", "PUBSUB_EMULATOR_HOST=db", target{"db:8085", "", "emulator", ""}},
		{"pubsub", "PUBSUB_PROJECT_ID=x", target{"pubsub.googleapis.com:443", "", "x", ""}},
		{
			"pubsub", "PUBSUB_PROJECT_ID=x PUBSUB_ENDPOINT=europe-west3-pubsub.googleapis.com",
			target{"europe-west3-pubsub.googleapis.com:443", "", "x", ""},
		},
		{"mysql", "MYSQL_URL=mysql://u:p/w@db/x", target{}},
	} {
		t.Run(test.variable, func(t *testing.T) {
			for pair := range strings.FieldsSeq(test.variable) {
				name, value, _ := strings.Cut(pair, "=")
				t.Setenv(name, value)
			}
			b, _ := backends.Find(test.backend)
			res := b.New(b.Name).(interface {
				backends.Resource
				slog.LogValuer
				Target() kit.Target
			})
			if err := res.Configure(); (err == nil) != (test.want != target{}) {
				t.Fatal(err)
			}
			if got := targetOf(res.Target()); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
			if records := fmt.Sprint(res.LogValue()); strings.Contains(records, "user") ||
				!strings.Contains(records, test.want.Addr) || !strings.Contains(records, test.want.Database) {
				t.Errorf("records have %s", records)
			}
		})
	}
}

func TestOneHostThatAnswersIsEnough(t *testing.T) {
	p := place{addrs: []string{"host.invalid:1", "127.0.0.1:1", "/no/such/socket"}}
	if err := p.resolve(t.Context()); err != nil || !slices.Equal(p.addrs, []string{"127.0.0.1:1", "/no/such/socket"}) {
		t.Errorf("%v, %v are left", err, p.addrs)
	}
	err := p.connect(t.Context())
	if err == nil || err.Error() != "connection refused" || registry.KindOf(err) != registry.KindUnreachable {
		t.Errorf("got %v", err)
	}
}
