// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/clew-tracing/clew/test/harness"
)

// TestSearchableAtOnce expects the first question after an acknowledgement to
// find the span, by every road: well within the second that is promised.
func TestSearchableAtOnce(t *testing.T) {
	s := harness.Start(t, harness.Config{})
	var slowest time.Duration
	for n := range 50 {
		id, word := harness.TraceID(7, uint64(n+1)), fmt.Sprintf("word-%d", n)
		s.Export(t, harness.NewRequest("fresh", harness.NewSpan(id, harness.SpanID(uint64(n+1)), nil, word, time.Now(), "fresh.word", word)))
		acked := time.Now()
		q := fmt.Sprintf(`{ span.fresh.word = %q }`, word)
		if page := s.Search(t, q); len(page.Traces) != 1 || page.Traces[0].TraceID != harness.Hex(id) {
			t.Fatalf("native search %s right after the acknowledgement: %+v", q, page.Traces)
		}
		slowest = max(slowest, time.Since(acked))
		if spans := s.Trace(t, harness.Hex(id)); len(spans) != 1 {
			t.Fatalf("trace by id right after the acknowledgement: %d spans", len(spans))
		}
		var tempo struct {
			Traces []struct{ TraceID string }
		}
		s.JSON(t, "/tempo/api/search?q="+url.QueryEscape(q), &tempo)
		if len(tempo.Traces) != 1 {
			t.Fatalf("Tempo search %s right after the acknowledgement: %+v", q, tempo.Traces)
		}
		var values struct {
			Values []struct{ Value any }
		}
		s.JSON(t, "/api/clew/v1/values?field=span.fresh.word&prefix="+word, &values)
		found := false
		for _, v := range values.Values {
			found = found || v.Value == word
		}
		if !found {
			t.Fatalf("values right after the acknowledgement: %v", values.Values)
		}
	}
	t.Logf("slowest search after an acknowledgement: %v", slowest)
	if slowest > time.Second {
		t.Errorf("found %v after the acknowledgement, want at most 1 s", slowest)
	}
}

// TestFragments sends the pieces of one trace with a restart between each two,
// hours apart by their own clocks: they answer as one trace to id, to search,
// and to conditions on spans of different pieces.
func TestFragments(t *testing.T) {
	s := harness.Start(t, harness.Config{})
	id := harness.TraceID(11, 12)
	base := time.Now().Add(-10 * time.Hour).Truncate(time.Second)
	root, middle, leaf := harness.SpanID(1), harness.SpanID(2), harness.SpanID(3)

	// The leaf comes first: until its ancestors follow it is an orphan.
	s.Export(t, harness.NewRequest("warehouse", harness.NewSpan(id, leaf, middle, "pick", base.Add(9*time.Hour), "piece", 3, "shelf", "B7")))
	if spans := s.Trace(t, harness.Hex(id)); len(spans) != 1 {
		t.Fatalf("the first piece alone: %d spans", len(spans))
	}
	s.Stop(t)
	s.Restart(t)
	s.Export(t, harness.NewRequest("billing", harness.NewSpan(id, middle, root, "invoice", base.Add(4*time.Hour), "piece", 2, "amount", 12.5)))
	s.Kill(t)
	s.Restart(t)
	s.Export(t, harness.NewRequest("shop", harness.NewSpan(id, root, nil, "order", base, "piece", 1)))

	// A second trace with the same words on no two spans together.
	other := harness.TraceID(11, 13)
	s.Export(t, harness.NewRequest("shop", harness.NewSpan(other, root, nil, "order", base.Add(time.Hour), "piece", 1)))

	check := func(when string) {
		t.Helper()
		spans := s.Trace(t, harness.Hex(id))
		if len(spans) != 3 {
			t.Fatalf("%s: the trace has %d spans, want 3:\n%s", when, len(spans), spans)
		}
		want := []string{"shop order", "billing invoice", "warehouse pick"}
		if diff := cmp.Diff(want, spans.Path(spans.ByID(harness.Hex(leaf)))); diff != "" {
			t.Errorf("%s: path of the last span (-want +got):\n%s", when, diff)
		}
		for _, q := range []string{
			`{ span.piece = 1 } && { span.piece = 3 }`,
			`{ span.piece = 3 } && { span.piece = 2 } && { span.piece = 1 }`,
			`{ span.shelf = "B7" } && { resource.service.name = "shop" && name = "order" }`,
			`{ rootName = "order" && span.shelf = "B7" }`,
			`{ traceDuration > 8h }`,
		} {
			page := s.Search(t, q)
			if len(page.Traces) != 1 {
				t.Errorf("%s: %s found %d traces, want 1", when, q, len(page.Traces))
				continue
			}
			if tr := page.Traces[0]; tr.TraceID != harness.Hex(id) || tr.SpanCount != 3 || tr.RootName != "order" {
				t.Errorf("%s: %s found %+v, want the whole trace", when, q, tr)
			}
		}
		if page := s.Search(t, `{ span.piece = 1 } && { span.piece = 4 }`); len(page.Traces) != 0 {
			t.Errorf("%s: found a trace that is not there: %+v", when, page.Traces)
		}
		// A window around one piece selects the trace as a whole.
		at := base.Add(4 * time.Hour)
		page := s.Search(t, `{ span.piece = 1 } && { span.piece = 3 }`,
			"start", fmt.Sprint(at.Add(-time.Minute).UnixNano()), "end", fmt.Sprint(at.Add(time.Minute).UnixNano()))
		if len(page.Traces) != 1 {
			t.Errorf("%s: a window inside of the trace found %d traces, want 1", when, len(page.Traces))
		}
	}
	check("pieces in head and block")
	s.Kill(t)
	s.Restart(t)
	check("after kill -9")
	s.Stop(t)
	s.Restart(t)
	check("after a clean restart")
}

