package mongo

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"

	"github.com/vibework/mooring/backends/kit"
)

// uriOption is an option that may stand in a URI. Its name counts in any case of letters.
type uriOption struct {
	name string
	set  setter
}

// uriOptions returns the options that are known, in the order in which they are applied.
func uriOptions() []uriOption {
	return []uriOption{
		{"appName", text(func(s *settings, v string) { s.others.SetAppName(v) })},
		{"authMechanism", word(func(s *settings, v string) { s.mechanism = v }, "SCRAM-SHA-1", "SCRAM-SHA-256", plain, x509)},
		{"authSource", setAuthSource},
		{"compressors", setCompressors},
		{"connectTimeoutMS", millisOf("CONNECT_TIMEOUT", 1, func(c *Config) *time.Duration { return &c.ConnectTimeout })},
		{"directConnection", flag(func(s *settings, on bool) { s.others.SetDirect(on) })},
		{"heartbeatFrequencyMS", millis(500, func(s *settings, d time.Duration) { s.others.SetHeartbeatInterval(d) })},
		{"journal", flag(func(s *settings, on bool) { s.writeConcern().Journal = &on })},
		{"loadBalanced", flag(func(s *settings, on bool) { s.others.SetLoadBalanced(on) })},
		{"localThresholdMS", millis(0, func(s *settings, d time.Duration) { s.others.SetLocalThreshold(d) })},
		{"maxConnecting", number(1, mostConns, func(s *settings, n int) { s.others.SetMaxConnecting(uint64(n)) })},
		{"maxIdleTimeMS", millisOf("MAX_CONN_IDLE_TIME", 0, func(c *Config) *time.Duration { return &c.MaxConnIdleTime })},
		{"maxPoolSize", numberOf("MAX_POOL_SIZE", 0, mostConns, func(c *Config) *int { return &c.MaxPoolSize })},
		{"maxStalenessSeconds", number(90, mostMillis/1000, func(s *settings, n int) { s.read.maxStaleness = n })},
		{"minPoolSize", numberOf("MIN_POOL_SIZE", 0, mostConns, func(c *Config) *int { return &c.MinPoolSize })},
		{"readConcernLevel", word(func(s *settings, v string) {
			s.others.SetReadConcern(&readconcern.ReadConcern{Level: v})
		}, "local", "available", "majority", "linearizable", "snapshot")},
		{"readPreference", setReadPreference},
		{readTags, setReadTags},
		{"replicaSet", text(func(s *settings, v string) { s.others.SetReplicaSet(v) })},
		{"retryReads", flag(func(s *settings, on bool) { s.others.SetRetryReads(on) })},
		{"retryWrites", flag(func(s *settings, on bool) { s.others.SetRetryWrites(on) })},
		{"serverMonitoringMode", word(func(s *settings, v string) {
			s.others.SetServerMonitoringMode(v)
		}, "auto", "poll", "stream")},
		{"serverSelectionTimeoutMS", millisOf("SERVER_SELECTION_TIMEOUT", 1, func(c *Config) *time.Duration {
			return &c.ServerSelectionTimeout
		})},
		{"ssl", setTLS},
		{"timeoutMS", millis(1, func(s *settings, d time.Duration) { s.others.SetTimeout(d) })},
		{"tls", setTLS},
		{"tlsCAFile", setCAFile},
		{"tlsCertificateKeyFile", setCertificateKeyFile},
		{"tlsDisableOCSPEndpointCheck", flag(func(s *settings, on bool) { s.others.SetDisableOCSPEndpointCheck(on) })},
		{"tlsInsecure", setInsecure},
		{"w", setW},
		{"zlibCompressionLevel", number(-1, 9, func(s *settings, n int) { s.others.SetZlibLevel(n) })},
		{"zstdCompressionLevel", number(1, 20, func(s *settings, n int) { s.others.SetZstdLevel(n) })},
	}
}

// apply takes over the options of the URI. Its error lists all that is wrong with them, and neither quotes a value
// nor an unknown name: a / or & that was not escaped makes part of a password look like one.
func (s *settings) apply(query url.Values) error {
	given := make(map[string][]string)
	for name, values := range query {
		key := strings.ToLower(name)
		given[key] = append(given[key], values...)
	}
	var errs []error
	var known []string
	for _, o := range uriOptions() {
		known = append(known, o.name)
		key := strings.ToLower(o.name)
		if err := o.apply(s, given[key]); err != nil {
			errs = append(errs, fmt.Errorf("%sURI: %s: %w", s.prefix, o.name, err))
		}
		delete(given, key)
	}
	if len(given) > 0 {
		errs = append(errs, fmt.Errorf("%sURI: unknown option; known: %s", s.prefix, strings.Join(known, ", ")))
	}
	return errors.Join(errs...)
}

func (o uriOption) apply(s *settings, values []string) error {
	if len(values) > 1 && o.name != readTags {
		return errors.New("is there twice")
	}
	for _, v := range values {
		if kit.HasControl(v) {
			return errors.New("has a control character")
		}
		if err := o.set(s, v); err != nil {
			return err
		}
	}
	return nil
}
