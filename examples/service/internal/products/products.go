// Package products keeps what can be ordered in MongoDB, as typed documents.
package products

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Product is something that can be ordered.
type Product struct {
	ID         string `bson:"_id" json:"id"`
	Name       string `bson:"name" json:"name"`
	PriceCents int64  `bson:"price_cents" json:"price_cents"`
}

// In returns the collection of products in db.
func In(db *driver.Database) Collection[Product] {
	return Collection[Product]{db.Collection("products")}
}

// ByID is the order in which products are listed.
func ByID() *options.FindOptionsBuilder {
	return options.Find().SetSort(bson.D{{Key: "_id", Value: 1}})
}

// Seed adds the products to begin with, and leaves those alone that are there already.
func Seed(ctx context.Context, c Collection[Product]) error {
	for _, p := range []Product{
		{"anchor", "Anchor, 10 kg", 8900},
		{"fender", "Fender, blue", 2450},
		{"rope", "Mooring rope, 20 m", 3900},
	} {
		fields := bson.D{{Key: "name", Value: p.Name}, {Key: "price_cents", Value: p.PriceCents}}
		_, err := c.UpdateByID(ctx, p.ID, bson.D{{Key: "$setOnInsert", Value: fields}},
			options.UpdateOne().SetUpsert(true))
		if err != nil {
			return err
		}
	}
	return nil
}