// TestRestartKeepsEverything compares every answer before and after a clean
// restart, and after a kill, for spans of all value types and odd shapes.
func TestRestartKeepsEverything(t *testing.T) {
	s := harness.Start(t, harness.Config{})
	var ids []string
	for _, file := range []string{"go-grpc.bin", "node-http-protobuf.bin", "python-http-protobuf.bin", "browser-http-json.bin"} {
		body, err := os.ReadFile(filepath.Join(harness.Root(t), "wire", "otlp", "testdata", "clients", file))
		if err != nil {
			t.Fatal(err)
		}
		contentType := protobuf
		if strings.HasSuffix(file, "json.bin") {
			contentType = jsonType
		}
		if resp := s.PostOTLP(t, contentType, body); resp.Status != http.StatusOK {
			t.Fatalf("post %s: %d %s", file, resp.Status, resp.Body)
		}
	}
	for _, tr := range s.Search(t, "{ }", "limit", "100").Traces {
		ids = append(ids, tr.TraceID)
	}
	if len(ids) != 2 {
		t.Fatalf("the recorded click is %d traces, want 2: its own and the preflight's", len(ids))
	}
	for n := range 40 {
		id := harness.TraceID(21, uint64(n+1))
		ids = append(ids, harness.Hex(id))
		s.Export(t, oddRequest(id, n))
	}
	answers := func() map[string]string {
		all := map[string]string{}
		for _, id := range ids {
			spans := s.Trace(t, id)
			all[id] = fmt.Sprintf("%d spans\n", len(spans))
			for _, sp := range spans {
				all[id] += fmt.Sprintf("%#v\n", *sp)
			}
		}
		for _, q := range []string{`{ }`, `{ status = error }`, `{ resource.service.name = "odd" }`, `{ span.n > 20 }`, `{ span.text =~ "o.*d" }`, `{ name = "" }`} {
			page := s.Search(t, q, "limit", "100")
			all[q] = fmt.Sprintf("%+v", page.Traces)
		}
		for _, path := range []string{"/api/clew/v1/fields", "/api/clew/v1/values?field=resource.service.name", "/tempo/api/v2/search/tags", "/tempo/api/v2/search/tag/span.text/values"} {
			resp := s.Do(t, harness.Request{Path: path})
			all[path] = fmt.Sprintf("%d %s", resp.Status, resp.Body)
		}
		return all
	}
	before := answers()
	s.Kill(t)
	s.Restart(t)
	if diff := cmp.Diff(before, answers()); diff != "" {
		t.Errorf("after kill -9 (-before +after):\n%s", diff)
	}
	s.Stop(t)
	s.Restart(t)
	if diff := cmp.Diff(before, answers()); diff != "" {
		t.Errorf("after a clean restart (-before +after):\n%s", diff)
	}
}

