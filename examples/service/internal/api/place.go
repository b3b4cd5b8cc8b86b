package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/vibework/mooring/examples/service/internal/events"
	"github.com/vibework/mooring/examples/service/internal/orders"
)

const (
	mostBytes    = 4096 // of a request
	mostQuantity = 1000
	// publishTimeout is how long a customer waits for Pub/Sub. The order stands without it.
	publishTimeout = 2 * time.Second
)

type placeRequest struct {
	Product  string `json:"product"`
	Quantity int32  `json:"quantity"`
}

// place stores an order and then tells of it. The order in MySQL is what counts: an event that is lost is made up
// for by events.Remind.
func (a *API) place(ctx context.Context, w http.ResponseWriter, req *http.Request) (int, any, error) {
	body, err := readPlace(w, req)
	if err != nil {
		return 0, nil, err
	}
	product, err := a.product(ctx, body.Product)
	if err != nil {
		return 0, nil, err
	}
	row := orders.CreateParams{
		Product: product.ID, Quantity: body.Quantity, UnitPriceCents: product.PriceCents,
		CreatedAt: time.Now().UTC().Truncate(time.Microsecond),
	}
	id, err := a.Orders.Create(ctx, row)
	if err != nil {
		return 0, nil, err
	}
	a.publish(ctx, id)
	w.Header().Set("Location", fmt.Sprintf("/orders/%d", id))
	return http.StatusCreated, orders.Order{
		ID: id, Product: row.Product, Quantity: row.Quantity, UnitPriceCents: row.UnitPriceCents,
		Status: orders.Placed, CreatedAt: row.CreatedAt,
	}, nil
}

func readPlace(w http.ResponseWriter, req *http.Request) (body placeRequest, err error) {
	decoder := json.NewDecoder(http.MaxBytesReader(w, req.Body, mostBytes))
	decoder.DisallowUnknownFields()
	err = decoder.Decode(&body)
	if _, end := decoder.Token(); err != nil || !errors.Is(end, io.EOF) { // one value, and nothing after it
		return body, refuse(http.StatusBadRequest, `want {"product": "rope", "quantity": 1}`)
	}
	if body.Quantity < 1 || body.Quantity > mostQuantity {
		return body, refuse(http.StatusBadRequest, fmt.Sprintf("quantity must be from 1 to %d", mostQuantity))
	}
	return body, nil
}

func (a *API) publish(ctx context.Context, order int64) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if err := events.Publish(ctx, a.Placed, order); err != nil {
		slog.Warn("an order is stored, but its event is not confirmed", "order", order, "error", err)
	}
}
