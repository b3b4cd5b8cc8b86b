// Package emulator holds backends/pubsub against Google's own emulator, which gcloud brings along and which needs java,
// and against the fake of the driver. A machine without gcloud or java says so and passes; with PUBSUB_EMULATOR_JAR, the
// jar that is named there has to run.
package emulator_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	driver "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/api/option"
	"google.golang.org/grpc"

	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/registry"
)

const project = "mooring-test"

func TestOnGooglesEmulatorNoMessageIsLost(t *testing.T) {
	if addr, found := emulator(t); found {
		liveUntilAllIsDone(t, addr, 10_000)
	}
}

func TestOnTheDriversFakeNoMessageIsLost(t *testing.T) {
	fake := pstest.NewServerWithAddress("127.0.0.1:0")
	defer func() { _ = fake.Close() }()
	liveUntilAllIsDone(t, fake.Addr, 1_000) // it looks through all messages for each delivery
}

// liveUntilAllIsDone has a program receive, which is told to end at a random moment, and is started again. What it has
// acknowledged, and the service has confirmed, must not come again.
func liveUntilAllIsDone(t *testing.T, addr string, messages int) {
	t.Helper()
	work := newWork(messages)
	publishAll(t, addr, messages)
	for life := 0; work.left() > 0; life++ {
		if life == 200 {
			t.Fatalf("%d messages were lost", work.left())
		}
		live(t, addr, work)
	}
	t.Logf("%d deliveries of %d messages", work.deliveries, messages)
	for id, again := range work.again {
		t.Errorf("message %s was confirmed, and came %d times more", id, again)
	}
}

// live is the life of one program.
func live(t *testing.T, addr string, work *work) {
	t.Helper()
	r := &registry.Registry{OpenTimeout: 5 * time.Minute, Logger: slog.New(slog.DiscardHandler)}
	res := pubsub.New("pubsub", pubsub.WithConfig(pubsub.Config{ProjectID: project, EmulatorHost: addr}),
		pubsub.WithClientOptions(
			option.WithGRPCDialOption(grpc.WithChainUnaryInterceptor(work.confirm)),
			option.WithGRPCDialOption(grpc.WithChainStreamInterceptor(work.deliver))))
	r.Register(res)
	r.Register(res.Subscriber("orders", "orders", work.handle, func(s *driver.ReceiveSettings) {
		s.MaxOutstandingMessages = 100
		s.MaxDurationPerAckExtension = 10 * time.Second // what a program leaves behind comes again soon
	}))
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-time.After(time.Duration(rand.Int64N(int64(2 * time.Second))))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := r.CloseAll(ctx); err != nil {
		t.Fatal(err)
	}
	work.closed(t)
}

// work is what is known of each message.
type work struct {
	mu         sync.Mutex // guards all that follows
	todo       map[string]bool
	ids        map[string]string // of the messages, by the id to acknowledge a delivery
	confirmed  map[string]bool   // the service has said that it knows of the acknowledgement
	again      map[string]int    // deliveries after that
	busy       int               // handlers
	deliveries int
}

func newWork(messages int) *work {
	w := &work{
		todo: make(map[string]bool), ids: make(map[string]string),
		confirmed: make(map[string]bool), again: make(map[string]int),
	}
	for i := range messages {
		w.todo[strconv.Itoa(i)] = true
	}
	return w
}

func (w *work) left() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.todo)
}

// handle is at work for up to 20ms.
func (w *work) handle(_ context.Context, m *driver.Message) {
	w.mu.Lock()
	w.busy++
	w.deliveries++
	w.mu.Unlock()
	<-time.After(time.Duration(rand.Int64N(int64(20 * time.Millisecond))))
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.confirmed[string(m.Data)] {
		w.again[string(m.Data)]++
	}
	delete(w.todo, string(m.Data))
	w.busy--
	m.Ack()
}

// closed checks that no handler outlives its program.
func (w *work) closed(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy > 0 {
		t.Errorf("%d handlers are at work after Close", w.busy)
	}
}

// confirm sees the acknowledgements that the service has taken.
func (w *work) confirm(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn,
	invoke grpc.UnaryInvoker, opts ...grpc.CallOption,
) error {
	err := invoke(ctx, method, req, reply, conn, opts...)
	if acknowledged, ok := req.(*pubsubpb.AcknowledgeRequest); ok && err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, id := range acknowledged.AckIds {
			w.confirmed[w.ids[id]] = true
		}
	}
	return err
}

// deliver sees which delivery is of which message.
func (w *work) deliver(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string,
	open grpc.Streamer, opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	stream, err := open(ctx, desc, conn, method, opts...)
	return &watched{stream, w}, err
}

type watched struct {
	grpc.ClientStream
	work *work
}

func (s *watched) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	if pulled, ok := m.(*pubsubpb.StreamingPullResponse); ok && err == nil {
		s.work.mu.Lock()
		defer s.work.mu.Unlock()
		for _, received := range pulled.ReceivedMessages {
			s.work.ids[received.AckId] = string(received.Message.Data)
		}
	}
	return err
}

// publishAll makes a topic and a subscription, and publishes all messages to it.
func publishAll(t *testing.T, addr string, messages int) {
	t.Helper()
	r := &registry.Registry{OpenTimeout: 5 * time.Minute, Logger: slog.New(slog.DiscardHandler)}
	res := pubsub.New("pubsub", pubsub.WithConfig(pubsub.Config{ProjectID: project, EmulatorHost: addr}))
	r.Register(res)
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	const topic = "projects/" + project + "/topics/orders"
	client := res.Client()
	if _, err := client.TopicAdminClient.CreateTopic(t.Context(), &pubsubpb.Topic{Name: topic}); err != nil {
		t.Fatal(err)
	}
	_, err := client.SubscriptionAdminClient.CreateSubscription(t.Context(), &pubsubpb.Subscription{
		Name: "projects/" + project + "/subscriptions/orders", Topic: topic, AckDeadlineSeconds: 10,
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range messages {
		res.Publisher("orders").Publish(t.Context(), &driver.Message{Data: fmt.Append(nil, i)})
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := r.CloseAll(ctx); err != nil {
		t.Fatal(err)
	}
}

// emulator starts one on a free port, for this test, and returns where it is.
func emulator(t *testing.T) (addr string, found bool) {
	t.Helper()
	jar := os.Getenv("PUBSUB_EMULATOR_JAR")
	if jar == "" {
		if jar = ofGcloud(); jar == "" {
			fmt.Println("NOT TESTED: gcloud has no Pub/Sub emulator here, or there is no java") // also without -v
			return "", false
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	host, port, _ := net.SplitHostPort(l.Addr().String())
	var output bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "java", "-Xmx512m", "-jar", jar, "--host="+host, "--port="+port)
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the emulator: %s", output.Bytes())
		}
	})
	return l.Addr().String(), true
}

// ofGcloud returns the jar of the emulator that gcloud has, or nothing.
func ofGcloud() string {
	gcloud, err := exec.LookPath("gcloud")
	if err != nil {
		return ""
	}
	if gcloud, err = filepath.EvalSymlinks(gcloud); err != nil {
		return ""
	}
	if _, err := exec.LookPath("java"); err != nil {
		return ""
	}
	jars, _ := filepath.Glob(filepath.Join(gcloud, "../../platform/pubsub-emulator/lib/*.jar"))
	if len(jars) == 0 {
		return ""
	}
	return jars[0]
}
