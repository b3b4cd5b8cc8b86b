package all_test

import (
	"context"
	"log"
	"net/http"

	"github.com/vibework/mooring/backends/mysql"
	_ "github.com/vibework/mooring/backends/redis" // redis.Conn(ctx) is its handle
	"github.com/vibework/mooring/registry/serve"
)

func Example() {
	options := serve.Options{Server: &http.Server{Addr: ":8080"}}
	err := serve.Run(context.Background(), options, func(context.Context) (http.Handler, error) {
		db := mysql.DB() // all is open here
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			_, _ = db.ExecContext(req.Context(), "INSERT INTO visits VALUES (NOW())")
		}), nil
	})
	if err != nil {
		log.Fatal(err)
	}
}
