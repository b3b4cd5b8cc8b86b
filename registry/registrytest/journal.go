package registrytest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// partSize is how many characters in a row of a secret are too many to be shown.
const partSize = 4

// A journal looks for the secret in all that a resource shows, in every trial of a suite.
type journal struct {
	secret string // or ""

	mu    sync.Mutex
	seen  map[string]bool
	shown []string // where the secret was found
}

func newJournal(secret string) *journal {
	return &journal{secret: secret, seen: make(map[string]bool)}
}

// note looks for the secret in all ways to print v. It holds no lock while v prints itself.
func (j *journal) note(what string, v any) {
	key := fmt.Sprintf("%s %T %v %#v", what, v, v, v)
	if j.secret == "" || !j.isNew(key) {
		return
	}
	for _, r := range renderings(v) {
		if masked := j.mask(r.text); masked != r.text {
			j.add(fmt.Sprintf("%s shows it as %s: %s", what, r.how, masked))
			return
		}
	}
}

// isNew is true for the first who asks for key.
func (j *journal) isNew(key string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.seen[key] {
		return false
	}
	j.seen[key] = true
	return true
}

// add keeps where the secret was found.
func (j *journal) add(found string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.shown = append(j.shown, found)
}

// err says where the secret was found, without showing it once more.
func (j *journal) err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.shown) == 0 {
		return nil
	}
	return errors.New(strings.Join(j.shown, "\n"))
}

// mask puts stars in the place of every part of the secret in text.
func (j *journal) mask(text string) string {
	masked := []byte(text)
	for i := range len(j.secret) - partSize + 1 {
		part := j.secret[i : i+partSize]
		for from := 0; ; from++ {
			at := strings.Index(text[from:], part)
			if at < 0 {
				break
			}
			from += at
			copy(masked[from:], strings.Repeat("*", partSize))
		}
	}
	return string(masked)
}

type rendering struct{ how, text string }

// renderings prints v in every usual way.
func renderings(v any) []rendering {
	var all []rendering
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
		all = append(all, rendering{verb, fmt.Sprintf(verb, v)})
	}
	encoded, _ := json.Marshal(v)
	var text, lines bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("", "value", v)
	slog.New(slog.NewJSONHandler(&lines, nil)).Info("", "value", v)
	return append(all, rendering{"JSON", string(encoded)},
		rendering{"slog text", text.String()}, rendering{"slog JSON", lines.String()})
}
