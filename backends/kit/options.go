package kit

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vibework/mooring/backends/config"
)

// URLOptions are the options that may stand after the ? of a URL: those of the driver, those that are fields of a
// Config, and what the drivers of other languages have there, which people copy.
type URLOptions struct {
	Vars    config.Variables // their prefix takes the place of PREFIX_ in a text
	AnyCase bool             // the case of the letters of a name is of no account
	Known   []URLOption
	Hint    string // ends what is said of an unknown option; "" lists those that are read
}

// URLOption says what becomes of the options of some names. The first one in [URLOptions] counts that has a name.
type URLOption struct {
	// Names are separated by blanks. name=value is an option that has this value, and name:s is one whose unit is s if
	// its value is a number. Also are what other drivers call it, if there is one name: two of these with different
	// values are refused.
	Names, Also string
	// Set reads a value, and gets the name as it stands in Names. An error of Set must not quote the value. An option
	// without a Set and a Field is refused if there is a Text, and else skipped with a record.
	Set  func(name, value string) error
	Text string // what the value has to be, instead of the error of Set; without Set, what to write instead
	// Field points to the string, int or time.Duration that Set fills; without a Set, the value is read into it: a
	// duration with a unit, or a whole number from 0. Key is that of the variable that fills it, too, if there is one: if
	// the variable is set to something else, the option is refused.
	Field any
	Key   string
}

// Read reads the options of the URL that stands in the variable, whose name its records have. Its error has all
// mistakes, each to go behind that name by [In], and quotes nothing but the names of options: an unknown one only if it
// is nearly that of a known one, since it may be a part of a password.
func (o URLOptions) Read(variable string, given url.Values) error {
	var found Problems
	set := make(map[string]string) // the name as it is given, by that in Names
	for _, name := range slices.Sorted(maps.Keys(given)) {
		value := given.Get(name)
		option, ours, unit := o.find(name, value)
		if option == nil {
			if err := o.unknown(name); !slices.ContainsFunc(found, func(e error) bool { return e.Error() == err.Error() }) {
				found = append(found, err) // once, where it does not say which one
			}
			continue
		}
		if strings.Trim(value, "0123456789") == "" {
			value += unit
		}
		other, twice := set[ours]
		set[ours] = name
		var err error
		switch {
		case len(given[name]) > 1, strings.EqualFold(name, other):
			err = errors.New("set more than once")
		case twice && given.Get(other) != given.Get(name):
			err = fmt.Errorf("is set as %s, too, to another value; remove one", other)
		case HasControl(value):
			err = errors.New("has a control character")
		case option.isRead():
			err = o.set(option, variable+": option "+name, ours, value)
		case option.Text != "":
			err = errors.New("not supported: " + strings.ReplaceAll(option.Text, "PREFIX_", o.Vars.Prefix()))
		default:
			config.LogOnce(slog.LevelInfo, variable+": option "+name+" is skipped: it means nothing in Go")
		}
		found.Add(err != nil, "option %s: %w", name, err)
	}
	return found.Err()
}

// set reads the value that source has.
func (o URLOptions) set(option *URLOption, source, name, value string) error {
	before := contentOf(option.Field)
	if err := option.read(name, value); err != nil && option.Text != "" {
		return errors.New("not " + option.Text)
	} else if err != nil || option.Key == "" {
		return err
	}
	if o.Vars.IsSet(option.Key) && contentOf(option.Field) != before {
		return fmt.Errorf("conflicts with %s; remove one", o.Vars.Name(option.Key))
	}
	o.Vars.SetBy(option.Key, source)
	return nil
}

// contentOf returns what field points to.
func contentOf(field any) any {
	if field == nil {
		return nil
	}
	return reflect.ValueOf(field).Elem().Interface()
}

// find returns the option of that name, its name in Names, and the unit of a number.
func (o URLOptions) find(name, value string) (option *URLOption, ours, unit string) {
	for i := range o.Known {
		option = &o.Known[i]
		for known := range strings.FieldsSeq(option.Names + " " + option.Also) {
			known, unit, _ := strings.Cut(known, ":")
			if !o.same(known, name) && !o.same(known, name+"="+value) {
				continue
			}
			if option.Also != "" {
				known = option.Names
			}
			return option, bareNames(known)[0], unit
		}
	}
	return nil, "", ""
}

func (o URLOptions) same(known, name string) bool {
	return known == name || o.AnyCase && strings.EqualFold(known, name)
}

