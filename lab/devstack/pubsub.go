package devstack

import (
	"fmt"

	"cloud.google.com/go/pubsub/v2/pstest"
)

// project is any name: the server takes them all.
const project = "devstack"

func startPubSub() (_ *server, err error) {
	// pstest panics where others return an error.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	srv := pstest.NewServerWithAddress(loopback)
	return &server{
		addr: srv.Addr,
		env: func(addr string) []string {
			return []string{"PUBSUB_EMULATOR_HOST=" + addr, "PUBSUB_PROJECT_ID=" + project}
		},
		stop: srv.Close,
	}, nil
}
