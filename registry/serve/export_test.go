package serve

import (
	"context"
	"net"
	"net/http"
)

// RunOn is Run on a listener of the test's own.
func RunOn(
	ctx context.Context, l net.Listener, o Options, start func(context.Context) (http.Handler, error),
) error {
	if err := o.complete(); err != nil {
		return err
	}
	return run(ctx, l, o, start)
}
