package pubsub_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/internal/canary"
	"github.com/vibework/mooring/registry"
)

// google is a service that speaks TLS and takes one token.
type google struct {
	addr  string
	roots *x509.CertPool
	token string

	mu   sync.Mutex
	seen metadata.MD // of the last call
}

func newGoogle(t *testing.T) *google {
	t.Helper()
	setenv(t, "")                           // the driver sends everything to an emulator that the environment names
	certified := httptest.NewTLSServer(nil) // only for its certificate
	certified.Close()
	g := &google{roots: x509.NewCertPool(), token: "tok3n"}
	g.roots.AddCert(certified.Certificate())
	g.addr = intercepted(t, g.authenticate, grpc.Creds(credentials.NewServerTLSFromCert(&certified.TLS.Certificates[0])))
	return g
}

// option sends a client there.
func (g *google) option() pubsub.Option {
	secure := credentials.NewTLS(&tls.Config{RootCAs: g.roots, MinVersion: tls.VersionTLS12})
	return pubsub.WithClientOptions(option.WithEndpoint(g.addr), option.WithGRPCDialOption(grpc.WithTransportCredentials(secure)))
}

func (g *google) authenticate(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	g.mu.Lock()
	g.seen = md
	g.mu.Unlock()
	if got := md.Get("authorization"); g.token != "" && (len(got) != 1 || got[0] != "Bearer "+g.token) {
		return nil, status.Error(codes.Unauthenticated, "Request had invalid authentication credentials.")
	}
	return next(ctx, req)
}

func (g *google) header(name string) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.seen.Get(name)
}

// tokenServer gives answer for every token that is asked for.
func tokenServer(t *testing.T, answer http.HandlerFunc) (url string) {
	t.Helper()
	srv := httptest.NewServer(answer)
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	return srv.URL
}

// externalAccount is a file of credentials that are exchanged for a token at url.
func externalAccount(t *testing.T, url, subject string) (path string) {
	t.Helper()
	return externalAccountOf(t, url, write(t, subject))
}

// externalAccountOf is that with the subject in a file.
func externalAccountOf(t *testing.T, url, subject string) (path string) {
	t.Helper()
	return file(t, map[string]any{
		"type": "external_account", "audience": "//iam.googleapis.com/x", "token_url": url,
		"subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "quota_project_id": "billed",
		"credential_source": map[string]any{"file": subject},
	})
}

func file(t *testing.T, content map[string]any) (path string) {
	t.Helper()
	text, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, string(text))
}

func write(t *testing.T, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func issue(w http.ResponseWriter, _ *http.Request) { issueFor(w, 3600) }

func issueFor(w http.ResponseWriter, seconds int) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"access_token":"tok3n","token_type":"Bearer","expires_in":%d,`+
		`"issued_token_type":"urn:ietf:params:oauth:token-type:access_token"}`, seconds)
}

// hang leaves a request without an answer.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // or else the server does not notice that the client has gone
	<-r.Context().Done()
}

func TestTheTokenOfTheCredentialsGoesToTheService(t *testing.T) {
	g := newGoogle(t)
	cfg := pubsub.Config{ProjectID: project, CredentialsFile: externalAccount(t, tokenServer(t, issue), "subject")}
	res := pubsub.New("pubsub-eu", pubsub.WithConfig(cfg), g.option())
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := res.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if got := g.header("x-goog-user-project"); len(got) != 1 || got[0] != "billed" {
		t.Errorf("the project to bill is %v", got)
	}
	if err := res.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestATokenThatCannotBeHadIsExplainedAndNotQuoted(t *testing.T) {
	secret := canary.New("", "")
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		want   string
		kind   registry.Kind
	}{
		"refused": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error":"invalid_grant","error_description":"bad subject_token `+secret.Value+`"}`, http.StatusBadRequest)
		}, "no access token: the credentials of PUBSUB_CREDENTIALS_FILE, or the machine's, were refused or are unusable", registry.KindAuth},
		"unwell": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, secret.Value, http.StatusServiceUnavailable)
		}, "no access token: its server cannot be reached or is unwell", registry.KindUnreachable},
		"silent": {hang, "no answer in time: context deadline exceeded", registry.KindTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGoogle(t)
			cfg := pubsub.Config{ProjectID: project, CredentialsFile: externalAccount(t, tokenServer(t, test.answer), secret.Value)}
			res := pubsub.New("pubsub", pubsub.WithConfig(cfg), g.option())
			ctx, cancel := context.WithTimeout(t.Context(), bound(test.kind))
			defer cancel()
			err := res.Open(ctx)
			if err == nil || err.Error() != test.want || registry.KindOf(err) != test.kind {
				t.Errorf("got  %s: %v\nwant %s: %s", registry.KindOf(err), err, test.kind, test.want)
			}
			secret.AbsentFrom(t, err)
			secret.AbsentFrom(t, res)
			canary.NoParserIn(t, err)
		})
	}
}

