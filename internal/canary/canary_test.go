package canary_test

import (
	"testing"

	"github.com/vibework/mooring/internal/canary"
)

func TestInFindsFourCharactersOfTheRandomPart(t *testing.T) {
	secret := canary.New("head", "tail")
	if got := secret.In("it begins with " + secret.Value[:8]); got != secret.Value[4:8] {
		t.Errorf("got %q, want %q", got, secret.Value[4:8])
	}
	if got := secret.In("three of it: " + secret.Value[:7] + " and the tail"); got != "" {
		t.Errorf("got %q, want nothing", got)
	}
}
