// Package health serves the health of a registry over HTTP, on the paths that Kubernetes uses:
//
//	/livez          the process answers; no resource is asked
//	/readyz         the program can serve: it is open, not draining, and no required resource fails
//	/readyz/{name}  one resource can serve
//	/startupz       OpenAll has succeeded; no resource is asked
//
//	mux.Handle("/", health.Handler(nil, health.Options{})) // nil is registry.Default()
//
// The answer is 200 or 503. Its body is a strict subset of the health+json draft: names and statuses, no
// addresses, no error text:
//
//	{"status":"fail","checks":{"mysql":[{"status":"pass"}],"redis":[{"status":"fail"}]}}
//
// With ?verbose it is the text that Kubernetes' own servers write, with the numbers of connection pools:
//
//	[+]mysql ok (3 of 20 connections in use)
//	[-]redis failed: reason withheld (0 of 20 connections in use)
//	readyz check failed
//
// And ?exclude=name, also repeated, leaves a resource out of the verdict, and does not wait for it. A resource that
// is only warned of (optional, or degraded) does not make the program unready.
//
// # Probes
//
// A check may take 5s, and the kubelet's own default is to wait for 1s: set timeoutSeconds to 6. However many
// probes of /readyz there are, the resources are asked at most once in MaxAge; what it found serves the probes of
// single resources, too. The deadline of a request bounds how long it waits, never the check.
//
// [Probe] is a probe for containers whose images have neither a shell nor curl.
//
// Never point a liveness probe at /readyz: a database that is down would restart every instance.
package health
