package serve_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vibework/mooring/internal/proctest"
)

const patience = 30 * time.Second

// process is a service in a process of its own.
type process struct {
	*proctest.Process
	url    string
	stdout io.Reader
}

// launch starts a service and waits until it listens.
func launch(t *testing.T, s script) *process {
	t.Helper()
	p := start(t, s)
	p.url = "http://" + p.Await(t, `msg=listening addr=(\S+)`)
	return p
}

func start(t *testing.T, s script) *process {
	t.Helper()
	if s.Addr == "" {
		s.Addr = "127.0.0.1:0"
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = []string{"SERVE_TEST_SCRIPT=" + string(text), "GORACE=atexit_sleep_ms=0"} // which is 1s otherwise
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	return &process{Process: proctest.Start(t, cmd, patience), stdout: stdout}
}

// wait returns how the service has ended, and what it wrote.
func (p *process) wait(t *testing.T) (*os.ProcessState, account) {
	t.Helper()
	var a account
	_ = json.NewDecoder(p.stdout).Decode(&a) // nothing if it was ended
	_ = p.Ended(t)
	return p.ProcessState, a
}

func (p *process) endsWith(t *testing.T, code int, parts ...string) account {
	t.Helper()
	state, a := p.wait(t)
	if state.ExitCode() != code {
		t.Errorf("it ended with %v, and wrote\n%s", state, p.Log())
	}
	for _, part := range parts {
		if !strings.Contains(a.Err, part) {
			t.Errorf("the error is %q, without %q", a.Err, part)
		}
	}
	if len(parts) == 0 && a.Err != "" {
		t.Errorf("the error is %q", a.Err)
	}
	return a
}

func TestSIGTERMWhileOpeningDoesNotDrain(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := launch(t, script{Open: time.Hour, Drain: time.Hour, Timeout: 2 * time.Hour})
		client := &http.Client{Transport: new(http.Transport)}
		for path, want := range map[string]int{"/livez": 200, "/startupz": 503, "/readyz": 503, "/work": 503} {
			if code, _, err := get(client, p.url+path); code != want {
				t.Errorf("while opening %s answers %d %v", path, code, err)
			}
		}
		client.CloseIdleConnections()
		p.Signal(t, sig)
		p.endsWith(t, 1, "open ", ": canceled: ", sig.String()+" signal received")
	}
}

func TestSIGTERMLetsARequestUnderWayFinish(t *testing.T) {
	t.Parallel()
	p := launch(t, script{Drain: time.Second, Timeout: time.Minute})
	p.Await(t, "msg=serving")
	slow := p.post(t)
	p.Signal(t, syscall.SIGTERM)
	p.Await(t, "msg=stopping")
	client := &http.Client{Transport: new(http.Transport)}
	defer client.CloseIdleConnections()
	for path, want := range map[string]int{"/livez": 200, "/readyz": 503, "/work": 200} {
		if code, text, err := get(client, p.url+path); code != want {
			t.Errorf("while draining %s answers %d %s %v", path, code, text, err)
		}
	}
	for { // until it is refused
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			break
		}
		conn.Close()
	}
	if strings.Contains(p.Log(), "op=close") {
		t.Error("a resource is closed under a request")
	}
	if answer := slow(); !strings.HasSuffix(answer, "done") {
		t.Errorf("the request under way is answered %q", answer)
	}
	if a := p.endsWith(t, 0); a.Begun != a.Done || a.Late != 0 {
		t.Errorf("%+v", a)
	}
	inOrder(t, p.Log(), "msg=stopping", "resource=store op=close", "msg=stopped")
}

func TestSignalsAtTheSameMomentAreOne(t *testing.T) {
	t.Parallel()
	p := launch(t, script{Drain: time.Second})
	p.Await(t, "msg=serving")
	p.Signal(t, syscall.SIGTERM)
	p.Signal(t, syscall.SIGINT)
	p.endsWith(t, 0)
}

func TestASecondSignalEndsTheProgram(t *testing.T) {
	t.Parallel()
	for sig, notifyContext := range map[syscall.Signal]bool{syscall.SIGTERM: false, syscall.SIGINT: true} {
		p := launch(t, script{Drain: time.Hour, Timeout: 2 * time.Hour, NotifyContext: notifyContext})
		p.Await(t, "msg=serving")
		p.Signal(t, syscall.SIGTERM)
		p.Await(t, "msg=stopping .*a second signal")
		giveUp := time.After(patience)
		for ended := false; !ended; { // at first it is taken for the same one
			p.Signal(t, sig)
			select {
			case <-p.Done:
				ended = true
			case <-giveUp:
				t.Fatalf("it goes on, and wrote\n%s", p.Log())
			case <-time.After(20 * time.Millisecond):
			}
		}
		if state, _ := p.wait(t); state.Sys().(syscall.WaitStatus).Signal() != sig {
			t.Errorf("it ended with %v", state)
		}
	}
}

