package server

import (
	"context"
	"os/exec"
	"regexp"
	"runtime/debug"
)

var number = regexp.MustCompile(`\d+\.\d+(\.\d+)?`)

// Versions returns the servers by what the page calls them.
func Versions(ctx context.Context) map[string]string {
	return map[string]string{
		"mysql":    "MariaDB " + printed(ctx, "mariadbd"),
		"redis":    "Redis " + printed(ctx, "redis-server"),
		"postgres": "PostgreSQL " + printed(ctx, "postgres"),
		"mongo":    "FerretDB " + built("github.com/FerretDB/FerretDB"),
		"pubsub":   "pstest of cloud.google.com/go/pubsub/v2 " + built("cloud.google.com/go/pubsub/v2"),
	}
}

func printed(ctx context.Context, program string) string {
	path, err := find(program, "")
	if program == "postgres" {
		path, err = findPostgres(program)
	}
	if err != nil {
		return "(unknown version)"
	}
	output, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return "(unknown version)"
	}
	return number.FindString(string(output))
}

func built(module string) string {
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, dep := range info.Deps {
			if dep.Path == module {
				return dep.Version
			}
		}
	}
	return "(unknown version)"
}
