// SPDX-License-Identifier: Apache-2.0

// Command go is the payment service of the client tests: an HTTP server traced
// with the OpenTelemetry Go SDK by hand, as the usual guide shows (a tracer,
// a span, a child span, RecordError, SetStatus), exporting OTLP over gRPC.
//
// LEDGER_URL names the service behind it; endpoint, service name and schedule
// come from OTEL_* variables. It prints {"listening":"host:port"} on stdout once
// it accepts connections and flushes its spans on SIGTERM.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/contrib/processors/baggagecopy"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	exporter, err := otlptracegrpc.New(ctx)
	if err != nil {
		return fmt.Errorf("open otlp exporter: %w", err)
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSpanProcessor(baggagecopy.NewSpanProcessor(baggagecopy.AllowAllMembers)),
		sdktrace.WithBatcher(exporter),
	)
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))

	p := &payment{
		ledger: os.Getenv("LEDGER_URL"),
		client: &http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport), Timeout: 5 * time.Second},
		tracer: otel.Tracer("payment", trace.WithInstrumentationVersion("0.3.1"), trace.WithInstrumentationAttributes(attribute.String("team", "money"))),
	}
	mux := http.NewServeMux()
	mux.Handle("POST /charge", otelhttp.NewHandler(http.HandlerFunc(p.charge), "POST /charge"))

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Printf("{\"listening\":%q}\n", listener.Addr())

	<-ctx.Done()
	bounded, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err = errors.Join(server.Shutdown(bounded), provider.Shutdown(bounded))
	if serr := <-served; !errors.Is(serr, http.ErrServerClosed) {
		err = errors.Join(err, serr)
	}
	return err
}

// payment charges cards and has the ledger write an entry for each charge.
type payment struct {
	ledger string
	client *http.Client
	tracer trace.Tracer
}

var errDeclined = errors.New("card declined")

func (p *payment) charge(w http.ResponseWriter, r *http.Request) {
	var order struct{ Amount int64 }
	if err := json.NewDecoder(r.Body).Decode(&order); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx, span := p.tracer.Start(r.Context(), "charge card", trace.WithAttributes(
		attribute.Int64("payment.amount", order.Amount),
		attribute.String("payment.currency", "EUR"),
		attribute.Bool("payment.recurring", false),
		attribute.Float64("payment.fee", 0.35),
		attribute.StringSlice("payment.methods", []string{"card", "transfer"}),
		attribute.Int64Slice("payment.attempts", []int64{1, -2, 1 << 53}),
		attribute.Float64Slice("payment.rates", []float64{0.5, 1e-9}),
		attribute.BoolSlice("payment.checks", []bool{true, false}),
	))
	defer span.End()

	if err := p.authorize(ctx, order.Amount); err != nil {
		span.RecordError(err, trace.WithStackTrace(true))
		span.SetStatus(codes.Error, err.Error())
		reply(w, http.StatusPaymentRequired, map[string]any{"error": err.Error()})
		return
	}
	if err := p.book(ctx, order.Amount); err != nil {
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
		reply(w, http.StatusBadGateway, map[string]any{"error": err.Error()})
		return
	}
	span.SetStatus(codes.Ok, "ignored: a description belongs to errors only")
	reply(w, http.StatusOK, map[string]any{"charged": order.Amount})
}

// authorize is a child span of its own with an event and a link; amounts above
// 1000 are declined.
func (p *payment) authorize(ctx context.Context, amount int64) error {
	earlier := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{0x0a, 0xf7, 15: 0x01}, SpanID: trace.SpanID{0xb7, 7: 0x02}, TraceFlags: trace.FlagsSampled, Remote: true,
	})
	_, span := p.tracer.Start(ctx, "authorize", trace.WithSpanKind(trace.SpanKindInternal),
		trace.WithLinks(trace.Link{SpanContext: earlier, Attributes: []attribute.KeyValue{attribute.String("link.reason", "same card")}}))
	defer span.End()
	span.AddEvent("limit checked", trace.WithAttributes(attribute.Int64("payment.limit", 1000)))
	if amount > 1000 {
		span.RecordError(errDeclined)
		span.SetStatus(codes.Error, errDeclined.Error())
		return errDeclined
	}
	return nil
}

func (p *payment) book(ctx context.Context, amount int64) error {
	body, err := json.Marshal(map[string]int64{"amount": amount})
	if err != nil {
		return fmt.Errorf("encode entry: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.ledger+"/entries", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("book entry: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := p.client.Do(req)
	if err != nil {
		return fmt.Errorf("book entry: %w", err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return fmt.Errorf("book entry: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("book entry: ledger answered %s", resp.Status)
	}
	return nil
}

func reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the client has gone: nothing left to tell it
}
