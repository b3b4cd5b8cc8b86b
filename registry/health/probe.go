package health

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// probeTimeout is a little more than a check may take.
const probeTimeout = 6 * time.Second

// longestLine is how many bytes of an answer are read for its first line.
const longestLine = 1024

// Probe asks url once, as the health check of a container does, and is nil if the answer is from 200 to 299. The
// error for any other answer says its status and its first line. A redirection is another answer: it is not
// followed. The proxies of the environment are not used. ctx bounds all of it; without a deadline it gets 6s.
//
// An image without a shell can so be its own health check: see the command mooring.
func Probe(ctx context.Context, url string) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil || req.URL.Host == "" { // the error would quote the URL, and a password in it
		return errors.New("probe: not a URL such as http://127.0.0.1:8080/readyz")
	}
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("probe: %w", errors.Unwrap(err)) // which is always a *url.Error, and shows the URL
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= 200 && res.StatusCode <= 299 {
		return nil
	}
	status := firstLine(strings.NewReader(res.Status)) // which is the server's own text, too
	if line := firstLine(res.Body); line != "" {
		return fmt.Errorf("probe: %s: %s", status, line)
	}
	return fmt.Errorf("probe: %s", status)
}

func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, already := ctx.Deadline(); already {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, probeTimeout)
}

// firstLine returns the first line of text, without what a terminal could take for a command.
func firstLine(text io.Reader) string {
	line, _ := bufio.NewReader(io.LimitReader(text, longestLine)).ReadString('\n')
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, line))
}
