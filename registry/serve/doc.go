// Package serve runs a service: it answers probes, opens the resources of a registry, serves, and closes all when it
// is told to stop.
//
//	func main() {
//		err := serve.Run(context.Background(), serve.Options{}, func(context.Context) (http.Handler, error) {
//			return routes(mysql.DB()), nil // the resources are open
//		})
//		if err != nil {
//			log.Fatal(err)
//		}
//	}
//
// # Stopping
//
// SIGTERM, SIGINT, the end of Run's context and every failure stop the service. Timeout is the time for all of it, one
// part after the other; what one does not use is there for the next:
//
//	drain      Drain: /readyz answers 503, and everything is served as before. Responses ask clients to connect anew,
//	           to another instance. Left out if the service has not served yet
//	shutdown   at most half of what is left: no connection is accepted, and requests under way finish. Then they are
//	           cut off
//	close      the context of start ends, and CloseAll has what is left, less what it may run over
//
// So with the defaults requests have 10s, CloseAll has 10s or more, and Run returns within 25s, which fits into the
// 30s of Kubernetes. Work of the program's own, such as receiving messages, belongs into a resource: see package
// worker. It ends before what it uses is closed.
//
// A stream, a WebSocket and everything else that goes on until somebody ends it is cut off after its half, or ends
// earlier where a function given to the server's RegisterOnShutdown tells it to.
package serve