func (o URLOptions) unknown(name string) error {
	var all, read []string
	for _, option := range o.Known {
		all = append(all, bareNames(option.Names+" "+option.Also)...)
		if option.isRead() {
			read = append(read, bareNames(option.Names)...)
		}
	}
	if near := config.Nearest(name, all); near != "" {
		return fmt.Errorf("option %q is unknown; did you mean %s?", name, near)
	}
	if o.Hint != "" {
		return errors.New("an option after the ? is unknown; " + o.Hint)
	}
	slices.Sort(read)
	return errors.New("an option after the ? is unknown; these are known: " + strings.Join(read, ", "))
}

// behindName is what stands behind a name in [URLOption.Names]: a value or a unit.
var behindName = regexp.MustCompile(`[=:]\S*`)

func bareNames(names string) []string { return strings.Fields(behindName.ReplaceAllString(names, "")) }

func (o *URLOption) isRead() bool { return o.Set != nil || o.Field != nil }

// read reads the value by Set, or into Field, which it leaves alone if that fails.
func (o *URLOption) read(name, value string) error {
	if o.Set != nil {
		return o.Set(name, value)
	}
	switch field := o.Field.(type) {
	case *string:
		*field = value
	case *time.Duration:
		d, err := config.ParseDuration(value)
		if err != nil {
			return err
		}
		*field = d
	case *int:
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			return errors.New("not a whole number from 0")
		}
		*field = n
	}
	return nil
}

// TLSOptions are the options that say how to encrypt, by the names that drivers and platforms have for them. Set reads
// the mode, by [SetTLS]; the files are those of the variables.
func TLSOptions(t *config.TLS, set func(name, value string) error) []URLOption {
	return []URLOption{
		{Names: "tls ssl useSSL ssl-mode sslmode ssl_mode sslMode sslaccept", Set: set},
		{Names: "sslrootcert", Also: "sslca ssl-ca ssl_ca", Field: &t.CAFile, Key: "TLS_CA_FILE"},
		{Names: "sslcert", Also: "ssl-cert ssl_cert", Field: &t.CertFile, Key: "TLS_CERT_FILE"},
		{Names: "sslkey", Also: "ssl-key ssl_key", Field: &t.KeyFile, Key: "TLS_KEY_FILE"},
		{
			Names: "sslidentity sslpassword",
			Text:  "set PREFIX_TLS_CERT_FILE and PREFIX_TLS_KEY_FILE; the key must not be encrypted",
		},
		{
			Names: "requireSSL verifyServerCertificate ssl_verify_cert ssl_verify_identity ssl-verify-server-cert " +
				"ssl_require sslfactory",
			Text: "write sslmode=verify-full, or sslmode=no-verify if the server is not to be verified",
		},
	}
}

// SetTLS sets the mode of t by what an option or another program's variable says of it, in the words of drivers and
// platforms: sslmode=require, ssl-mode=REQUIRED, sslaccept=strict, ssl={"rejectUnauthorized":true}; and in those of the
// variable TLS. To require TLS is [config.TLS.Require]. The order in which several options are read is of no account.
// The error does not quote the word. It is "not " and want, such as "true or false".
func SetTLS(t *config.TLS, vars config.Variables, word, want string) error {
	mode := config.TLSVerify
	switch strings.ToLower(strings.ReplaceAll(word, " ", "")) {
	case "true", "1", "yes", "on", config.TLSVerify, "strict", "verify_ca", "verify-ca", "verify_identity", "verify-full",
		"{}", `{"rejectunauthorized":true}`:
	case "false", "0", "no", config.TLSOff, "disabled", "disable":
		mode = config.TLSOff
	case "required", "require":
		mode = ""
	case config.TLSSkipVerify, "no-verify", "accept_invalid_certs", `{"rejectunauthorized":false}`:
		mode = config.TLSSkipVerify
	case "preferred", "prefer", "allow":
		return errors.New("the connection might be in clear text: want " + want)
	default:
		return errors.New("not " + want)
	}
	required := mode == "" || t.IsRequired()
	mode = cmp.Or(mode, t.Mode)
	if t.Mode != "" && t.Mode != mode || required && mode == config.TLSOff {
		return fmt.Errorf("conflicts with %s or another option; remove one", vars.Name("TLS"))
	}
	if t.Mode = mode; required {
		t.Require()
	}
	return nil
}
