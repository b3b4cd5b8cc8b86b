// Package canary helps tests to find a secret where none belongs. Only tests import it.
package canary

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Secret is a password with a random part to look for.
type Secret struct {
	Value  string // the whole password
	random string
}

// length is that of the random part, and window as much of it as must not show.
const (
	length = 12
	window = 4
)

// letters are rare ones, for the random part. The hex numbers of the first three have a letter in them, in either case:
// one in every window keeps it from being found in a number, such as the fraction of a second.
const letters = "JKZQVWX"

// New returns a secret whose random part stands between before and after. No two letters of the random part
// are alike side by side, so that no four of them stand in any other text by chance, in either case.
func New(before, after string) Secret {
	random := make([]byte, length)
	for i := range random {
		from := letters
		if i%(window-1) == 0 {
			from = letters[:3]
		}
		for random[i] = from[rand.IntN(len(from))]; i > 0 && random[i] == random[i-1]; {
			random[i] = from[rand.IntN(len(from))]
		}
	}
	return Secret{before + string(random) + after, string(random)}
}

// Hostile returns secrets made of what parsers trip over, each with a name for a subtest.
func Hostile() map[string]Secret {
	secrets := map[string]Secret{
		"long":      New(strings.Repeat("x", 300), "tail"),
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

// In returns the first four characters in a row of the random part that text holds in either case, or "". It finds
// them in hex and as the decimal numbers of bytes, too, and returns them as they stand there.
func (s Secret) In(text string) string {
	upper := strings.ToUpper(text)
	for form := range s.forms() {
		if strings.Contains(upper, form) {
			return form
		}
	}
	return ""
}

// forms yields every four characters in a row of the random part, and what fmt makes of them: in upper case whatever
// is a letter.
func (s Secret) forms() iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range len(s.random) - window + 1 {
			part := s.random[i : i+window]
			lower := strings.ToLower(part)
			for _, form := range []string{
				part, fmt.Sprintf("%X", part), fmt.Sprintf("%X", lower), decimal(part), decimal(lower),
			} {
				if !yield(form) {
					return
				}
			}
		}
	}
}

// decimal is what %v and %d make of bytes, without the brackets.
func decimal(part string) string { return strings.Trim(fmt.Sprintf("%d", []byte(part)), "[]") }

// LinesWith returns the lines of text in which any of the secrets shows, in any form that [Secret.In] finds. It takes
// one look at a text that may be long, however many secrets there are.
func LinesWith(text string, secrets []Secret) (lines []string) {
	wanted := make(map[string]bool)
	var lengths [256][]int // of what is wanted, by the first byte
	for _, s := range secrets {
		for form := range s.forms() {
			wanted[form] = true
			if known := &lengths[form[0]]; !slices.Contains(*known, len(form)) {
				*known = append(*known, len(form))
			}
		}
	}
	shows := func(line string) bool {
		for i := range len(line) {
			for _, n := range lengths[line[i]] {
				if i+n <= len(line) && wanted[line[i:i+n]] {
					return true
				}
			}
		}
		return false
	}
	for line := range strings.Lines(text) {
		if shows(strings.ToUpper(line)) {
			lines = append(lines, line)
		}
	}
	return lines
}

// AbsentFrom fails the test if the secret shows in v, however it is printed.
func (s Secret) AbsentFrom(t testing.TB, v any) { t.Helper(); s.absentFrom(t, Renderings(v)) }

// AbsentFromAllButRecords is AbsentFrom for a resource whose records show where it connects: the secret may have been
// put in the place of the address or of a name.
func (s Secret) AbsentFromAllButRecords(t testing.TB, v any) {
	t.Helper()
	texts := Renderings(v)
	maps.DeleteFunc(texts, func(how, _ string) bool { return strings.HasPrefix(how, "slog") })
	s.absentFrom(t, texts)
}

func (s Secret) absentFrom(t testing.TB, texts map[string]string) {
	t.Helper()
	for how, text := range texts {
		if part := s.In(text); part != "" {
			t.Errorf("%q, a part of the secret, shows in %s: %s", part, how, text)
		}
	}
}

// Renderings returns v as a program might print it, by the way of doing so.
func Renderings(v any) map[string]string {
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
