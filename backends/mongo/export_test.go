package mongo

import (
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/backends/config"
)

// OptionsOf reads the environment as Configure does and returns what the driver is going to be given.
func OptionsOf(t *testing.T, name string) *options.ClientOptions {
	t.Helper()
	o, err := resolved(t, name).lookUp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// DriverOptions are the options of a URI that are the driver's, in lower case.
func DriverOptions() (names []string) {
	for _, rule := range optionRules {
		if rule.verdict == forDriver || rule.verdict == forSRV {
			for _, name := range rule.list() {
				names = append(names, strings.ToLower(name))
			}
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
	cfg, err := config.Load[Config](name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := resolve(name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Classify is what every error of the driver goes through.
func Classify(err, cause error) error { return classify(err, "MONGO_", cause) }

// UseOn is Use for a resource other than the default instance.
func UseOn(r *Resource, opts ...Option) { r.use(opts) }
