package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// useMySQL creates a table, inserts a struct in a transaction and selects it back.
func useMySQL(ctx context.Context, db *sql.DB) (_ string, err error) {
	const table = "mooring_quickstart"
	if _, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+table+
		" (id BIGINT PRIMARY KEY AUTO_INCREMENT, item VARCHAR(50) NOT NULL, amount INT NOT NULL)"); err != nil {
		return "", err
	}
	defer func() {
		_, dropErr := db.ExecContext(ctx, "DROP TABLE "+table)
		err = errors.Join(err, dropErr)
	}()

	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return "", err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	o := order{Item: "rope", Amount: 3}
	result, err := tx.ExecContext(ctx, "INSERT INTO "+table+" (item, amount) VALUES (?, ?)", o.Item, o.Amount)
	if err != nil {
		return "", err
	}
	if o.ID, err = result.LastInsertId(); err != nil {
		return "", err
	}
	if err := tx.Commit(); err != nil {
		return "", err
	}

	var got order
	row := db.QueryRowContext(ctx, "SELECT id, item, amount FROM "+table+" WHERE id = ?", o.ID)
	if err := row.Scan(&got.ID, &got.Item, &got.Amount); err != nil {
		return "", err
	}
	return fmt.Sprintf("mysql:  inserted %+v in a transaction and selected %+v", o, got), nil
}
