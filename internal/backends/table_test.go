package backends_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/internal/backends"
)

func TestAZeroOfTheEnvironmentStaysOneInCode(t *testing.T) {
	tried := map[string]int{
		mysql.Name:  zeros[mysql.Config](t, mysql.Name),
		mongo.Name:  zeros[mongo.Config](t, mongo.Name),
		redis.Name:  zeros[redis.Config](t, redis.Name),
		pubsub.Name: zeros[pubsub.Config](t, pubsub.Name),
	}
	for _, b := range backends.Table {
		if tried[b.Name] == 0 {
			t.Errorf("%s has no number with a default, or is not here", b.Name)
		}
	}
}

func zeros[C any](t *testing.T, name string) (n int) {
	t.Helper()
	var environ []string
	for _, v := range config.Describe[C](name) {
		if (v.Type == "int" || v.Type == "duration") && v.Default != "" {
			environ = append(environ, v.Name+"=0")
			n++
		}
	}
	loaded, err := config.LoadFrom[C](name, environ)
	if err != nil {
		t.Fatal(err)
	}
	if got := config.Defaults(config.InCode(loaded)); !reflect.DeepEqual(got, loaded) {
		t.Errorf("got %+v, want %+v", got, loaded)
	}
	return n
}

func TestNewFromTakesAZeroForWhatItIs(t *testing.T) {
	b, _ := backends.Find(pubsub.Name)
	res, err := b.NewFrom(b.Name, []string{"PUBSUB_EMULATOR_HOST=h", "PUBSUB_GRPC_CONNS=0"})
	if err == nil {
		err = res.Configure()
	}
	if err == nil || !strings.HasPrefix(err.Error(), "PUBSUB_GRPC_CONNS: must be at least 1") {
		t.Errorf("got %v", err)
	}
}

func TestNewFromTakesAnOptionInPlaceOfADefault(t *testing.T) {
	b, _ := backends.Find(mysql.Name)
	res, err := b.NewFrom(b.Name, []string{"MYSQL_URL=mysql://app:hunter2@h/db?timeout=3s"})
	if err == nil {
		err = res.Configure()
	}
	if err != nil {
		t.Error(err)
	}
}
