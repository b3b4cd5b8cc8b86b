package pubsub_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/internal/canary"
)

func FuzzConfig(f *testing.F) {
	for _, around := range [][2]string{
		{"", ""},
		{"localhost:", ""},
		{"http://", "@h:1"},
		{"projects/p/topics/", "%zz"},
		{"projects/", "/topics/t"},
		{`{"private_key":"`, `"}`},
		{"/no/such/", "\x00"},
	} {
		f.Add(around[0], around[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		secret := canary.New(before, after)
		for _, cfg := range []pubsub.Config{
			{EmulatorHost: secret.Value},
			{EmulatorHost: "h", ProjectID: secret.Value},
			{EmulatorHost: "h", CheckTopic: secret.Value},
			{ProjectID: "p", CredentialsFile: secret.Value},
		} {
			configure(t, secret, cfg)
		}
	})
}

func FuzzCredentialsFile(f *testing.F) {
	for _, around := range [][2]string{
		{"", ""},
		{`{"type":"`, `"}`},
		{`{"type":"service_account","client_email":"a@b","private_key":"`, `"}`},
		{`{"type":"authorized_user","client_id":"c","client_secret":"`, `","refresh_token":"r"}`},
		{`{"type":"external_account","token_url":"`, `","credential_source":{"url":"x"}}`},
		{`{"type":"impersonated_service_account","service_account_impersonation_url":"`, `"}`},
		{`{"type":"service_account","private_key":"`, ""},
	} {
		f.Add(around[0], around[1])
	}
	path := filepath.Join(f.TempDir(), "credentials.json")
	f.Fuzz(func(t *testing.T, before, after string) {
		secret := canary.New(before, after)
		if err := os.WriteFile(path, []byte(secret.Value), 0o600); err != nil {
			t.Fatal(err)
		}
		configure(t, secret, pubsub.Config{ProjectID: "p", CredentialsFile: path})
	})
}

func configure(t *testing.T, secret canary.Secret, cfg pubsub.Config) {
	t.Helper()
	res := pubsub.New("pubsub", pubsub.WithConfig(cfg))
	err := res.Configure()
	secret.AbsentFrom(t, err)
	secret.AbsentFromAllButRecords(t, res)
	canary.NoParserIn(t, err)
}
