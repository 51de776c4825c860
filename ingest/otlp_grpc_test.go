// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/wire/otlp"
)

const exportMethod = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

// rawClient sends bytes as they are, malformed ones too.
type rawClient struct{}

func (rawClient) Name() string { return "proto" }

func (rawClient) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

func (rawClient) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

// export sends a request and returns the response's bytes.
func export(conn *grpc.ClientConn, request []byte, opts ...grpc.CallOption) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var out []byte
	err := conn.Invoke(ctx, exportMethod, request, &out, append(opts, grpc.ForceCodecV2(rawClient{}))...)
	return out, err
}

func TestGRPCAccepts(t *testing.T) {
	sink := &recorder{}
	_, conn := startGRPC(t, testConfig(sink))
	for _, size := range []int{1, 100, 20_000} { // the last takes more than one frame
		data := requestOf(t, size, 0)
		var d otlp.Decoder
		var want span.Batch
		if _, err := d.Decode(&want, data); err != nil {
			t.Fatal(err)
		}
		for _, compressor := range []string{"identity", "gzip", "zstd", "snappy"} {
			sink.batches = nil
			out, err := export(conn, data, grpc.UseCompressor(compressor))
			if err != nil || len(out) != 0 {
				t.Fatalf("%s, %d spans: %v, response %q", compressor, size, err, out)
			}
			if len(sink.batches) != 1 {
				t.Fatalf("%s: %d batches", compressor, len(sink.batches))
			}
			got := sink.batches[0]
			if got.Len() != size || got.Tenant != span.DefaultTenant || got.Arrival != arrival.UnixNano() {
				t.Errorf("%s: %d spans of tenant %q, arrival %d", compressor, got.Len(), got.Tenant, got.Arrival)
			}
			if size == 100 {
				if diff := cmp.Diff(span.DumpString(&want), span.DumpString(got)); diff != "" {
					t.Errorf("%s: spans differ (-want +got):\n%s", compressor, diff)
				}
			}
		}
	}
}

// TestGRPCGeneratedClient talks as SDKs do.
func TestGRPCGeneratedClient(t *testing.T) {
	sink := &recorder{}
	c := testConfig(sink)
	_, conn := startGRPC(t, c)
	ctx := t.Context()
	good := &tracepb.Span{TraceId: []byte("0123456789abcdef"), SpanId: []byte("01234567"), Name: "good"}
	resp, err := coltracepb.NewTraceServiceClient(conn).Export(ctx, &coltracepb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
		ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{good, {Name: "no ids"}}}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	want := &coltracepb.ExportTracePartialSuccess{
		RejectedSpans: 1, ErrorMessage: "1 of 2 spans rejected: trace id is not 16 bytes long (1, first at resource_spans[0].scope_spans[0].spans[1])",
	}
	if !proto.Equal(resp.GetPartialSuccess(), want) || sink.spans() != 1 {
		t.Errorf("partial success %v, %d spans kept", resp.GetPartialSuccess(), sink.spans())
	}
	if resp, err := coltracepb.NewTraceServiceClient(conn).Export(ctx, &coltracepb.ExportTraceServiceRequest{}); err != nil || resp.PartialSuccess != nil {
		t.Errorf("empty request: %v, %v", resp, err)
	}
	metrics, err := colmetricspb.NewMetricsServiceClient(conn).Export(ctx, &colmetricspb.ExportMetricsServiceRequest{ResourceMetrics: []*metricspb.ResourceMetrics{{
		ScopeMetrics: []*metricspb.ScopeMetrics{{Metrics: []*metricspb.Metric{
			{Data: &metricspb.Metric_Gauge{Gauge: &metricspb.Gauge{DataPoints: []*metricspb.NumberDataPoint{{}, {}}}}},
			{Data: &metricspb.Metric_ExponentialHistogram{ExponentialHistogram: &metricspb.ExponentialHistogram{DataPoints: []*metricspb.ExponentialHistogramDataPoint{{}}}}},
		}}},
	}}})
	if p := metrics.GetPartialSuccess(); err != nil || p.GetRejectedDataPoints() != 3 || !strings.Contains(p.GetErrorMessage(), "3 data points were dropped") {
		t.Errorf("metrics: %v, %v", metrics, err)
	}
	logs, err := collogspb.NewLogsServiceClient(conn).Export(ctx, &collogspb.ExportLogsServiceRequest{ResourceLogs: []*logspb.ResourceLogs{{
		ScopeLogs: []*logspb.ScopeLogs{{LogRecords: []*logspb.LogRecord{{}, {}}}},
	}}})
	if p := logs.GetPartialSuccess(); err != nil || p.GetRejectedLogRecords() != 2 {
		t.Errorf("logs: %v, %v", logs, err)
	}
	if got := testutil.ToFloat64(c.Stats.dropped.WithLabelValues("otlp-grpc", "logs")); got != 2 {
		t.Errorf("%v log records counted", got)
	}
	if got := testutil.ToFloat64(c.Stats.requests.WithLabelValues("otlp-grpc")); got != 4 {
		t.Errorf("%v requests counted", got)
	}
}

