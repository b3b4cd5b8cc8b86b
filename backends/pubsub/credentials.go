package pubsub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials"
	admin "cloud.google.com/go/pubsub/v2/apiv1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/internal/fault"
	"github.com/vibework/mooring/registry"
)

// fileTypes are the types of credentials that a file may hold.
var fileTypes = []credentials.CredType{
	credentials.ServiceAccount,
	credentials.AuthorizedUser,
	credentials.ExternalAccount,
	credentials.ExternalAccountAuthorizedUser,
	credentials.ImpersonatedServiceAccount,
}

// longestPath is more than any system takes for a path.
const longestPath = 4096

// setCredentials reads the file of credentials that either variable names. Google's libraries would read the
// process-wide one by themselves, for every instance, and quote it in the error if it holds the key instead.
func (s *settings) setCredentials(prefix string) error {
	if s.EmulatorHost != "" {
		if s.CredentialsFile != "" {
			return fmt.Errorf("%[1]sEMULATOR_HOST and %[1]sCREDENTIALS_FILE are both set: drop one", prefix)
		}
		return nil
	}
	variable, path := prefix+"CREDENTIALS_FILE", s.CredentialsFile
	if path == "" {
		google, err := config.Load[struct {
			Credentials string `env:"APPLICATION_CREDENTIALS"`
		}]("google")
		if err != nil || google.Credentials == "" {
			return err
		}
		variable, path = "GOOGLE_APPLICATION_CREDENTIALS", google.Credentials
	}
	var err error
	if s.creds, err = readCredentials(path); err != nil {
		return fmt.Errorf("%s: %w", variable, err)
	}
	return nil
}

// readCredentials makes credentials of the file. Its error quotes neither the path nor the file.
func readCredentials(path string) (*auth.Credentials, error) {
	if strings.HasPrefix(strings.TrimSpace(path), "{") || len(path) > longestPath {
		return nil, errors.New("want the path of a file, not the credentials themselves")
	}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("no such file")
	case errors.Is(err, fs.ErrPermission):
		return nil, errors.New("permission denied")
	case err != nil:
		return nil, errors.New("not a readable file")
	}
	var file struct{ Type credentials.CredType }
	if json.Unmarshal(data, &file) != nil {
		return nil, errors.New("not a file of JSON")
	}
	if !slices.Contains(fileTypes, file.Type) {
		return nil, errors.New("no type of credentials in the file that is known, such as service_account")
	}
	creds, err := credentials.NewCredentialsFromJSON(file.Type, data, detectOptions())
	if err != nil {
		return nil, errors.New("the credentials in the file are incomplete or malformed")
	}
	return creds, nil
}

// findCredentials looks where Google's libraries do when no variable names a file. It may take seconds, and no
// context ends it.
func (s *settings) findCredentials() (*auth.Credentials, error) {
	creds, err := credentials.DetectDefault(detectOptions())
	if err != nil {
		return nil, fault.New(registry.KindConfig, "%sCREDENTIALS_FILE is not set, and there are no application "+
			"default credentials that can be used", config.Prefix(s.name))
	}
	return creds, nil
}

func detectOptions() *credentials.DetectOptions {
	return &credentials.DetectOptions{
		Scopes:           admin.DefaultAuthScopes(),
		UseSelfSignedJWT: true,
		Logger:           slog.New(slog.DiscardHandler), // at debug it prints tokens
	}
}

// noToken begins the message of every status that says that there was no token to send.
const noToken = "no access token"

// tokens adds a token to every call.
type tokens struct {
	creds *auth.Credentials
	quota string // the project to bill, if it is not that of the credentials
}

// GetRequestMetadata returns when ctx ends, unlike the credentials, where the first call makes all others wait
// for its token.
func (t *tokens) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token, err := within(ctx, func() (*auth.Token, error) { return t.creds.Token(ctx) }, nil)
	if err != nil {
		return nil, status.Error(whyNoToken(err), noToken)
	}
	headers := map[string]string{"authorization": "Bearer " + token.Value}
	if t.quota != "" {
		headers["x-goog-user-project"] = t.quota
	}
	return headers, nil
}

// RequireTransportSecurity keeps tokens off connections without TLS.
func (*tokens) RequireTransportSecurity() bool { return true }

// whyNoToken tells a token endpoint that is down from credentials that it refuses. The error itself must not
// be shown: it holds what the endpoint has answered, and that may quote the credentials.
func whyNoToken(err error) codes.Code {
	switch kind := registry.KindOf(err); {
	case kind == registry.KindCanceled:
		return codes.Canceled
	case kind == registry.KindTimeout:
		return codes.DeadlineExceeded
	case kind == registry.KindUnreachable, temporary(err):
		return codes.Unavailable
	default:
		return codes.Unauthenticated
	}
}

func temporary(err error) bool {
	if answer, ok := errors.AsType[*auth.Error](err); ok && answer.Temporary() {
		return true
	}
	return strings.Contains(err.Error(), "status code 5") // some have no type
}
