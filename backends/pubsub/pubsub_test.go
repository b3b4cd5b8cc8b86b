package pubsub_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	driver "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/registry"
)

func TestOpenCheckUseCloseAndOpenAgain(t *testing.T) {
	addr := server(t)
	top := newTopic(t, addr)
	r, res := open(t, at(addr))
	for range 2 {
		if report := r.CheckAll(t.Context()); report.Err() != nil {
			t.Fatal(report.Err())
		}
		if _, err := publish(t, res.Publisher(top.id), 1)[0].Get(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := top.receive(t, 1); got[0] != "0" {
			t.Errorf("received %q", got)
		}
		if err := r.CloseAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := res.Check(t.Context()); !errors.Is(err, registry.ErrNotOpen) {
			t.Errorf("a check after Close says %v", err)
		}
		if err := r.OpenAll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheConfigurationComesFromTheEnvironment(t *testing.T) {
	addr := server(t)
	setenv(t, "PUBSUB_EU_EMULATOR_HOST="+addr)
	res := pubsub.New("pubsub-eu")
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := res.Client().Project(); got != "emulator" {
		t.Errorf("the project is %q", got)
	}
	if err := res.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := res.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTheEmulatorOfTheProcessDoesNotRedirectANamedInstance(t *testing.T) {
	addr := server(t)
	t.Setenv("PUBSUB_EMULATOR_HOST", closedPort(t))
	res := pubsub.New("pubsub-eu", pubsub.WithConfig(at(addr)))
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := res.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := res.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTwoInstancesKeepToThemselves(t *testing.T) {
	r := registry.New()
	addr := server(t)
	one := pubsub.New("pubsub-one", pubsub.WithConfig(at(addr)))
	two := pubsub.New("pubsub-two", pubsub.WithConfig(at(addr)))
	r.Register(one)
	r.Register(two)
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.CloseAll(t.Context()) }()
	if one.Client() == two.Client() || one.Publisher("orders") == two.Publisher("orders") {
		t.Error("they share a client")
	}
	if found, err := registry.GetFrom[*pubsub.Resource](r, "pubsub-two"); found != two || err != nil {
		t.Errorf("GetFrom returned %v, %v", found, err)
	}
}

func TestWhatACheckMakesOfAnAnswer(t *testing.T) {
	for code, test := range map[codes.Code]struct {
		kind registry.Kind
		text string
	}{
		codes.PermissionDenied:  {}, // it can be reached, and publishing does not need the right to look
		codes.NotFound:          {},
		codes.Unauthenticated:   {registry.KindAuth, "the credentials were refused (Unauthenticated): renew those of PUBSUB_CREDENTIALS_FILE, or the machine's"},
		codes.Unavailable:       {registry.KindUnreachable, "the service is unavailable (Unavailable)"},
		codes.DeadlineExceeded:  {registry.KindTimeout, "no answer in time: context deadline exceeded"},
		codes.ResourceExhausted: {registry.KindExhausted, "a quota is used up (ResourceExhausted)"},
		codes.Internal:          {registry.KindUnreachable, "the service has had a failure of its own (Internal)"},
		codes.Canceled:          {registry.KindUnreachable, "the service has had a failure of its own (Canceled)"},
		codes.Unimplemented:     {registry.KindConfig, "the server does not speak Pub/Sub (Unimplemented)"},
	} {
		addr := fake(t, pstest.WithErrorInjection("GetTopic", code, context.Canceled.Error()))
		res := pubsub.New("pubsub", pubsub.WithConfig(at(addr)))
		err := res.Open(t.Context())
		if registry.KindOf(err) != test.kind || err != nil && err.Error() != test.text {
			t.Errorf("%v\ngot  %s: %v\nwant %s: %s", code, registry.KindOf(err), err, test.kind, test.text)
		}
		if err := res.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// Why a caller may not do something is in the details of the status.
func TestARefusalIsForgivenOnlyWhereNobodyMayLook(t *testing.T) {
	for reason, test := range map[string]struct {
		kind registry.Kind
		text string
	}{
		"":                      {}, // there are no details
		"IAM_PERMISSION_DENIED": {},
		"SERVICE_DISABLED": {registry.KindConfig, "the Pub/Sub API is off (SERVICE_DISABLED): " +
			"enable pubsub.googleapis.com in the project"},
		"BILLING_DISABLED": {registry.KindConfig, "billing is off (BILLING_DISABLED): " +
			"link the project to an active billing account"},
		"CONSUMER_INVALID": {registry.KindConfig, "there is no such project, or the credentials have no access to it " +
			"(PermissionDenied, CONSUMER_INVALID): PUBSUB_PROJECT_ID wants its id, not its display name"},
		"ACCESS_TOKEN_SCOPE_INSUFFICIENT": {registry.KindPermission, "the access token lacks a scope " +
			"(ACCESS_TOKEN_SCOPE_INSUFFICIENT): give the credentials or the machine the scope cloud-platform or pubsub"},
		"USER_PROJECT_DENIED": {registry.KindPermission, "the credentials may not use the project to bill " +
			"(USER_PROJECT_DENIED): grant them serviceusage.services.use there, or name another quota project"},
		"SECURITY_POLICY_VIOLATED": {registry.KindPermission, "a perimeter of VPC Service Controls forbids it " +
			"(SECURITY_POLICY_VIOLATED): call from inside, or add a rule that lets this caller in"},
		"IP_REFUSED":  {registry.KindPermission, "the service refuses this caller (PermissionDenied, IP_REFUSED)"},
		"it's SECRET": {registry.KindPermission, "the service refuses this caller (PermissionDenied)"},
	} {
		refusing := refusal(t, reason)
		res := pubsub.New("pubsub", pubsub.WithConfig(at(fake(t, refusing))))
		err := res.Open(t.Context())
		if registry.KindOf(err) != test.kind || err != nil && err.Error() != test.text {
			t.Errorf("%s\ngot  %s: %v\nwant %s: %s", reason, registry.KindOf(err), err, test.kind, test.text)
		}
		if err := res.Close(t.Context()); err != nil {
			t.Error(err)
		}
		cfg := at(fake(t, refusing))
		cfg.CheckTopic = "orders"
		want := test.text
		if test.kind == "" {
			want = "PUBSUB_CHECK_TOPIC: the credentials may not get this topic (pubsub.topics.get)"
		}
		err = pubsub.New("pubsub", pubsub.WithConfig(cfg)).Open(t.Context())
		if err == nil || err.Error() != want {
			t.Errorf("%q, with a topic that has to exist\ngot  %v\nwant %s", reason, err, want)
		}
	}
}

func TestAProjectThatIsNotThereFailsTheCheck(t *testing.T) {
	const said = "Requested project not found or user does not have access to it (project=SECRET)."
	addr := fake(t, pstest.WithErrorInjection("GetTopic", codes.NotFound, said))
	err := pubsub.New("pubsub", pubsub.WithConfig(at(addr))).Open(t.Context())
	const want = "there is no such project, or the credentials have no access to it (NotFound): " +
		"PUBSUB_PROJECT_ID wants its id, not its display name"
	if err == nil || err.Error() != want || registry.KindOf(err) != registry.KindConfig {
		t.Errorf("got  %s: %v\nwant %s", registry.KindOf(err), err, want)
	}
}

// A variable may have an alias, a file or the prefix of an instance.
func TestAnAnswerNamesTheVariableThatIsSet(t *testing.T) {
	gone := fake(t, pstest.WithErrorInjection("GetTopic", codes.NotFound, "project not found"))
	for _, test := range []struct{ name, env, want string }{
		{"pubsub", "PUBSUB_PROJECT_ID=p PUBSUB_EMULATOR_HOST=" + gone, "PUBSUB_PROJECT_ID"},
		{"pubsub", "GOOGLE_CLOUD_PROJECT=p PUBSUB_EMULATOR_HOST=" + gone, "GOOGLE_CLOUD_PROJECT"},
		{"pubsub", "PUBSUB_PROJECT_ID_FILE=" + write(t, "p") + " PUBSUB_EMULATOR_HOST=" + gone, "PUBSUB_PROJECT_ID_FILE"},
		{"pubsub-eu", "PUBSUB_EU_PROJECT_ID=p PUBSUB_EU_EMULATOR_HOST=" + gone, "PUBSUB_EU_PROJECT_ID"},
	} {
		setenv(t, test.env)
		err := pubsub.New(test.name).Open(t.Context())
		if err == nil || !strings.Contains(err.Error(), ": "+test.want+" wants its id") {
			t.Errorf("%s: got %v", test.env, err)
		}
	}
}

func TestARefusalOfAProxyIsNotForgiven(t *testing.T) {
	const said = "unexpected HTTP status code received from server: 403 (Forbidden); transport: SECRET"
	addr := fake(t, pstest.WithErrorInjection("GetTopic", codes.PermissionDenied, said))
	err := pubsub.New("pubsub", pubsub.WithConfig(at(addr))).Open(t.Context())
	if want := "the service refuses this caller (PermissionDenied)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestACheckThatMayNotLookWarnsOnce(t *testing.T) {
	log := captureLog(t)
	_, res := open(t, at(fake(t, refusal(t, "IAM_PERMISSION_DENIED"))))
	for range 3 {
		if err := res.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	const want = `level=WARN msg="the check cannot see whether a topic exists: the credentials may not get topics" ` +
		"resource=pubsub\n"
	if got := log(); strings.Count(got, want) != 1 || strings.Count(got, "\n") != 1 {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Nobody has cancelled anything here, so the start goes on, as it does after each failure that passes.
func TestAServiceThatFailsForAMomentDoesNotEndTheStart(t *testing.T) {
	for _, code := range []codes.Code{codes.Internal, codes.Aborted, codes.Unknown, codes.Canceled} {
		var calls atomic.Int32
		addr := intercepted(t, func(
			ctx context.Context, req any, call *grpc.UnaryServerInfo, next grpc.UnaryHandler,
		) (any, error) {
			if calls.Add(1) < 3 {
				return nil, status.Error(code, "context canceled")
			}
			return next(ctx, req)
		})
		r, _ := register(at(addr))
		if err := r.OpenAll(t.Context()); err != nil {
			t.Errorf("%v: %v", code, err)
		}
		if err := r.CloseAll(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestATopicThatIsToBeCheckedHasToExist(t *testing.T) {
	addr := server(t)
	top := newTopic(t, addr)
	for _, name := range []string{top.id, top.name()} {
		cfg := at(addr)
		cfg.CheckTopic = name
		r, _ := open(t, cfg)
		if err := r.Check(t.Context(), "pubsub").Err; err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	cfg := at(addr)
	cfg.CheckTopic = top.id
	r, _ := open(t, cfg)
	err := top.client.TopicAdminClient.DeleteTopic(t.Context(), &pubsubpb.DeleteTopicRequest{Topic: top.name()})
	if err != nil {
		t.Fatal(err)
	}
	err = r.Check(t.Context(), "pubsub").Err
	if want := "check pubsub: config: PUBSUB_CHECK_TOPIC: there is no such topic"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAQuotaThatIsUsedUpFailsTheCheck(t *testing.T) {
	// Only the third call fails: Open makes the first, the first check the second.
	var calls calls
	r, _ := open(t, at(fake(t, pstest.ServerReactorOption{FuncName: "GetTopic", Reactor: &calls})))
	if status := r.CheckAll(t.Context()).Status(); status != registry.Pass {
		t.Errorf("the status is %q", status)
	}
	if status := r.CheckAll(t.Context()).Status(); status != registry.Fail {
		t.Errorf("the status is %q", status)
	}
}

func TestTheConnectionsAreAsManyAsConfiguredAndStay(t *testing.T) {
	proxy, cfg := proxied(t)
	cfg.GRPCConns = 3
	_, res := open(t, cfg)
	var workers sync.WaitGroup
	for range 20 {
		workers.Go(func() {
			for range 50 {
				if err := res.Check(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
	if n := proxy.Accepted(); n > 6 {
		t.Errorf("%d connections were made for 1000 calls with GRPCConns 3", n)
	}
}

func TestTheHookSeesTheConfigurationOfTheDriver(t *testing.T) {
	var hooked int
	_, res := open(t, at(server(t)), pubsub.WithHook(func(cfg *driver.ClientConfig) {
		cfg.EnableOpenTelemetryTracing = true
		hooked++
	}))
	if err := res.Check(t.Context()); err != nil || hooked != 1 {
		t.Errorf("hooked %d times, %v", hooked, err)
	}
}

func TestTheHandleIsThereFromOpenOn(t *testing.T) {
	const notYet = "pubsub: not open: registry.OpenAll has not opened it yet"
	res := pubsub.New("pubsub", pubsub.WithConfig(at(server(t))))
	if _, err := res.Handle(); !errors.Is(err, registry.ErrNotOpen) || err.Error() != notYet {
		t.Errorf("before Open: %v", err)
	}
	if text := panicOf(func() { res.Client() }); text != notYet {
		t.Errorf("Client before Open panicked with %q", text)
	}
	if text := panicOf(func() { res.Publisher("orders") }); text != notYet {
		t.Errorf("Publisher before Open panicked with %q", text)
	}
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	client := res.Client()
	if err := res.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if res.Client() != client {
		t.Error("after Close it is another")
	}
}

func TestHandleSaysWhyOpenFailed(t *testing.T) {
	setenv(t, "")
	res := pubsub.New("pubsub", pubsub.WithConfig(pubsub.Config{}))
	if err := res.Open(t.Context()); registry.KindOf(err) != registry.KindConfig {
		t.Errorf("Open returned %v", err)
	}
	_, err := res.Handle()
	if want := "pubsub: not open: PUBSUB_PROJECT_ID is not set"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestOptionsOfAnOpenResourceCannotBeChanged(t *testing.T) {
	_, res := open(t, at(server(t)))
	text := panicOf(func() { res.Use(pubsub.WithConfig(pubsub.Config{})) })
	if text != "pubsub: Use after the resource was opened" {
		t.Errorf("got %q", text)
	}
}

func TestACheckWithoutADeadlineBoundsItself(t *testing.T) {
	proxy, cfg := proxied(t)
	_, res := open(t, cfg)
	proxy.Blackhole()
	start := time.Now()
	if err := res.Check(t.Context()); registry.KindOf(err) != registry.KindTimeout {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
}

// calls is a reactor to GetTopic that fails the third one.
type calls struct {
	mu sync.Mutex
	n  int
}

func (c *calls) React(any) (handled bool, answer any, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n++; c.n < 3 {
		return true, new(pubsubpb.Topic), nil
	}
	return true, new(pubsubpb.Topic), status.Error(codes.ResourceExhausted, "")
}

// refusal answers GetTopic with PermissionDenied for a reason, or for none.
func refusal(t *testing.T, reason string) pstest.ServerReactorOption {
	t.Helper()
	denied := status.New(codes.PermissionDenied, "SECRET")
	if reason != "" {
		var err error
		denied, err = denied.WithDetails(&errdetails.ErrorInfo{Reason: reason, Domain: "googleapis.com"})
		if err != nil {
			t.Fatal(err)
		}
	}
	return pstest.ServerReactorOption{FuncName: "GetTopic", Reactor: refuser{denied.Err()}}
}

// refuser is a reactor that fails every call.
type refuser struct{ err error }

func (r refuser) React(any) (handled bool, answer any, err error) {
	return true, new(pubsubpb.Topic), r.err
}

// captureLog returns what has been logged to the default logger, without the times, until the test ends.
func captureLog(t *testing.T) (text func() string) {
	t.Helper()
	var buffer bytes.Buffer
	untimed := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	last := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&buffer, &slog.HandlerOptions{
		Level: slog.LevelWarn, ReplaceAttr: untimed,
	})))
	t.Cleanup(func() { slog.SetDefault(last) })
	return buffer.String
}

func panicOf(f func()) (text string) {
	defer func() { text = strings.TrimSpace(fmt.Sprint(recover())) }()
	f()
	return ""
}
