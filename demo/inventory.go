// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/clew-tracing/clew/demo/shoppb"
)

// inventory counts what lies on the shelves. Its two pods share a database.
type inventory struct {
	shoppb.UnimplementedInventoryServer
	*service
	db *database
}

// A shelf is filled up as soon as little is left on it.
const (
	shelfLow  = 20
	shelfFull = 500
)

func buildInventory(s *service) error {
	db, err := s.open("inventory", `CREATE TABLE IF NOT EXISTS stock (product_id TEXT PRIMARY KEY, available INTEGER)`)
	if err != nil {
		return err
	}
	for _, p := range goods() {
		if _, err := db.pool.Exec(`INSERT OR IGNORE INTO stock (product_id, available) VALUES (?, ?)`, p.ID, shelfFull); err != nil {
			return err
		}
	}
	shoppb.RegisterInventoryServer(s.grpcServer(), &inventory{service: s, db: db})
	return nil
}

// Check implements [shoppb.InventoryServer].
func (i *inventory) Check(ctx context.Context, r *shoppb.CheckRequest) (*shoppb.CheckResponse, error) {
	var available int32
	err := i.db.query(ctx, `SELECT available FROM stock WHERE product_id = ?`,
		func(rows *sql.Rows) error { return rows.Scan(&available) }, r.GetProductId())
	if err != nil {
		return nil, err
	}
	if i.luck.fails(0.015) {
		available = 0 // somebody has just bought the rest
	}
	return &shoppb.CheckResponse{Available: available}, nil
}

// Reserve implements [shoppb.InventoryServer].
func (i *inventory) Reserve(ctx context.Context, r *shoppb.ReserveRequest) (*shoppb.ReserveResponse, error) {
	if err := i.luck.work(ctx, 2*time.Millisecond); err != nil {
		return nil, asRPC(err)
	}
	err := i.db.transact(ctx, func(tx *transaction) error {
		for _, item := range r.GetItems() {
			taken, err := tx.exec(ctx, `UPDATE stock SET available = available - ? WHERE product_id = ? AND available >= ?`,
				item.GetQuantity(), item.GetProductId(), item.GetQuantity())
			if err != nil {
				return err
			}
			if taken == 0 {
				return &shortage{product: item.GetProductId(), wanted: item.GetQuantity()}
			}
		}
		_, err := tx.exec(ctx, `UPDATE stock SET available = ? WHERE available < ?`, shelfFull, shelfLow)
		return err
	})
	if short, ok := errors.AsType[*shortage](err); ok {
		return nil, status.Error(codes.FailedPrecondition, short.Error())
	}
	if err != nil {
		return nil, err
	}
	return &shoppb.ReserveResponse{}, nil
}

// Release implements [shoppb.InventoryServer].
func (i *inventory) Release(ctx context.Context, r *shoppb.ReleaseRequest) (*shoppb.ReleaseResponse, error) {
	err := i.db.transact(ctx, func(tx *transaction) error {
		for _, item := range r.GetItems() {
			if _, err := tx.exec(ctx, `UPDATE stock SET available = available + ? WHERE product_id = ?`, item.GetQuantity(), item.GetProductId()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &shoppb.ReleaseResponse{}, nil
}
