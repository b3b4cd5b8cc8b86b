package all_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vibework/mooring/internal/backends"
	"github.com/vibework/mooring/internal/canary"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/health"
)

// canaryTimeout is for an Open, and for a Check and a Close. Nobody waits for a server that is silent any longer.
const canaryTimeout = 250 * time.Millisecond

// patientTimeout is for cases that must get an answer, however busy the machine is.
const patientTimeout = 20 * time.Second

// runCanaryProgram is a program that gets everything wrong that can go wrong with passwords, and prints whatever it
// can get hold of. It ends with a panic while a call to each backend is under way, as its last chance to show something.
func runCanaryProgram(input io.Reader) {
	var job canaryJob
	if err := json.NewDecoder(input).Decode(&job); err != nil {
		panic(err)
	}
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: dialNameServer}
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})))
	p := &canaryRun{job: job}

	fmt.Println("whole program:")
	for _, name := range registry.Names() {
		alone, _ := registry.Get[registry.Resource](name)
		p.life(alone, canaryTimeout)
	}
	slots := make(chan struct{}, 64)
	var running sync.WaitGroup
	for i, secret := range job.Secrets {
		for j, c := range canaryCases(canary.Secret{Value: secret}, job.Folder) {
			slots <- struct{}{}
			running.Go(func() {
				defer func() { <-slots }()
				p.run(c, i, j)
			})
		}
	}
	running.Wait()
	p.end()
}

// dialNameServer answers every question with "no such name".
func dialNameServer(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	go func() {
		defer func() { _ = server.Close() }()
		question := make([]byte, 1<<16)
		for {
			n, err := server.Read(question)
			if err != nil {
				return
			}
			const lengthAndHeader = 2 + 12
			if n < lengthAndHeader { // over a stream, two bytes of length go first
				continue
			}
			answer := append([]byte(nil), question[:n]...)
			answer[4], answer[5] = 0x81, 0x83
			if _, err := server.Write(answer); err != nil {
				return
			}
		}
	}()
	return client, nil
}

// canaryRun prints to standard output, a whole line at a time.
type canaryRun struct {
	job canaryJob
	mu  sync.Mutex
}

func (p *canaryRun) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return os.Stdout.Write(line)
}

func (p *canaryRun) print(what string, v any) {
	var text strings.Builder
	for how, rendering := range canary.Renderings(v) {
		if how != "%x" && how != "%d" {
			fmt.Fprintf(&text, "%s: %s: %s\n", what, how, rendering)
		}
	}
	fmt.Fprint(p, text.String())
}

// run runs a case on servers of its backend, unless the configuration alone is refused, and prints what came of it.
func (p *canaryRun) run(c canaryCase, secret, place int) {
	servers := p.job.Servers[c.backend]
	for _, how := range p.hows(c, secret, place) {
		b, _ := backends.Find(c.backend)
		res, err := b.NewFrom(c.backend, c.at(servers[how], p.job.Folder))
		if err == nil {
			err = res.Configure()
		}
		if err != nil {
			p.print("refused by configuration", err)
			return
		}
		timeout, always := canaryTimeout, worlds[c.backend].outcomes[how].always
		if c.fits && always {
			timeout = patientTimeout
		}
		var subject registry.Resource = res
		if c.shown { // all but the records is as secret as ever
			subject = struct{ backends.Resource }{res}
		}
		for _, came := range p.life(subject, timeout) {
			if c.fits || !always {
				fmt.Fprint(p, outcomeLine(c.backend, how, secret, came))
			}
			if c.file != "" {
				name, _, _ := strings.Cut(c.env[0], "=")
				fmt.Fprintf(p, "a file for %s: %s\n", name, came)
			}
		}
	}
}

// hows are the servers to run a case on. The first secret sees all in each place. Any other one sees, where it fits,
// those that every secret must meet, and in each place one of the rest: which one changes from secret to secret and
// from place to place.
func (p *canaryRun) hows(c canaryCase, secret, place int) (hows []string) {
	var rest []string
	for _, how := range slices.Sorted(maps.Keys(p.job.Servers[c.backend])) {
		if secret == 0 || c.fits && worlds[c.backend].outcomes[how].always {
			hows = append(hows, how)
		} else {
			rest = append(rest, how)
		}
	}
	if len(rest) > 0 {
		hows = append(hows, rest[(secret+place)%len(rest)])
	}
	return hows
}

// life opens, checks and closes the resource and prints all there is to see of it. It returns what came of that.
func (p *canaryRun) life(res registry.Resource, timeout time.Duration) (came []string) {
	r := &registry.Registry{
		OpenTimeout: timeout, CheckTimeout: timeout, CloseTimeout: timeout,
		Logger: slog.New(slog.NewJSONHandler(p, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	r.Register(res)
	defer r.Observe(func(e registry.Event) { p.print("event", e); p.print("event", e.Err) })()
	ctx := context.Background()
	if err := r.OpenAll(ctx); err != nil {
		p.print("Open has failed", err)
		came = append(came, "Open: "+string(registry.KindOf(err)))
		if registry.KindOf(err) == registry.KindHung {
			return came // printing the resource would race with the call
		}
		p.print("a resource that did not open", res)
	} else {
		p.print("Open has succeeded", r.Names())
		came = append(came, "Open: nil")
	}
	// On a busy machine a pool may test its connection before a check, which then goes over a new one and passes.
	failed := false
	for n := 0; n < 2 || n < 10 && timeout == patientTimeout && !failed; n++ {
		report := r.CheckAll(ctx)
		p.print("report", report)
		p.print("result", report.Results[0])
		if err := report.Err(); err != nil {
			p.print("a check has failed", err)
			failed = true
			if kind := registry.KindOf(err); kind != registry.KindNotOpen {
				came = append(came, "Check: "+string(kind))
			}
		}
	}
	answer := httptest.NewRecorder()
	health.Handler(r, health.Options{ShowErrors: true}).
		ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/readyz?verbose", nil))
	p.print("health answer", answer.Body.String())
	if err := r.CloseAll(ctx); err != nil {
		p.print("Close has failed", err)
	}
	return came
}

// end panics while an Open of each backend waits for a server that is silent.
func (p *canaryRun) end() {
	secret := canary.Secret{Value: p.job.Secrets[0]}
	var opening sync.WaitGroup
	for _, b := range backends.Table {
		for name, shapes := range worlds[b.Name].shapes {
			value := strings.ReplaceAll(shapes[0], "{secret}", secret.Escaped())
			c := canaryCase{backend: b.Name, env: []string{name + "=" + value}}
			res, err := b.NewFrom(b.Name, c.at(p.job.Servers[b.Name]["is silent"], p.job.Folder))
			if err != nil {
				p.print("refused by configuration", err)
				continue
			}
			opening.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), 10*canaryTimeout)
				defer cancel()
				_ = res.Open(ctx)
			})
		}
	}
	time.AfterFunc(canaryTimeout, func() { panic("the end") })
	opening.Wait()
	select {}
}