func TestATokenThatTheServiceRefusesIsAMatterOfAuth(t *testing.T) {
	g := newGoogle(t)
	g.token = "another"
	path := externalAccount(t, tokenServer(t, issue), "subject")
	for _, variable := range []string{"PUBSUB_CREDENTIALS_FILE", "PUBSUB_EU_CREDENTIALS_FILE"} {
		setenv(t, "PUBSUB_PROJECT_ID=p PUBSUB_EU_PROJECT_ID=p "+variable+"="+path)
		name := strings.ToLower(strings.ReplaceAll(strings.TrimSuffix(variable, "_CREDENTIALS_FILE"), "_", "-"))
		err := pubsub.New(name, g.option()).Open(t.Context())
		want := "the credentials were refused (Unauthenticated): renew those of " + variable + ", or the machine's"
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if kind := registry.KindOf(err); kind != registry.KindAuth {
			t.Errorf("the kind is %q", kind)
		}
	}
}

// The name of Google's variable is said, too.
func TestATokenOfGooglesFileIsExplainedByThatName(t *testing.T) {
	setenv(t, "PUBSUB_PROJECT_ID=p GOOGLE_APPLICATION_CREDENTIALS="+externalAccount(t, "http://127.0.0.1:1", "subject"))
	err := pubsub.ClassifyAs(t, "pubsub", status.Error(codes.Unauthenticated, "SECRET"))
	const want = "the credentials were refused (Unauthenticated): renew those of GOOGLE_APPLICATION_CREDENTIALS, or the machine's"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestATokenServerThatIsNotTrustedIsAMatterOfTLS(t *testing.T) {
	certified := httptest.NewTLSServer(http.HandlerFunc(issue))
	t.Cleanup(certified.Close)
	certified.Config.ErrorLog = log.New(io.Discard, "", 0)
	g := newGoogle(t)
	cfg := pubsub.Config{ProjectID: project, CredentialsFile: externalAccount(t, certified.URL, "subject")}
	err := pubsub.New("pubsub", pubsub.WithConfig(cfg), g.option()).Open(t.Context())
	const want = "no access token: its server's certificate is not trusted: the machine may lack authorities, " +
		"or a proxy has its own"
	if err == nil || err.Error() != want || registry.KindOf(err) != registry.KindTLS {
		t.Errorf("got  %s: %v\nwant %s", registry.KindOf(err), err, want)
	}
}

// Google's library lets everybody wait for the one who is at it, whatever their contexts say.
func TestACheckDoesNotWaitForTheTokenOfAnotherCall(t *testing.T) {
	var asked, waited atomic.Int32
	url := tokenServer(t, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			issueFor(w, 1)
		} else {
			waited.Add(1)
			defer waited.Add(-1)
			hang(w, r)
		}
	})
	g := newGoogle(t)
	res := pubsub.New("pubsub", pubsub.WithConfig(pubsub.Config{
		ProjectID: project, CredentialsFile: externalAccount(t, url, "subject"), CheckInterval: -1,
	}), g.option())
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-time.After(time.Second) // the token has expired, and the next does not come
	publish(t, res.Publisher("orders"), 1)
	eventually(t, "somebody waits for a token", func() bool { return waited.Load() > 0 })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := res.Check(ctx); registry.KindOf(err) != registry.KindTimeout {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took >= patience {
		t.Errorf("it took %v of 100ms", took)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := res.Close(ctx); err == nil {
		t.Error("Close has lost a message and does not tell")
	}
}

func TestTLSFailuresSayWhatIsWrong(t *testing.T) {
	g := newGoogle(t)
	for name, test := range map[string]struct {
		addr string
		want string
		kind registry.Kind
	}{
		"unknown authority": {g.addr, "the server's certificate is signed by an unknown authority", registry.KindTLS},
		"no TLS":            {httpPort(t), "the server does not speak TLS on this port", registry.KindTLS},
		"hangs up":          {hangUp(t), "the connection was closed", registry.KindUnreachable},
		"silent":            {silentPort(t), "no answer in time: context deadline exceeded", registry.KindTimeout},
	} {
		// The program's own token goes everywhere, and the TLS is what fails.
		elsewhere := &google{addr: test.addr, roots: x509.NewCertPool()}
		res := pubsub.New("pubsub", pubsub.WithConfig(pubsub.Config{
			ProjectID: project, CredentialsFile: externalAccount(t, tokenServer(t, issue), "subject"),
		}), elsewhere.option())
		ctx, cancel := context.WithTimeout(t.Context(), bound(test.kind))
		err := res.Open(ctx)
		cancel()
		if err == nil || err.Error() != test.want || registry.KindOf(err) != test.kind {
			t.Errorf("%s\ngot  %s: %v\nwant %s: %s", name, registry.KindOf(err), err, test.kind, test.want)
		}
	}
}

// The file with the key names the file with the subject, which a platform renews.
func TestATokenFileIsReadForEachToken(t *testing.T) {
	var mu sync.Mutex
	var last string
	url := tokenServer(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		mu.Lock()
		last = r.PostForm.Get("subject_token")
		mu.Unlock()
		issueFor(w, 1)
	})
	g := newGoogle(t)
	subject := write(t, "first")
	res := pubsub.New("pubsub", pubsub.WithConfig(pubsub.Config{
		ProjectID: project, CredentialsFile: externalAccountOf(t, url, subject), CheckInterval: -1,
	}), g.option())
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Close(t.Context()) }()
	if err := os.WriteFile(subject, []byte("second"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new one is exchanged", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return res.Check(t.Context()) == nil && last == "second"
	})
}

