// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// shipping says what a parcel costs and sends the orders out, as many at once as there are.
type shipping struct {
	*service
	db *database
}

func buildShipping(s *service) error {
	db, err := s.open("shipping",
		`CREATE TABLE shipments (number INTEGER PRIMARY KEY AUTOINCREMENT, order_id TEXT)`,
		`CREATE TRIGGER forget_shipments AFTER INSERT ON shipments BEGIN
			DELETE FROM shipments WHERE number = NEW.number - `+fmt.Sprint(keptOrders)+`;
		END`,
	)
	if err != nil {
		return err
	}
	ship := &shipping{service: s, db: db}
	s.route("POST /quotes", ship.quote)
	s.consumeBatch(ordersTopic, "shipping", ship.dispatch)
	return nil
}

// quoteRequest asks what a parcel costs.
type quoteRequest struct {
	Items int `json:"items"`
}

// quote is the answer.
type quote struct {
	CostCents int64 `json:"costCents"`
}

func (s *shipping) quote(w http.ResponseWriter, r *http.Request) error {
	var wanted quoteRequest
	if err := parse(r, &wanted); err != nil {
		return err
	}
	ctx, span := s.begin(r.Context(), "compare carriers", trace.WithAttributes(attribute.Int("shipping.items", wanted.Items)))
	defer span.End()
	if err := s.luck.work(ctx, 4*time.Millisecond); err != nil {
		return record(ctx, err)
	}
	return respond(w, http.StatusOK, quote{CostCents: int64(395 + 50*wanted.Items)})
}

// dispatch hands a batch of orders to the carrier.
func (s *shipping) dispatch(ctx context.Context, messages []message) error {
	return s.db.transact(ctx, func(tx *transaction) error {
		for _, m := range messages {
			var placed receipt
			if err := json.Unmarshal(m.Body, &placed); err != nil {
				return fmt.Errorf("decode order in message %s: %w", m.ID, err)
			}
			if _, err := tx.exec(ctx, `INSERT INTO shipments (order_id) VALUES (?)`, placed.OrderID); err != nil {
				return err
			}
		}
		return nil
	})
}
