// Package backends is the table of the backends of this module. Tests, generated documents and the command mooring
// range over it, so that what one backend has, all have. The tests of backends/all hold it against what registers
// itself: a backend that is missing here, or that is here and lacks something, fails by its name.
package backends

import (
	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/registry"
)

// Backend is a row of the table.
type Backend struct {
	Name      string   // of the default instance, and of the package in the folder backends
	Title     string   // in prose
	Driver    string   // a package that this backend links and the others do not
	Accessors []string // what returns the handle, besides Handle

	// Owns reports whether a variable that is set, and does not begin with the name, is meant for this backend and not
	// for all programs. Nil means none is.
	Owns func(variable, value string) bool
	// New returns an instance that the environment of the program configures.
	New func(instance string) Resource
	// NewFrom returns an instance that environ configures, and what is wrong with that. It reads nothing else.
	NewFrom func(instance string, environ []string) (Resource, error)
	// Describe returns the variables that an instance reads.
	Describe func(instance string) []config.Var
}

// Resource is what the resources of all backends have in common.
type Resource interface {
	registry.Resource
	registry.Configurer
}

// Table has the backends in the order of the documents. Nothing may change it.
var Table = []Backend{
	row(Backend{
		Name: mysql.Name, Title: "MySQL", Driver: "github.com/go-sql-driver/mysql", Accessors: []string{"DB"},
	}, mysql.New, mysql.WithConfig),
	row(Backend{
		Name: mongo.Name, Title: "MongoDB", Driver: "go.mongodb.org/mongo-driver/v2/mongo",
		Accessors: []string{"Client", "Database"},
	}, mongo.New, mongo.WithConfig),
	row(Backend{
		Name: redis.Name, Title: "Redis", Driver: "github.com/gomodule/redigo/redis", Accessors: []string{"Conn", "Pool"},
	}, redis.New, redis.WithConfig),
	row(Backend{
		Name: pubsub.Name, Title: "Pub/Sub", Driver: "google.golang.org/grpc", Accessors: []string{"Client", "Publisher"},
	}, pubsub.New, pubsub.WithConfig),
}

// Find returns the backend of that name. There is a row for every default instance.
func Find(name string) (b Backend, found bool) {
	for _, b := range Table {
		if b.Name == name {
			return b, true
		}
	}
	return b, false
}

// row fills in what follows from the Config C and the constructor.
func row[C, O any, R Resource](b Backend, construct func(string, ...O) R, withConfig func(C) O) Backend {
	b.New = func(instance string) Resource { return construct(instance) }
	b.NewFrom = func(instance string, environ []string) (Resource, error) {
		cfg, err := config.LoadFrom[C](instance, environ)
		return construct(instance, withConfig(config.InCode(cfg))), err
	}
	b.Describe = config.Describe[C]
	return b
}
