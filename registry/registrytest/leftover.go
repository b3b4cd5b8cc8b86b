package registrytest

import (
	"fmt"
	"runtime/pprof"
	"strings"
)

// nothingLeft waits until neither a connection nor a goroutine is left of the trial's calls.
func (s *trial) nothingLeft() error {
	return eventually(s.settle, func() error {
		for _, p := range s.proxies {
			if n := p.Conns(); n > 0 {
				return fmt.Errorf("connections left: %d", n)
			}
		}
		if left := goroutines(s.mark); len(left) > 0 {
			return fmt.Errorf("goroutines left: %s", strings.Join(left, "\n"))
		}
		return nil
	})
}

// goroutines returns the stacks of all goroutines that bear the mark, without a value of any variable.
//
// A goroutine inherits the labels of the one that starts it. So the mark finds the descendants of a
// trial's calls and nobody else's: not those of a server in this process, nor of another test.
func goroutines(mark string) []string {
	var profile strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&profile, 1)
	label := fmt.Sprintf("%q:%q", markKey, mark)
	var stacks []string
	for record := range strings.SplitSeq(profile.String(), "\n\n") {
		if strings.Contains(record, label) {
			stacks = append(stacks, frames(record))
		}
	}
	return stacks
}

// frames returns the functions and lines of a record such as
//
//	1 @ 0x47d92e 0x4158ee
//	# labels: {"registrytest":"7"}
//	#	0x4dc098	main.wait+0x18	/src/main.go:6
func frames(record string) string {
	count, _, _ := strings.Cut(record, " ")
	lines := []string{count + " at"}
	for line := range strings.Lines(record) {
		if fields := strings.Fields(line); len(fields) == 4 && fields[0] == "#" {
			lines = append(lines, fields[2]+" "+fields[3])
		}
	}
	return strings.Join(lines, "\n\t")
}
