package mongo

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/internal/fault"
	"github.com/vibework/mooring/backends/internal/uri"
	"github.com/vibework/mooring/registry"
)

// seeds is what the name server says about the host of a mongodb+srv:// URI.
type seeds struct {
	servers []*net.SRV
	texts   []string
	err     error
}

// lookUp returns settings with the hosts that the name server knows, or s if the URI names them. The driver would
// look them up as well, but for 20 seconds, whatever the context says.
func (s *settings) lookUp(ctx context.Context) (*settings, error) {
	if !s.srv {
		return s, nil
	}
	name := s.hosts[0].Name
	found, err := askNameServer(ctx, name)
	if err != nil {
		return nil, fault.From(err)
	}
	looked := *s
	others := *s.others
	looked.srv, looked.hosts, looked.others = false, nil, &others
	for _, server := range found.servers {
		host := uri.Host{Name: strings.TrimSuffix(server.Target, "."), Port: config.Port(server.Port)}
		if !isSibling(host.Name, name) || !uri.ValidHost(host.Name) {
			return nil, fault.New(registry.KindConfig, "%sURI: its SRV records lead out of its host's domain", s.prefix)
		}
		looked.hosts = append(looked.hosts, host)
	}
	if err := looked.inherit(found.texts); err != nil {
		text := strings.TrimPrefix(err.Error(), s.prefix+"URI: ")
		return nil, fault.New(registry.KindConfig, "%sURI: its TXT record does not fit: %s", s.prefix, text)
	}
	return &looked, registry.Classify(registry.KindConfig, looked.validate())
}

// askNameServer waits no longer than ctx, while the resolver hears of a deadline only.
func askNameServer(ctx context.Context, name string) (seeds, error) {
	done := make(chan seeds, 1)
	resolver := net.DefaultResolver
	go func() {
		var s seeds
		_, s.servers, s.err = resolver.LookupSRV(ctx, "mongodb", "tcp", name)
		if s.err == nil {
			s.texts, s.err = resolver.LookupTXT(ctx, name)
		}
		if dns, ok := errors.AsType[*net.DNSError](s.err); ok && dns.IsNotFound && len(s.servers) > 0 {
			s.err = nil // there need not be a TXT record
		}
		done <- s
	}()
	select {
	case s := <-done:
		return s, s.err
	case <-ctx.Done():
		return seeds{}, ctx.Err()
	}
}

// isSibling says whether a server is in the domain of the URI's host, so that a forged record cannot lead away.
func isSibling(server, host string) bool {
	domain := host
	if _, parent, _ := strings.Cut(host, "."); strings.Contains(parent, ".") {
		domain = parent
	}
	return strings.HasSuffix(strings.ToLower(server), "."+strings.ToLower(domain))
}

// inherit takes over what a TXT record says and the URI does not.
func (s *settings) inherit(texts []string) error {
	if len(texts) == 0 {
		return nil
	}
	record, err := url.ParseQuery(texts[0])
	if err != nil || len(texts) > 1 {
		return errors.New("want one, of the form authSource=admin&replicaSet=rs0")
	}
	for name := range record {
		switch strings.ToLower(name) {
		case "authsource":
			if s.source != "" {
				delete(record, name)
			}
		case "replicaset":
			if s.others.ReplicaSet != nil {
				delete(record, name)
			}
		case "loadbalanced":
			if s.others.LoadBalanced != nil {
				delete(record, name)
			}
		default:
			return errors.New("only authSource, replicaSet and loadBalanced may be there")
		}
	}
	return s.apply(record)
}
