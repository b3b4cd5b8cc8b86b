package main

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
)

// useMongo inserts a struct and finds it again.
func useMongo(ctx context.Context, orders *driver.Collection) (_ string, err error) {
	defer func() { err = errors.Join(err, orders.Drop(ctx)) }()
	o := order{ID: 1, Item: "anchor", Amount: 1}
	if _, err := orders.InsertOne(ctx, o); err != nil {
		return "", err
	}
	var got order
	if err := orders.FindOne(ctx, bson.D{{Key: "item", Value: "anchor"}}).Decode(&got); err != nil {
		return "", err
	}
	return fmt.Sprintf("mongo:  inserted %+v and found %+v", o, got), nil
}
