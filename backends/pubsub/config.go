package pubsub

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"cloud.google.com/go/auth"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/internal/uri"
)

// Config is what the PUBSUB_* variables set; package config documents its tags. In code, a zero field
// means its default.
type Config struct {
	ProjectID string `env:"PROJECT_ID" alias:"PUBSUB_PROJECT_ID=GOOGLE_CLOUD_PROJECT,GCLOUD_PROJECT" doc:"project id"`

	EmulatorHost    string `env:"EMULATOR_HOST" doc:"host:port of an emulator, instead of the service"`
	CredentialsFile string `env:"CREDENTIALS_FILE" doc:"path of a JSON file; application default credentials unless set"`

	CheckTopic string `env:"CHECK_TOPIC" doc:"topic that a check wants to exist; unless set, any answer will do"`

	GRPCConns      int           `env:"GRPC_CONNS" envDefault:"1" doc:"connections to publish, and as many to receive"`
	PublishTimeout time.Duration `env:"PUBLISH_TIMEOUT" envDefault:"60s" doc:"longest try to send a batch of messages"`
}

const (
	// service is where Pub/Sub is. A client that is given no endpoint goes where the process-wide variable
	// PUBSUB_EMULATOR_HOST says.
	service = "pubsub.googleapis.com:443"

	// usualPort is where gcloud starts the emulator.
	usualPort = 8085

	// probeTopic is what a check asks for unless a topic is named. It need not exist.
	probeTopic = "mooring-probe"
)

// settings are a Config that has been checked.
type settings struct {
	Config
	name  string
	addr  string            // of the service or the emulator
	tls   *tls.Config       // nil for the emulator
	topic string            // the full name of the one that a check asks for
	creds *auth.Credentials // nil for the emulator, and if they are yet to be found
}

// resolve checks cfg and reads the credentials. Its error names variables and quotes no value.
func resolve(name string, cfg Config) (*settings, error) {
	s := &settings{Config: cfg, name: name}
	prefix := config.Prefix(name)
	err := errors.Join(s.setProject(prefix), s.setHost(prefix), s.setCredentials(prefix), s.setTopic(prefix),
		s.checkLimits(prefix))
	if err != nil {
		return nil, err
	}
	return s, nil
}

// checkLimits refuses what the driver would silently take for something else.
func (s *settings) checkLimits(prefix string) (err error) {
	if s.GRPCConns < 1 {
		err = fmt.Errorf("%sGRPC_CONNS: must be at least 1", prefix)
	}
	if s.PublishTimeout <= 0 {
		err = errors.Join(err, fmt.Errorf("%sPUBLISH_TIMEOUT: must be more than 0", prefix))
	}
	return err
}

func (s *settings) setProject(prefix string) error {
	if s.ProjectID == "" && s.EmulatorHost != "" {
		s.ProjectID = "emulator"
	}
	switch {
	case s.ProjectID == "":
		return fmt.Errorf("%sPROJECT_ID is not set", prefix)
	case !validProject(s.ProjectID):
		return fmt.Errorf("%sPROJECT_ID: not the id of a project", prefix)
	}
	return nil
}

func (s *settings) setHost(prefix string) error {
	if s.EmulatorHost == "" {
		s.addr, s.tls = service, &tls.Config{MinVersion: tls.VersionTLS12}
		return nil
	}
	if strings.Contains(s.EmulatorHost, "://") { // clients in other languages take one
		return fmt.Errorf("%sEMULATOR_HOST: want host:port, without a scheme such as http://", prefix)
	}
	host, err := uri.ParseHost(s.EmulatorHost)
	if err != nil {
		return fmt.Errorf("%sEMULATOR_HOST: %w", prefix, err)
	}
	s.addr = host.Addr(usualPort)
	return nil
}

// setTopic finds the full name of the topic that a check asks for.
func (s *settings) setTopic(prefix string) error {
	project, topic := s.ProjectID, s.CheckTopic
	if topic == "" {
		topic = probeTopic
	}
	if parts := strings.Split(topic, "/"); len(parts) == 4 && parts[0] == "projects" && parts[2] == "topics" {
		project, topic = parts[1], parts[3]
	}
	if project != s.ProjectID && !validProject(project) || !validTopic(topic) {
		return fmt.Errorf("%sCHECK_TOPIC: not the name of a topic", prefix)
	}
	s.topic = "projects/" + project + "/topics/" + topic
	return nil
}

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits  = "0123456789"
)

// validProject takes the ids of old, with a domain before a colon, and the numbers of projects, too.
func validProject(id string) bool {
	return id != "" && strings.Trim(id, letters+digits+"-_.:") == ""
}

func validTopic(id string) bool {
	return len(id) >= 3 && len(id) <= 255 && strings.Contains(letters, id[:1]) &&
		strings.Trim(id, letters+digits+"-_.~+%") == ""
}
