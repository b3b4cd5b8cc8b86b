package config_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/vibework/mooring/backends/config"
)

const hunter = "Zq7#xKvJ/@:%41\u00fcWy"

// holder keeps Secrets wherever a program might.
type holder struct {
	Public  config.Secret
	private config.Secret
	Pointer *config.Secret
	List    []config.Secret
	Table   map[string]config.Secret
	Any     any
	inner   struct{ deep config.Secret }
}

func newHolder() holder {
	s := config.NewSecret(hunter)
	h := holder{
		Public: s, private: s, Pointer: &s, List: []config.Secret{s},
		Table: map[string]config.Secret{"key": s}, Any: s,
	}
	h.inner.deep = s
	return h
}

func TestSecretShowsStarsUnderEveryVerb(t *testing.T) {
	s := config.NewSecret(hunter)
	for _, got := range []string{config.Secret{}.String(), config.NewSecret(hunter).GoString()} {
		if got != "***" {
			t.Errorf("a method shows %q", got)
		}
	}
	for _, verb := range verbs() {
		if strings.ContainsAny(verb, "Tpw") {
			continue // fmt asks no method for these
		}
		for _, secret := range []any{s, &s, config.Secret{}} {
			if got := fmt.Sprintf(verb, secret); got != "***" {
				t.Errorf("%s of %T shows %q", verb, secret, got)
			}
		}
	}
}

func TestSecretIsHiddenWhereverAProgramKeepsIt(t *testing.T) {
	h := newHolder()
	values := []any{
		h, &h, h.private, h.Pointer, h.List, h.Table, h.Any, h.inner,
		struct{ s config.Secret }{h.private},
		[]any{h},
		map[string]any{"k": h},
		[1]holder{h},
		fmt.Errorf("wrapped: %w", fmt.Errorf("%v", h)),
	}
	for _, verb := range verbs() {
		for _, value := range values {
			assertHidden(t, verb, fmt.Sprintf(verb, value))
		}
	}
	for _, print := range []func(...any) string{fmt.Sprint, fmt.Sprintln} {
		assertHidden(t, "Sprint", print(values...))
	}
}

func TestSecretIsHiddenFromEncoders(t *testing.T) {
	type document struct {
		Password config.Secret `json:"password" xml:"password"`
		Attr     config.Secret `xml:"attr,attr"`
		List     []config.Secret
	}
	s := config.NewSecret(hunter)
	doc := document{Password: s, Attr: s, List: []config.Secret{s}}

	asJSON, err := json.Marshal(map[string]any{"doc": doc, "secret": s, "pointer": &s})
	if err != nil || strings.Count(string(asJSON), `"***"`) != 5 {
		t.Errorf("JSON: %s, %v", asJSON, err)
	}
	asXML, err := xml.Marshal(doc)
	if err != nil || strings.Count(string(asXML), "***") != 3 {
		t.Errorf("XML: %s, %v", asXML, err)
	}
	var asGob bytes.Buffer
	if err := gob.NewEncoder(&asGob).Encode(doc); err != nil {
		t.Errorf("gob: %v", err)
	}
	for name, text := range map[string]string{
		"json": string(asJSON), "xml": string(asXML), "gob": asGob.String(),
	} {
		assertHidden(t, name, text)
	}
}

func TestGobRefusesToReadASecretBack(t *testing.T) {
	type document struct{ Password config.Secret }
	var encoded bytes.Buffer
	if err := gob.NewEncoder(&encoded).Encode(document{config.NewSecret(hunter)}); err != nil {
		t.Fatal(err)
	}
	var back document
	if err := gob.NewDecoder(&encoded).Decode(&back); err == nil {
		t.Errorf("no error; the password is now %q", back.Password.Reveal())
	}
}

func TestSecretIsHiddenFromLogs(t *testing.T) {
	var out bytes.Buffer
	h := newHolder()
	for _, handler := range []slog.Handler{
		slog.NewTextHandler(&out, nil),
		slog.NewJSONHandler(&out, nil),
	} {
		slog.New(handler).Info("message", "secret", h.Public, "pointer", h.Pointer,
			"list", h.List, "inner", h.inner, "table", h.Table, slog.Any("any", h.Any))
	}
	assertHidden(t, "slog", out.String())
	if got := slog.AnyValue(h.Public).Resolve(); got.Kind() != slog.KindString || got.String() != "***" {
		t.Errorf("a handler gets %v", got) // one that knows no MarshalText
	}
	if !strings.Contains(out.String(), "secret=***") ||
		!strings.Contains(out.String(), `"secret":"***"`) {
		t.Errorf("no stars in %s", out.String())
	}
}

func TestSecretIsHiddenInAPanic(t *testing.T) {
	defer func() { assertHidden(t, "panic", fmt.Sprint(recover())) }()
	panic(newHolder())
}

func TestSecretRevealsWhatItWasMadeFrom(t *testing.T) {
	var loaded config.Secret
	if err := json.Unmarshal([]byte(`"hunter2"`), &loaded); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		secret config.Secret
		want   string
	}{
		{config.NewSecret(hunter), hunter},
		{config.NewSecret(""), ""},
		{config.Secret{}, ""},
		{loaded, "hunter2"},
	} {
		if got := test.secret.Reveal(); got != test.want {
			t.Errorf("Reveal() = %q, want %q", got, test.want)
		}
		if got := test.secret.IsZero(); got != (test.want == "") {
			t.Errorf("IsZero() = %t for %q", got, test.want)
		}
	}
}

// verbs returns every verb that a letter can make, bare and with flags.
func verbs() []string {
	var verbs []string
	for _, flags := range []string{"", "+", "#", "-9", " ", "08", ".3"} {
		for verb := 'a'; verb <= 'z'; verb++ {
			verbs = append(verbs, "%"+flags+string(verb), "%"+flags+string(verb-'a'+'A'))
		}
	}
	return verbs
}

// assertHidden fails if text has four characters of hunter in a row, in clear or in hexadecimal.
func assertHidden(t *testing.T, what, text string) {
	t.Helper()
	for i := 0; i+4 <= len(hunter); i++ {
		part := hunter[i : i+4]
		for _, form := range []string{
			part, fmt.Sprintf("%x", part), fmt.Sprintf("%X", part),
			strings.Trim(fmt.Sprintf("%d", []byte(part)), "[]"),
		} {
			if strings.Contains(text, form) {
				t.Errorf("%s shows %q of the secret: %s", what, part, text)
				return
			}
		}
	}
}
