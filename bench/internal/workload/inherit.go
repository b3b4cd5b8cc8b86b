package workload

import (
	"bufio"
	"bytes"
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"

	"github.com/vibework/mooring/bench/internal/timing"
)

// Program is a program that uses a library, or only imports it.
type Program struct {
	Name    string
	Imports []string
	Main    string // what main does, on an if that the compiler cannot foresee; it may use ctx
}

// The programs that others are compared with.
const (
	Empty        = "an empty main"
	RegistryOnly = "**Mooring**, the registry"
	RedisBackend = "**Mooring**, `backends/redis`"
	RedisDriver  = "redigo, dialled and pinged by hand"
)

const (
	core    = "github.com/vibework/mooring/registry"
	sources = "github.com/vibework/mooring/backends/"
	through = "_ = registry.OpenAll(ctx); _ = registry.CheckAll(ctx); _ = registry.CloseAll(ctx)"
)

// Programs returns what Inherit builds.
func Programs() []Program {
	return []Program{
		{Name: Empty},
		{RegistryOnly, []string{core}, through},
		{
			"**Mooring**, `registry/health`",
			[]string{core, "net/http", core + "/health"},
			through + `; http.Handle("/", health.Handler(nil, health.Options{}))`,
		},
		{RedisBackend, []string{core, "_ " + sources + "redis"}, through},
		{"**Mooring**, `backends/mysql`", []string{core, "_ " + sources + "mysql"}, through},
		{
			RedisDriver,
			[]string{"redis github.com/gomodule/redigo/redis"},
			`pool := redis.Pool{DialContext: func(ctx context.Context) (redis.Conn, error) {
				return redis.DialContext(ctx, "tcp", os.Args[1]) }}
			conn, _ := pool.GetContext(ctx); _, _ = redis.DoContext(conn, ctx, "PING"); _ = pool.Close()`,
		},
		{
			"go-sql-driver, opened and pinged by hand",
			[]string{"database/sql", "_ github.com/go-sql-driver/mysql"},
			`db, _ := sql.Open("mysql", os.Args[1]); _ = db.PingContext(ctx); _ = db.Close()`,
		},
		{"net/http, a handler", []string{"net/http"}, `http.Handle("/", http.NotFoundHandler())`},
		{"health-go", []string{"health github.com/hellofresh/health-go/v5"}, "h, _ := health.New(); _ = h.Measure(ctx)"},
		{"alexliesenfeld/health", []string{"github.com/alexliesenfeld/health"}, "_ = health.NewChecker().Check(ctx)"},
		{"go-sundheit", []string{"sundheit github.com/AppsFlyer/go-sundheit"}, "_, _ = sundheit.New().Results()"},
		{"samber/do", []string{"github.com/samber/do/v2"}, "_ = do.New().HealthCheckWithContext(ctx)"},
		{"uber-go/fx", []string{"go.uber.org/fx"}, "_ = fx.New(fx.NopLogger).Start(ctx)"},
	}
}

// Inherited is what programs inherit, by program.
type Inherited struct {
	Megabytes timing.Table // of the stripped binary
	Modules   timing.Table // linked into it
	Init      timing.Table // milliseconds that the initialization of all packages takes
	InitAlloc timing.Table // kilobytes allocated by it
}

// TheProgram is the only column of Inherited.
const TheProgram = "program"

var source = template.Must(template.New("main").Parse(`package main

import (
	"context"
	"os"
{{range .Imports}}	{{.}}
{{end}})

func main() {
	ctx := context.Background()
	if len(os.Args) > 1 {
		{{.Main}}
	}
	_ = ctx
}
`))

// Inherit builds the programs with the versions that this module uses, in the folder of this module, and runs
// each as often as there are passes.
func Inherit(ctx context.Context, e timing.Effort, programs []Program) (*Inherited, error) {
	dir, err := os.MkdirTemp("", "mooring-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	inherited := new(Inherited)
	binaries := make(map[string]string)
	var names []string
	for i, p := range programs {
		binary := filepath.Join(dir, strconv.Itoa(i), "program")
		if err := p.build(ctx, binary); err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		if err := inherited.weigh(p.Name, binary); err != nil {
			return nil, err
		}
		binaries[p.Name], names = binary, append(names, p.Name)
	}
	timing.Interleave(e.Passes, []string{TheProgram}, names, func(row, _ string) {
		millis, bytes, runErr := initialize(ctx, binaries[row])
		if runErr != nil {
			err = runErr
		}
		inherited.Init.Add(row, TheProgram, millis)
		inherited.InitAlloc.Add(row, TheProgram, bytes/1000)
	})
	return inherited, err
}

func (p Program) build(ctx context.Context, binary string) error {
	imports := make([]string, len(p.Imports))
	for i, path := range p.Imports {
		name, path, named := strings.Cut(path, " ")
		if !named {
			name, path = "", name
		}
		imports[i] = name + " " + strconv.Quote(path)
	}
	p.Imports = imports
	var text bytes.Buffer
	if err := source.Execute(&text, p); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(binary), 0o755); err != nil {
		return err
	}
	file := filepath.Join(filepath.Dir(binary), "main.go")
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, file)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

func (i *Inherited) weigh(name, binary string) error {
	file, err := os.Stat(binary)
	if err != nil {
		return err
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return err
	}
	i.Megabytes.Add(name, TheProgram, float64(file.Size())/1e6)
	i.Modules.Add(name, TheProgram, float64(len(info.Deps)))
	return nil
}

// initialize runs a program and adds up what the runtime tells of the initialization of its packages:
//
//	init os @0.15 ms, 0.033 ms clock, 520 bytes, 10 allocs
func initialize(ctx context.Context, binary string) (millis, allocated float64, err error) {
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	trace, err := cmd.CombinedOutput()
	if err != nil {
		return 0, 0, err
	}
	lines := bufio.NewScanner(bytes.NewReader(trace))
	for lines.Scan() {
		var name string
		var at, clock, size float64
		if n, _ := fmt.Sscanf(lines.Text(), "init %s @%f ms, %f ms clock, %f bytes", &name, &at, &clock, &size); n == 4 {
			millis += clock
			allocated += size
		}
	}
	return millis, allocated, lines.Err()
}