func TestAPortThatIsTakenIsAnErrorBeforeAnythingOpens(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := start(t, script{Addr: l.Addr().String()})
	p.endsWith(t, 1, "serve: listen tcp "+l.Addr().String(), "address already in use")
	if strings.Contains(p.Log(), "op=open") {
		t.Error("resources are opened")
	}
}

func TestAFailedStartEndsTheProgram(t *testing.T) {
	t.Parallel()
	p := launch(t, script{Start: "no such table", Drain: time.Hour, Timeout: 2 * time.Hour})
	p.endsWith(t, 1, "start: no such table")
	inOrder(t, p.Log(), "resource=store op=open", "resource=store op=close", "msg=stopped")
}

func TestAProcessWhoseBackendHangsEndsInTime(t *testing.T) {
	t.Parallel()
	const timeout = 2 * time.Second
	p := launch(t, script{HangInClose: true, Drain: 10 * time.Millisecond, Timeout: timeout})
	p.Await(t, "msg=serving")
	p.Signal(t, syscall.SIGTERM)
	p.endsWith(t, 1, "close store: hung")
	p.tookAtMost(t, "all", timeout)
}

func TestClientsThatStayHoldShutdownToItsHalf(t *testing.T) {
	t.Parallel()
	const timeout = 2 * time.Second
	for _, test := range []struct {
		path string
		cut  bool
	}{{"/work", false}, {"/stream", true}, {"/hijack", true}} {
		p := launch(t, script{Drain: -1, Timeout: timeout})
		p.Await(t, "msg=serving")
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: service\r\n\r\n", test.path)
		in := bufio.NewReader(conn)
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		p.Signal(t, syscall.SIGTERM)
		if test.cut {
			p.endsWith(t, 1, "requests were cut off after") // 1s, less what a busy machine takes
		} else {
			p.endsWith(t, 0)
		}
		p.tookAtMost(t, "all", timeout)
		if _, err := io.Copy(io.Discard, in); err != nil && !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: the connection ends with %v", test.path, err)
		}
	}
}

// tookAtMost compares a part of stopping with its limit.
func (p *process) tookAtMost(t *testing.T, part string, limit time.Duration) {
	t.Helper()
	took, err := time.ParseDuration(p.Await(t, `msg=stopped .*\b`+part+`=(\S+)`))
	if err != nil || took > limit {
		t.Errorf("%s took %v of %v, %v", part, took, limit, err)
	}
}

// TestNothingIsCutAtAnyMoment stops a service at a random moment of its life while eight clients use it.
func TestNothingIsCutAtAnyMoment(t *testing.T) {
	t.Parallel()
	moments := 200
	if testing.Short() {
		moments = 20
	}
	slots := make(chan struct{}, 4)
	var all sync.WaitGroup
	for range moments {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			stopAtAnyMoment(t)
		})
	}
	all.Wait()
}

func stopAtAnyMoment(t *testing.T) {
	const timeout = 10 * time.Second
	p := launch(t, script{
		Open: 10 * time.Millisecond, Work: 5 * time.Millisecond, Drain: 20 * time.Millisecond, Timeout: timeout,
	})
	ctx, cancel := context.WithCancel(t.Context())
	var answered atomic.Int64
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() { answered.Add(load(ctx, p.url+"/work")) })
	}
	select {
	case <-time.After(rand.N(100 * time.Millisecond)):
	case <-p.Done:
	}
	told := p.Signal(t, syscall.SIGTERM)
	state, a := p.wait(t)
	took := time.Since(told)
	cancel()
	clients.Wait()
	served := strings.Contains(p.Log(), "msg=serving")
	if served && !state.Success() || took > timeout || a.Late > 0 || a.Begun != a.Done || a.Begun != answered.Load() {
		t.Errorf("it ended with %v after %v, %d requests were answered, %+v\n%s", state, took, answered.Load(), a, p.Log())
	}
}

// load sends one request after the other until ctx is done, and returns how many were answered in full.
func load(ctx context.Context, url string) (answered int64) {
	client := &http.Client{Transport: new(http.Transport)}
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		code, text, err := get(client, url)
		switch {
		case err == nil && code == http.StatusOK && text == "done":
			answered++
		case errors.Is(err, syscall.ECONNREFUSED):
			return answered
		}
	}
	return answered
}

func get(client *http.Client, url string) (code int, text string, err error) {
	res, err := client.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, string(body), err
}

// post begins a request and returns what finishes it, once its handler is running.
func (p *process) post(t *testing.T) (finish func() (answer string)) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprint(conn, "POST /work HTTP/1.1\r\nHost: service\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
	in := bufio.NewReader(conn)
	if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("it answers %q, %v", line, err)
	}
	return func() string {
		fmt.Fprint(conn, "x")
		text, _ := io.ReadAll(in)
		return string(text)
	}
}