// TestGRPCRefuses checks code, message and details of every failure: they decide whether a client drops its spans.
func TestGRPCRefuses(t *testing.T) {
	good := requestOf(t, 3, 0)
	for _, c := range []struct {
		name       string
		body       []byte
		compressor string
		sinkErr    error
		code       codes.Code
		message    string
		retry      time.Duration // 0: no RetryInfo
		field      string        // of BadRequest
	}{
		{"malformed", append(slices.Clip(good), 0x0a, 0x05, 0x12, 0x03, 0x12, 0x01, 0x08), "", nil, codes.InvalidArgument,
			"in resource_spans[1].scope_spans[0].spans[0]: ", 0, "resource_spans[1].scope_spans[0].spans[0]"},
		{"too large", make([]byte, 1<<20+1), "", nil, codes.ResourceExhausted, "larger than max", 0, ""},
		{"gzip bomb", make([]byte, 2<<20), "gzip", nil, codes.ResourceExhausted, "larger than max", 0, ""},
		{"zstd bomb", make([]byte, 2<<20), "zstd", nil, codes.ResourceExhausted, "larger than max", 0, ""},
		{"snappy bomb", make([]byte, 2<<20), "snappy", nil, codes.ResourceExhausted, "larger than max", 0, ""},
		{"unfolds to too much", linkBomb(300_000), "", nil, codes.ResourceExhausted, "more memory than one request may", 0, ""},
		{"store has no room", good, "", span.Retryable(2*time.Second, errors.New("disk full")), codes.Unavailable, "disk full", 2 * time.Second, ""},
		{"store cannot", good, "", errors.New("no such tenant"), codes.Internal, "no such tenant", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			sink := &recorder{err: c.sinkErr}
			cfg := testConfig(sink)
			cfg.MaxRequest = 1 << 20
			_, conn := startGRPC(t, cfg)
			var opts []grpc.CallOption
			if c.compressor != "" {
				opts = append(opts, grpc.UseCompressor(c.compressor))
			}
			_, err := export(conn, c.body, opts...)
			st, _ := status.FromError(err)
			if st.Code() != c.code || !strings.Contains(st.Message(), c.message) {
				t.Errorf("%v %q, want %v %q", st.Code(), st.Message(), c.code, c.message)
			}
			var retry time.Duration
			var field string
			for _, d := range st.Details() {
				switch d := d.(type) {
				case *errdetails.RetryInfo:
					retry = d.RetryDelay.AsDuration()
				case *errdetails.BadRequest:
					field = d.FieldViolations[0].Field
				}
			}
			if retry != c.retry || field != c.field {
				t.Errorf("details: retry after %v, field %q; want %v, %q", retry, field, c.retry, c.field)
			}
			if n := sink.spans(); n != 0 {
				t.Errorf("%d spans kept", n)
			}
			// The client has its answer a moment before the server is done with the call.
			for range 1000 {
				if cfg.Admission.InFlight() == 0 {
					break
				}
				time.Sleep(5 * time.Millisecond)
			}
			if n := cfg.Admission.InFlight(); n != 0 {
				t.Errorf("%d bytes still taken", n)
			}
		})
	}
}

// TestGRPCOverload fills the budget and looks at what the next client is told.
func TestGRPCOverload(t *testing.T) {
	sink := &recorder{block: make(chan struct{}), entered: make(chan struct{}, 1)}
	cfg := testConfig(sink)
	cfg.Admission = NewAdmission(100<<10, 10*time.Millisecond)
	_, conn := startGRPC(t, cfg)
	first := make(chan error)
	go func() {
		_, err := export(conn, requestOf(t, 1000, 0))
		first <- err
	}()
	<-sink.entered
	_, err := export(conn, requestOf(t, 1, 0))
	st, _ := status.FromError(err)
	retryable := len(st.Details()) == 1
	if retryable {
		_, retryable = st.Details()[0].(*errdetails.RetryInfo)
	}
	if st.Code() != codes.Unavailable || !retryable {
		t.Errorf("%v with details %v, want Unavailable with RetryInfo", err, st.Details())
	}
	close(sink.block)
	if err := <-first; err != nil {
		t.Errorf("the request that filled the budget: %v", err)
	}
	if got := testutil.ToFloat64(cfg.Stats.refused.WithLabelValues("otlp-grpc", reasonOverload)); got != 1 {
		t.Errorf("%v requests counted as refused for overload", got)
	}
}

// TestGRPCClientGone cancels a call whose spans wait for the store: nothing is acknowledged, and the budget is whole again.
func TestGRPCClientGone(t *testing.T) {
	sink := &recorder{block: make(chan struct{}), entered: make(chan struct{}, 1)}
	cfg := testConfig(sink)
	_, conn := startGRPC(t, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		var out []byte
		done <- conn.Invoke(ctx, exportMethod, requestOf(t, 1, 0), &out, grpc.ForceCodecV2(rawClient{}))
	}()
	<-sink.entered
	cancel()
	if err := <-done; status.Code(err) != codes.Canceled {
		t.Errorf("%v, want Canceled", err)
	}
	for i := 0; cfg.Admission.InFlight() > 0; i++ {
		if i == 1000 {
			t.Fatalf("%d bytes are still taken", cfg.Admission.InFlight())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestGRPCManyBombs sends many bombs at once: only a few unfold at a time, and the server lives.
func TestGRPCManyBombs(t *testing.T) {
	cfg := testConfig(&recorder{})
	cfg.MaxRequest = 8 << 20
	_, conn := startGRPC(t, cfg)
	bomb := make([]byte, 64<<20)
	results := make(chan error)
	runtime.GC()
	const n = 8
	for range n {
		go func() {
			_, err := export(conn, bomb, grpc.UseCompressor("gzip"))
			results <- err
		}()
	}
	for range n {
		if err := <-results; status.Code(err) != codes.ResourceExhausted {
			t.Errorf("%v, want ResourceExhausted", err)
		}
	}
	if _, err := export(conn, requestOf(t, 10, 0)); err != nil {
		t.Errorf("after the bombs: %v", err)
	}
}

func TestGRPCPanic(t *testing.T) {
	_, conn := startGRPC(t, testConfig(panicking{}))
	for range 2 {
		if _, err := export(conn, requestOf(t, 1, 0)); status.Code(err) != codes.Internal {
			t.Errorf("%v, want Internal", err)
		}
	}
}
