package mongo

import (
	"context"
	"crypto/tls"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// OptionsOf reads the environment as Configure does and returns what the driver is going to be given.
func OptionsOf(t *testing.T, name string) *options.ClientOptions {
	t.Helper()
	s := resolved(t, name)
	o, err := s.options()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// DriverOptions are the options of a URI that are the driver's, in lower case.
func DriverOptions() (names []string) {
	for _, option := range new(settings).known(func(string, string) error { return nil }) {
		if option.Set != nil || option.Field != nil {
			list, _, _ := strings.Cut(strings.ToLower(option.Names), ":")
			names = append(names, strings.Fields(list)...)
		}
	}
	return names
}

// DatabaseOf is the database that the environment names.
func DatabaseOf(t *testing.T, name string) string {
	t.Helper()
	return resolved(t, name).Database
}

func resolved(t *testing.T, name string) *settings {
	t.Helper()
	s, err := resolve(name, setup{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Disconnect is what Close does at last. It returns how many connections it has cut.
func Disconnect(ctx context.Context, t *testing.T, res *Resource) (cut int) {
	t.Helper()
	c, err := kit.ClientOf(res.Resource)
	if err != nil {
		t.Fatal(err)
	}
	return c.disconnect(ctx)
}

// ClassifyFor is what every error of the driver goes through.
func ClassifyFor(err, cause error) error { return classify(err, "MONGO_URI", cause) }

// Moves returns what hears of the connections of pools of that size, and what a check says when one is full.
func Moves(size uint64) (hear func(*event.PoolEvent), full func() error, stats func() registry.PoolStats) {
	m := new(monitor)
	o := options.Client().SetMaxPoolSize(size)
	m.listen(o)
	full = func() error {
		if stats := m.fullest(); stats.InUse >= stats.Max {
			return m.moves.Full(stats)
		}
		return nil
	}
	return o.PoolMonitor.Event, full, m.stats
}

// NameOf returns the name that the certificate of a server must bear.
func NameOf(addr string) string { return secureDialer{config: new(tls.Config)}.to(addr).ServerName }
