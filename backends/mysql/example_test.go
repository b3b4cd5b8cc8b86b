package mysql_test

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"log"

	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/registry"
)

// A program takes its handles once, after OpenAll, and passes them down.
func Example() {
	ctx := context.Background()
	if err := registry.OpenAll(ctx); err != nil {
		log.Fatal(err)
	}
	defer func() { _ = registry.CloseAll(ctx) }()

	var users int
	err := mysql.DB().QueryRowContext(ctx, "SELECT COUNT(*) FROM users").Scan(&users)
	fmt.Println(users, err)
}

// A second instance has a name, and variables, of its own.
func ExampleNew() {
	replica := mysql.New("mysql-replica") // reads MYSQL_REPLICA_URL and so on
	registry.Register(replica)
	fmt.Println(registry.Unregister("mysql-replica"))
	// Output: true
}

func ExampleHandle() {
	if _, err := mysql.Handle(); errors.Is(err, registry.ErrNotOpen) {
		fmt.Println(err)
	}
	// Output: mysql: not open: registry.OpenAll has not opened it yet
}

// The hook makes the handle, so it is the place to put something around the driver.
func ExampleWithHook() {
	mysql.Use(mysql.WithHook(func(c sqldriver.Connector) *sql.DB {
		log.Printf("the driver is a %T", c.Driver())
		return sql.OpenDB(c) // or otelsql.OpenDB(c)
	}))
}
