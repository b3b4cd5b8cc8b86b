package products

import (
	"context"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Collection reads documents of one type. Everything else that a driver's collection can do, it does itself.
type Collection[T any] struct{ *driver.Collection }

// Get returns the document with this _id, or mongo.ErrNoDocuments of the driver.
func (c Collection[T]) Get(ctx context.Context, id any) (T, error) {
	var document T
	err := c.FindOne(ctx, map[string]any{"_id": id}).Decode(&document)
	return document, err
}

// All returns the documents that match filter; never nil without an error.
func (c Collection[T]) All(
	ctx context.Context, filter any, opts ...options.Lister[options.FindOptions],
) ([]T, error) {
	cursor, err := c.Find(ctx, filter, opts...)
	if err != nil {
		return nil, err
	}
	documents := []T{}
	return documents, cursor.All(ctx, &documents)
}
