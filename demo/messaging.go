// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// messagingSystem names the shop's queue in spans: the conventions ask for a name of one's own when no listed system
// is meant.
const messagingSystem = "shop_queue"

// deliveries is how often a message is tried before it is given up.
const deliveries = 3

// publish sends body to a topic. The span that does so is a PRODUCER, and its context goes with the message.
func (s *service) publish(ctx context.Context, topic string, body any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("publish to %s: %w", topic, err)
	}
	m := message{ID: rand.Text(), Headers: map[string]string{}, Body: encoded}
	ctx, span := s.tracer.Start(ctx, "send "+topic, trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
		semconv.MessagingSystemKey.String(messagingSystem),
		semconv.MessagingOperationTypeSend,
		semconv.MessagingOperationName("send"),
		semconv.MessagingDestinationName(topic),
		semconv.MessagingMessageID(m.ID),
		semconv.MessagingMessageBodySize(len(encoded)),
		semconv.ServerAddress("queue"),
	))
	defer span.End()
	propagator().Inject(ctx, propagation.MapCarrier(m.Headers))
	// The queue's client is not instrumented as HTTP: one operation on a message, one span.
	if err := call(ctx, s.untraced(), http.MethodPost, "http://queue/topics/"+topic, m, nil); err != nil {
		return record(ctx, fmt.Errorf("publish to %s: %w", topic, err))
	}
	return nil
}

// untraced is a client for calls that are no spans of their own.
func (s *service) untraced() *http.Client { return &http.Client{Transport: s.transport} }

// consume takes messages of a topic for as long as the pod's workers shall work, and hands all that lie ready to
// handle at once.
func (s *service) consume(topic, group string, handle func(context.Context, []message)) {
	url := "http://queue/topics/" + topic + "/groups/" + group
	s.work(func(ctx context.Context) {
		for ctx.Err() == nil {
			var messages []message
			if err := call(ctx, s.untraced(), http.MethodGet, url, nil, &messages); err != nil {
				_ = pause(ctx, queuePatrol) // the queue is away, or the shop is closing: the loop finds out
				continue
			}
			if len(messages) == 0 {
				continue
			}
			// What has been taken is finished even when the shop closes meanwhile.
			handling, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			handle(handling, messages)
			cancel()
		}
	})
}

// consumeEach handles messages one by one. The span of each continues the trace of its producer and links to it too,
// as the conventions allow when a message is processed by itself. A message that fails is delivered again.
func (s *service) consumeEach(topic, group string, handle func(context.Context, message) error) {
	s.consume(topic, group, func(ctx context.Context, messages []message) {
		for _, m := range messages {
			s.processOne(ctx, topic, group, m, handle)
		}
	})
}

func (s *service) processOne(ctx context.Context, topic, group string, m message, handle func(context.Context, message) error) {
	parent := propagator().Extract(ctx, propagation.MapCarrier(m.Headers))
	ctx, span := s.tracer.Start(parent, "process "+topic, trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithLinks(trace.LinkFromContext(parent)),
		trace.WithAttributes(processing(topic, group)...),
		trace.WithAttributes(
			semconv.MessagingMessageID(m.ID),
			semconv.MessagingMessageBodySize(len(m.Body)),
			attribute.Int("messaging.message.delivery_attempt", m.Attempt+1),
		))
	defer span.End()
	err := handle(ctx, m)
	if err == nil {
		return
	}
	_ = record(ctx, err)
	if m.Attempt++; m.Attempt == deliveries {
		span.AddEvent("message given up")
		return
	}
	// Given back under the producer's context, not this span's: attempts are siblings.
	url := "http://queue/topics/" + topic + "/groups/" + group
	if err := call(ctx, s.untraced(), http.MethodPost, url, m, nil); err != nil {
		_ = record(ctx, err)
	}
}

// consumeBatch handles all messages that lie ready together. The span of a batch belongs to no producer's trace: it
// begins one of its own and links to every producer.
func (s *service) consumeBatch(topic, group string, handle func(context.Context, []message) error) {
	s.consume(topic, group, func(ctx context.Context, messages []message) {
		var links []trace.Link
		for _, m := range messages {
			origin := propagator().Extract(ctx, propagation.MapCarrier(m.Headers))
			links = append(links, trace.LinkFromContext(origin, semconv.MessagingMessageID(m.ID)))
		}
		ctx, span := s.tracer.Start(ctx, "process "+topic, trace.WithSpanKind(trace.SpanKindConsumer),
			trace.WithNewRoot(),
			trace.WithLinks(links...),
			trace.WithAttributes(processing(topic, group)...),
			trace.WithAttributes(semconv.MessagingBatchMessageCount(len(messages))))
		defer span.End()
		if err := handle(ctx, messages); err != nil {
			_ = record(ctx, err)
		}
	})
}

func processing(topic, group string) []attribute.KeyValue {
	return []attribute.KeyValue{
		semconv.MessagingSystemKey.String(messagingSystem),
		semconv.MessagingOperationTypeProcess,
		semconv.MessagingOperationName("process"),
		semconv.MessagingDestinationName(topic),
		semconv.MessagingConsumerGroupName(group),
		semconv.ServerAddress("queue"),
	}
}
