// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// outlet is the way out for the spans of all pods. Each pod has an exporter of its own, all share one connection, and
// the outlet watches every attempt so that it can tell whether anybody takes the spans.
type outlet struct {
	endpoint string // as given
	address  string // host:port
	protocol Protocol
	secure   bool
	urlPath  string // of OTLP/HTTP, when the endpoint names one

	conn   *grpc.ClientConn // GRPC
	client *http.Client     // HTTP

	made, delivered, lost atomic.Int64 // spans

	mu      sync.Mutex
	trouble error // why the last attempt failed; nil when it did not
}

// Timing of delivery. Retries come soon and for long: a server that is being restarted should find the spans waiting.
const (
	retryFirst   = 250 * time.Millisecond
	retryAtMost  = 2 * time.Second
	retryFor     = 2 * time.Minute
	attemptLimit = 10 * time.Second
)

func openOutlet(endpoint string, protocol Protocol) (*outlet, error) {
	o := &outlet{endpoint: endpoint, address: endpoint, protocol: protocol}
	if scheme, rest, ok := strings.Cut(endpoint, "://"); ok {
		switch scheme {
		case "http":
		case "https":
			o.secure = true
		default:
			return nil, fmt.Errorf("endpoint %q: scheme %q; use http, https, or host:port alone", endpoint, scheme)
		}
		var path string
		if o.address, path, _ = strings.Cut(rest, "/"); path != "" {
			o.urlPath = "/" + path
		}
	}
	if _, _, err := net.SplitHostPort(o.address); err != nil {
		return nil, fmt.Errorf("endpoint %q: %w; use host:port, such as 127.0.0.1:4317", endpoint, err)
	}
	if protocol == HTTP {
		o.client = &http.Client{Transport: &watched{next: &http.Transport{MaxIdleConnsPerHost: 4}, out: o}, Timeout: attemptLimit}
		return o, nil
	}
	security := insecure.NewCredentials()
	if o.secure {
		security = credentials.NewTLS(nil)
	}
	pace := grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: retryAtMost}
	pace.Backoff.BaseDelay, pace.Backoff.MaxDelay = retryFirst, retryAtMost
	conn, err := grpc.NewClient(o.address,
		grpc.WithTransportCredentials(security),
		grpc.WithConnectParams(pace),
		grpc.WithUnaryInterceptor(o.watch),
	)
	if err != nil {
		return nil, fmt.Errorf("endpoint %q: %w", endpoint, err)
	}
	o.conn = conn
	return o, nil
}

// exporter returns the exporter of one pod.
func (o *outlet) exporter(ctx context.Context) (sdktrace.SpanExporter, error) {
	var exporter sdktrace.SpanExporter
	var err error
	if o.protocol == HTTP {
		options := []otlptracehttp.Option{
			otlptracehttp.WithEndpoint(o.address),
			otlptracehttp.WithHTTPClient(o.client),
			otlptracehttp.WithTimeout(retryFor),
			otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
				Enabled: true, InitialInterval: retryFirst, MaxInterval: retryAtMost, MaxElapsedTime: retryFor,
			}),
		}
		if !o.secure {
			options = append(options, otlptracehttp.WithInsecure())
		}
		if o.urlPath != "" {
			options = append(options, otlptracehttp.WithURLPath(o.urlPath))
		}
		exporter, err = otlptracehttp.New(ctx, options...)
	} else {
		exporter, err = otlptracegrpc.New(ctx,
			otlptracegrpc.WithGRPCConn(o.conn),
			otlptracegrpc.WithTimeout(retryFor),
			otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{
				Enabled: true, InitialInterval: retryFirst, MaxInterval: retryAtMost, MaxElapsedTime: retryFor,
			}),
		)
	}
	if err != nil {
		return nil, err
	}
	return &tallied{SpanExporter: exporter, out: o}, nil
}

// state returns why spans are not being taken, nil when they are.
func (o *outlet) state() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.trouble
}

func (o *outlet) note(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.trouble = err
}

// watch is a [grpc.UnaryClientInterceptor] that notes how each attempt ended.
func (o *outlet) watch(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn,
	invoke grpc.UnaryInvoker, opts ...grpc.CallOption,
) error {
	ctx, cancel := context.WithTimeout(ctx, attemptLimit)
	defer cancel()
	err := invoke(ctx, method, req, reply, cc, opts...)
	o.note(err)
	return err
}

// watched is an [http.RoundTripper] that notes how each attempt ended.
type watched struct {
	next http.RoundTripper
	out  *outlet
}

// RoundTrip implements [http.RoundTripper].
func (w *watched) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := w.next.RoundTrip(r)
	switch {
	case err != nil:
		w.out.note(err)
	case response.StatusCode >= http.StatusBadRequest:
		w.out.note(fmt.Errorf("%s answers %s", r.URL, response.Status))
	default:
		w.out.note(nil)
	}
	return response, err
}

// CloseIdleConnections lets [http.Client.CloseIdleConnections] reach the transport.
func (w *watched) CloseIdleConnections() { closeIdle(w.next) }

func closeIdle(rt http.RoundTripper) {
	if c, ok := rt.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// close gives the connection back. The exporters must have been shut down.
func (o *outlet) close() {
	if o.conn != nil {
		_ = o.conn.Close() // nothing is left to be sent on it
	}
	if o.client != nil {
		o.client.CloseIdleConnections()
	}
}

// tallied counts what became of the spans. It keeps errors from the SDK, which would print each of them: the progress
// line tells the same once.
type tallied struct {
	sdktrace.SpanExporter
	out *outlet
}

// ExportSpans implements [sdktrace.SpanExporter].
func (t *tallied) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := t.SpanExporter.ExportSpans(ctx, spans); err != nil {
		t.out.lost.Add(int64(len(spans)))
		return nil //nolint:nilerr // counted above, and told by the progress
	}
	t.out.delivered.Add(int64(len(spans)))
	return nil
}
