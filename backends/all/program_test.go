package all_test

import (
	"context"
	"log"
	"net/http"
	"os"
	"os/signal"

	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/health"
)

func Example() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := registry.OpenAll(ctx); err != nil {
		log.Fatal(err)
	}
	defer registry.CloseAll(context.Background()) // logs what does not close
	_ = mysql.DB()                                // a *sql.DB: take handles once, here, and pass them down
	go http.ListenAndServe(":8080", health.Handler(nil, health.Options{}))
	<-ctx.Done()
}
