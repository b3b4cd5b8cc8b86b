package all_test

import (
	"os"
	"testing"
)

// TestMain also is the program that the canary test starts.
func TestMain(m *testing.M) {
	if os.Getenv(canaryProgram) != "" {
		runCanaryProgram(os.Stdin)
	}
	os.Exit(m.Run())
}
