// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/clew-tracing/clew/demo/shoppb"
)

// checkout turns a basket into an order: reserve, quote, charge, write down, tell the others. What was reserved is
// released again when the charge fails.
type checkout struct {
	*service
	db        *database
	cart      shoppb.CartClient
	inventory shoppb.InventoryClient
	shipping  *http.Client
	payment   *http.Client
}

// ordersTopic is where placed orders are announced.
const ordersTopic = "orders"

// keptOrders bounds the table of orders: the shop may run for weeks.
const keptOrders = 5000

func buildCheckout(s *service) error {
	db, err := s.open("orders",
		`CREATE TABLE orders (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, user_id TEXT, total_cents INTEGER)`,
		`CREATE TABLE order_items (order_id TEXT, product_id TEXT, quantity INTEGER, cents INTEGER)`,
		`CREATE TRIGGER forget_orders AFTER INSERT ON orders BEGIN
			DELETE FROM order_items WHERE order_id IN (SELECT id FROM orders WHERE number = NEW.number - `+fmt.Sprint(keptOrders)+`);
			DELETE FROM orders WHERE number = NEW.number - `+fmt.Sprint(keptOrders)+`;
		END`,
		`CREATE INDEX order_items_by_order ON order_items (order_id)`,
	)
	if err != nil {
		return err
	}
	cart, err := s.dial("cart")
	if err != nil {
		return err
	}
	inventory, err := s.dial("inventory")
	if err != nil {
		return err
	}
	c := &checkout{
		service: s, db: db,
		cart: shoppb.NewCartClient(cart), inventory: shoppb.NewInventoryClient(inventory),
		shipping: s.client(), payment: s.persistent(1, 5*time.Second, 20*time.Millisecond),
	}
	s.route("POST /orders", c.place)
	return nil
}

// receipt is what the customer gets.
type receipt struct {
	OrderID    string `json:"orderId"`
	UserID     string `json:"userId"`
	TotalCents int64  `json:"totalCents"`
}

func (c *checkout) place(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	var wanted order
	if err := parse(r, &wanted); err != nil {
		return err
	}
	items, err := c.items(ctx, wanted)
	if err != nil {
		return err
	}
	placed := receipt{OrderID: "o-" + rand.Text()[:10], UserID: wanted.UserID}
	trace.SpanFromContext(ctx).SetAttributes(
		attribute.String("shop.order.id", placed.OrderID), attribute.Int("shop.order.items", len(items)))

	if _, err := c.inventory.Reserve(ctx, &shoppb.ReserveRequest{OrderId: placed.OrderID, Items: items}); err != nil {
		return err
	}
	placed.TotalCents, err = c.charge(ctx, placed, items)
	if err != nil {
		c.giveBack(ctx, placed, items)
		return err
	}
	if err := c.write(ctx, placed, items); err != nil {
		return err
	}
	if err := c.publish(ctx, ordersTopic, placed); err != nil {
		return err
	}
	if wanted.BuyNow == nil {
		if _, err := c.cart.Empty(ctx, &shoppb.CartRequest{UserId: wanted.UserID}); err != nil {
			return err
		}
	}
	return respond(w, http.StatusCreated, placed)
}

// items are those of the basket, or the one that is bought at once.
func (c *checkout) items(ctx context.Context, wanted order) ([]*shoppb.Item, error) {
	if now := wanted.BuyNow; now != nil {
		return []*shoppb.Item{{ProductId: now.ProductID, Quantity: now.Quantity, PriceCents: 1990}}, nil
	}
	basket, err := c.cart.Get(ctx, &shoppb.CartRequest{UserId: wanted.UserID})
	if err != nil {
		return nil, err
	}
	if len(basket.GetItems()) == 0 {
		return nil, &statusError{status: http.StatusConflict, message: "the cart is empty"}
	}
	return basket.GetItems(), nil
}

// charge takes the money for items and their shipping, and returns how much it was.
func (c *checkout) charge(ctx context.Context, placed receipt, items []*shoppb.Item) (int64, error) {
	var shipment quote
	if err := call(ctx, c.shipping, http.MethodPost, "http://shipping/quotes", quoteRequest{Items: len(items)}, &shipment); err != nil {
		return 0, err
	}
	total := shipment.CostCents
	for _, item := range items {
		total += item.GetPriceCents() * int64(item.GetQuantity())
	}
	trace.SpanFromContext(ctx).SetAttributes(attribute.Int64("shop.order.total_cents", total))
	bill := charge{OrderID: placed.OrderID, UserID: placed.UserID, Cents: total}
	return total, call(ctx, c.payment, http.MethodPost, "http://payment/charges", bill, nil)
}

// giveBack undoes a reservation. It is done even when the customer has gone away meanwhile.
func (c *checkout) giveBack(ctx context.Context, placed receipt, items []*shoppb.Item) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if _, err := c.inventory.Release(ctx, &shoppb.ReleaseRequest{OrderId: placed.OrderID, Items: items}); err != nil {
		_ = record(ctx, fmt.Errorf("release order %s: %w", placed.OrderID, err))
	}
}

// write puts the order into the books.
func (c *checkout) write(ctx context.Context, placed receipt, items []*shoppb.Item) error {
	err := c.db.transact(ctx, func(tx *transaction) error {
		if _, err := tx.exec(ctx, `INSERT INTO orders (id, user_id, total_cents) VALUES (?, ?, ?)`, placed.OrderID, placed.UserID, placed.TotalCents); err != nil {
			return err
		}
		for _, item := range items {
			_, err := tx.exec(ctx, `INSERT INTO order_items (order_id, product_id, quantity, cents) VALUES (?, ?, ?, ?)`,
				placed.OrderID, item.GetProductId(), item.GetQuantity(), item.GetPriceCents())
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return record(ctx, err)
	}
	return nil
}