func TestCredentialsAndOptionsMayComeInCode(t *testing.T) {
	g := newGoogle(t)
	g.token = "" // any will do: a service account signs its own
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	account, err := json.Marshal(map[string]any{
		"type": "service_account", "project_id": "shop", "client_email": "a@b", "private_key_id": "k",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})),
	})
	if err != nil {
		t.Fatal(err)
	}
	setenv(t, "GOOGLE_APPLICATION_CREDENTIALS=/not/there")
	var intercepted atomic.Int32
	intercept := func(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn,
		invoke grpc.UnaryInvoker, opts ...grpc.CallOption,
	) error {
		intercepted.Add(1)
		return invoke(ctx, method, req, reply, conn, opts...)
	}
	res := pubsub.New("pubsub", g.option(), pubsub.WithClientOptions(
		option.WithAuthCredentialsJSON(option.ServiceAccount, account), option.WithQuotaProject("payer"),
		option.WithGRPCDialOption(grpc.WithChainUnaryInterceptor(intercept))))
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := res.Client().Project(); got != "shop" {
		t.Errorf("the project is %q", got)
	}
	if got := g.header("x-goog-user-project"); len(got) != 1 || got[0] != "payer" || intercepted.Load() == 0 {
		t.Errorf("the project to bill is %v; %d calls were intercepted", got, intercepted.Load())
	}
	if err := res.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCredentialsWithoutAProjectWantOne(t *testing.T) {
	setenv(t, "")
	res := pubsub.New("pubsub", pubsub.WithClientOptions(option.WithAuthCredentialsJSON(option.AuthorizedUser,
		[]byte(`{"type":"authorized_user","client_id":"c","client_secret":"s","refresh_token":"r"}`))))
	err := res.Open(t.Context())
	if want := "PUBSUB_PROJECT_ID is not set, and the credentials name no project"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
