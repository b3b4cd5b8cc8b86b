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
			o, known := worlds[backend].outcomes[how]
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
			if want := wanted(backend, worlds[backend].outcomes[how].always, len(secrets)); n < want {
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
