package config_test

import (
	"strings"
	"testing"

	"github.com/vibework/mooring/backends/config"
)

func TestPortReadsANumberAndTheLinkThatKubernetesSets(t *testing.T) {
	for text, want := range map[string]config.Port{
		"1":                          1,
		"3306":                       3306,
		"65535":                      65535,
		"tcp://10.0.0.1:3306":        3306,
		"tcp://[fd00::1]:6379":       6379,
		"tcp://mysql.default.svc:80": 80,
	} {
		var got config.Port
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
	}
}

func TestPortRefusesAllElseWithoutQuotingIt(t *testing.T) {
	for _, text := range []string{
		"", "0", "65536", "-1", "+1", "0x50", "3306 ", "3_306", "mysql", "hunter2", "10.0.0.1:3306",
		"udp://10.0.0.1:53", "tcp://", "tcp://3306", "tcp://10.0.0.1", "tcp://10.0.0.1:", "tcp://a:b:1",
		"tcp://10.0.0.1:3306/", "99999999999999999999",
	} {
		port := config.Port(7)
		err := port.UnmarshalText([]byte(text))
		if err == nil || err.Error() != "not a port: want 1 to 65535" {
			t.Errorf("%q: %v", text, err)
		}
		if port != 7 {
			t.Errorf("%q changed the port to %d", text, port)
		}
	}
}

func FuzzPort(f *testing.F) {
	for _, seed := range []string{"3306", "tcp://10.0.0.1:3306", "tcp://[::1]:1", "0", "", "tcp://:"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var port config.Port
		err := port.UnmarshalText([]byte(text))
		switch {
		case (err == nil) == (port == 0):
			t.Errorf("%q: port %d with error %v", text, port, err)
		case err == nil && !strings.HasPrefix(text, "tcp://") && strings.Trim(text, "0123456789") != "":
			t.Errorf("%q passed for port %d", text, port)
		case err != nil && err.Error() != "not a port: want 1 to 65535":
			t.Errorf("%q: %v", text, err)
		}
	})
}
