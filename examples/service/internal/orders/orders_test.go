package orders

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestMigrateRunsOneStatementAtATime(t *testing.T) {
	db := new(recorder)
	const two = "-- Two; of them.\nCREATE TABLE a (\n  id INT\n);\nCREATE TABLE b (id INT);\n"
	if err := migrate(t.Context(), db, two); err != nil {
		t.Fatal(err)
	}
	want := []string{"-- Two; of them.\nCREATE TABLE a (\n  id INT\n)", "CREATE TABLE b (id INT)"}
	if !slices.Equal(db.statements, want) {
		t.Errorf("it ran %q", db.statements)
	}
	db.err = errors.New("broken")
	if err := migrate(t.Context(), db, two); !errors.Is(err, db.err) || len(db.statements) != 3 {
		t.Errorf("after %q the error is %v", db.statements, err)
	}
}

// TestTheQueriesAreGenerated expects every query in queries.sql.go as sqlc writes it.
func TestTheQueriesAreGenerated(t *testing.T) {
	const pattern = `(?ms)^(?:const \w+ = .)?-- name: (\w+ :\w+)\n(.+?)(?:;\n|\n.$)`
	all := regexp.MustCompile(pattern)
	written := all.FindAllStringSubmatch(read(t, "queries.sql"), -1)
	generated := make(map[string]string)
	for _, query := range all.FindAllStringSubmatch(read(t, "queries.sql.go"), -1) {
		generated[query[1]] = query[2]
	}
	if len(written) == 0 || len(written) != len(generated) {
		t.Errorf("%d queries are written, and %d generated", len(written), len(generated))
	}
	columns := strings.Join(columns(t), ", ")
	for _, query := range written {
		want := strings.Replace(query[2], "SELECT *", "SELECT "+columns, 1)
		if got := generated[query[1]]; got != want {
			t.Errorf("%s is generated as %q, not %q; run make generate", query[1], got, want)
		}
	}
}

func TestTheModelIsGenerated(t *testing.T) {
	var fields []string
	for field := range reflect.TypeFor[Order]().Fields() {
		fields = append(fields, field.Tag.Get("json"))
	}
	if want := columns(t); !slices.Equal(fields, want) {
		t.Errorf("the fields are %q, not %q; run make generate", fields, want)
	}
}

// columns returns those of the one table there is.
func columns(t *testing.T) (names []string) {
	t.Helper()
	for _, line := range regexp.MustCompile(`(?m)^  ([a-z_]+) `).FindAllStringSubmatch(schema, -1) {
		names = append(names, line[1])
	}
	if n := strings.Count(schema, "CREATE TABLE"); n != 1 || len(names) == 0 {
		t.Fatalf("there are %d tables, with the columns %q", n, names)
	}
	return names
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// recorder is a database that records what it is to run, and answers with err.
type recorder struct {
	DBTX
	statements []string
	err        error
}

func (r *recorder) ExecContext(_ context.Context, statement string, _ ...any) (sql.Result, error) {
	r.statements = append(r.statements, statement)
	return nil, r.err
}
