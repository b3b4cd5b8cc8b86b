package config

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// clean returns what is meant by the text that a variable or a file holds, less what came with the file that set it:
// the CR of Windows, a byte order mark, quotes that docker --env-file keeps. What is dropped from a secret may have
// been meant, so that is told.
func (v variable) clean(name, raw string) (string, error) {
	text := strings.TrimFunc(raw, isBlank)
	if v.Secret && text != raw {
		warnOnce(name, "white space at its ends is dropped")
	}
	if n := len(text) - 1; n > 0 && (text[0] == '"' || text[0] == '\'') && text[0] == text[n] {
		warnOnce(name, "the quotes around it are dropped")
		text = strings.TrimFunc(text[1:n], isBlank)
	}
	if isDocument(text) {
		return text, nil
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		return text, errors.New("has a control character")
	}
	if isURL(text) && slices.Contains(shown, v.key) {
		return text, errors.New("want a name, not a URL")
	}
	if err := v.suspect(text); err != nil {
		if !v.Secret || isURL(text) {
			return text, err
		}
		warnOnce(name, err.Error()+"; it is taken for a part of the password")
	}
	for pair := range strings.SplitSeq(v.words, ",") {
		if word, meant, found := strings.Cut(pair, "="); found && strings.EqualFold(word, text) {
			return meant, nil
		}
	}
	return text, nil
}

// shown are variables that stand in records, or in what the doctor says: a URL, which may have a password, must not.
var shown = []string{"USER", "USERNAME", "DATABASE"}

// duration is the form of a duration, also of one that no time.Duration can hold.
var duration = regexp.MustCompile(`^\+?(([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`)

// ParseDuration reads a duration with a unit, as in 30s or 5m; 0 needs none. Its error does not quote the text.
func ParseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	switch {
	case err == nil && d >= 0:
		return d, nil
	case err == nil:
		return 0, errors.New("must not be negative")
	case duration.MatchString(text):
		return 0, errors.New("too long: a duration is at most 292 years, or 2562047h")
	default:
		return 0, errors.New("not a duration with a unit, such as 30s")
	}
}

// isBlank reports whether a character at the end of a value cannot be seen.
func isBlank(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }

// isUnseen reports whether a character within a value is no blank, and looks like one or like nothing: it came from a
// web page, and is another name to a server.
func isUnseen(r rune) bool { return r != ' ' && isBlank(r) }

// isDocument reports whether the value is PEM or JSON, which have lines: where the path of a file is wanted, somebody
// else knows better what to say.
func isDocument(value string) bool {
	return strings.HasPrefix(value, "-----BEGIN ") || strings.HasPrefix(value, "{") && !strings.HasPrefix(value, "{{")
}

func isURL(value string) bool { return strings.Contains(value, "://") }

var (
	comment = regexp.MustCompile(`[\s\p{Zs}]#`)
	// braces are of shells, compose and Spring, and of Helm and Ansible; a placeholder may be one of Kubernetes, Azure or
	// Windows, too.
	braces      = regexp.MustCompile(`\$\{[A-Za-z_][^}]*\}|\{\{[^{}]+\}\}`)
	placeholder = regexp.MustCompile(braces.String() + `|#\{[^}]+\}#?|\$\(\w+\)|^\$[A-Za-z_]\w*$|^%[A-Za-z_]\w*%$`)
	// toReplace is in what is copied from a page.
	toReplace = regexp.MustCompile(`(?i)<(db_?)?(user|username|pass|password|host|hostname|cluster)>|` +
		`\[(YOUR-)?PASSWORD\]|\{your[-_]\w+\}`)
)

// suspect returns what the text has that nobody can see, or that a shell or another program was to take out of it.
func (v variable) suspect(text string) error {
	hasPassword := v.Secret && isURL(text) // and there the placeholders without braces may stand
	switch {
	case comment.MatchString(text):
		return errors.New("has a comment behind the value: put it on a line of its own")
	case toReplace.MatchString(text):
		return errors.New("has a <...>, [...] or {...} that is to be replaced, as in <password>")
	case strings.ContainsFunc(text, isUnseen):
		return errors.New("has a character that cannot be seen")
	case hasPassword && braces.MatchString(text):
		return errors.New("has a ${...} that nothing has expanded; write %24%7B if it is meant so")
	case !hasPassword && placeholder.MatchString(text):
		return errors.New("has a ${...} that nothing has expanded")
	}
	return nil
}
