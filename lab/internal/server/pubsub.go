package server

import "cloud.google.com/go/pubsub/v2/pstest"

// PubSub returns a fake of Google's service, not started yet: this program, in another process. It knows no
// passwords, and each start finds it empty.
func PubSub(folder string) (*Process, error) { return itself(folder, "pubsub") }

func servePubSub(addr string) { pstest.NewServerWithAddress(addr) }
