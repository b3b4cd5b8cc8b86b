package page

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// Machine is where the numbers come from, as far as it matters to them.
type Machine struct{ CPU, System, Go, Commit string }

// ThisMachine describes the machine and the commit of the working directory. It names neither host nor path.
func ThisMachine(ctx context.Context) Machine {
	return Machine{
		CPU:    fmt.Sprintf("%d cores, %s", runtime.NumCPU(), cpu()),
		System: runtime.GOOS + "/" + runtime.GOARCH,
		Go:     runtime.Version(),
		Commit: commit(ctx),
	}
}

func cpu() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "of an unknown kind"
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if name, ok := strings.CutPrefix(lines.Text(), "model name"); ok {
			return strings.Trim(name, "\t :")
		}
	}
	return "of an unknown kind"
}

func commit(ctx context.Context) string {
	hash, err := exec.CommandContext(ctx, "git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	id := strings.TrimSpace(string(hash))
	measured := []string{":(top)go.mod", ":(top)registry/*.go", ":(top)backends/*.go", ":(top)bench/*"}
	args := append([]string{"status", "--porcelain", "--"}, measured...)
	changes, err := exec.CommandContext(ctx, "git", args...).Output()
	if err != nil || len(changes) > 0 {
		id += " with changes that were not committed"
	}
	return id
}

// peers are the modules that Mooring is compared with, and the drivers.
var peers = []string{
	"github.com/hellofresh/health-go/v5", "github.com/alexliesenfeld/health", "github.com/AppsFlyer/go-sundheit",
	"github.com/samber/do/v2", "go.uber.org/fx", "golang.org/x/sync",
	"github.com/gomodule/redigo", "github.com/go-sql-driver/mysql",
}

// Versions returns the peers with the versions that are linked into this program.
func Versions() (versions []string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return []string{"unknown"}
	}
	for _, dep := range info.Deps {
		if slices.Contains(peers, dep.Path) {
			versions = append(versions, strings.TrimPrefix(dep.Path, "github.com/")+" "+dep.Version)
		}
	}
	return versions
}
