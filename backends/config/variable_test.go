package config_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/config"
)

func TestMistakesInTagsPanic(t *testing.T) {
	type unsupported struct {
		Address url.URL `env:"ADDRESS"`
	}
	type unsupportedNumber struct {
		Ratio float64 `env:"RATIO"`
	}
	type pointer struct {
		Conns *int `env:"CONNS"`
	}
	type unexported struct {
		_ string `env:"HOST"`
	}
	type option struct {
		Host string `env:"HOST,unset"`
	}
	type nameless struct {
		Host string `env:",required"`
	}
	type secretDefault struct {
		Key config.Secret `env:"KEY" envDefault:"k"`
	}
	type badAlias struct {
		Host string `env:"HOST" alias:"SERVER_NAME"`
	}
	type strayAlias struct {
		Host string `env:"HOST" alias:"SERVER_NAME=NAME"`
	}
	type spacedAlias struct {
		Host string `env:"HOST" alias:"SERVER_HOST=A, B"`
	}
	type twice struct {
		Host string `env:"HOST"`
		Name string `env:"HOST"`
	}
	type fileTwice struct {
		Key     config.Secret `env:"KEY"`
		KeyFile string        `env:"KEY_FILE"`
	}
	type sameField struct {
		A struct {
			Wait time.Duration `env:"A_WAIT"`
		}
		B struct {
			Wait time.Duration `env:"B_WAIT"`
		}
	}
	type badDefault struct {
		Wait time.Duration `env:"WAIT" envDefault:"5"`
	}
	type embedded struct {
		twice
	}
	for _, test := range []struct {
		load func()
		want string
	}{
		{try[unsupported], "field Address: unsupported type url.URL"},
		{try[unsupportedNumber], "field Ratio: unsupported type float64"},
		{try[pointer], "field Conns: unsupported type *int"},
		{try[unexported], "field _: not exported"},
		{try[option], `field Host: env tag must be "NAME" or "NAME,required"`},
		{try[nameless], `field Host: env tag must be "NAME" or "NAME,required"`},
		{try[secretDefault], "field Key: a secret has no default"},
		{try[badAlias], `field Host: alias tag must be "PREFIX_HOST=NAME,..."`},
		{try[strayAlias], `field Host: alias tag must be "PREFIX_HOST=NAME,..."`},
		{try[spacedAlias], `field Host: alias tag must be "PREFIX_HOST=NAME,..."`},
		{try[twice], "config_test.twice: SERVER_HOST is there twice"},
		{try[fileTwice], "config_test.fileTwice: SERVER_KEY_FILE is there twice"},
		{try[sameField], "config_test.sameField: the field name Wait is there twice"},
		{try[badDefault], "field Wait has a bad default"},
		{try[embedded], "field twice: not exported"},
		{try[int], "int is not a struct"},
		{func() { config.Describe[fullConfig]("Server") }, `bad name "Server": want lower-case words, as in mysql-replica`},
	} {
		func() {
			defer func() {
				if got := recover(); got != "config: "+test.want {
					t.Errorf("panic %v, want %s", got, test.want)
				}
			}()
			test.load()
		}()
	}
}

func try[T any]() { _, _ = config.LoadFrom[T]("server", nil) }
