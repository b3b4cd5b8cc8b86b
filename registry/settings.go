package registry

import (
	"context"
	"log/slog"
	"time"
)

// settings are a Registry's fields as an OpenAll found them, with the defaults applied.
type settings struct {
	open, check, close time.Duration
	logger             *slog.Logger
}

var defaults = settings{open: 30 * time.Second, check: 5 * time.Second, close: 25 * time.Second}

func (r *Registry) settings() *settings {
	if s := r.conf.Load(); s != nil {
		return s
	}
	return &defaults
}

// readSettings makes the registry's fields take effect.
func (r *Registry) readSettings() {
	positive := func(d, otherwise time.Duration) time.Duration {
		if d > 0 {
			return d
		}
		return otherwise
	}
	r.conf.Store(&settings{
		open:   positive(r.OpenTimeout, defaults.open),
		check:  positive(r.CheckTimeout, defaults.check),
		close:  positive(r.CloseTimeout, defaults.close),
		logger: r.Logger,
	})
}

// log writes one record about a resource; a nil err leaves kind and error out.
func (s *settings) log(level slog.Level, message string, op Op, name string, err *Error, more ...slog.Attr) {
	logger := s.logger
	if logger == nil {
		logger = slog.Default()
	}
	ctx := context.Background()
	if !logger.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, len(more)+4)
	attrs = append(attrs, slog.String("resource", name), slog.String("op", string(op)))
	attrs = append(attrs, more...)
	if err != nil {
		attrs = append(attrs, slog.String("kind", string(err.Kind)), slog.String("error", err.Error()))
	}
	logger.LogAttrs(ctx, level, message, attrs...)
}
