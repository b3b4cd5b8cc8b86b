// Package canary helps tests to find a secret where none belongs. Only tests import it.
package canary

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// Secret is a password with a random part to look for.
type Secret struct {
	Value  string // the whole password
	random string
}

// New returns a secret whose random part stands between before and after.
func New(before, after string) Secret {
	const letters = "BCDFGHJKLMNPQRSTVWXZ"
	random := make([]byte, 12)
	for i := range random {
		random[i] = letters[rand.IntN(len(letters))]
	}
	return Secret{before + string(random) + after, string(random)}
}

// Hostile returns secrets made of what parsers trip over, each with a name for a subtest.
func Hostile() map[string]Secret {
	secrets := map[string]Secret{
		"long":      New(strings.Repeat("x", 280), "tail"),
		"non-ASCII": New("pä§", "ßword→"),
		"percent":   New("%zz", "%2"),
		"escape":    New("%41", "%20"),
		"as a URL":  New("mysql://u:", "@h:1/d?x=y"),
	}
	for _, c := range "/@:?#%()&$ \n'\"[]{}<>=;,\\`" {
		secrets[fmt.Sprintf("%q", c)] = New("a"+string(c), string(c)+"b")
	}
	return secrets
}

// Escaped is the value as it stands in a URL.
func (s Secret) Escaped() string { return url.PathEscape(s.Value) }

// In returns the first four characters in a row of the random part that text holds, or "".
func (s Secret) In(text string) string {
	for i := range len(s.random) - 3 {
		if part := s.random[i : i+4]; strings.Contains(text, part) {
			return part
		}
	}
	return ""
}

// AbsentFrom fails the test if the secret shows in v, however it is printed.
func (s Secret) AbsentFrom(t testing.TB, v any) {
	t.Helper()
	for how, text := range renderings(v) {
		if part := s.In(text); part != "" {
			t.Errorf("%q, a part of the secret, shows in %s: %s", part, how, text)
		}
	}
}

func renderings(v any) map[string]string {
	texts := make(map[string]string)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		texts[verb] = fmt.Sprintf(verb, v)
	}
	encoded, _ := json.Marshal(v)
	texts["JSON"] = string(encoded)
	var text, lines bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("canary", "value", v)
	slog.New(slog.NewJSONHandler(&lines, nil)).Info("canary", "value", v)
	texts["slog text"], texts["slog JSON"] = text.String(), lines.String()
	return texts
}

// NoParserIn fails the test if err, or anything it wraps, comes from a parser that quotes what it cannot read.
func NoParserIn(t testing.TB, err error) {
	t.Helper()
	_, isURL := errors.AsType[*url.Error](err)
	_, isEscape := errors.AsType[url.EscapeError](err)
	_, isHost := errors.AsType[url.InvalidHostError](err)
	_, isNumber := errors.AsType[*strconv.NumError](err)
	_, isPath := errors.AsType[*fs.PathError](err)
	_, isAddr := errors.AsType[*net.AddrError](err)
	_, isOp := errors.AsType[*net.OpError](err)
	_, isDNS := errors.AsType[*net.DNSError](err)
	if isURL || isEscape || isHost || isNumber || isPath || isAddr || isOp || isDNS {
		t.Errorf("the error of a parser or of the network is in the chain of: %v", err)
	}
}
