package pubsub

import (
	"testing"
	"time"

	"github.com/vibework/mooring/backends/kit"
)

// Resolved is what the driver is going to be given.
type Resolved struct {
	Project, Addr, Topic          string
	Credentials                   bool
	GRPCConns                     int
	PublishTimeout, CheckInterval time.Duration
}

// Resolve reads the environment as Configure does.
func Resolve(t *testing.T, name string, opts ...Option) Resolved {
	t.Helper()
	s := settingsOf(t, name, opts...)
	return Resolved{
		Project: s.ProjectID, Addr: s.addr, Topic: s.CheckTopic, Credentials: s.fileType != "",
		GRPCConns: s.GRPCConns, PublishTimeout: s.PublishTimeout, CheckInterval: s.CheckInterval,
	}
}

// ClassifyAs classifies err with the names of what the environment sets.
func ClassifyAs(t *testing.T, name string, err error) error {
	t.Helper()
	return classify(err, settingsOf(t, name).names)
}

func settingsOf(t *testing.T, name string, opts ...Option) *settings {
	t.Helper()
	var in setup
	for _, opt := range opts {
		opt(&in)
	}
	s, err := resolve(name, in)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ForgetAnswer does what CheckInterval does.
func ForgetAnswer(r *Resource) {
	c, _ := kit.ClientOf(r.Resource)
	c.answer.Store(nil)
}
