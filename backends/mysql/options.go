package mysql

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/vibework/mooring/backends/config"
)

// options are what may follow the ? of a URL or a DSN, by the driver's names for it.
var options = map[string]func(*settings, string) error{
	"allowNativePasswords": truth(func(s *settings) *bool { return &s.driver.AllowNativePasswords }),
	"clientFoundRows":      truth(func(s *settings) *bool { return &s.driver.ClientFoundRows }),
	"columnsWithAlias":     truth(func(s *settings) *bool { return &s.driver.ColumnsWithAlias }),
	"interpolateParams":    truth(func(s *settings) *bool { return &s.driver.InterpolateParams }),
	"multiStatements":      truth(func(s *settings) *bool { return &s.driver.MultiStatements }),
	"parseTime":            truth(func(s *settings) *bool { return &s.driver.ParseTime }),
	"rejectReadOnly":       truth(func(s *settings) *bool { return &s.driver.RejectReadOnly }),
	"compress":             (*settings).setCompress,

	"timeout":      duration(func(s *settings) *time.Duration { return &s.DialTimeout }),
	"readTimeout":  duration(func(s *settings) *time.Duration { return &s.ReadTimeout }),
	"writeTimeout": duration(func(s *settings) *time.Duration { return &s.WriteTimeout }),

	"charset":          (*settings).setCharset,
	"loc":              (*settings).setLocation,
	"maxAllowedPacket": (*settings).setMaxAllowedPacket,
	"tls":              (*settings).setTLS,

	"collation": (*settings).setCollation,
	"sql_mode":  variable("sql_mode"),
	"time_zone": variable("time_zone"),
}

// setOptions reads all options. Its error quotes none of what is given, but lists what may be.
func (s *settings) setOptions(given map[string][]string) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(given)) {
		set, known := options[name]
		switch {
		case !known:
			names := strings.Join(slices.Sorted(maps.Keys(options)), ", ")
			return errors.New("an option after the ? is not supported; these are: " + names)
		case len(given[name]) > 1:
			errs = append(errs, fmt.Errorf("option %s: is there twice", name))
		default:
			if err := set(s, given[name][0]); err != nil {
				errs = append(errs, fmt.Errorf("option %s: %w", name, err))
			}
		}
	}
	return errors.Join(errs...)
}

func truth(field func(*settings) *bool) func(*settings, string) error {
	return func(s *settings, value string) (err error) {
		if *field(s), err = strconv.ParseBool(value); err != nil {
			return errors.New("not true or false")
		}
		return nil
	}
}

func duration(field func(*settings) *time.Duration) func(*settings, string) error {
	return func(s *settings, value string) error {
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 {
			return errors.New("not a duration with a unit, such as 30s")
		}
		*field(s) = d
		return nil
	}
}

// variable sets a variable of the server for each connection. The driver puts the value into a statement as it
// is, so it must be a plain word, quoted or not, and is quoted here.
func variable(name string) func(*settings, string) error {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-:/,"
	return func(s *settings, value string) error {
		word := value
		if len(value) > 1 && value[0] == '\'' {
			word = strings.TrimSuffix(value[1:], "'")
		}
		if strings.Trim(word, plain) != "" {
			return errors.New("holds a character that is not supported; a + must be percent-encoded (%2B)")
		}
		if s.driver.Params == nil {
			s.driver.Params = make(map[string]string)
		}
		s.driver.Params[name] = "'" + word + "'"
		return nil
	}
}

// setCharset takes no other charset than that of Go's strings, whatever its name.
func (s *settings) setCharset(value string) error {
	switch value {
	case "utf8mb4", "utf8mb3", "utf8":
		return s.driver.Apply(driver.Charset(value, ""))
	case "utf8mb4,utf8": // the driver's way to ask for the better one
		return s.driver.Apply(driver.Charset("utf8mb4", ""))
	}
	return errors.New("not utf8mb4, utf8mb3 or utf8")
}

// setCollation takes no collation of another charset than that of Go's strings: what that charset lacks would be stored
// as a ?. The driver's own Collation is silently without effect when the driver does not know it.
func (s *settings) setCollation(value string) error {
	if !strings.HasPrefix(strings.ToLower(strings.Trim(value, "'")), "utf8") {
		return errors.New("not a collation of utf8mb4, utf8mb3 or utf8, since Go's strings are UTF-8")
	}
	return variable("collation_connection")(s, value)
}

func (s *settings) setCompress(value string) error {
	on, err := strconv.ParseBool(value)
	if err != nil {
		return errors.New("not true or false")
	}
	return s.driver.Apply(driver.EnableCompression(on))
}

func (s *settings) setLocation(value string) error {
	location, err := time.LoadLocation(value)
	if err != nil {
		return errors.New("not a known time zone; where the system has no list of them, import time/tzdata")
	}
	s.driver.Loc = location
	return nil
}

func (s *settings) setMaxAllowedPacket(value string) error {
	size, err := strconv.Atoi(value)
	if err != nil || size < 0 {
		return errors.New("not a number of bytes")
	}
	s.driver.MaxAllowedPacket = size
	return nil
}

func (s *settings) setTLS(value string) error {
	mode := ""
	switch value {
	case "true", "1":
		mode = config.TLSVerify
	case "false", "0":
		mode = config.TLSOff
	case config.TLSSkipVerify:
		mode = config.TLSSkipVerify
	default:
		return errors.New("not true, false or skip-verify")
	}
	if s.TLS.Mode != "" && s.TLS.Mode != mode {
		return errors.New(s.prefix + "TLS says otherwise")
	}
	s.TLS.Mode = mode
	return nil
}
