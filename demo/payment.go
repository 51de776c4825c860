// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/clew-tracing/clew/demo/shoppb"
)

// payment takes money: it asks fraud whether to trust the customer and the acquirer, who belongs to a bank and is not
// always well, for the money.
type payment struct {
	*service
	db       *database
	fraud    shoppb.FraudClient
	acquirer *http.Client
}

// acquirerPatience is how long one attempt may take: less than the acquirer takes on its bad days.
const acquirerPatience = 300 * time.Millisecond

func buildPayment(s *service) error {
	db, err := s.open("payments",
		`CREATE TABLE payments (number INTEGER PRIMARY KEY AUTOINCREMENT, order_id TEXT, cents INTEGER, state TEXT)`,
		`CREATE INDEX payments_by_order ON payments (order_id)`,
		`CREATE TRIGGER forget_payments AFTER INSERT ON payments BEGIN
			DELETE FROM payments WHERE number = NEW.number - `+fmt.Sprint(keptOrders)+`;
		END`,
	)
	if err != nil {
		return err
	}
	fraud, err := s.dial("fraud")
	if err != nil {
		return err
	}
	p := &payment{
		service: s, db: db, fraud: shoppb.NewFraudClient(fraud),
		acquirer: s.persistent(3, acquirerPatience, 30*time.Millisecond),
	}
	s.route("POST /charges", p.charge)
	return nil
}

// charge asks for the money of one order.
type charge struct {
	OrderID string `json:"orderId"`
	UserID  string `json:"userId"`
	Cents   int64  `json:"cents"`
}

func (p *payment) charge(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	var bill charge
	if err := parse(r, &bill); err != nil {
		return err
	}
	trace.SpanFromContext(ctx).SetAttributes(attribute.Int64("payment.amount_cents", bill.Cents))
	if _, err := p.db.exec(ctx, `INSERT INTO payments (order_id, cents, state) VALUES (?, ?, 'pending')`, bill.OrderID, bill.Cents); err != nil {
		return record(ctx, err)
	}
	err := p.authorize(ctx, bill)
	state := "captured"
	if err != nil {
		state = "failed"
	}
	if _, err := p.db.exec(ctx, `UPDATE payments SET state = ? WHERE order_id = ?`, state, bill.OrderID); err != nil {
		return record(ctx, err)
	}
	if err != nil {
		return err
	}
	return respond(w, http.StatusCreated, map[string]string{"state": state})
}

// authorize has the charge judged and then carried out.
func (p *payment) authorize(ctx context.Context, bill charge) error {
	verdict, err := p.fraud.Score(ctx, &shoppb.ScoreRequest{UserId: bill.UserID, Cents: bill.Cents})
	if err != nil {
		return err
	}
	trace.SpanFromContext(ctx).SetAttributes(attribute.Float64("fraud.score", verdict.GetScore()))
	err = call(ctx, p.acquirer, http.MethodPost, "http://acquirer.example/v1/authorizations", bill, nil)
	var refused *statusError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused) && refused.status == http.StatusPaymentRequired:
		trace.SpanFromContext(ctx).AddEvent("card declined", trace.WithAttributes(attribute.String("payment.decline.reason", refused.message)))
		return refused
	default:
		_ = record(ctx, &acquirerError{order: bill.OrderID, cause: err})
		return &statusError{status: http.StatusBadGateway, message: "the payment could not be made; nothing was charged"}
	}
}

// acquirerError is a charge that nobody answered for.
type acquirerError struct {
	order string
	cause error
}

// Error implements error.
func (e *acquirerError) Error() string {
	return fmt.Sprintf("authorize payment of order %s: %v", e.order, e.cause)
}

// Unwrap returns the cause.
func (e *acquirerError) Unwrap() error { return e.cause }
