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

// notification writes to customers. It answers nobody: it lives on the queue alone.
type notification struct {
	*service
	relay *http.Client
}

func buildNotification(s *service) error {
	n := &notification{service: s, relay: s.client()}
	s.consumeEach(ordersTopic, "notification", n.confirm)
	return nil
}

// confirm sends the mail that confirms an order.
func (n *notification) confirm(ctx context.Context, m message) error {
	var placed receipt
	if err := json.Unmarshal(m.Body, &placed); err != nil {
		return fmt.Errorf("decode order in message %s: %w", m.ID, err)
	}
	trace.SpanFromContext(ctx).SetAttributes(attribute.String("shop.order.id", placed.OrderID))
	letter, err := n.write(ctx, placed)
	if err != nil {
		return err
	}
	if err := call(ctx, n.relay, http.MethodPost, "http://mail.example/messages", letter, nil); err != nil {
		return &bounce{order: placed.OrderID, cause: err}
	}
	return nil
}

// letter is a mail.
type letter struct {
	Subject string `json:"subject"`
}

func (n *notification) write(ctx context.Context, placed receipt) (letter, error) {
	ctx, span := n.begin(ctx, "render mail", trace.WithAttributes(attribute.String("mail.template", "order-confirmed")))
	defer span.End()
	return letter{Subject: "Your order " + placed.OrderID}, n.luck.work(ctx, 2*time.Millisecond)
}

// bounce is a mail that did not go out.
type bounce struct {
	order string
	cause error
}

// Error implements error.
func (b *bounce) Error() string { return fmt.Sprintf("confirm order %s by mail: %v", b.order, b.cause) }

// Unwrap returns the cause.
func (b *bounce) Unwrap() error { return b.cause }
