//go:build unix

package pubsub_test

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/pubsub"
)

func TestAPipeOfCredentialsIsRefusedAndNotWaitedFor(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, variable := range []string{"PUBSUB_CREDENTIALS_FILE", "GOOGLE_APPLICATION_CREDENTIALS"} {
		for path, want := range map[string]string{pipe: "not a readable file", "/dev/zero": "larger than 1 MiB"} {
			setenv(t, "PUBSUB_PROJECT_ID=p "+variable+"="+path)
			done := make(chan error, 1)
			go func() { done <- pubsub.New("pubsub").Configure() }()
			select {
			case err := <-done:
				if want := variable + ": " + want; err == nil || err.Error() != want {
					t.Errorf("got %v, want %s", err, want)
				}
			case <-time.After(patience):
				t.Fatalf("%s: it waits for somebody to write", variable)
			}
		}
	}
}
