package canary_test

import (
	"fmt"
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

func TestInFindsItInEveryFormThatFmtGivesIt(t *testing.T) {
	type config struct {
		Password string
		Key      []byte
	}
	secret := canary.New("", "")
	for name, c := range map[string]struct {
		v    any
		hows []string
	}{
		"text":          {secret.Value, []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "JSON", "slog text", "slog JSON"}},
		"text inside":   {config{Password: secret.Value}, []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "JSON"}},
		"in lower case": {strings.ToLower(secret.Value), []string{"%v", "%x"}},
		"bytes":         {[]byte(secret.Value), []string{"%v", "%+v", "%s", "%q", "%d", "%x"}},
		"bytes inside":  {config{Key: []byte(secret.Value)}, []string{"%v", "%+v", "%s", "%q", "%d", "%x"}},
		"lower bytes":   {[]byte(strings.ToLower(secret.Value)), []string{"%v", "%s", "%d", "%x"}},
	} {
		texts := canary.Renderings(c.v)
		for _, how := range c.hows {
			if secret.In(texts[how]) == "" {
				t.Errorf("%s: not found in %s: %s", name, how, texts[how])
			}
			if len(canary.LinesWith(texts[how], []canary.Secret{secret})) == 0 {
				t.Errorf("%s: no line with it in %s: %s", name, how, texts[how])
			}
		}
	}
}

func TestHostileSecretsAreWhatTheyAreCalled(t *testing.T) {
	hostile := canary.Hostile()
	if n := len(hostile["long"].Value); n < 300 {
		t.Errorf("the long secret has %d characters, want at least 300", n)
	}
	for name, secret := range hostile {
		if secret.In(secret.Value) == "" {
			t.Errorf("%s: the secret is not found in itself", name)
		}
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

func TestNoNumberLooksLikeASecretInHex(t *testing.T) {
	for range 1000 {
		value := canary.New("", "").Value
		for i := range len(value) - 3 {
			for _, part := range []string{value[i : i+4], strings.ToLower(value[i : i+4])} {
				if hex := fmt.Sprintf("%X", part); strings.Trim(hex, "0123456789") == "" {
					t.Fatalf("%s is %s in hex", part, hex)
				}
			}
		}
	}
}
