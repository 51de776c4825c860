// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
)

// TraceID makes a 16-byte trace id of two numbers, SpanID an 8-byte span id.
// Zero numbers make the ids that OTLP calls invalid.
func TraceID(high, low uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, high), low)
}

// SpanID makes an 8-byte span id of a number.
func SpanID(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// Hex writes an id as the APIs do.
func Hex(id []byte) string { return hex.EncodeToString(id) }

// NewSpan makes an internal span that starts at start and lasts 1 ms; parent
// may be nil. Attributes come in pairs, key and value: string, bool, int,
// int64 or float64.
func NewSpan(trace, id, parent []byte, name string, start time.Time, attrs ...any) *tracepb.Span {
	s := &tracepb.Span{
		TraceId: trace, SpanId: id, ParentSpanId: parent, Name: name, Kind: tracepb.Span_SPAN_KIND_INTERNAL,
		StartTimeUnixNano: uint64(start.UnixNano()), EndTimeUnixNano: uint64(start.Add(time.Millisecond).UnixNano()),
	}
	for i := 0; i+1 < len(attrs); i += 2 {
		s.Attributes = append(s.Attributes, Attribute(fmt.Sprint(attrs[i]), attrs[i+1]))
	}
	return s
}

// Attribute makes an attribute of a string, bool, int, int64 or float64.
func Attribute(key string, value any) *commonpb.KeyValue {
	v := &commonpb.AnyValue{}
	switch value := value.(type) {
	case string:
		v.Value = &commonpb.AnyValue_StringValue{StringValue: value}
	case bool:
		v.Value = &commonpb.AnyValue_BoolValue{BoolValue: value}
	case int:
		v.Value = &commonpb.AnyValue_IntValue{IntValue: int64(value)}
	case int64:
		v.Value = &commonpb.AnyValue_IntValue{IntValue: value}
	case float64:
		v.Value = &commonpb.AnyValue_DoubleValue{DoubleValue: value}
	default:
		panic(fmt.Sprintf("harness: no attribute of type %T", value))
	}
	return &commonpb.KeyValue{Key: key, Value: v}
}

// NewRequest puts spans under one resource and scope.
func NewRequest(service string, spans ...*tracepb.Span) *collectorpb.ExportTraceServiceRequest {
	return &collectorpb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource:   &resourcepb.Resource{Attributes: []*commonpb.KeyValue{Attribute("service.name", service)}},
		ScopeSpans: []*tracepb.ScopeSpans{{Scope: &commonpb.InstrumentationScope{Name: "harness"}, Spans: spans}},
	}}}
}

// Dial opens a gRPC connection to the otlp-grpc port as it is now; it is
// closed when the test ends, if not before.
func (s *Server) Dial(tb testing.TB, opts ...grpc.DialOption) *grpc.ClientConn {
	tb.Helper()
	conn, err := grpc.NewClient(s.OTLPGRPC, append([]grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}, opts...)...)
	if err != nil {
		tb.Fatalf("dial %s: %v", s.OTLPGRPC, err)
	}
	tb.Cleanup(func() { _ = conn.Close() }) // it may be closed already
	return conn
}

// Export sends spans over gRPC and expects them to be acknowledged, all.
func (s *Server) Export(tb testing.TB, req *collectorpb.ExportTraceServiceRequest) {
	tb.Helper()
	conn := s.Dial(tb)
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), answerLimit)
	defer cancel()
	resp, err := collectorpb.NewTraceServiceClient(conn).Export(ctx, req)
	if err != nil {
		tb.Fatalf("export spans: %v", err)
	}
	if p := resp.GetPartialSuccess(); p.GetRejectedSpans() != 0 || p.GetErrorMessage() != "" {
		tb.Fatalf("export spans: partial success: %v", p)
	}
}

// Marshal is proto.Marshal for values that cannot fail.
func Marshal(tb testing.TB, m proto.Message) []byte {
	tb.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		tb.Fatalf("marshal %T: %v", m, err)
	}
	return b
}

// PostOTLP posts a body to /v1/traces of the otlp-http port. Further headers
// come in pairs.
func (s *Server) PostOTLP(tb testing.TB, contentType string, body []byte, headers ...string) Response {
	tb.Helper()
	h := map[string]string{"Content-Type": contentType}
	for i := 0; i+1 < len(headers); i += 2 {
		h[headers[i]] = headers[i+1]
	}
	return s.Do(tb, Request{Host: s.OTLPHTTP, Path: "/v1/traces", Header: h, Body: bytes.NewReader(body)})
}
