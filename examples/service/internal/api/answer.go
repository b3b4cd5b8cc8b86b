package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
)

// handle makes a handler of a function that returns what to answer, with which code.
func handle(
	serve func(context.Context, http.ResponseWriter, *http.Request) (code int, body any, err error),
) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		ctx, cancel := context.WithTimeout(req.Context(), requestTimeout)
		defer cancel()
		code, body, err := serve(ctx, w, req)
		if refused, ok := errors.AsType[*refusal](err); ok {
			code, body = refused.code, refused
		} else if err != nil {
			// What a driver says is for the log. The customer can only come again.
			slog.Error("a request failed", "path", req.URL.Path, "error", err)
			code, body = http.StatusServiceUnavailable, &refusal{Text: "try again later"}
		}
		answer(w, code, body)
	}
}

func answer(w http.ResponseWriter, code int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		code, text = http.StatusInternalServerError, []byte(`{"error":"no answer"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(append(text, '\n'))
}

// refusal is an answer to a request that cannot be served as it is.
type refusal struct {
	code int
	Text string `json:"error"`
}

func (r *refusal) Error() string { return r.Text }

func refuse(code int, text string) error { return &refusal{code, text} }
