package config_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/vibework/mooring/backends/config"
)

type describedConfig struct {
	URI  config.Secret `env:"URI,required" doc:"where the server is" alias:"MONGO_URI=MONGODB_URI,M_URI"`
	Port config.Port   `env:"PORT" envDefault:"27017"`
	TLS  config.TLS
}

func TestDescribeListsVariablesInTheOrderOfTheFields(t *testing.T) {
	got := config.Describe[describedConfig]("mongo")
	want := []config.Var{
		{
			Name: "MONGO_URI", Type: "secret", Doc: "where the server is", Required: true, Secret: true, File: true,
			Aliases: []string{"MONGODB_URI", "M_URI"},
		},
		{Name: "MONGO_PORT", Type: "port", Default: "27017", File: true},
	}
	if len(got) != 7 || !reflect.DeepEqual(got[:2], want) {
		t.Errorf("%+v\nwant\n%+v", got, want)
	}
	for i, name := range []string{
		"MONGO_TLS", "MONGO_TLS_CA_FILE", "MONGO_TLS_CERT_FILE", "MONGO_TLS_KEY_FILE",
		"MONGO_TLS_SERVER_NAME",
	} {
		v := got[2+i]
		if v.Name != name || v.Type != "string" || v.Doc == "" || v.File == strings.HasSuffix(name, "_FILE") {
			t.Errorf("%+v is not %s with a type, a line of documentation, and a file unless it is one", v, name)
		}
	}
}

func TestDescribeGivesAliasesToTheDefaultInstanceOnly(t *testing.T) {
	got := config.Describe[describedConfig]("mongo-b")[0]
	if got.Name != "MONGO_B_URI" || got.Aliases != nil {
		t.Errorf("%+v", got)
	}
}

func TestDescribeNamesEveryTypeInOneWord(t *testing.T) {
	var types []string
	for _, v := range config.Describe[fullConfig]("server")[:7] {
		types = append(types, v.Type)
	}
	want := []string{"string", "port", "secret", "int", "duration", "bool", "slog.Level"}
	if !reflect.DeepEqual(types, want) {
		t.Errorf("%v, want %v", types, want)
	}
}
