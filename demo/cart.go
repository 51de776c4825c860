// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/clew-tracing/clew/demo/shoppb"
)

// cart keeps the baskets.
type cart struct {
	shoppb.UnimplementedCartServer
	*service
	db        *database
	catalog   *http.Client
	inventory shoppb.InventoryClient
}

func buildCart(s *service) error {
	db, err := s.open("cart",
		`CREATE TABLE cart_items (user_id TEXT, product_id TEXT, quantity INTEGER, cents INTEGER, PRIMARY KEY (user_id, product_id))`)
	if err != nil {
		return err
	}
	inventory, err := s.dial("inventory")
	if err != nil {
		return err
	}
	shoppb.RegisterCartServer(s.grpcServer(), &cart{
		service: s, db: db, catalog: s.client(), inventory: shoppb.NewInventoryClient(inventory),
	})
	return nil
}

// AddItem implements [shoppb.CartServer].
func (c *cart) AddItem(ctx context.Context, r *shoppb.AddItemRequest) (*shoppb.Basket, error) {
	var item product
	if err := call(ctx, c.catalog, http.MethodGet, "http://catalog/products/"+r.GetProductId(), nil, &item); err != nil {
		return nil, asRPC(err)
	}
	stock, err := c.inventory.Check(ctx, &shoppb.CheckRequest{ProductId: r.GetProductId()})
	if err != nil {
		return nil, err
	}
	if stock.GetAvailable() < r.GetQuantity() {
		return nil, status.Error(codes.FailedPrecondition, (&shortage{product: r.GetProductId(), wanted: r.GetQuantity()}).Error())
	}
	_, err = c.db.exec(ctx, `INSERT INTO cart_items (user_id, product_id, quantity, cents) VALUES (?, ?, ?, ?)
		ON CONFLICT (user_id, product_id) DO UPDATE SET quantity = quantity + excluded.quantity`,
		r.GetUserId(), item.ID, r.GetQuantity(), item.PriceCents)
	if err != nil {
		return nil, err
	}
	return c.basket(ctx, r.GetUserId())
}

// Get implements [shoppb.CartServer].
func (c *cart) Get(ctx context.Context, r *shoppb.CartRequest) (*shoppb.Basket, error) {
	return c.basket(ctx, r.GetUserId())
}

// Empty implements [shoppb.CartServer].
func (c *cart) Empty(ctx context.Context, r *shoppb.CartRequest) (*shoppb.Basket, error) {
	if _, err := c.db.exec(ctx, `DELETE FROM cart_items WHERE user_id = ?`, r.GetUserId()); err != nil {
		return nil, err
	}
	return &shoppb.Basket{}, nil
}

func (c *cart) basket(ctx context.Context, user string) (*shoppb.Basket, error) {
	basket := &shoppb.Basket{}
	err := c.db.query(ctx, `SELECT product_id, quantity, cents FROM cart_items WHERE user_id = ? ORDER BY product_id`,
		func(rows *sql.Rows) error {
			item := &shoppb.Item{}
			basket.Items = append(basket.Items, item)
			return rows.Scan(&item.ProductId, &item.Quantity, &item.PriceCents)
		}, user)
	return basket, err
}

// shortage is the refusal to sell what is not there.
type shortage struct {
	product string
	wanted  int32
}

// Error implements error.
func (s *shortage) Error() string {
	return fmt.Sprintf("product %s: fewer than %d left", s.product, s.wanted)
}
