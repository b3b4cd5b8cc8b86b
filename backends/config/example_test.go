package config_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/vibework/mooring/backends/config"
)

// NATSConfig is what a backend of your own needs to know.
type NATSConfig struct {
	Host     string        `env:"HOST,required" doc:"name or address of the server"`
	Port     config.Port   `env:"PORT" envDefault:"4222" doc:"port of the server"`
	Password config.Secret `env:"PASSWORD" doc:"password of the user" alias:"NATS_PASSWORD=NATS_PASS"`
	Timeout  time.Duration `env:"TIMEOUT" envDefault:"5s" doc:"longest wait for an answer"`
}

func ExampleLoadFrom() {
	cfg, err := config.LoadFrom[NATSConfig]("nats-eu", []string{
		"NATS_EU_HOST=nats.example",
		"NATS_EU_PORT=tcp://10.0.0.1:4333", // from Kubernetes
		"NATS_EU_PASSWORD=correct horse",
	})
	fmt.Printf("%+v %v\n", cfg, err)
	// Output: {Host:nats.example Port:4333 Password:*** Timeout:5s} <nil>
}

func ExampleLoadFrom_errors() {
	_, err := config.LoadFrom[NATSConfig]("nats", []string{
		"NATS_PORT=correct",
		"NATS_PASSWORD_FILE=horse",
		"NATS_TIMEOUT=30",
	})
	fmt.Println(err)
	// Output:
	// NATS_HOST: not set
	// NATS_PORT: not a port: want 1 to 65535
	// NATS_PASSWORD_FILE: no such file
	// NATS_TIMEOUT: not a duration with a unit, such as 30s
}

func ExampleDescribe() {
	for _, v := range config.Describe[NATSConfig]("nats") {
		fmt.Printf("%-13s %-8s %-4s %v %s\n", v.Name, v.Type, v.Default, v.Aliases, v.Doc)
	}
	// Output:
	// NATS_HOST     string        [] name or address of the server
	// NATS_PORT     port     4222 [] port of the server
	// NATS_PASSWORD secret        [NATS_PASS] password of the user
	// NATS_TIMEOUT  duration 5s   [] longest wait for an answer
}

// An error names what has set a variable, and a Config in code sets what it says.
func ExampleLoadOr() {
	cfg, vars, err := config.LoadOr("nats", &NATSConfig{Host: "https://nats.internal"})
	if err == nil && strings.Contains(cfg.Host, "://") {
		err = fmt.Errorf("%s: want a host without a scheme", vars.Name("HOST"))
	}
	fmt.Println(cfg.Port, err)
	// Output: 4222 NATS_HOST: want a host without a scheme
}

func ExampleDefaults() {
	cfg := config.Defaults(NATSConfig{Host: "localhost", Timeout: time.Minute})
	fmt.Println(cfg.Host, cfg.Port, cfg.Timeout)
	// Output: localhost 4222 1m0s
}

func ExampleSecret() {
	password := config.NewSecret("correct horse")
	fmt.Printf("%v %+v %#v %s %q %x %d\n",
		password, password, password, password, password, password, password)
	fmt.Println(len(password.Reveal()))
	// Output:
	// *** *** *** *** *** *** ***
	// 13
}

func ExampleNearest() {
	options := []string{"maxPoolSize", "minPoolSize", "tlsCAFile"}
	fmt.Println(config.Nearest("tlsCAfiel", options))
	fmt.Println(config.Nearest("hunter", options) == "")
	// Output:
	// tlsCAFile
	// true
}
