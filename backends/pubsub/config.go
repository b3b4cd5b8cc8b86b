package pubsub

import (
	"cmp"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	driver "cloud.google.com/go/pubsub/v2"
	"google.golang.org/api/option"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
)

// Config is what the PUBSUB_* variables set; package config documents its tags. In code, a zero field means its
// default, and a CheckInterval below 0 means none.
type Config struct {
	ProjectID string `env:"PROJECT_ID" alias:"PUBSUB_PROJECT_ID=GOOGLE_CLOUD_PROJECT,GCLOUD_PROJECT" doc:"project id"`

	EmulatorHost    string `env:"EMULATOR_HOST" doc:"host:port of an emulator, instead of the service"`
	Endpoint        string `env:"ENDPOINT" doc:"host:port of a regional or private endpoint, instead of the global one"`
	CredentialsFile string `env:"CREDENTIALS_FILE" doc:"path of a JSON file; application default credentials unless set"`

	CheckTopic    string        `env:"CHECK_TOPIC" doc:"topic that a check wants to exist; unless set, any answer will do"`
	CheckInterval time.Duration `env:"CHECK_INTERVAL" envDefault:"30s" doc:"checks ask at most this often; 0 for each one"`

	GRPCConns      int           `env:"GRPC_CONNS" envDefault:"1" doc:"connections to publish, and as many to receive"`
	PublishTimeout time.Duration `env:"PUBLISH_TIMEOUT" envDefault:"60s" doc:"longest try to send a batch of messages"`
}

const (
	// emulatorPort is where gcloud starts the emulator.
	emulatorPort = 8085
	// servicePort is that of every endpoint of Google's.
	servicePort = 443
	// serviceAddr is where the driver goes by itself.
	serviceAddr = "pubsub.googleapis.com:443"
	// probeTopic is what a check asks for unless a topic is named. It need not exist.
	probeTopic = "mooring-probe"
)

// setup is what a program sets in code.
type setup struct {
	config  *Config
	hook    func(*driver.ClientConfig)
	options []option.ClientOption
}

// settings are a Config that has been checked.
type settings struct {
	Config
	setup
	name     string
	vars     config.Variables
	addr     string // of the emulator or the endpoint; "" for where the driver goes by itself
	file     string // the variable that names the file of credentials, or might
	fileType option.CredentialsType
	names    *strings.Replacer // puts what has set a variable in the place of its name
}

// resolve checks the configuration and the file of credentials. Its error names variables and quotes no value.
func resolve(name string, in setup) (*settings, error) {
	cfg, vars, loadErr := config.LoadOr(name, in.config)
	s := &settings{Config: cfg, setup: in, name: name, vars: vars}
	host, file := s.setHost(), s.readFile()
	s.names = strings.NewReplacer("PUBSUB_PROJECT_ID", vars.Name("PROJECT_ID"), "PUBSUB_CREDENTIALS_FILE", s.file)
	found := kit.Problems{loadErr, s.checkProject(), host, file}
	found.Add(!validTopic.MatchString(s.CheckTopic), "%s: not the name of a topic", vars.Name("CHECK_TOPIC"))
	found.Add(s.GRPCConns == 0, "%s: must be at least 1", vars.Name("GRPC_CONNS"))
	found.Add(s.PublishTimeout == 0, "%s: must be more than 0", vars.Name("PUBLISH_TIMEOUT"))
	return s, found.Err()
}

// Target returns where the service is, unless the program may have said it.
func (s *settings) Target() kit.Target {
	t := kit.Target{Project: s.ProjectID}
	if s.addr != "" || len(s.options) == 0 {
		t.Addrs = []string{cmp.Or(s.addr, serviceAddr)}
	}
	return t
}

// checkProject lets Open find out the project where the program brings credentials of its own, and where it is to be
// detected.
func (s *settings) checkProject() error {
	detect := s.ProjectID == "" || s.ProjectID == driver.DetectProjectID
	switch {
	case detect && s.EmulatorHost != "":
		s.ProjectID = "emulator"
	case s.ProjectID == driver.DetectProjectID, detect && len(s.options) > 0:
		s.ProjectID = ""
	case s.ProjectID == "" && s.fileType != "":
		return fmt.Errorf("%s is not set, and the file of credentials names no project", s.vars.Name("PROJECT_ID"))
	case s.ProjectID == "":
		return s.vars.NotSet("PROJECT_ID")
	case !validProject.MatchString(s.ProjectID):
		return fmt.Errorf("%s: not the id of a project", s.vars.Name("PROJECT_ID"))
	}
	return nil
}

func (s *settings) setHost() error {
	variable, text, usual := s.vars.Name("ENDPOINT"), s.Endpoint, config.Port(servicePort)
	_, process, _ := config.LoadOr[struct { // an emulator there turns TLS and credentials off for every client
		Host string `env:"EMULATOR_HOST"`
	}](Name, nil)
	redirected := process.IsSet("EMULATOR_HOST") && process.Name("EMULATOR_HOST") == "PUBSUB_EMULATOR_HOST"
	switch {
	case s.EmulatorHost != "" && s.Endpoint != "":
		return fmt.Errorf("%s and %s are both set: drop one", s.vars.Name("EMULATOR_HOST"), variable)
	case s.EmulatorHost != "":
		variable, text, usual = s.vars.Name("EMULATOR_HOST"), s.EmulatorHost, emulatorPort
	case redirected && !s.vars.IsSet("EMULATOR_HOST"):
		return fmt.Errorf("PUBSUB_EMULATOR_HOST is set, and the driver sends everything of the process there: "+
			"unset it, or set %s as well", s.vars.Name("EMULATOR_HOST"))
	case s.Endpoint == "":
		return nil
	}
	host, err := kit.ParseHost(text)
	s.addr = host.Addr(usual)
	return kit.In(variable, err)
}

var (
	// validProject takes the ids of old, with a domain before a colon, and the numbers of projects, too.
	validProject = regexp.MustCompile(`^[\w.:-]+$`)
	validTopic   = regexp.MustCompile(`^$|^(projects/[\w.:-]+/topics/)?[A-Za-z][\w.~+%-]{2,254}$`)
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
