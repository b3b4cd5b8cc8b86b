package kit_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

func TestATableHasTheKindAndTheTextOfACode(t *testing.T) {
	codes := kit.Table[int]{{1040, registry.KindExhausted, "too many connections"}}
	for code, want := range map[int]string{
		1040: "exhausted: too many connections (1040)",
		1041: "unknown: the server answered with the error 1041",
	} {
		err := codes.Of(code)
		if got := string(registry.KindOf(err)) + ": " + err.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestSeveralCodesMayMeanTheSame(t *testing.T) {
	codes := kit.Table[string]{{"1142 1143", registry.KindPermission, "permission denied"}}
	for code, want := range map[string]string{
		"1143": "permission denied (1143)",
		"114":  "the server answered with the error 114",
	} {
		if got := codes.Of(code).Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestTheFirstRowThatFitsCounts(t *testing.T) {
	words := kit.Table[string]{
		{"NOAUTH", registry.KindAuth, "the server wants a password"},
		{"NO", registry.KindPermission, "permission denied"},
	}
	first := func(reply string) error {
		return words.First(func(word string) bool { return strings.HasPrefix(reply, word) })
	}
	if err := first("NOAUTH Authentication required"); registry.KindOf(err) != registry.KindAuth {
		t.Errorf("got %v", err)
	}
	if err := first("NOPERM"); err.Error() != "permission denied" {
		t.Errorf("got %v", err)
	}
	if err := first("YES"); err != nil {
		t.Errorf("got %v", err)
	}
	ends := kit.Table[error]{{io.EOF, registry.KindUnreachable, "the server hung up"}}
	broken := fmt.Errorf("driver: %w", io.EOF)
	if err := ends.First(func(end error) bool { return errors.Is(broken, end) }); err == nil {
		t.Error("an error of the driver is not found")
	}
}
