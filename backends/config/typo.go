package config

import (
	"context"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// read has the names of the variables that every Load so far has looked up: one that another instance reads is no typo.
var read sync.Map

// logged has the texts of the records about the configuration.
var logged sync.Map

// LogOnce logs a record about the configuration to [slog.Default], unless the process has logged this text before: the
// configuration is read many times. The text names variables and quotes no value.
func LogOnce(level slog.Level, text string, args ...any) {
	if _, again := logged.LoadOrStore(text, true); !again {
		slog.Log(context.Background(), level, text, args...)
	}
}

// warnOnce logs something about a variable that is read.
func warnOnce(name, text string) { LogOnce(slog.LevelWarn, name+": "+text, "variable", name) }

// warnOfSlips logs each variable that nothing reads, and that looks like a typo of one of vars or has the name that
// other programs give it. Whole is the variable that says where the server is, "" if none does: what does not count
// beside it is no guess.
func warnOfSlips(vars []variable, whole string, environment map[string]string) {
	slips, known := make(map[string]slip), []string(nil)
	for _, v := range vars {
		part := isPart(v, vars)
		maps.Copy(slips, synonymsOf(v, part, whole))
		for _, name := range v.Names() {
			read.Store(name, true)
			if whole == "" || !part {
				known = append(known, name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		value := environment[name]
		if _, isRead := read.Load(name); isRead || value == "" || service.MatchString(name+"="+value) {
			continue
		}
		same := func(other string) bool { return environment[other] == value }
		s, synonym := slips[name]
		if !synonym {
			s.read = Nearest(name, known)
		}
		switch {
		case s.read == "" || slices.ContainsFunc(append(s.names, s.read), same):
		case s.instead != "":
			LogOnce(slog.LevelInfo, name+" is not read, and "+s.instead+" is set", "variable", name)
		case synonym:
			LogOnce(slog.LevelWarn, name+" is not read; "+s.read+" is", "variable", name, "suggestion", s.read)
		default:
			LogOnce(slog.LevelWarn, name+" is not read; did you mean "+s.read+"?", "variable", name, "suggestion", s.read)
		}
	}
}

// Nearest returns the known name of which name is most likely a misspelling, the first in the alphabet of several, or
// "" if it is one of none. One in other cases of letters is the nearest, and so is the name behind a byte order mark,
// which some editors for Windows put before the first one of a file. It is for errors: the caller may show what Nearest
// returns, but not name, which may be a part of a password, unless Nearest returns one.
func Nearest(name string, known []string) string {
	meant, fewest, folded := "", maxEdits+1, strings.ToUpper(strings.TrimPrefix(name, "\ufeff"))
	for _, candidate := range slices.Sorted(slices.Values(known)) {
		if name == candidate {
			continue
		}
		other := strings.ToUpper(candidate)
		if folded == other {
			return candidate
		}
		if n := edits(folded, other, maxEdits); n < fewest && isTypo(folded, other, n) {
			meant, fewest = candidate, n
		}
	}
	return meant
}

// maxEdits is how many edits a slip of the pen takes at most.
const maxEdits = 2

// isTypo tells a slip of the pen, n edits from known, from a name of its own. At most a third of
// the words that differ may change: MYSQL_HSOT is meant to be MYSQL_HOST, MYSQL_PORT is not, nor is
// MYSQL_B_HOST meant to be MYSQL_A_HOST. One word more, as in MYSQL_1_HOST, or another number is
// another instance.
func isTypo(name, known string, n int) bool {
	if digits.ReplaceAllString(name, "") == digits.ReplaceAllString(known, "") {
		return false
	}
	if strings.ReplaceAll(name, "_", "") == strings.ReplaceAll(known, "_", "") {
		return true
	}
	a, b := words(name), words(known)
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	stem := strings.Join(b, "_")
	if len(b) > 1 { // HISTFILE is not meant to be HOST_FILE
		stem = strings.TrimSuffix(stem, fileSuffix)
	}
	return n <= len(stem)/3
}

func words(name string) []string {
	return strings.FieldsFunc(name, func(r rune) bool { return r == '_' })
}

var digits = regexp.MustCompile(`[0-9]+`)

// service is a pair that Kubernetes sets for each Service: X_SERVICE_HOST, X_SERVICE_PORT, X_SERVICE_PORT_HTTP,
// X_PORT=tcp://..., X_PORT_80_TCP_ADDR; or Docker for a link: X_NAME=/web/x.
var service = regexp.MustCompile(`(?s)^[^=]*(_SERVICE_HOST=|_SERVICE_PORT[=_]|_PORT=.*://|_PORT_[0-9]+_|_NAME=/)`)

// edits returns how many letters must be added, dropped, replaced, or swapped with a neighbour to turn a into b
// (optimal string alignment), or some number above most if it takes more than that.
func edits(a, b string, most int) int {
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	switch {
	case a == "" || b == "":
		return len(a) + len(b)
	case most == 0:
		return 1
	}
	n := min(edits(a[1:], b, most-1), edits(a, b[1:], most-1), edits(a[1:], b[1:], most-1))
	if len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] {
		n = min(n, edits(a[2:], b[2:], most-1))
	}
	return n + 1
}
