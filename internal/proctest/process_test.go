package proctest_test

import (
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/vibework/mooring/internal/proctest"
)

func TestAProgramIsReadSignalledAndWaitedFor(t *testing.T) {
	const script = `trap 'echo stopping >&2; exit 3' TERM; echo addr=here >&2; while :; do sleep 0.01; done`
	p := proctest.Start(t, exec.CommandContext(t.Context(), "sh", "-c", script), time.Minute)
	if addr := p.Await(t, `addr=(\S+)`); addr != "here" {
		t.Errorf("the address is %q", addr)
	}
	p.Signal(t, syscall.SIGTERM)
	if err := p.Ended(t); err == nil || p.ProcessState.ExitCode() != 3 {
		t.Errorf("it ended with %v", err)
	}
	if log := p.Log(); log != "addr=here\nstopping\n" {
		t.Errorf("it wrote %q", log)
	}
}
