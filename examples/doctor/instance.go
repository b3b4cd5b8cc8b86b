package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/registry"
)

// resource is what the four backends have in common.
type resource interface {
	registry.Resource
	registry.Configurer
}

// backend is one of the four, for an instance of any name.
type backend struct {
	name     string
	new      func(name string) resource
	describe func(name string) []config.Var
	where    func(name string) (place, error) // after Configure has found nothing to say
}

var backends = []backend{
	{"mysql", func(n string) resource { return mysql.New(n) }, config.Describe[mysql.Config], whereMySQL},
	{"mongo", func(n string) resource { return mongo.New(n) }, config.Describe[mongo.Config], whereMongo},
	{"redis", func(n string) resource { return redis.New(n) }, config.Describe[redis.Config], whereRedis},
	{"pubsub", func(n string) resource { return pubsub.New(n) }, config.Describe[pubsub.Config], wherePubSub},
}

// instance is a backend under one name.
type instance struct {
	backend
	name string
	vars []config.Var
}

// find returns the named instances, or the default instance of each backend when none is named.
func find(names []string) (found []instance, err error) {
	if len(names) == 0 {
		for _, b := range backends {
			found = append(found, instance{b, b.name, b.describe(b.name)})
		}
		return found, nil
	}
	for _, name := range names {
		i := slices.IndexFunc(backends, func(b backend) bool {
			return slices.Contains(strings.Split(name, "-"), b.name)
		})
		if _, err := config.LoadFrom[struct{}](name, nil); err != nil || i < 0 { // config has the rule for names
			return nil, fmt.Errorf("%q is no instance of a backend: want such as mysql or mysql-replica", name)
		}
		found = append(found, instance{backends[i], name, backends[i].describe(name)})
	}
	return found, nil
}

// read returns the names of the variables that are set for the instance.
func (i instance) read(environ []string) (names []string) {
	for _, v := range i.vars {
		names = append(names, setFor(v, environ)...)
	}
	return names
}

// setFor returns the names under which v is set: its own, an alias, or the name of a file for a secret.
func setFor(v config.Var, environ []string) (names []string) {
	for _, name := range append([]string{v.Name}, v.Aliases...) {
		if isSet(environ, name, v.Type) {
			names = append(names, name)
		}
		if v.Secret && isSet(environ, name+"_FILE", v.Type) {
			names = append(names, name+"_FILE")
		}
	}
	return names
}

// isSet says whether somebody has set the variable. Kubernetes sets such as REDIS_PORT=tcp://10.0.0.1:6379 for a
// Service called redis: that is nobody's wish to use it.
func isSet(environ []string, name, typ string) bool {
	return slices.ContainsFunc(environ, func(pair string) bool {
		value, found := strings.CutPrefix(pair, name+"=")
		return found && value != "" && (typ != "port" || !strings.HasPrefix(value, "tcp://"))
	})
}
