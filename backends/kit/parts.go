package kit

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/vibework/mooring/backends/config"
)

// Parts are the variables that say a part of what a URL says: platforms and containers set them beside it. The URL
// goes before them, and they fill in who logs in where it does not say that.
type Parts struct {
	Prefix   string // of the variables
	UserKey  string // the variable of User, without the prefix
	User     string
	Password config.Secret
	Others   map[string]bool // whether the other variables are set, without the prefix: HOST, PORT
}

// Beside returns who logs in by a URL that stands in the variable called whole. A password that differs from that of
// the URL is refused, by the names of the variables; what else is said twice is told in one record, and ignored.
func (p Parts) Beside(whole string, u Credentials) (Credentials, error) {
	var ignored []string
	for _, key := range slices.Sorted(maps.Keys(p.Others)) {
		if p.Others[key] {
			ignored = append(ignored, key)
		}
	}
	switch {
	case u.User == "":
		u.User = p.User
	case p.User != "":
		ignored = append(ignored, p.UserKey)
	}
	switch {
	case p.Password.IsZero():
	case u.Password.IsZero():
		u.Password = p.Password
	case u.Password.Reveal() != p.Password.Reveal():
		return u, fmt.Errorf("has another password than %sPASSWORD: keep one", p.Prefix)
	default:
		ignored = append(ignored, "PASSWORD")
	}
	if len(ignored) > 0 {
		slog.Info("not read because " + whole + " is set: " + p.Prefix + strings.Join(ignored, ", "+p.Prefix))
	}
	return u, nil
}
