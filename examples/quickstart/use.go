package main

import (
	"context"
	"fmt"
	"time"

	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/backends/redis"
)

// order is what the program stores in MySQL and in MongoDB.
type order struct {
	ID     int64  `bson:"_id"`
	Item   string `bson:"item"`
	Amount int    `bson:"amount"`
}

// useEach does one real thing with each backend. The handles are taken once and passed down.
func useEach(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	fmt.Println("\none real thing on each:")
	name := fmt.Sprintf("mooring-quickstart-%d", time.Now().UnixNano())
	for _, use := range []func() (string, error){
		func() (string, error) { return useMySQL(ctx, mysql.DB()) },
		func() (string, error) { return useMongo(ctx, mongo.Database().Collection(name)) },
		func() (string, error) { return useRedis(ctx, redis.Pool(), name) },
		func() (string, error) { return usePubSub(ctx, pubsub.Client(), pubsub.Publisher(name), name) },
	} {
		text, err := use()
		if err != nil {
			return err
		}
		fmt.Println(" ", text)
	}
	return nil
}
