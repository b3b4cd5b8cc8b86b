package devstack

import (
	"crypto/rand"
	"net/url"
	"os"

	ferretauth "github.com/FerretDB/FerretDB/devstackauth"
)

func startMongo() (*server, error) {
	// FerretDB's in-memory mode deadlocks on the first update, so its data lives in files.
	folder, err := os.MkdirTemp("", "devstack-mongo-*")
	if err != nil {
		return nil, err
	}
	password := rand.Text()
	addr, stop, err := ferretauth.Start(folder, user, password)
	if err != nil {
		_ = os.RemoveAll(folder)
		return nil, err
	}
	return &server{
		addr: addr,
		env: func(addr string) []string {
			query := url.Values{"authSource": {ferretauth.Database}}
			u := url.URL{
				Scheme: "mongodb", User: url.UserPassword(user, password), Host: addr,
				Path: "/" + database, RawQuery: query.Encode(),
			}
			return []string{"MONGO_URI=" + u.String()}
		},
		stop: func() error {
			stop()
			return os.RemoveAll(folder)
		},
	}, nil
}
