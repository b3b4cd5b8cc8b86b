// Package config reads the environment into the Config of a backend.
//
// A Config is a plain struct whose tags say which variables fill it. The name of the instance is
// the prefix of all of them (see [Prefix]), so two instances never share a variable:
//
//	type Config struct {
//		Host     string        `env:"HOST" envDefault:"localhost" doc:"name or address of the server"`
//		Port     config.Port   `env:"PORT" envDefault:"4222" doc:"port of the server"`
//		Password config.Secret `env:"PASSWORD" doc:"password of the user"`
//		Timeout  time.Duration `env:"TIMEOUT" envDefault:"5s" doc:"longest wait for an answer"`
//		TLS      config.TLS
//	}
//
//	cfg, err := config.Load[Config]("nats-eu") // NATS_EU_HOST, NATS_EU_PORT, ...
//	secure, err := cfg.TLS.Config("nats-eu", cfg.Host) // nil if TLS is off
//
// [Load] reads everything anew each time. In code, where 0 is the default, a negative number says what 0 says in the
// environment: see [Defaults].
//
// # Tags
//
//	tag                       meaning
//	env:"HOST"                the variable, without the prefix; other fields are left alone
//	env:"HOST,required"       the same, and it has to be set
//	envDefault:"20"           the value when the variable is unset; a Secret has none
//	doc:"one line"            the text that Describe returns
//	alias:"A_HOST=B,C"        full names to read, in this order, when A_HOST is unset; only the
//	                          instance whose variable for the field is A_HOST reads them
//	words:"true=on,false=off" other words for a value, in any case of letters
//
// A field is a string, bool, int, [time.Duration], [Port], [Secret], or has an UnmarshalText, whose
// error text is dropped. A struct without an env tag, such as [TLS], adds its fields to those
// around it, embedded or not. Two fields may not share a name. A Config that breaks these rules
// panics.
//
// # Values
//
// White space and byte order marks at the ends of a value are dropped, such as the CR of an env file that was saved on
// Windows; of a Secret, with a warning. So is a pair of quotes around a value, which docker --env-file keeps. A control
// character within is an error, but for the lines of PEM and JSON; so are a comment behind a value and a ${...} that
// nothing has expanded, but for a password, which may have them, with a warning. An empty variable counts as unset.
// Numbers and durations are never negative. Durations have a unit, as in 30s or 5m.
//
// Every variable X can come from the file that X_FILE names instead, unless it is itself the path of a file, as one
// whose name ends in _FILE is; X and X_FILE together are an error. [Files] and [Live] are for files that change while
// the program runs.
//
// # Errors
//
// One error lists every problem, each as "VARIABLE: what is wrong" on a line of its own, in the
// order of the fields. A VARIABLE is what is set: an alias or the variable of a file has its own name there, also in
// errors of a backend that are made with [Variables]. No error quotes a value or a path or wraps the error of a parser,
// because either may hold a secret.
//
// # Warnings
//
// A variable that nothing reads, and that is a slip of the pen from one that is read, or what other programs call it,
// such as MYSQL_DB for MYSQL_DATABASE, is logged to [slog.Default] as a warning, once in the life of the process. Where
// a URL says where the server is, the names of its parts are no slips.
package config
