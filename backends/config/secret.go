package config

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted is what every Secret shows, the empty one too: that there is no password is a secret.
const redacted = "***"

// Secret holds a password, a key, or a URL with credentials. It prints *** under every verb of fmt
// and in text, JSON, XML, gob and slog; only [Secret.Reveal] returns the value. The zero Secret is
// empty. A Secret is safe for concurrent use and cannot be compared with ==.
//
// It is a struct around a closure because fmt calls no method on an unexported field of another
// struct: what it prints there is the address of a function, never what the function returns.
type Secret struct {
	reveal func() string
}

// NewSecret returns a Secret that holds value.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{reveal: func() string { return value }}
}

// Reveal returns the value, "" for the zero Secret. It is for the driver, not for logs and errors.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsZero reports whether the Secret is empty.
func (s Secret) IsZero() bool { return s.reveal == nil }

// String returns ***.
func (Secret) String() string { return redacted }

// GoString returns ***.
func (Secret) GoString() string { return redacted }

// Format writes *** whatever the verb, also for those, like %d, that pass String by.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns ***.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns ***; JSON and XML are made from it.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// GobEncode returns ***. There is no GobDecode, so gob refuses to read a Secret back: an error is
// better than *** for a password.
func (Secret) GobEncode() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText makes text the value.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}
