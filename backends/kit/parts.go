package kit

import (
	"cmp"
	"fmt"
	"log/slog"
	"strings"

	"github.com/vibework/mooring/backends/config"
)

// Parts are the variables that say a part of what a URL says: platforms and containers set them beside it. The URL
// goes before them, and they fill in what it leaves out: who logs in, and the database.
type Parts struct {
	Vars     config.Variables
	UserKey  string // of the variable of User
	User     string
	Password config.Secret
	Database string   // of the variable DATABASE, if there is one
	Others   []string // the keys of the other variables, which a backend does not read beside a URL: HOST, PORT
}

// Beside returns a URL that stands in the variable called whole, with its prefix, as the parts complete it: its User,
// its Password, and its Path, which names the database. A password that differs from that of the URL is refused, by the
// name of its variable; [In] adds whole. What else is said twice is told in one record, and ignored.
func (p Parts) Beside(whole string, u URI) (URI, error) {
	twice := p.Others
	if u.Path != "" {
		twice = append(twice, "DATABASE")
	}
	if u.User != "" {
		twice = append(twice, p.UserKey)
	}
	u.User, u.Path = cmp.Or(u.User, p.User), cmp.Or(u.Path, p.Database)
	switch {
	case p.Password.IsZero():
	case u.Password.IsZero():
		u.Password = p.Password
	case u.Password.Reveal() != p.Password.Reveal():
		return u, fmt.Errorf("has another password than %s: keep one", p.Vars.Name("PASSWORD"))
	default:
		twice = append(twice, "PASSWORD")
	}
	var ignored []string
	for _, key := range twice {
		if p.Vars.IsSet(key) {
			ignored = append(ignored, p.Vars.Name(key))
		}
	}
	if len(ignored) > 0 {
		config.LogOnce(slog.LevelInfo, "not read because "+whole+" is set: "+strings.Join(ignored, ", "))
	}
	return u, nil
}
