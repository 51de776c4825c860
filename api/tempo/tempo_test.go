// SPDX-License-Identifier: Apache-2.0

package tempo_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/clew-tracing/clew/api/tempo"
	"github.com/clew-tracing/clew/base/fs"
	"github.com/clew-tracing/clew/query"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/span/spantest"
	"github.com/clew-tracing/clew/store/embed"
	"github.com/clew-tracing/clew/wire/otlp"
)

func serve(t *testing.T, batches ...*span.Batch) http.Handler {
	t.Helper()
	e, err := embed.Open(embed.Config{Dir: "data", FS: fs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, b := range batches {
		if err := e.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	return tempo.New(tempo.Config{Engine: e, Query: query.New(query.Config{Engine: e}), Version: "test", TraceV1: true})
}

func get(t *testing.T, h http.Handler, path, accept string) (*http.Response, []byte) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	raw, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result(), raw
}

// shop is one trace with what the table of answers below names, and a second one without a root.
func shop() *span.Batch {
	b := &span.Batch{Tenant: span.DefaultTenant, Arrival: spantest.Start}
	for _, name := range []string{"web", "cart"} {
		b.Resources.Add()
		b.AddAttr(&b.Resources.Attrs, "service.name", span.StringValue(name))
		b.Resources.Attrs.EndOwner()
	}
	b.Scopes.Add(b.Strings.InternString("http"), b.Strings.InternString("1.0"))
	b.Scopes.Attrs.EndOwner()
	add := func(trace span.TraceID, id, parent uint64, resource uint32, name string, start, duration int64, attrs ...span.Entry) int {
		r := b.AddSpan()
		b.TraceID[r], b.SpanID[r], b.ParentID[r] = trace, span.SpanIDFrom(id), span.SpanIDFrom(parent)
		b.Start[r], b.Duration[r], b.Resource[r] = spantest.Start+start, duration, resource
		b.Name[r] = b.Strings.InternString(name)
		for _, a := range attrs {
			b.AddAttr(&b.Attrs, a.Key, a.Value)
		}
		return r
	}
	one := span.TraceIDFrom(0, 0xabc)
	r := add(one, 1, 0, 0, "GET /", 0, 557e6, span.Entry{Key: "http.status", Value: span.IntValue(500)}, span.Entry{Key: "path/with.dots", Value: span.StringValue("a b")})
	b.Kind[r], b.Status[r] = span.KindServer, span.StatusError
	b.EndSpan()
	r = add(one, 2, 1, 1, "load", 1e6, 446979497, span.Entry{Key: "ok", Value: span.BoolValue(true)}, span.Entry{Key: "ratio", Value: span.DoubleValue(0.5)})
	b.Kind[r] = span.KindInternal
	b.Events.Add(spantest.Start+2e6, b.Strings.InternString("exception"), 0)
	b.AddAttr(&b.Events.Attrs, "exception.message", span.StringValue("boom"))
	b.Events.Attrs.EndOwner()
	b.EndSpan()
	add(span.TraceIDFrom(7, 8), 3, 99, 1, "orphan", 5e9, 10)
	b.EndSpan()
	return b
}

// strict decodes as clients do that know no other fields.
func strict(t *testing.T, raw []byte, v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Errorf("%v in %s", err, raw)
	}
}

// The answer of a search as Grafana decodes it: unknown fields are errors, 64-bit numbers strings, 32-bit ones numbers.
type (
	keyValue struct {
		Key   string
		Value struct {
			StringValue *string
			IntValue    *string
			DoubleValue *float64
			BoolValue   *bool
		}
	}
	spanSet struct {
		Spans []struct {
			SpanID                                 string
			Name, StartTimeUnixNano, DurationNanos string
			Attributes                             []keyValue
		}
		Matched    uint32
		Attributes []keyValue
	}
	searchAnswer struct {
		Traces []struct {
			TraceID, RootServiceName, RootTraceName, StartTimeUnixNano string
			DurationMs                                                 uint32
			SpanSet                                                    *spanSet
			SpanSets                                                   []spanSet
			ServiceStats                                               map[string]struct{ SpanCount, ErrorCount uint32 }
		}
		Metrics struct {
			InspectedTraces, TotalBlocks, CompletedJobs, TotalJobs uint32
			InspectedBytes, TotalBlockBytes, InspectedSpans        string
		}
	}
)

func text(list []keyValue) string {
	var parts []string
	for _, a := range list {
		raw, _ := json.Marshal(a.Value)
		parts = append(parts, a.Key+"="+string(raw))
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

func TestSearch(t *testing.T) {
	h := serve(t, shop())
	_, raw := get(t, h, "/api/search?q="+url.QueryEscape(`{ .http.status >= 500 && status = error && kind = server }`), "application/json")
	var a searchAnswer
	strict(t, raw, &a)
	if len(a.Traces) != 1 {
		t.Fatalf("answer %s", raw)
	}
	tr := a.Traces[0]
	if tr.TraceID != "abc" || tr.RootServiceName != "web" || tr.RootTraceName != "GET /" || tr.StartTimeUnixNano != "1700000000000000000" || tr.DurationMs != 557 {
		t.Errorf("trace %+v", tr)
	}
	if tr.ServiceStats["web"].SpanCount != 1 || tr.ServiceStats["web"].ErrorCount != 1 || tr.ServiceStats["cart"].SpanCount != 1 || tr.ServiceStats["cart"].ErrorCount != 0 {
		t.Errorf("service stats %+v", tr.ServiceStats)
	}
	if tr.SpanSet == nil || len(tr.SpanSets) != 1 || tr.SpanSet.Matched != 1 || len(tr.SpanSet.Spans) != 1 {
		t.Fatalf("spansets %s", raw)
	}
	s := tr.SpanSet.Spans[0]
	if s.SpanID != "0000000000000001" || s.Name != "GET /" || s.DurationNanos != "557000000" {
		t.Errorf("span %+v", s)
	}
	want := `http.status={"StringValue":null,"IntValue":"500","DoubleValue":null,"BoolValue":null} ` +
		`kind={"StringValue":"server","IntValue":null,"DoubleValue":null,"BoolValue":null} ` +
		`status={"StringValue":"error","IntValue":null,"DoubleValue":null,"BoolValue":null}`
	if diff := cmp.Diff(want, text(s.Attributes)); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}

	// Groups, a missing root, no results, windows, legacy parameters.
	for _, c := range []struct {
		params string
		ids    []string
	}{
		{"q=" + url.QueryEscape(`{ } | by(resource.service.name) | count() > 0`), []string{"70000000000000008", "abc"}},
		{"q=" + url.QueryEscape(`{ name = "orphan" }`), []string{"70000000000000008"}},
		{"q=" + url.QueryEscape(`{ name = "absent" }`), nil},
		{"q=%7B%7D&start=1700000000&end=1700000001", []string{"abc"}},
		{"q=%7B%7D&start=1700000002&end=1700000003", nil},
		{"q=%7B%7D&start=0&end=9999999999", []string{"70000000000000008", "abc"}},
		{"q=%7B%7D&start=1700000005&end=1700000006", []string{"70000000000000008"}},
		{"tags=service.name%3DCAR", []string{"70000000000000008", "abc"}},
		{"tags=" + url.QueryEscape(`http.status=500 path/with.dots="a b"`), []string{"abc"}},
		{"tags=name%3Dorphan&maxDuration=1ms", []string{"70000000000000008"}},
		{"minDuration=100ms", []string{"abc"}},
		{"limit=1&q=%7B%7D", []string{"70000000000000008"}},
	} {
		_, raw := get(t, h, "/api/search?"+c.params, "")
		var a searchAnswer
		strict(t, raw, &a)
		var ids []string
		for _, tr := range a.Traces {
			ids = append(ids, tr.TraceID)
			if tr.TraceID != "abc" && tr.RootServiceName != "<root span not yet received>" {
				t.Errorf("%s: root of a trace without one is %q", c.params, tr.RootServiceName)
			}
		}
		if diff := cmp.Diff(c.ids, ids); diff != "" {
			t.Errorf("%s (-want +got):\n%s%s", c.params, diff, raw)
		}
		if !bytes.Contains(raw, []byte(`"traces":[`)) {
			t.Errorf("%s: no list of traces in %s", c.params, raw)
		}
	}
}

func TestErrors(t *testing.T) {
	h := serve(t, shop())
	for _, c := range []struct {
		path, says string
		status     int
	}{
		{"/api/search?q=" + url.QueryEscape(`{ span.a = }`), "column 12", 400},
		{"/api/search?q=" + url.QueryEscape("{ .a = 1 &&\n  nme = 2 }"), "line 2, column 3", 400},
		{"/api/search?q=%7B%7D&tags=a%3Db", "can't specify tags and q", 400},
		{"/api/search?q=%7B%7D&limit=0", "limit", 400},
		{"/api/search?q=%7B%7D&limit=300000", "limit 300000 exceeds max limit 262144", 400},
		{"/api/search?q=%7B%7D&spss=101", "101", 400},
		{"/api/search?q=%7B%7D&start=20&end=10", "start=20 end=10", 400},
		{"/api/search?q=%7B%7D&start=20", "end", 400},
		{"/api/search?tags=broken", "logfmt", 400},
		{"/api/search?minDuration=long", "long", 400},
		{"/api/v2/search/tags?scope=nowhere", "invalid scope: nowhere", 400},
		{"/api/v2/search/tag/nonsense/values", "nonsense", 400},
		{"/api/v2/search/tag/name", "values", 404},
		{"/api/traces/xyz", "xyz", 400},
		{"/api/traces/0000", "zeroes", 400},
		{"/api/traces/ff", "not found", 404},
		{"/api/nothing", "/api/nothing", 404},
	} {
		r, raw := get(t, h, c.path, "")
		if r.StatusCode != c.status || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/plain") || !strings.Contains(string(raw), c.says) {
			t.Errorf("%s: %d %s %q, want %d with %q", c.path, r.StatusCode, r.Header.Get("Content-Type"), raw, c.status, c.says)
		}
	}
}

// TestTraceProtobuf: the trace of v2 is always encoded, also when there is none, and every span has a status and every
// group a scope, which Grafana reads without looking.
func TestTraceProtobuf(t *testing.T) {
	b := spantest.Random(9, 300)
	h := serve(t, b)
	for i := range b.Len() {
		id := b.TraceID[i].String()
		r, raw := get(t, h, "/api/v2/traces/"+id, "application/protobuf")
		num, typ, n := protowire.ConsumeTag(raw)
		inner, m := protowire.ConsumeBytes(raw[n:])
		if num != 1 || typ != protowire.BytesType || n+m != len(raw) || r.Header.Get("Content-Type") != "application/protobuf" {
			t.Fatalf("v2 of %s is no TraceByIDResponse", id)
		}
		_, v1 := get(t, h, "/api/traces/"+id, "application/protobuf")
		if !bytes.Equal(inner, v1) {
			t.Fatalf("v1 and v2 of %s differ", id)
		}
		var data tracepb.TracesData
		if err := proto.Unmarshal(inner, &data); err != nil {
			t.Fatal(err)
		}
		for _, rs := range data.ResourceSpans {
			for _, ss := range rs.ScopeSpans {
				if rs.Resource == nil || ss.Scope == nil {
					t.Fatalf("trace %s has a group without resource or scope", id)
				}
				for _, s := range ss.Spans {
					if s.Status == nil {
						t.Fatalf("trace %s has a span without status", id)
					}
				}
			}
		}
	}
	r, raw := get(t, h, "/api/v2/traces/ffff", "application/protobuf")
	if r.StatusCode != 200 || !bytes.Equal(raw, []byte{0x0a, 0x00}) {
		t.Errorf("absent trace: %d %x", r.StatusCode, raw)
	}
	if r, _ := get(t, h, "/api/v2/traces/ffff", ""); r.StatusCode != 200 {
		t.Errorf("absent trace as JSON: %d", r.StatusCode)
	}
}

// TestTraceJSON: protobuf's generic JSON: base64 ids, names of enums, batches in v1.
func TestTraceJSON(t *testing.T) {
	h := serve(t, shop())
	_, raw := get(t, h, "/api/traces/abc", "")
	var v1 struct {
		Batches []struct {
			ScopeSpans []struct {
				Spans []struct {
					TraceID, SpanID, ParentSpanID, Kind string
					Status                              struct{ Code string }
				}
			}
		}
	}
	if err := json.Unmarshal(raw, &v1); err != nil || len(v1.Batches) != 2 {
		t.Fatalf("%v in %s", err, raw)
	}
	s := v1.Batches[0].ScopeSpans[0].Spans[0]
	id, err := base64.StdEncoding.DecodeString(s.TraceID)
	if err != nil || span.TraceID(id) != span.TraceIDFrom(0, 0xabc) || s.Kind != "SPAN_KIND_SERVER" || s.Status.Code != "STATUS_CODE_ERROR" {
		t.Errorf("span %+v", s)
	}
	_, raw = get(t, h, "/api/v2/traces/abc", "application/json")
	var v2 struct {
		Trace   json.RawMessage `json:"trace"`
		Metrics struct{}        `json:"metrics"`
	}
	strict(t, raw, &v2)
	var d otlp.Decoder
	var b span.Batch
	if _, err := d.DecodeJSON(&b, v2.Trace); err != nil || b.Len() != 2 {
		t.Errorf("v2 has %d spans, %v", b.Len(), err)
	}
}

func TestTags(t *testing.T) {
	h := serve(t, shop())
	for _, c := range []struct{ path, want string }{
		{"/api/echo", `echo`},
		{"/api/v2/search/tags?scope=span", `{"scopes":[{"name":"span","tags":["http.status","ok","path/with.dots","ratio"]}],"metrics":{}}`},
		{"/api/v2/search/tags?scope=event&limit=5000", `{"scopes":[{"name":"event","tags":["exception.message"]}],"metrics":{}}`},
		{"/api/v2/search/tags?scope=resource&start=1&end=2", `{"scopes":[],"metrics":{}}`},
		{"/api/search/tags", `{"tagNames":["exception.message","http.status","ok","path/with.dots","ratio","service.name"],"metrics":{}}`},
		{"/api/v2/search/tag/resource.service.name/values?limit=5000&tag=resource.service.name", `{"tagValues":[{"type":"string","value":"cart"},{"type":"string","value":"web"}],"metrics":{}}`},
		{"/api/v2/search/tag/span.path%2Fwith.dots/values", `{"tagValues":[{"type":"string","value":"a b"}],"metrics":{}}`},
		{"/api/v2/search/tag/span.path/with.dots/values", `{"tagValues":[{"type":"string","value":"a b"}],"metrics":{}}`},
		{"/api/v2/search/tag/.http.status/values", `{"tagValues":[{"type":"int","value":"500"}],"metrics":{}}`},
		{"/api/v2/search/tag/span.ok/values", `{"tagValues":[{"type":"bool","value":"true"}],"metrics":{}}`},
		{"/api/v2/search/tag/span.ratio/values", `{"tagValues":[{"type":"float","value":"0.5"}],"metrics":{}}`},
		{"/api/v2/search/tag/name/values?q=" + url.QueryEscape(`{ resource.service.name = "cart" && name = }`), `{"tagValues":[{"type":"string","value":"load"},{"type":"string","value":"orphan"}],"metrics":{}}`},
		{"/api/v2/search/tag/duration/values", `{"tagValues":[],"metrics":{}}`},
		{"/api/search/tag/service.name/values", `{"tagValues":["cart","web"],"metrics":{}}`},
	} {
		r, raw := get(t, h, c.path, "")
		if diff := cmp.Diff(c.want, string(raw)); diff != "" || r.StatusCode != 200 {
			t.Errorf("%s: %d (-want +got):\n%s", c.path, r.StatusCode, diff)
		}
	}
	_, raw := get(t, h, "/api/v2/search/tag/status/values", "")
	for _, w := range []string{"ok", "error", "unset"} {
		if !strings.Contains(string(raw), `{"type":"keyword","value":"`+w+`"}`) {
			t.Errorf("status values: %s", raw)
		}
	}
	_, raw = get(t, h, "/api/v2/search/tags", "")
	if !strings.Contains(string(raw), `{"name":"intrinsic","tags":["duration","name","status",`) {
		t.Errorf("tags: %s", raw)
	}
	_, raw = get(t, h, "/api/status/buildinfo", "")
	var info map[string]string
	if err := json.Unmarshal(raw, &info); err != nil || info["version"] < "2.7.0" || info["goVersion"] == "" {
		t.Errorf("buildinfo: %s", raw)
	}
}
