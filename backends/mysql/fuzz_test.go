package mysql_test

import (
	"testing"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/internal/canary"
)

func FuzzURL(f *testing.F) {
	for _, around := range [][2]string{
		{"mysql://app:", "@h:1/shop?loc=UTC"},
		{"mysql://app:", "/w@h"},
		{"mysql://h/shop?", "=1"},
		{"mysql://h/shop?time_zone=", "%zz"},
		{"mysql://app:%zz", "@h"},
		{"mariadb://[::1]:", ""},
		{"", "://h"},
	} {
		f.Add(around[0], around[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		secret := canary.New(before, after)
		configure(t, secret, mysql.Config{URL: config.NewSecret(secret.Value)})
	})
}

func FuzzDSN(f *testing.F) {
	for _, around := range [][2]string{
		{"app:", "@tcp(h:1)/shop?parseTime=true"},
		{"app:", "/w@tcp(h)/shop"},
		{"app:pw@tcp(", ")/shop"},
		{"app:pw@unix(/", ")/shop"},
		{"app:pw@", "(h)/shop"},
		{"app:pw@tcp(h)/", "%zz?x"},
		{"app:pw@tcp(h)/shop?maxAllowedPacket=", "&collation="},
		{"mysql://", ""},
	} {
		f.Add(around[0], around[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		secret := canary.New(before, after)
		configure(t, secret, mysql.Config{DSN: config.NewSecret(secret.Value)})
	})
}
