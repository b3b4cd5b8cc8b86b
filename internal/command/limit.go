package command

import (
	"bufio"
	"context"
	"fmt"
	"strconv"
	"strings"

	driver "github.com/gomodule/redigo/redis"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/registry"
)

// limit is how many connections a server takes, and how many instances of the program fit with their pools.
type limit struct {
	Connections int `json:"connections"`
	Instances   int `json:"instances"` // with the pool as it is; 0 also for a pool without a limit
	PoolOfTen   int `json:"poolOfTen"` // the pool with which ten instances fit; 0 if none is small enough
}

// limitFor applies the rule of the README: twice instances times pool and one more for its checks, since a roll-out has
// the old and the new ones.
func limitFor(connections, pool int) *limit {
	l := &limit{Connections: connections, PoolOfTen: max(connections/20-1, 0)}
	if pool > 0 {
		l.Instances = connections / (2 * (pool + 1))
	}
	return l
}

func (l *limit) sentence(pool int) string {
	text := fmt.Sprintf("the server takes %d connections: ", l.Connections)
	if pool > 0 {
		text += fmt.Sprintf("a pool of %d fits %d instances, ", pool, l.Instances)
	}
	if l.PoolOfTen == 0 { // as a limit, 0 would be none
		return text + "10 instances do not fit"
	}
	return text + fmt.Sprintf("10 instances fit with a pool of %d", l.PoolOfTen)
}

// connectionLimit asks an open resource how many connections its server takes; 0 if it does not say, or not to the
// user.
func connectionLimit(ctx context.Context, res registry.Resource) (n int) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	switch res := res.(type) {
	case *mysql.Resource:
		if db, err := res.Handle(); err == nil {
			_ = db.QueryRowContext(ctx, "SELECT @@max_connections").Scan(&n)
		}
	case *redis.Resource:
		if conn, err := res.Conn(ctx); err == nil {
			defer func() { _ = conn.Close() }()
			info, _ := driver.String(driver.DoContext(conn, ctx, "INFO", "clients"))
			for lines := bufio.NewScanner(strings.NewReader(info)); lines.Scan(); {
				if value, found := strings.CutPrefix(lines.Text(), "maxclients:"); found {
					n, _ = strconv.Atoi(value)
				}
			}
		}
	case *mongo.Resource:
		if client, err := res.Handle(); err == nil {
			var status struct {
				Connections struct{ Current, Available int }
			}
			_ = client.Database("admin").RunCommand(ctx, bson.D{{Key: "serverStatus", Value: 1}}).Decode(&status)
			n = status.Connections.Current + status.Connections.Available
		}
	case interface{ ConnectionLimit(context.Context) int }: // of another module
		n = res.ConnectionLimit(ctx)
	}
	return n
}
