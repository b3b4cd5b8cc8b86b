package config_test

import (
	"strings"
	"testing"

	"github.com/vibework/mooring/backends/config"
)

type valueConfig struct {
	Database string        `env:"DATABASE"`
	URL      config.Secret `env:"URL"`
	Host     string        `env:"HOST"`
	Password config.Secret `env:"PASSWORD"`
	TLS      config.TLS
}

func TestAValueIsWhatWasMeant(t *testing.T) {
	const (
		quotes = "the quotes around it are dropped"
		space  = "white space at its ends is dropped"
	)
	for _, test := range []struct{ key, value, want, warning string }{
		{"HOST", "'db'", "db", quotes},
		{"HOST", `"db"`, "db", quotes},
		{"HOST", " \"db\"\r", "db", quotes},
		{"HOST", `"db`, `"db`, ""},
		{"HOST", `'db"`, `'db"`, ""},
		{"HOST", `"`, `"`, ""},
		{"HOST", "\ufeffdb", "db", ""},
		{"HOST", "db\u200b", "db", ""},
		{"URL", `"mysql://app:hunter2@h/db"`, "mysql://app:hunter2@h/db", quotes},
		{"URL", "\ufeffmysql://app:hunter2@h/db\r\n", "mysql://app:hunter2@h/db", space},
		{"PASSWORD", `'hunter2'`, "hunter2", quotes},
		{"PASSWORD", `hun"ter2'`, `hun"ter2'`, ""},
		{"PASSWORD", "hunter2\u00a0", "hunter2", space},
		{"PASSWORD", "hunter2\u200bx", "hunter2\u200bx", "has a character that cannot be seen; it is taken for a part"},
		{"PASSWORD", "hunt$er2#x", "hunt$er2#x", ""},
		{"PASSWORD", "hunter2 # the new one", "hunter2 # the new one", "has a comment behind the value"},
		{"PASSWORD", "${DB_PASSWORD}", "${DB_PASSWORD}", "has a ${...} that nothing has expanded; it is taken for a part"},
		{"PASSWORD", "$(DB_PASSWORD)", "$(DB_PASSWORD)", "has a ${...} that nothing has expanded; it is taken for a part"},
		{"PASSWORD", "$DB_PASSWORD", "$DB_PASSWORD", "has a ${...} that nothing has expanded; it is taken for a part"},
		{"PASSWORD", "{{ db_password }}", "{{ db_password }}", "has a ${...} that nothing has expanded; it is taken for a part"},
		{"PASSWORD", "%DB_PASSWORD%", "%DB_PASSWORD%", "has a ${...} that nothing has expanded; it is taken for a part"},
		{"PASSWORD", "a{{b#{c%d%", "a{{b#{c%d%", ""},
		{"URL", "redis://:$(pw)@h", "redis://:$(pw)@h", ""},
		{"TLS", "true", "verify", ""},
		{"TLS", "True", "verify", ""},
		{"TLS", "'false'", "off", quotes},
		{"TLS", "off", "off", ""},
		{"TLS", "skip-verify", "skip-verify", ""},
	} {
		log := captureLog(t)
		name := newInstance()
		cfg, err := config.LoadFrom[valueConfig](name, []string{config.Prefix(name) + test.key + "=" + test.value})
		got := map[string]string{
			"HOST": cfg.Host, "URL": cfg.URL.Reveal(), "PASSWORD": cfg.Password.Reveal(), "TLS": cfg.TLS.Mode,
		}[test.key]
		if err != nil || got != test.want {
			t.Errorf("%s=%q is %q, %v; want %q", test.key, test.value, got, err, test.want)
		}
		warned := strings.Count(log.String(), "level=WARN")
		if warned != 1 && test.warning != "" || warned != 0 && test.warning == "" ||
			!strings.Contains(log.String(), test.warning) || strings.Contains(log.String(), "hunter2") {
			t.Errorf("%s=%q: log %q; want %q", test.key, test.value, log, test.warning)
		}
	}
}

func TestWhatAProgramWasToTakeOutOfAValueIsRefused(t *testing.T) {
	const (
		comment  = ": has a comment behind the value: put it on a line of its own"
		expanded = ": has a ${...} that nothing has expanded"
		escape   = expanded + "; write %24%7B if it is meant so"
		unseen   = ": has a character that cannot be seen"
	)
	for _, test := range []struct{ key, value, want string }{
		{"HOST", "db # hunter2", comment},
		{"HOST", "db\u00a0#hunter2", comment},
		{"TLS", "off #", comment},
		{"DATABASE", "{{ .Values.database }}", expanded},
		{"DATABASE", "%DATABASE%", expanded},
		{"DATABASE", "#{Database}#", expanded},
		{"URL", "mysql://app:{{ hunter2 }}@h/db", escape},
		{"DATABASE", "mysql://app:hunter2@h/db", ": want a name, not a URL"},
		{"URL", "mysql://app:hunter2@h/db # hunter2", comment},
		{"HOST", "my\u00a0db", unseen},
		{"HOST", "my\u200bdb", unseen},
		{"HOST", "\"my\u2028db\"", unseen},
		{"URL", "mysql://app:hunter2@h/my\u00a0db", unseen},
		{"HOST", "${HUNTER2}", expanded},
		{"HOST", "${HUNTER2:-hunter2}.internal", expanded},
		{"HOST", "$(HUNTER2)", expanded},
		{"HOST", "$HUNTER2", expanded},
		{"URL", "mysql://app:${HUNTER2}@h/db", escape},
	} {
		_, err := config.LoadFrom[valueConfig]("value", []string{"VALUE_" + test.key + "=" + test.value})
		assertError(t, err, "VALUE_"+test.key+test.want)
	}
}
