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
	name, title string
	new         func(name string) resource
	where       func(name string) (place, error) // after Configure has found nothing to say
	describe    func(name string) []config.Var
	load        func(name string, environ []string) error
}

var backends = []backend{
	of[mysql.Config]("mysql", "MySQL", func(n string) resource { return mysql.New(n) }, whereMySQL),
	of[mongo.Config]("mongo", "MongoDB", func(n string) resource { return mongo.New(n) }, whereMongo),
	of[redis.Config]("redis", "Redis", func(n string) resource { return redis.New(n) }, whereRedis),
	of[pubsub.Config]("pubsub", "Pub/Sub", func(n string) resource { return pubsub.New(n) }, wherePubSub),
}

// of returns the backend that is configured by a Config.
func of[Config any](
	name, title string, fresh func(name string) resource, where func(name string) (place, error),
) backend {
	return backend{name, title, fresh, where, config.Describe[Config], func(name string, environ []string) error {
		_, err := config.LoadFrom[Config](name, environ)
		return err
	}}
}

// instance is a backend under one name.
type instance struct {
	backend
	name string
	vars []config.Var
}

// find returns the named instances, each once, or the default instance of each backend when none is named.
func find(names []string) (found []instance, err error) {
	if len(names) == 0 {
		for _, b := range backends {
			names = append(names, b.name)
		}
	}
	for n, name := range names {
		i := slices.IndexFunc(backends, func(b backend) bool { return strings.HasPrefix(name+"-", b.name+"-") })
		if i < 0 {
			i = slices.IndexFunc(backends, func(b backend) bool { return strings.HasSuffix(name, "-"+b.name) })
		}
		if _, err := config.LoadFrom[struct{}](name, nil); err != nil || i < 0 { // config has the rule for names
			return nil, fmt.Errorf("%q is no instance of a backend: want such as mysql, mysql-replica or reports-mysql", name)
		}
		if !slices.Contains(names[:n], name) {
			found = append(found, instance{backends[i], name, backends[i].describe(name)})
		}
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

// reads says whether the instance reads a variable of this name.
func (i instance) reads(name string) bool {
	return slices.ContainsFunc(i.vars, func(v config.Var) bool { return slices.Contains(namesOf(v), name) })
}

// owns says whether the variable is meant for the backend. GOOGLE_CLOUD_PROJECT is not: it is set for all programs.
func (i instance) owns(variable string) bool {
	return strings.HasPrefix(variable, strings.ToUpper(i.backend.name))
}

// setFor returns the names under which v is set.
func setFor(v config.Var, environ []string) (names []string) {
	return slices.DeleteFunc(namesOf(v), func(name string) bool { return !isSet(environ, name, v.Type) })
}

// namesOf returns the names under which v is read: its own, its aliases, and for a secret those of files.
func namesOf(v config.Var) (names []string) {
	for _, name := range append([]string{v.Name}, v.Aliases...) {
		names = append(names, name)
		if v.Secret {
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
