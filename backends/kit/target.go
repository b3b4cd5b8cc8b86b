package kit

import (
	"log/slog"
	"strings"
)

// Target is where a resource connects, and as whom: what a backend has read in the configuration and checked. None of
// it is a piece of a URL that was not understood, which may be a piece of a password.
type Target struct {
	Addrs    []string // each host:port, or the path of a Unix socket
	SRV      string   // the name whose SRV records have the addresses, instead
	Database string
	Project  string // of a service that has projects
	User     string // "" if the program says it for each connection
}

// LogValue returns the addresses, the database and the project, for records. They are no place for a user.
func (t Target) LogValue() slog.Value {
	var attrs []slog.Attr
	for _, part := range [][2]string{{"addr", t.Addr()}, {"database", t.Database}, {"project", t.Project}} {
		if part[1] != "" {
			attrs = append(attrs, slog.String(part[0], part[1]))
		}
	}
	return slog.GroupValue(attrs...)
}

// Addr returns the addresses in one line, separated by commas, or the name to look up for them.
func (t Target) Addr() string {
	if t.SRV != "" {
		return t.SRV
	}
	return strings.Join(t.Addrs, ",")
}
