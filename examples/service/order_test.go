package main

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vibework/mooring/examples/service/internal/orders"
	"github.com/vibework/mooring/examples/service/internal/products"
)

func TestAnOrderIsStoredAndPacked(t *testing.T) {
	t.Parallel()
	p := serving(t, servers(t))
	order := place(t, p)
	if order.Product != "rope" || order.Quantity != 2 || order.UnitPriceCents != 3900 {
		t.Errorf("the order is %+v", order)
	}
	awaitPacked(t, p, order)
}

func TestTheProductsAreListed(t *testing.T) {
	t.Parallel()
	p := serving(t, servers(t))
	code, text := p.get(t, "/products")
	var ids []string
	for _, product := range decode[[]products.Product](t, text) {
		ids = append(ids, product.ID)
	}
	if code != http.StatusOK || !slices.Equal(ids, []string{"anchor", "fender", "rope"}) {
		t.Errorf("it answers %d %s", code, text)
	}
}

func TestWhatCannotBeServedIsRefused(t *testing.T) {
	t.Parallel()
	p := serving(t, servers(t))
	for _, c := range []struct {
		method, path, body string
		code               int
	}{
		{"POST", "/orders", `{"product": "rope", "quantity": 0}`, 400},
		{"POST", "/orders", `{"product": "rope", "quantity": 1001}`, 400},
		{"POST", "/orders", `{"product": "submarine", "quantity": 1}`, 400},
		{"POST", "/orders", `{"product": {"$ne": ""}, "quantity": 1}`, 400},
		{"POST", "/orders", `{"product": "rope", "quantity": 1, "price": 1}`, 400},
		{"POST", "/orders", `{"product": "` + strings.Repeat("r", 5000) + `"}`, 400},
		{"POST", "/orders", `rope`, 400},
		{"POST", "/orders", `{"product": "rope", "quantity": 1} and more`, 400},
		{"POST", "/orders", `{"product": "rope", "quantity": 1}{}`, 400},
		{"GET", "/orders/9223372036854775807", "", 404},
		{"GET", "/orders/rope", "", 404},
		{"GET", "/nothing", "", 404},
		{"GET", "/assets/", "", 404},
		{"PUT", "/orders", "", 405},
	} {
		if code, text := p.request(t, c.method, c.path, c.body); code != c.code {
			t.Errorf("%s %s %.60s: %d %s", c.method, c.path, c.body, code, text)
		}
	}
}

func TestTheServiceStartsWithoutRedis(t *testing.T) {
	t.Parallel()
	variables := slices.DeleteFunc(servers(t), func(v string) bool { return strings.HasPrefix(v, "REDIS_") })
	p := serving(t, append(variables, "REDIS_URL=redis://127.0.0.1:1/0"))
	awaitPacked(t, p, place(t, p))
	if code, text := p.get(t, "/readyz"); code != http.StatusOK || !strings.Contains(text, `"warn"`) {
		t.Errorf("/readyz answers %d %s", code, text)
	}
}

func place(t *testing.T, p *program) orders.Order {
	t.Helper()
	code, text := p.request(t, "POST", "/orders", `{"product": "rope", "quantity": 2}`)
	if code != http.StatusCreated {
		t.Fatalf("POST /orders answers %d %s", code, text)
	}
	return decode[orders.Order](t, text)
}

// awaitPacked waits until the worker has packed the order, and for nothing else to have changed.
func awaitPacked(t *testing.T, p *program, placed orders.Order) {
	t.Helper()
	var now orders.Order
	eventually(t, "the order is packed", func() bool {
		code, text := p.get(t, "/orders/"+strconv.FormatInt(placed.ID, 10))
		if code != http.StatusOK {
			t.Fatalf("GET answers %d %s", code, text)
		}
		now = decode[orders.Order](t, text)
		return now.Status == orders.Packed
	})
	if now.Status = placed.Status; now != placed {
		t.Errorf("the order was %+v and is %+v", placed, now)
	}
}
