package mongo_test

import (
	"testing"

	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/internal/canary"
)

func FuzzURI(f *testing.F) {
	for _, around := range [][2]string{
		{"mongodb://app:", "@h1:1,h2/shop?replicaSet=rs&w=majority"},
		{"mongodb://app:", "/w@h"},
		{"mongodb+srv://app:", "@c.example.com/"},
		{"mongodb://h/?", "=1"},
		{"mongodb://h/?authSource=", "%zz"},
		{"mongodb://h/?readPreference=secondary&readPreferenceTags=a:", ",b"},
		{"mongodb://h/?tlsCAFile=", "&tls=true"},
		{"mongodb://h/?maxPoolSize=", ""},
		{"mongodb://", "@[::1]:1"},
		{"mongodb://u:p@h/?appName=@", "@&ssl=true"},
		{"mongodb://%2Ftmp%2F", ".sock/?authMechanism=PLAIN"},
	} {
		f.Add(around[0], around[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		secret := canary.New(before, after)
		cfg := at(secret.Value)
		res := mongo.New("mongo", mongo.WithConfig(cfg))
		err := res.Configure()
		secret.AbsentFrom(t, err)
		secret.AbsentFromAllButRecords(t, res)
		secret.AbsentFrom(t, cfg)
		canary.NoParserIn(t, err)
	})
}
