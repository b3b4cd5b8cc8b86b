package devstack

import (
	"slices"
	"strings"
)

// addresses names the variables that say where a backend is. Any of them, or its _FILE form, means
// that the user has a server already; setting ours beside it would be an error for Mooring, which
// refuses two answers to one question.
var addresses = map[string][]string{
	"mysql":  {"MYSQL_URL", "MYSQL_DSN", "MYSQL_HOST"},
	"mongo":  {"MONGO_URI", "MONGODB_URI"},
	"redis":  {"REDIS_URL", "REDIS_HOST"},
	"pubsub": {"PUBSUB_EMULATOR_HOST", "PUBSUB_CREDENTIALS_FILE"},
}

// Configured returns the variable in environ, a list of NAME=value, that already leads to a server in
// the place of the named one. A variable without a value counts as not set. PUBSUB_PROJECT_ID alone
// counts neither: it leads to Google's service, where a test or a demonstration should not go unasked.
// A program that is no demonstration must not take it for missing.
func Configured(environ []string, server string) (variable string, found bool) {
	for _, name := range addresses[server] {
		for _, variable := range []string{name, name + "_FILE"} {
			if isSet(environ, variable) {
				return variable, true
			}
		}
	}
	return "", false
}

// Complete returns environ with those of the variables that are not set there.
func Complete(environ, variables []string) []string {
	result := slices.Clone(environ)
	for _, variable := range variables {
		name, _, _ := strings.Cut(variable, "=")
		if !isSet(environ, name) {
			result = append(result, variable)
		}
	}
	return result
}

func isSet(environ []string, name string) bool {
	return slices.ContainsFunc(environ, func(variable string) bool {
		value, found := strings.CutPrefix(variable, name+"=")
		return found && value != ""
	})
}
