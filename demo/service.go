// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
)

// service is one pod of one service: what every program in the shop starts with before it does anything of its own. It
// has a listener, a tracer provider, clients for its neighbours, and nothing in common with other pods but the world.
type service struct {
	*world
	name     string
	instance string // "catalog-2"

	provider *sdktrace.TracerProvider
	tracer   trace.Tracer

	listener net.Listener
	mux      *http.ServeMux // of an HTTP service
	http     *http.Server
	grpc     *grpc.Server // of a gRPC service

	transport *balanced                       // under every HTTP client of the pod
	wrap      func(http.Handler) http.Handler // outermost, before a span is begun; nil = nothing

	workers  sync.WaitGroup  // what the pod does unasked
	working  context.Context // ends when the workers shall
	dismiss  context.CancelFunc
	serving  sync.WaitGroup
	cleanups []func() error // run last, newest first
}

// world is what the services of one shop stand in.
type world struct {
	id        string // tells the databases of two shops in one process apart
	directory *directory
	luck      *luck
	faults    *switchboard
}

func newService(w *world, name, version string, pod int, out *outlet) (*service, error) {
	s := &service{world: w, name: name, instance: fmt.Sprintf("%s-%d", name, pod), transport: newBalanced(w.directory)}
	s.working, s.dismiss = context.WithCancel(context.Background())
	var err error
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("listen for %s: %w", s.instance, err)
	}
	if s.provider, err = newProvider(name, version, s.instance, out, w.faults); err != nil {
		_ = s.listener.Close() // nobody has been told of it
		return nil, err
	}
	s.tracer = s.provider.Tracer("github.com/clew-tracing/clew/demo/"+name, trace.WithInstrumentationVersion(version))
	w.directory.add(name, s.listener)
	return s, nil
}

// route serves an HTTP pattern with a span named after it. A handler that returns an error answers with its status.
func (s *service) route(pattern string, handle func(http.ResponseWriter, *http.Request) error) {
	if s.mux == nil {
		s.mux = http.NewServeMux()
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := handle(w, r); err != nil {
			refuse(w, err)
		}
	})
	traced := otelhttp.NewHandler(handler, pattern, otelhttp.WithTracerProvider(s.provider), otelhttp.WithPropagators(propagator()))
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		r.Pattern = strings.TrimSuffix(r.Pattern, "{$}") // net/http's mark for "no further" is no part of http.route
		traced.ServeHTTP(w, r)
	})
}

// grpcServer returns the pod's instrumented gRPC server, for services to register themselves on.
func (s *service) grpcServer() *grpc.Server {
	if s.grpc == nil {
		s.grpc = grpc.NewServer(grpc.StatsHandler(otelgrpc.NewServerHandler(
			otelgrpc.WithTracerProvider(s.provider),
			otelgrpc.WithPropagators(propagator()),
		)))
	}
	return s.grpc
}

// dial returns a connection to all pods of a gRPC service; it closes with the pod.
func (s *service) dial(target string) (*grpc.ClientConn, error) {
	conn, err := s.directory.dial(target, otelgrpc.NewClientHandler(
		otelgrpc.WithTracerProvider(s.provider),
		otelgrpc.WithPropagators(propagator()),
		otelgrpc.WithSpanAttributes(semconv.ServicePeerName(target)),
	))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.instance, err)
	}
	s.cleanups = append(s.cleanups, conn.Close)
	return conn, nil
}

// client returns an HTTP client whose requests are spans and carry the context on.
func (s *service) client(options ...otelhttp.Option) *http.Client {
	return &http.Client{Transport: s.traced(options...)}
}

// traced is the instrumented transport; options come after, and so override, those that all services share.
func (s *service) traced(options ...otelhttp.Option) http.RoundTripper {
	shared := []otelhttp.Option{
		otelhttp.WithTracerProvider(s.provider),
		otelhttp.WithPropagators(propagator()),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method }),
	}
	return otelhttp.NewTransport(s.transport, append(shared, options...)...)
}

// persistent returns a client that tries again; in a [RetryStorm] three times at once, whatever it would do otherwise.
func (s *service) persistent(attempts int, patience, rest time.Duration) *http.Client {
	return &http.Client{Transport: &retrying{
		next:     s.traced(),
		patience: patience,
		rest:     rest,
		luck:     s.luck,
		attempts: func() int {
			if s.faults.on(RetryStorm) {
				return 3
			}
			return attempts
		},
	}}
}

// forgetfulClient returns a client that begins a span for each request and, under the fault, keeps its context to itself.
func (s *service) forgetfulClient(fault Fault) *http.Client {
	return s.client(otelhttp.WithPropagators(&breakable{TextMapPropagator: propagator(), fault: fault, faults: s.faults}))
}

// breakable is a propagator that stops injecting while a fault is on.
type breakable struct {
	propagation.TextMapPropagator
	fault  Fault
	faults *switchboard
}

// Inject implements [propagation.TextMapPropagator].
func (b *breakable) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	if !b.faults.on(b.fault) {
		b.TextMapPropagator.Inject(ctx, carrier)
	}
}

// begin starts an internal span.
func (s *service) begin(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	return s.tracer.Start(ctx, name, options...)
}

// work runs f as a worker of the pod, until the context it is given ends.
func (s *service) work(f func(context.Context)) { s.workers.Go(func() { f(s.working) }) }

// serve begins to answer requests.
func (s *service) serve() {
	if s.grpc != nil {
		s.serving.Go(func() { _ = s.grpc.Serve(s.listener) }) // ends when the server is stopped
		return
	}
	if s.mux == nil {
		s.mux = http.NewServeMux()
	}
	var handler http.Handler = s.mux
	if s.wrap != nil {
		handler = s.wrap(handler)
	}
	s.http = &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	s.serving.Go(func() { _ = s.http.Serve(s.listener) }) // ends when the server is shut down
}

// retire ends the pod's workers, each after the piece of work that it is at.
func (s *service) retire() {
	s.dismiss()
	s.workers.Wait()
}

// stop takes no more requests and lets running ones end, within ctx.
func (s *service) stop(ctx context.Context) {
	// A server waits long for connections that were opened and never used; their other ends are here.
	s.transport.CloseIdleConnections()
	switch {
	case s.http != nil:
		if s.http.Shutdown(ctx) != nil {
			_ = s.http.Close() // the listener is closed already; what is cut off has had its time
		}
	case s.grpc != nil:
		cut := context.AfterFunc(ctx, s.grpc.Stop)
		s.grpc.GracefulStop()
		cut()
	}
	_ = s.listener.Close() // closed already, if it was ever served
	s.serving.Wait()
}

// release gives back what the pod holds and delivers its last spans, within ctx.
func (s *service) release(ctx context.Context) {
	s.transport.CloseIdleConnections()
	for _, cleanup := range slices.Backward(s.cleanups) {
		_ = cleanup() // the databases are in memory, the connections idle
	}
	_ = s.provider.Shutdown(ctx) // the outlet has counted what could not be delivered
}
