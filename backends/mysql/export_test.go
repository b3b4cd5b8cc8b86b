package mysql

import (
	"fmt"
	"net"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/vibework/mooring/backends/kit"
)

// Resolved is what the driver and the pool are going to be given.
type Resolved struct {
	Net, Addr, User, Password, Database string
	MaxOpenConns, MaxIdleConns          int
	ConnMaxLifetime, ConnMaxIdleTime    time.Duration
	Timeout, ReadTimeout, WriteTimeout  time.Duration
	TLS, SkipVerify                     bool
	ServerName                          string
	Flags                               string // those that are on
	Params, Loc                         string
	MaxAllowedPacket                    int
}

// Resolve reads the environment as Configure does.
func Resolve(t *testing.T, name string) Resolved {
	t.Helper()
	s := resolved(t, name)
	d := s.driver
	r := Resolved{
		Net: d.Net, Addr: d.Addr, User: s.User, Password: s.Password.Reveal(), Database: d.DBName,
		MaxOpenConns: s.MaxOpenConns, MaxIdleConns: s.MaxIdleConns,
		ConnMaxLifetime: s.ConnMaxLifetime, ConnMaxIdleTime: s.ConnMaxIdleTime,
		Timeout: d.Timeout, ReadTimeout: d.ReadTimeout, WriteTimeout: d.WriteTimeout,
		Params: fmt.Sprint(d.Params), Loc: d.Loc.String(), MaxAllowedPacket: d.MaxAllowedPacket,
	}
	for _, flag := range []struct {
		name string
		on   bool
	}{
		{"native", d.AllowNativePasswords},
		{"live", d.CheckConnLiveness},
		{"found", d.ClientFoundRows},
		{"alias", d.ColumnsWithAlias},
		{"interpolate", d.InterpolateParams},
		{"multi", d.MultiStatements},
		{"time", d.ParseTime},
		{"reject", d.RejectReadOnly},
		{"files", d.AllowAllFiles},
		{"clear", d.AllowCleartextPasswords},
		{"plain", d.AllowFallbackToPlaintext},
		{"old", d.AllowOldPasswords},
	} {
		if flag.on {
			r.Flags += flag.name + " "
		}
	}
	if d.TLS != nil {
		r.TLS, r.SkipVerify, r.ServerName = true, d.TLS.InsecureSkipVerify, d.TLS.ServerName
	}
	return r
}

// DriverConfig is what the driver is given, less who logs in and the dialler.
func DriverConfig(t *testing.T, name string) *driver.Config {
	t.Helper()
	return resolved(t, name).driver
}

func resolved(t *testing.T, name string) *settings {
	t.Helper()
	s, err := resolve(name, setup{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// CutWire returns what the driver has of a socket that it has closed while the server owed an answer.
func CutWire(socket kit.Socket) net.Conn {
	w := newWire(new(kit.Conns))
	w.Socket = socket
	w.phase.Store(asked)
	_ = w.Close()
	return w
}

// ForgetLookups does what half a minute does.
func ForgetLookups(r *Resource) {
	c, _ := kit.ClientOf(r.Resource)
	c.notes.Lookups = kit.Lookups{}
}
