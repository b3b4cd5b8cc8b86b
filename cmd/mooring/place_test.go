package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/vibework/mooring/internal/backends"
	"github.com/vibework/mooring/registry"
)

func TestEveryBackendOfTheTableHasAPlace(t *testing.T) {
	for _, b := range backends.Table {
		if places[b.Name] == nil {
			t.Errorf("%s has none: add it to cmd/mooring/place.go", b.Name)
		}
	}
}

func TestWhereABackendIs(t *testing.T) {
	for _, test := range []struct {
		backend  string
		variable string
		want     string
	}{
		{"mysql", "MYSQL_URL=mysql://u:p%40@db:1/x", "db:1"},
		{"mysql", "MYSQL_URL=mysql://[::1]/x", "[::1]:3306"},
		{"mysql", "MYSQL_DSN=u:p(@/)@tcp(db:1)/x", "db:1"},
		{"mysql", "MYSQL_DSN=u@tcp(db)/x", "db:3306"},
		{"mysql", "MYSQL_DSN=u@unix(/run/my.sock)/x", "/run/my.sock"},
		{"mysql", "MYSQL_HOST=db", "db:3306"},
		{"mongo", "MONGO_URI=mongodb://u:p@a:1,b/x?authSource=admin", "a:1 b:27017"},
		{"mongo", "MONGO_URI=mongodb+srv://u:p@cluster.test/x", "srv cluster.test"},
		{"redis", "REDIS_URL=rediss://:p@db/0", "db:6379"},
		{"redis", "REDIS_HOST=::1", "[::1]:6379"},
		{"pubsub", "PUBSUB_EMULATOR_HOST=db", "db:8085"},
		{"pubsub", "PUBSUB_PROJECT_ID=x", "pubsub.googleapis.com:443"},
	} {
		t.Run(test.variable, func(t *testing.T) {
			name, value, _ := strings.Cut(test.variable, "=")
			t.Setenv(name, value)
			b, _ := backends.Find(test.backend)
			if err := b.New(b.Name).Configure(); err != nil && b.Name != "pubsub" { // it wants a project, too
				t.Fatal(err)
			}
			where, err := places[b.Name](b.Name)
			got := strings.Join(where.addrs, " ")
			if where.srv != "" {
				got = "srv " + where.srv
			}
			if got != test.want || err != nil {
				t.Errorf("got %s, %v, want %s", got, err, test.want)
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
