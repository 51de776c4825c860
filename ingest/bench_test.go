// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/wire/wiretest"
)

type nowhere struct{}

func (nowhere) Append(context.Context, *span.Batch) error { return nil }

// BenchmarkGRPC is a request from client to sink and back, client's work included.
func BenchmarkGRPC(b *testing.B) {
	c := wiretest.Shop(1, 20_000)
	cfg := testConfig(nowhere{})
	l := bufconn.Listen(1 << 20)
	s := grpc.NewServer(GRPCServerOptions(cfg)...)
	RegisterOTLPGRPC(s, cfg)
	done := make(chan error)
	go func() { done <- s.Serve(l) }()
	conn, err := grpc.NewClient("passthrough:buf", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		b.Fatal(err)
	}
	spans := 0
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r := c.Requests[i%len(c.Requests)]
		if _, err := export(conn, r.Data); err != nil {
			b.Fatal(err)
		}
		spans += r.Spans
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(spans), "ns/span")
	conn.Close()
	s.Stop()
	<-done
}

// BenchmarkHTTP is the handler alone.
func BenchmarkHTTP(b *testing.B) {
	c := wiretest.Shop(1, 20_000)
	h := NewOTLPHTTP(testConfig(nowhere{}))
	spans := 0
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r := c.Requests[i%len(c.Requests)]
		req, err := http.NewRequest(http.MethodPost, "/v1/traces", bytes.NewReader(r.Data))
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Content-Type", protobufType)
		h.ServeHTTP(discard{http.Header{}}, req)
		spans += r.Spans
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(spans), "ns/span")
}

type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) WriteHeader(int)             {}
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
