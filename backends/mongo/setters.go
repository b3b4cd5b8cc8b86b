package mongo

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/vibework/mooring/backends/config"
)

// setter takes over the value of an option. Its error does not quote the value.
type setter func(s *settings, value string) error

const mostMillis = math.MaxInt32 // 24 days

func flag(set func(*settings, bool)) setter {
	return func(s *settings, value string) error {
		if value != "true" && value != "false" {
			return errors.New("want true or false")
		}
		set(s, value == "true")
		return nil
	}
}

func text(set func(*settings, string)) setter {
	return func(s *settings, value string) error {
		if value == "" || len(value) > 128 {
			return errors.New("want 1 to 128 characters")
		}
		set(s, value)
		return nil
	}
}

// word accepts one of words in any case of letters.
func word(set func(*settings, string), words ...string) setter {
	return func(s *settings, value string) error {
		i := slices.IndexFunc(words, func(w string) bool { return strings.EqualFold(w, value) })
		if i < 0 {
			return errors.New("want one of " + strings.Join(words, ", "))
		}
		set(s, words[i])
		return nil
	}
}

func number(least, most int, set func(*settings, int)) setter {
	return func(s *settings, value string) error {
		n, err := parseNumber(value, least, most)
		if err == nil {
			set(s, n)
		}
		return err
	}
}

func millis(least int, set func(*settings, time.Duration)) setter {
	return number(least, mostMillis, func(s *settings, n int) { set(s, time.Duration(n)*time.Millisecond) })
}

// numberOf is number for an option that has a variable.
func numberOf(key string, least, most int, field func(*Config) *int) setter {
	return func(s *settings, value string) error {
		n, err := parseNumber(value, least, most)
		if err != nil {
			return err
		}
		return replace(s, key, field, n)
	}
}

// millisOf is millis for an option that has a variable.
func millisOf(key string, least int, field func(*Config) *time.Duration) setter {
	return func(s *settings, value string) error {
		n, err := parseNumber(value, least, mostMillis)
		if err != nil {
			return err
		}
		return replace(s, key, field, time.Duration(n)*time.Millisecond)
	}
}

// replace puts what the URI says in the place of the variable's default, but not of what the variable says.
func replace[T comparable](s *settings, key string, field func(*Config) *T, value T) error {
	now := field(&s.Config)
	if *now != *field(&s.usual) && *now != value {
		return fmt.Errorf("%s%s says otherwise: drop one", s.prefix, key)
	}
	*now = value
	return nil
}

func parseNumber(value string, least, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("want a whole number from %d to %d", least, most)
	}
	return n, nil
}

func setAuthSource(s *settings, value string) error {
	if value != external && !validDatabase(value) {
		return errors.New("want the name of a database, or " + external)
	}
	s.source = value
	return nil
}

func setCompressors(s *settings, value string) error {
	known := []string{"snappy", "zlib", "zstd"}
	list := strings.Split(value, ",")
	for _, name := range list {
		if !slices.Contains(known, name) {
			return errors.New("want some of snappy,zlib,zstd")
		}
	}
	s.others.SetCompressors(list)
	return nil
}

// setTLS serves tls, and ssl, which is its old name.
func setTLS(s *settings, value string) error {
	mode := config.TLSOff
	if value == "true" {
		mode = config.TLSVerify
	}
	if s.inURI.Mode != "" && s.inURI.Mode != mode {
		return errors.New("ssl says otherwise: drop one")
	}
	return flag(func(s *settings, _ bool) { s.inURI.Mode = mode })(s, value)
}

func setInsecure(s *settings, value string) error {
	if value == "true" && s.inURI.Mode == config.TLSOff {
		return errors.New("tls is false: drop one")
	}
	return flag(func(s *settings, on bool) {
		if on {
			s.inURI.Mode = config.TLSSkipVerify
		}
	})(s, value)
}

func setCAFile(s *settings, value string) error {
	s.inURI.CAFile = value
	if _, err := (config.TLS{Mode: config.TLSVerify, CAFile: value}).Config("x", ""); err != nil {
		return errors.New("cannot be read, or has no PEM certificate")
	}
	return nil
}

func setCertificateKeyFile(s *settings, value string) error {
	s.inURI.CertFile, s.inURI.KeyFile = value, value
	if _, err := (config.TLS{Mode: config.TLSVerify, CertFile: value, KeyFile: value}).Config("x", ""); err != nil {
		return errors.New("cannot be read, or is not a PEM certificate and its key")
	}
	return nil
}

func setW(s *settings, value string) error {
	n, err := strconv.Atoi(value)
	switch {
	case err == nil && n >= 0:
		s.writeConcern().W = n
	case err != nil && value != "":
		s.writeConcern().W = value // majority, or a name that the replica set's configuration defines
	default:
		return errors.New("want a number of servers, or majority")
	}
	return nil
}

func (s *settings) writeConcern() *writeconcern.WriteConcern {
	if s.others.WriteConcern == nil {
		s.others.WriteConcern = new(writeconcern.WriteConcern)
	}
	return s.others.WriteConcern
}
