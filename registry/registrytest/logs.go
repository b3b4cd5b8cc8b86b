package registrytest

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
)

// The loggers of the process are tapped while any trial overhears them: there is one slog.Default and one
// standard logger of package log for all suites.
var taps struct {
	exchange sync.Mutex // held while a tap comes or goes
	open     int
	remove   func()

	trials  sync.Map   // those that overhear, as keys
	hearing sync.Mutex // held while one goroutine's text is heard
}

// overhear looks for the secret in what the trial's calls log by package log or slog.Default, until stop.
func (s *trial) overhear() (stop func()) {
	taps.exchange.Lock()
	defer taps.exchange.Unlock()
	if taps.open == 0 {
		taps.remove = tapLoggers()
	}
	taps.open++
	taps.trials.Store(s, nil)
	return func() {
		taps.exchange.Lock()
		defer taps.exchange.Unlock()
		taps.trials.Delete(s)
		taps.open--
		if taps.open == 0 {
			taps.remove()
		}
	}
}

// tapLoggers replaces the loggers of the process by ones that pass everything on. What others have put in
// their place meanwhile, undo leaves.
func tapLoggers() (undo func()) {
	logger, writer, flags := slog.Default(), log.Writer(), log.Flags()
	next := logger.Handler()
	if fmt.Sprintf("%T", next) == "*slog.defaultHandler" {
		// That one writes through package log, which slog.SetDefault would make write through it.
		next = slog.NewTextHandler(writer, nil)
	}
	all := &slog.HandlerOptions{Level: slog.Level(math.MinInt)}
	tapped := slog.New(&tapHandler{next, slog.NewTextHandler(&tapWriter{io.Discard}, all)})
	tap := &tapWriter{writer}
	slog.SetDefault(tapped)
	log.SetOutput(tap)
	log.SetFlags(flags)
	return func() {
		if slog.Default() == tapped {
			now, nowFlags := log.Writer(), log.Flags()
			slog.SetDefault(logger) // which may redirect package log once more
			log.SetOutput(now)
			log.SetFlags(nowFlags)
		}
		if log.Writer() == io.Writer(tap) {
			log.SetOutput(writer)
		}
	}
}

// tapHandler makes a text of every record, whatever its level, and passes it on.
type tapHandler struct{ next, text slog.Handler }

func (h *tapHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h *tapHandler) Handle(ctx context.Context, r slog.Record) error {
	_ = h.text.Handle(ctx, r.Clone())
	if !h.next.Enabled(ctx, r.Level) {
		return nil
	}
	return h.next.Handle(ctx, r)
}

func (h *tapHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &tapHandler{h.next.WithAttrs(attrs), h.text.WithAttrs(attrs)}
}

func (h *tapHandler) WithGroup(name string) slog.Handler {
	return &tapHandler{h.next.WithGroup(name), h.text.WithGroup(name)}
}

// tapWriter lets the trials hear what is written.
type tapWriter struct{ next io.Writer }

func (w *tapWriter) Write(text []byte) (int, error) {
	taps.trials.Range(func(key, _ any) bool {
		key.(*trial).hear(string(text))
		return true
	})
	return w.next.Write(text)
}

// hear notes a text that shows the secret, unless somebody else's goroutine has logged it.
func (s *trial) hear(text string) {
	masked := s.journal.mask(text)
	if masked == text {
		return
	}
	taps.hearing.Lock()
	defer taps.hearing.Unlock()
	if s.speaks() {
		s.journal.add("a log shows it: " + masked)
	}
}

// speaks is true when the caller is a goroutine of the trial's calls. The caller holds taps.hearing, so that no
// other goroutine is here.
func (s *trial) speaks() bool {
	own := append(goroutines(s.mark), goroutines(s.mark+byAt)...)
	return slices.ContainsFunc(own, func(stack string) bool { return strings.Contains(stack, ".(*trial).speaks") })
}