// oddRequest is a trace of spans with empty names, every value type, unknown
// parents, zero and very long durations, many events and links.
func oddRequest(id []byte, n int) *traceRequest {
	at := time.Now().Truncate(time.Second).Add(time.Duration(-n) * time.Minute)
	plain := harness.NewSpan(id, harness.SpanID(1), nil, "", at, "n", n, "text", "odd", "ok", n%2 == 0, "ratio", float64(n)/3, "empty", "")
	orphan := harness.NewSpan(id, harness.SpanID(2), harness.SpanID(99), "orphan", at.Add(time.Second), "n", -n, "long", fmt.Sprintf("%0*d", 10*n*n, n))
	orphan.EndTimeUnixNano = orphan.StartTimeUnixNano
	rich := harness.NewSpan(id, harness.SpanID(3), harness.SpanID(1), "ünï\u2028cödé <script>", at.Add(-time.Second), "n", int64(n)<<40)
	rich.EndTimeUnixNano = uint64(at.Add(24 * time.Hour).UnixNano())
	rich.Kind = tracepb.Span_SpanKind(n % 6)
	rich.Status = &tracepb.Status{Code: tracepb.Status_StatusCode(n % 3)}
	if n%3 == 2 {
		rich.Status.Message = "broken, thrice"
	}
	rich.TraceState, rich.Flags = "a=1,b=2", 0x301
	rich.DroppedAttributesCount, rich.DroppedEventsCount, rich.DroppedLinksCount = 1, 2, 3
	rich.Attributes = append(rich.Attributes, nestedAttributes()...)
	for e := range n % 5 {
		rich.Events = append(rich.Events, &tracepb.Span_Event{TimeUnixNano: uint64(at.UnixNano() + int64(e)), Name: fmt.Sprintf("event %d", e), Attributes: nestedAttributes(), DroppedAttributesCount: uint32(e)})
		rich.Links = append(rich.Links, &tracepb.Span_Link{TraceId: harness.TraceID(5, uint64(e+1)), SpanId: harness.SpanID(6), TraceState: "l=1", Attributes: nestedAttributes(), Flags: 0x101})
	}
	return harness.NewRequest("odd", plain, orphan, rich)
}

// traceRequest shortens the name of what an exporter sends.
type traceRequest = collectorpb.ExportTraceServiceRequest

// nestedAttributes has the value types that attribute pairs cannot say.
func nestedAttributes() []*commonpb.KeyValue {
	list := &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{Values: []*commonpb.AnyValue{
		{Value: &commonpb.AnyValue_StringValue{StringValue: "a"}}, {Value: &commonpb.AnyValue_IntValue{IntValue: -1}}, {},
		{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{}}},
	}}}}
	return []*commonpb.KeyValue{
		{Key: "bytes", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_BytesValue{BytesValue: []byte{0, 1, 0xff}}}},
		{Key: "list", Value: list},
		{Key: "map", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_KvlistValue{KvlistValue: &commonpb.KeyValueList{Values: []*commonpb.KeyValue{
			{Key: "inner", Value: list}, harness.Attribute("x", 1.5),
		}}}}},
		{Key: "nothing", Value: &commonpb.AnyValue{}},
	}
}

func errorStatus(message string) *tracepb.Status {
	return &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: message}
}
