// Package api serves the orders over HTTP, as JSON.
package api

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"strconv"
	"time"

	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/examples/service/internal/cache"
	"github.com/vibework/mooring/examples/service/internal/orders"
	"github.com/vibework/mooring/examples/service/internal/products"
)

// API has what the handlers work with: the four handles, each in the form in which it is used here.
type API struct {
	Orders   *orders.Queries
	Products products.Collection[products.Product]
	Cache    *cache.Cache
	Placed   *pubsub.TopicPublisher
}

// requestTimeout bounds what one request may ask of all backends together.
const requestTimeout = 5 * time.Second

// Handle adds the paths of the API to mux: POST /orders, GET /orders/{id} and GET /products.
func (a *API) Handle(mux *http.ServeMux) {
	mux.HandleFunc("POST /orders", handle(a.place))
	mux.HandleFunc("GET /orders/{id}", handle(a.order))
	mux.HandleFunc("GET /products", handle(a.products))
}

func (a *API) order(ctx context.Context, _ http.ResponseWriter, req *http.Request) (int, any, error) {
	id, err := strconv.ParseInt(req.PathValue("id"), 10, 64)
	if err != nil {
		return 0, nil, refuse(http.StatusNotFound, "no such order")
	}
	order, err := cache.Read(ctx, a.Cache, cache.OrderKey(id), func(ctx context.Context) (orders.Order, error) {
		return a.Orders.Get(ctx, id)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = refuse(http.StatusNotFound, "no such order")
	}
	return http.StatusOK, order, err
}

func (a *API) products(ctx context.Context, _ http.ResponseWriter, _ *http.Request) (int, any, error) {
	list, err := cache.Read(ctx, a.Cache, "products", func(ctx context.Context) ([]products.Product, error) {
		return a.Products.All(ctx, struct{}{}, products.ByID())
	})
	return http.StatusOK, list, err
}

// product is not read from the cache: a price has to be the one of now.
func (a *API) product(ctx context.Context, id string) (products.Product, error) {
	product, err := a.Products.Get(ctx, id)
	if errors.Is(err, driver.ErrNoDocuments) {
		return product, refuse(http.StatusBadRequest, "no such product")
	}
	return product, err
}
