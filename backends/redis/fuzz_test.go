package redis_test

import (
	"testing"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/internal/canary"
)

func FuzzURL(f *testing.F) {
	for _, around := range [][2]string{
		{"redis://app:", "@h:1/0"},
		{"redis://", "@h"},
		{"redis://:", "/w@h"},
		{"rediss://h/", ""},
		{"valkey://h?", "=1"},
		{"redis://h:", ""},
		{"", "@h"},
	} {
		f.Add(around[0], around[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		secret := canary.New(before, after)
		cfg := at(secret.Value)
		res := redis.New("redis", redis.WithConfig(cfg))
		err := res.Configure()
		secret.AbsentFrom(t, err)
		secret.AbsentFromAllButRecords(t, res)
		secret.AbsentFrom(t, cfg)
		canary.NoParserIn(t, err)
	})
}

func FuzzReply(f *testing.F) {
	for _, around := range [][2]string{
		{"ERR unknown command 'AUTH', with args beginning with: '", "'"},
		{"", ""},
		{"", " is what was sent"},
		{"WRONGPASS ", ""},
		{"MISCONF ", ""},
	} {
		f.Add(around[0], around[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		secret := canary.New(before, after)
		secret.AbsentFrom(t, redis.Classify(driver.Error(secret.Value)))
	})
}
