package pubsub_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/internal/canary"
	"github.com/vibework/mooring/registry"
)

// Whatever is in whatever variable, no error shows it.
func TestNoErrorShowsWhatIsInAVariable(t *testing.T) {
	variables := []string{
		"PUBSUB_PROJECT_ID", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "PUBSUB_EMULATOR_HOST", "PUBSUB_CHECK_TOPIC",
		"PUBSUB_CREDENTIALS_FILE", "GOOGLE_APPLICATION_CREDENTIALS", "PUBSUB_GRPC_CONNS", "PUBSUB_PUBLISH_TIMEOUT",
	}
	refused := make(map[string]int)
	for _, secret := range canary.Hostile() {
		for _, variable := range variables {
			for _, value := range []string{secret.Value, secret.Escaped(), `{"private_key":"` + secret.Value} {
				setenv(t, "")
				t.Setenv(variable, value)
				res := pubsub.New("pubsub")
				err := res.Configure()
				if err == nil { // it may be the id of a project
					continue
				}
				refused[variable]++
				secret.AbsentFrom(t, err)
				secret.AbsentFrom(t, res)
				canary.NoParserIn(t, err)
			}
		}
	}
	for _, variable := range variables {
		if refused[variable] == 0 {
			t.Errorf("%s takes everything", variable)
		}
	}
}

// Google's libraries quote a file that they find by themselves.
func TestNoErrorShowsTheCredentialsOfGcloud(t *testing.T) {
	for name, secret := range canary.Hostile() {
		home := t.TempDir()
		folder := filepath.Join(home, ".config", "gcloud")
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		content := `{"type":"` + secret.Value + `","private_key":"` + secret.Value + `"}`
		path := filepath.Join(folder, "application_default_credentials.json")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		setenv(t, "PUBSUB_PROJECT_ID=p HOME="+home)
		res := pubsub.New("pubsub")
		err := res.Open(t.Context())
		want := "PUBSUB_CREDENTIALS_FILE is not set, and there are no application default credentials that can be used"
		if err == nil || err.Error() != want || registry.KindOf(err) != registry.KindConfig {
			t.Errorf("%s\ngot  %v\nwant %s", name, err, want)
		}
		secret.AbsentFrom(t, err)
		secret.AbsentFrom(t, res)
		canary.NoParserIn(t, err)
	}
}

// A machine's own credentials come from a server that may hang.
func TestASilentMetadataServerDoesNotHoldUpOpen(t *testing.T) {
	setenv(t, "PUBSUB_PROJECT_ID=p HOME="+t.TempDir()+" GCE_METADATA_HOST="+silentPort(t))
	g := newGoogle(t)
	res := pubsub.New("pubsub", g.option())
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	err := res.Open(ctx)
	if want := "no answer in time: context deadline exceeded"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if took := time.Since(start); took >= patience {
		t.Errorf("it took %v", took)
	}
}
