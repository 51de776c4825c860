// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Canonical writes each span with its resource and scope as text, such that
// two spans have equal text exactly if they mean the same: attributes in the
// order of key and value, times as they stand. The texts are sorted, and equal
// ones (a resent span) are one.
func Canonical(data *tracepb.TracesData) []string {
	var all []string
	for _, rs := range data.GetResourceSpans() {
		resource := "resource" + keyValues(rs.GetResource().GetAttributes()) +
			fmt.Sprintf(" dropped=%d schema=%q entities=%v", rs.GetResource().GetDroppedAttributesCount(), rs.GetSchemaUrl(), rs.GetResource().GetEntityRefs())
		for _, ss := range rs.GetScopeSpans() {
			scope := fmt.Sprintf("scope %q %q", ss.GetScope().GetName(), ss.GetScope().GetVersion()) + keyValues(ss.GetScope().GetAttributes()) +
				fmt.Sprintf(" dropped=%d schema=%q", ss.GetScope().GetDroppedAttributesCount(), ss.GetSchemaUrl())
			for _, s := range ss.GetSpans() {
				all = append(all, canonicalSpan(s)+"\n  "+resource+"\n  "+scope)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func canonicalSpan(s *tracepb.Span) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%x/%x < %x %q kind=%d status=%d %q time=%d..%d tracestate=%q flags=%#x dropped=%d,%d,%d",
		s.GetTraceId(), s.GetSpanId(), s.GetParentSpanId(), s.GetName(), s.GetKind(), s.GetStatus().GetCode(), s.GetStatus().GetMessage(),
		s.GetStartTimeUnixNano(), s.GetEndTimeUnixNano(), s.GetTraceState(), s.GetFlags(),
		s.GetDroppedAttributesCount(), s.GetDroppedEventsCount(), s.GetDroppedLinksCount())
	b.WriteString(keyValues(s.GetAttributes()))
	for _, e := range s.GetEvents() {
		fmt.Fprintf(&b, "\n  event %d %q dropped=%d%s", e.GetTimeUnixNano(), e.GetName(), e.GetDroppedAttributesCount(), keyValues(e.GetAttributes()))
	}
	for _, l := range s.GetLinks() {
		fmt.Fprintf(&b, "\n  link %x/%x %q flags=%#x dropped=%d%s", l.GetTraceId(), l.GetSpanId(), l.GetTraceState(), l.GetFlags(), l.GetDroppedAttributesCount(), keyValues(l.GetAttributes()))
	}
	return b.String()
}

func keyValues(kvs []*commonpb.KeyValue) string {
	texts := make([]string, len(kvs))
	for i, kv := range kvs {
		texts[i] = fmt.Sprintf(" %q=%s", kv.GetKey(), anyValue(kv.GetValue()))
	}
	slices.Sort(texts)
	return strings.Join(texts, "")
}

func anyValue(v *commonpb.AnyValue) string {
	switch v := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		return strconv.Quote(v.StringValue)
	case *commonpb.AnyValue_BoolValue:
		return strconv.FormatBool(v.BoolValue)
	case *commonpb.AnyValue_IntValue:
		return fmt.Sprintf("int(%d)", v.IntValue)
	case *commonpb.AnyValue_DoubleValue:
		if math.IsNaN(v.DoubleValue) {
			return "double(NaN)" // JSON knows one of them
		}
		return fmt.Sprintf("double(%x)", math.Float64bits(v.DoubleValue))
	case *commonpb.AnyValue_BytesValue:
		return fmt.Sprintf("bytes(%x)", v.BytesValue)
	case *commonpb.AnyValue_ArrayValue:
		items := make([]string, len(v.ArrayValue.GetValues()))
		for i, e := range v.ArrayValue.GetValues() {
			items[i] = anyValue(e)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case *commonpb.AnyValue_KvlistValue:
		items := make([]string, len(v.KvlistValue.GetValues()))
		for i, kv := range v.KvlistValue.GetValues() {
			items[i] = fmt.Sprintf("%q: %s", kv.GetKey(), anyValue(kv.GetValue()))
		}
		return "{" + strings.Join(items, ", ") + "}"
	}
	return "empty"
}

// TraceProto reads a trace through the native API as OTLP protobuf; nil if it
// is absent.
func (s *Server) TraceProto(tb testing.TB, traceID string) *tracepb.TracesData {
	tb.Helper()
	resp := s.Do(tb, Request{Path: "/api/clew/v1/traces/" + traceID, Header: map[string]string{"Accept": "application/x-protobuf"}})
	if resp.Status == http.StatusNotFound {
		return nil
	}
	var data tracepb.TracesData
	if err := proto.Unmarshal(resp.Body, &data); err != nil || resp.Status != http.StatusOK {
		tb.Fatalf("read trace %s as protobuf: %d %v", traceID, resp.Status, err)
	}
	return &data
}

// TraceJSON reads a trace through the native API as OTLP/JSON, by the generated
// types rather than by ParseOTLP; nil if it is absent.
func (s *Server) TraceJSON(tb testing.TB, traceID string) *tracepb.TracesData {
	tb.Helper()
	resp := s.Do(tb, Request{Path: "/api/clew/v1/traces/" + traceID})
	if resp.Status == http.StatusNotFound {
		return nil
	}
	data, err := unmarshalJSON(resp.Body)
	if err != nil || resp.Status != http.StatusOK {
		tb.Fatalf("read trace %s as JSON: %d %v", traceID, resp.Status, err)
	}
	return data
}

// unmarshalJSON reads OTLP/JSON, which is proto3 JSON but for hexadecimal ids.
func unmarshalJSON(body []byte) (*tracepb.TracesData, error) {
	var doc any
	dec := json.NewDecoder(strings.NewReader(string(body)))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		return nil, err
	}
	if err := idsToBase64(doc); err != nil {
		return nil, err
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	var data tracepb.TracesData
	// Nested as deep as protobuf allows.
	return &data, protojson.UnmarshalOptions{RecursionLimit: 100_000}.Unmarshal(text, &data)
}

func idsToBase64(v any) error {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if err := idsToBase64(e); err != nil {
				return err
			}
		}
	case map[string]any:
		for key, e := range v {
			text, isText := e.(string)
			if isText && (key == "traceId" || key == "spanId" || key == "parentSpanId") {
				id, err := hex.DecodeString(text)
				if err != nil {
					return fmt.Errorf("%s %q: %w", key, text, err)
				}
				v[key] = base64.StdEncoding.EncodeToString(id)
				continue
			}
			if err := idsToBase64(e); err != nil {
				return err
			}
		}
	}
	return nil
}
