package canary_test

import (
	"slices"
	"strings"
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

func TestInFindsItInEitherCase(t *testing.T) {
	secret := canary.New("", "")
	if secret.In("option "+strings.ToLower(secret.Value)+" is unknown") == "" {
		t.Error("a secret in lower case was not found")
	}
}

func TestLinesWithFindsEachLineThatShowsASecret(t *testing.T) {
	one, other := canary.New("", ""), canary.New("", "")
	text := "first\n" + one.Value[3:7] + "\nxyz\n\nlast " + strings.ToLower(other.Value)
	got := canary.LinesWith(text, []canary.Secret{one, other})
	want := []string{one.Value[3:7] + "\n", "last " + strings.ToLower(other.Value)}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
