package postgres_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/vibework/mooring/backends/postgres"
	"github.com/vibework/mooring/registry"
)

func TestEveryErrorOfTheServerHasAKindAndAnHonestText(t *testing.T) {
	const full = "exhausted: too many connections: the pooler has none to spare"
	for _, test := range []struct{ code, text, want string }{
		{"08P01", "unsupported startup parameter: search_path", "config: a pooler does not take a variable that the options set"},
		{"08P01", "unsupported startup parameter in options: geqo", "config: a pooler does not take a variable that the options set"},
		{"XX000", "Tenant or user not found", "auth: access denied: the pooler does not know the user"},
		{"08P01", "no more connections allowed (max_client_conn)", full},
		{"XX000", "Max client connections reached", full},
		{"XX000", "SECRET", "unknown: the server or a pooler has failed (XX000)"},
		{"08P01", "SECRET", "unreachable: the server, or a pooler before it, did not understand or gave up (08P01)"},
		{"08006", "SECRET", "unreachable: the connection broke, or a pooler does not reach the server (08006)"},
		{"57P05", "SECRET", "unreachable: the server or an operator has ended the connection (57P05)"},
		{"25P04", "SECRET", "unreachable: the server has ended the connection: a transaction took too long (25P04)"},
		{"22012", "SECRET", "unknown: the server does not take a value (22012)"},
		{"23505", "user not found", "unknown: a constraint forbids it (23505)"},
		{"40P01", "SECRET", "unknown: the server has rolled the transaction back, as it does after a deadlock (40P01)"},
		{"42P01", "SECRET", "unknown: the statement is wrong, or names what there is not (42P01)"},
		{"P0001", "SECRET", "unknown: the server answered with an error"},
		{"22SECRET", "SECRET", "unknown: the server answered with an error"},
		{"22\x1b[m", "SECRET", "unknown: the server answered with an error"},
	} {
		err := postgres.Classify(&pgconn.PgError{Code: test.code, Message: test.text})
		if got := string(registry.KindOf(err)) + ": " + err.Error(); got != test.want {
			t.Errorf("%s %s\ngot  %s\nwant %s", test.code, test.text, got, test.want)
		}
	}
}

func TestATransactionThatWasIdleForTooLongHasLostItsConnection(t *testing.T) {
	_, res := open(t, at(server(t).url()+"?idle_in_transaction_session_timeout=100"))
	tx, err := res.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	<-time.After(300 * time.Millisecond)
	_, err = tx.Exec(t.Context(), "SELECT 1")
	if kind := registry.KindOf(postgres.Classify(err)); kind != registry.KindUnreachable {
		t.Errorf("%q: %v", kind, postgres.Classify(err))
	}
	_ = tx.Rollback(t.Context())
}
