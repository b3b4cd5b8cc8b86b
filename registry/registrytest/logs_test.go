package registrytest_test

import (
	"bytes"
	"io"
	"log"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/vibework/mooring/internal/tcptest"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest"
)

// keepLoggers puts the loggers of the process back when the test is over.
func keepLoggers(t *testing.T) {
	logger, writer, flags := slog.Default(), log.Writer(), log.Flags()
	t.Cleanup(func() {
		slog.SetDefault(logger)
		log.SetOutput(writer)
		log.SetFlags(flags)
	})
}

func TestWhatAServerInTheSameProcessLogsIsNotHeldAgainstTheResource(t *testing.T) {
	keepLoggers(t)
	log.SetOutput(io.Discard)
	server := tcptest.Start(t, func(conn net.Conn) {
		slog.Debug("a client comes", "password", password)
		log.Print("a client comes with ", password)
		speak(conn)
	})
	target := targetOf(t, faultless)
	target.Addr = server.Addr()
	target.New = func(*testing.T) registry.Resource { return newFake(server.Addr()) }
	if err := registrytest.Verdicts(t, target, secretRule)[secretRule]; err != nil {
		t.Error(err)
	}
}

func TestTheLoggersOfTheProcessAreAsBeforeARun(t *testing.T) {
	for name, setUp := range map[string]func(io.Writer){
		"of the standard library": log.SetOutput,
		"of the program":          func(w io.Writer) { slog.SetDefault(slog.New(slog.NewTextHandler(w, nil))) },
	} {
		t.Run(name, func(t *testing.T) {
			keepLoggers(t)
			var out bytes.Buffer
			setUp(&out)
			logger, writer, flags := slog.Default(), log.Writer(), log.Flags()
			registrytest.Verdicts(t, targetOf(t, faultless), secretRule)
			if slog.Default() != logger || log.Writer() != writer || log.Flags() != flags {
				t.Error("they are others")
			}
			slog.Info("one")
			log.Print("two")
			if text := out.String(); !strings.Contains(text, "one") || !strings.Contains(text, "two") {
				t.Errorf("they write %q", text)
			}
		})
	}
}

func TestWhatIsLoggedDuringARunIsPassedOn(t *testing.T) {
	for name, setUp := range map[string]func(io.Writer){
		"to the standard library": log.SetOutput,
		"to the program":          func(w io.Writer) { slog.SetDefault(slog.New(slog.NewTextHandler(w, nil))) },
	} {
		t.Run(name, func(t *testing.T) {
			keepLoggers(t)
			var out bytes.Buffer
			setUp(&out)
			target := targetOf(t, func(_ *testing.T, f *fake) registry.Resource {
				slog.Info("one")
				log.Print("two")
				slog.Debug("three")
				return f
			})
			target.At, target.Addr = nil, ""
			registrytest.Verdicts(t, target, secretRule)
			text := out.String()
			if strings.Count(text, "one") != 2 || strings.Count(text, "two") != 2 || strings.Contains(text, "three") {
				t.Errorf("they write %q", text) // the warm-up is not tapped
			}
		})
	}
}

// Programs that put another logger in place for a while restore the one that they have found, however late.
func TestALoggerThatIsRestoredLateStillWrites(t *testing.T) {
	keepLoggers(t)
	var out bytes.Buffer
	log.SetOutput(&out)
	var found *slog.Logger
	target := targetOf(t, func(_ *testing.T, f *fake) registry.Resource {
		found = slog.Default()
		return f
	})
	target.At, target.Addr = nil, ""
	registrytest.Verdicts(t, target, secretRule)
	if found == slog.Default() {
		t.Fatal("New has not found the logger of the run")
	}
	slog.SetDefault(found)
	slog.Info("one")
	log.Print("two")
	if text := out.String(); !strings.Contains(text, "one") || !strings.Contains(text, "two") {
		t.Errorf("it writes %q", text)
	}
}
