// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/contrib/processors/baggagecopy"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// The keys that travel as W3C baggage with every request, and that baggagecopy makes attributes of every span.
const (
	tenantKey  = "tenant.id"
	userKey    = "user.id"
	sessionKey = "session.id"
)

// batchDelay is how long a finished span waits for company: short, so that it can be searched soon after it was made.
const batchDelay = 500 * time.Millisecond

// newProvider returns the SDK of one pod: its resource, its baggage attributes and a batch of its own.
func newProvider(service, version, instance string, out *outlet, faults *switchboard) (*sdktrace.TracerProvider, error) {
	ctx := context.Background()
	identity, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithHost(),
		resource.WithAttributes(
			semconv.ServiceName(service),
			semconv.ServiceNamespace("shop"),
			semconv.ServiceVersion(version),
			semconv.ServiceInstanceID(instance),
			semconv.DeploymentEnvironmentNameKey.String("demo"),
			semconv.ProcessPID(os.Getpid()),
			semconv.ProcessRuntimeName("go"),
		),
	)
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", instance, err)
	}
	exporter, err := out.exporter(ctx)
	if err != nil {
		return nil, fmt.Errorf("export from %s: %w", instance, err)
	}
	if instance == skewedInstance {
		exporter = &skewed{SpanExporter: exporter, faults: faults}
	}
	var processor sdktrace.SpanProcessor = &counting{
		SpanProcessor: sdktrace.NewBatchSpanProcessor(exporter, sdktrace.WithBatchTimeout(batchDelay), sdktrace.WithExportTimeout(retryFor)),
		made:          &out.made,
	}
	if service == forgetfulService {
		processor = &forgetful{SpanProcessor: processor, faults: faults}
	}
	return sdktrace.NewTracerProvider(
		sdktrace.WithResource(identity),
		sdktrace.WithSpanProcessor(baggagecopy.NewSpanProcessor(isIdentity)),
		sdktrace.WithSpanProcessor(processor),
	), nil
}

// isIdentity lets only the baggage through that the shop itself has put there.
func isIdentity(m baggage.Member) bool {
	return slices.Contains([]string{tenantKey, userKey, sessionKey}, m.Key())
}

// propagator passes trace context and baggage on in the headers of the W3C.
func propagator() propagation.TextMapPropagator {
	return propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
}

// withIdentity returns ctx with what is known of the customer in its baggage; empty values are left out.
func withIdentity(ctx context.Context, tenant, user, session string) context.Context {
	bag := baggage.FromContext(ctx)
	for _, kv := range [][2]string{{tenantKey, tenant}, {userKey, user}, {sessionKey, session}} {
		if kv[1] == "" {
			continue
		}
		member, err := baggage.NewMemberRaw(kv[0], kv[1])
		if err != nil {
			continue // a value that baggage cannot carry is not worth a failed request
		}
		if with, err := bag.SetMember(member); err == nil {
			bag = with
		}
	}
	return baggage.ContextWithBaggage(ctx, bag)
}

// record notes err on the current span as an exception with the stack of its caller, marks the span as failed, and
// returns err.
func record(ctx context.Context, err error) error {
	span := trace.SpanFromContext(ctx)
	span.RecordError(err, trace.WithStackTrace(true))
	span.SetStatus(codes.Error, err.Error())
	return err
}

// counting counts the spans that are handed to the exporter's batch.
type counting struct {
	sdktrace.SpanProcessor
	made *atomic.Int64
}

// OnEnd implements [sdktrace.SpanProcessor].
func (c *counting) OnEnd(s sdktrace.ReadOnlySpan) {
	if s.SpanContext().IsSampled() {
		c.made.Add(1)
	}
	c.SpanProcessor.OnEnd(s)
}

// forgetfulService is the service that [LostSpans] befalls.
const forgetfulService = "checkout"

// forgetful loses spans under [LostSpans], as a full queue or a crash would.
type forgetful struct {
	sdktrace.SpanProcessor
	faults *switchboard
}

// OnEnd implements [sdktrace.SpanProcessor].
func (f *forgetful) OnEnd(s sdktrace.ReadOnlySpan) {
	// The span id is random, so a third of its values is a third of the spans.
	if f.faults.on(LostSpans) && s.SpanContext().SpanID()[7]%3 == 0 {
		return
	}
	f.SpanProcessor.OnEnd(s)
}

// skewedInstance is the pod whose clock [ClockSkew] sets back, by skew.
const (
	skewedInstance = "inventory-2"
	skew           = -1500 * time.Millisecond
)

// skewed exports spans as a machine with a wrong clock would have made them.
type skewed struct {
	sdktrace.SpanExporter
	faults *switchboard
}

// ExportSpans implements [sdktrace.SpanExporter].
func (e *skewed) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if e.faults.on(ClockSkew) {
		shifted := make([]sdktrace.ReadOnlySpan, len(spans))
		for i, s := range spans {
			shifted[i] = skewedSpan{s}
		}
		spans = shifted
	}
	return e.SpanExporter.ExportSpans(ctx, spans)
}

// skewedSpan is a span as seen by the wrong clock.
type skewedSpan struct{ sdktrace.ReadOnlySpan }

// StartTime implements [sdktrace.ReadOnlySpan].
func (s skewedSpan) StartTime() time.Time { return s.ReadOnlySpan.StartTime().Add(skew) }

// EndTime implements [sdktrace.ReadOnlySpan].
func (s skewedSpan) EndTime() time.Time { return s.ReadOnlySpan.EndTime().Add(skew) }

// Events implements [sdktrace.ReadOnlySpan].
func (s skewedSpan) Events() []sdktrace.Event {
	events := slices.Clone(s.ReadOnlySpan.Events())
	for i := range events {
		events[i].Time = events[i].Time.Add(skew)
	}
	return events
}
