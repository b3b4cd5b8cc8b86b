// Package orders stores orders in MySQL. Its queries are written in SQL, in queries.sql; sqlc makes typed Go of
// them and of schema.sql. They run on whatever runs SQL: the handle of mysql.DB, or a transaction of it.
package orders

import (
	"context"
	_ "embed"
	"strings"
)

// What an order's Status can be.
const (
	Placed = "placed" // stored, and nothing else has happened yet
	Packed = "packed" // the worker is done with it
)

//go:embed schema.sql
var schema string

// Migrate creates what is missing in the database. It can be called any number of times.
func Migrate(ctx context.Context, db DBTX) error { return migrate(ctx, db, schema) }

// migrate runs the statements one by one: MySQL takes no two at a time.
func migrate(ctx context.Context, db DBTX, statements string) error {
	for statement := range strings.SplitSeq(statements, ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
