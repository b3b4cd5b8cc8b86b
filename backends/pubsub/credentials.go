package pubsub

import (
	"cmp"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"google.golang.org/api/option"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
)

// fileTypes are the types of credentials that a file may hold.
var fileTypes = []option.CredentialsType{
	option.ServiceAccount, option.AuthorizedUser, option.ExternalAccount, option.ImpersonatedServiceAccount,
	"external_account_authorized_user",
}

// readFile looks into the file of credentials that either variable names, for its type and its project. The driver
// reads it when the client is opened. It must not read the process-wide variable: it takes that as it stands, with the
// quotes of an env file, and would quote it if that holds the key instead.
func (s *settings) readFile() error {
	s.file = s.vars.Name("CREDENTIALS_FILE")
	switch {
	case s.EmulatorHost != "" && s.CredentialsFile != "":
		return fmt.Errorf("%s and %s are both set: drop one", s.vars.Name("EMULATOR_HOST"), s.file)
	case s.EmulatorHost != "", s.CredentialsFile == "" && len(s.options) > 0: // the program may bring its own
		return nil
	case s.CredentialsFile == "":
		google, err := config.Load[struct {
			Credentials string `env:"APPLICATION_CREDENTIALS"`
		}]("google")
		if err != nil || google.Credentials == "" {
			return err
		}
		s.file, s.CredentialsFile = "GOOGLE_APPLICATION_CREDENTIALS", google.Credentials
	}
	return kit.In(s.file, s.inspect())
}

// errMalformed is what is known of a file that the driver does not take.
var errMalformed = errors.New("the credentials in the file are incomplete or malformed")

// inspect notes what the file of credentials says of itself. Its error quotes neither the path nor the file.
func (s *settings) inspect() error {
	data, err := config.ReadFile(s.CredentialsFile)
	switch {
	case err != nil && credentials.MatchString(s.CredentialsFile):
		return errors.New("want the path of a file, not the credentials themselves")
	case err != nil:
		return err
	}
	var file struct {
		Type    option.CredentialsType
		Project string `json:"project_id"`
		Key     string `json:"private_key"`
	}
	if json.Unmarshal(data, &file) != nil {
		return errors.New("not a file of JSON")
	}
	if !slices.Contains(fileTypes, file.Type) {
		return errors.New("no type of credentials in the file that is known, such as service_account")
	}
	if block, _ := pem.Decode([]byte(file.Key)); block == nil && file.Type == option.ServiceAccount {
		return errMalformed
	}
	s.fileType, s.ProjectID = file.Type, cmp.Or(s.ProjectID, file.Project)
	return nil
}

// credentials are no path but JSON, also in base64, as systems for continuous integration hand it out, or more than the
// name of a file may have.
var credentials = regexp.MustCompile(`^\s*(\{|e[yw][A-Za-z0-9+/]+=*\s*$)|(?s:.{256})`)
