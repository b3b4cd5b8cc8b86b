package main

import (
	"io"
	"net/http"
	"sync/atomic"
)

// gate is the way to what needs all resources. Until it is opened, every request is answered by 503.
type gate struct{ behind atomic.Pointer[http.ServeMux] }

func (g *gate) open(behind *http.ServeMux) { g.behind.Store(behind) }

func (g *gate) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if behind := g.behind.Load(); behind != nil {
		behind.ServeHTTP(w, req)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, `{"error":"the service is starting"}`+"\n")
}
