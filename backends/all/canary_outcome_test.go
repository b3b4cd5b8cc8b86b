package all_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vibework/mooring/internal/canary"
)

// outcome is what comes of a life with a server.
type outcome struct {
	want   string // of Open, or of a check when Open succeeds
	always bool   // every secret meets the server where the secret fits
}

// outcomes are those of each backend's servers. They say that the client got as far with the server as it can get.
var outcomes = map[string]map[string]outcome{
	"mysql": {
		"refuses":                   {"Open: unreachable", false},
		"is silent":                 {"Open: timeout", false},
		"mirrors":                   {"Open: timeout", false}, // it waits for the server's greeting
		"rejects":                   {"Open: auth", true},
		"echoes":                    {"Open: unknown", true},
		"echoes in a plugin's name": {"Open: auth", false}, // it hears the user, not the password
		"echoes after a ping":       {"Check: unknown", true},
	},
	"mongo": {
		"refuses":             {"Open: unreachable", false},
		"is silent":           {"Open: timeout", false},
		"mirrors":             {"Open: unreachable", false},
		"rejects":             {"Open: auth", true},
		"echoes":              {"Open: unknown", true},
		"echoes after a ping": {"Check: unknown", true},
	},
	"redis": {
		"refuses":                 {"Open: unreachable", false},
		"is silent":               {"Open: timeout", false},
		"mirrors":                 {"Open: unknown", false},
		"rejects":                 {"Open: auth", true},
		"says no permission":      {"Open: permission", true},
		"echoes":                  {"Open: auth", true}, // what it sends back begins as a refused AUTH does
		"echoes and nothing else": {"Open: unknown", true},
		"echoes after a ping":     {"Check: unknown", true},
	},
	"pubsub": {
		"refuses":                     {"Open: unreachable", false},
		"is silent":                   {"Open: timeout", false},
		"mirrors":                     {"Open: unreachable", false},
		"echoes":                      {"Open: unreachable", true},
		"echoes after a call":         {"Check: unreachable", true},
		"echoes with Unauthenticated": {"Open: auth", true},
		"echoes with Unavailable":     {"Open: unreachable", false},
		"echoes with Internal":        {"Open: unreachable", true},
		"echoes with InvalidArgument": {"Open: config", true},
		"echoes with Code(77)":        {"Open: unknown", true},
	},
}

// outcomeLine is what the program prints.
func outcomeLine(backend, how string, secret int, came string) string {
	return fmt.Sprintf("outcome: the %s server that %q, secret %d: %s\n", backend, how, secret, came)
}

// missesNoServer fails the test unless every server of servers has been met and has answered as it does: what the
// configuration refuses is no test of a server.
func missesNoServer(t *testing.T, output string, servers map[string]map[string]string, secrets int) {
	t.Helper()
	seen := make(map[string]bool)
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "outcome: ") {
			seen[line] = true
		}
	}
	for backend, hows := range servers {
		for how := range hows {
			o, known := outcomes[backend][how]
			if !known {
				t.Errorf("nobody says what comes of the %s server that %q", backend, how)
				continue
			}
			met := 0
			for secret := range secrets {
				if seen[outcomeLine(backend, how, secret, o.want)] {
					met++
				}
			}
			if want := wanted(backend, o.always, secrets); met < want {
				t.Errorf("the %s server that %q: %q for %d secrets, want %d", backend, how, o.want, met, want)
			}
		}
	}
}

// missesNoSecret fails the test unless the servers that send back what they hear have heard what they should.
func missesNoSecret(t *testing.T, ears map[string]map[string]*ear, secrets []canary.Secret) {
	t.Helper()
	for backend, hows := range ears {
		for how, heard := range hows {
			text, n := heard.String(), 0
			for _, s := range secrets {
				if s.In(text) != "" {
					n++
				}
			}
			if want := wanted(backend, outcomes[backend][how].always, len(secrets)); n < want {
				t.Errorf("the %s server that %q was sent %d secrets, and so could not send back %d", backend, how, n, want)
			}
		}
	}
}

// wanted is how many secrets a server must meet. Pub/Sub has no password, and a topic's name cannot hold most of them.
func wanted(backend string, always bool, secrets int) int {
	if always && backend != "pubsub" {
		return secrets
	}
	return 1
}
