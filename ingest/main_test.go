// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/clew-tracing/clew/span"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is a sink that keeps copies of what it took, after err and block had their say.
type recorder struct {
	mu      sync.Mutex
	batches []*span.Batch
	err     error
	block   chan struct{} // Append waits until it is closed
	entered chan struct{} // Append says that it waits
}

func (r *recorder) Append(ctx context.Context, b *span.Batch) error {
	if r.block != nil {
		r.entered <- struct{}{}
		select {
		case <-r.block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	own := &span.Batch{}
	c := span.NewCopier(own)
	c.From(b)
	for i := range b.Len() {
		c.Row(i)
	}
	own.Tenant, own.Arrival = b.Tenant, b.Arrival
	r.batches = append(r.batches, own)
	return nil
}

func (r *recorder) spans() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.batches {
		n += b.Len()
	}
	return n
}

// arrival is the time on every test's clock.
var arrival = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func testConfig(sink span.Sink) Config {
	return Config{
		Sink: sink, Now: func() time.Time { return arrival }, Log: slog.New(slog.DiscardHandler),
		Admission: NewAdmission(64<<20, 20*time.Millisecond), Stats: NewStats(prometheus.NewRegistry()),
	}
}

// startHTTP serves OTLP/HTTP on a free port of 127.0.0.1 and returns its address.
func startHTTP(t *testing.T, c Config) (addr string, client *http.Client) {
	t.Helper()
	srv := httptest.NewServer(NewOTLPHTTP(c))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String(), srv.Client()
}

// startGRPC serves OTLP/gRPC on a free port of 127.0.0.1 and returns its address and a connection to it.
func startGRPC(t *testing.T, c Config) (addr string, conn *grpc.ClientConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(GRPCServerOptions(c)...)
	RegisterOTLPGRPC(s, c)
	done := make(chan error)
	go func() { done <- s.Serve(l) }()
	conn, err = grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		s.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String(), conn
}

func readBody(t *testing.T, resp *http.Response) []byte {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}
