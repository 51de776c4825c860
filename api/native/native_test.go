// SPDX-License-Identifier: Apache-2.0

package native_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"github.com/clew-tracing/clew/api"
	"github.com/clew-tracing/clew/api/native"
	"github.com/clew-tracing/clew/base/fs"
	"github.com/clew-tracing/clew/query"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/span/spantest"
	"github.com/clew-tracing/clew/store/embed"
	"github.com/clew-tracing/clew/wire/otlp"
)

// serve returns the API over a store that holds the given spans.
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
	return native.New(native.Config{
		Engine: e, Query: query.New(query.Config{Engine: e}), OpenAPI: api.OpenAPI(),
		Status: func() native.ServerStatus {
			return native.ServerStatus{Version: "test", StartedAt: time.Unix(1, 0).UTC(), Addresses: map[string]string{"http": "127.0.0.1:1"}}
		},
	})
}

func get(t *testing.T, h http.Handler, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, native.Prefix+path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) []byte {
	t.Helper()
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestContract: every answer, errors included, is what openapi.yaml says, and every path of it is asked.
func TestContract(t *testing.T) {
	doc, err := libopenapi.NewDocument(api.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(doc)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if ok, problems := v.ValidateDocument(); !ok {
		t.Fatalf("openapi.yaml: %v", problems)
	}
	b := spantest.Random(1, 500)
	h := serve(t, b)
	id := b.TraceID[0].String()
	q := url.QueryEscape
	asked := map[string]bool{}
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/status", "", 200},
		{"GET", "/search", "", 200},
		{"GET", "/search?q=" + q(`{ status = error } | select(span.http.route)`) + "&limit=7&order=longest&explain=true", "", 200},
		{"GET", "/search?q=" + q(`{ } | by(status) | count() > 1`), "", 200},
		{"GET", "/search?q=" + q(`{ span.a = }`), "", 400},
		{"GET", "/search?limit=5000", "", 400},
		{"GET", "/search?order=random", "", 400},
		{"GET", "/search?cursor=forged", "", 400},
		{"GET", "/search?start=20&end=10", "", 400},
		{"GET", "/fields", "", 200},
		{"GET", "/fields?scope=resource&q=" + q(`{ status = error }`), "", 200},
		{"GET", "/fields?scope=nowhere", "", 400},
		{"GET", "/values?field=resource.service.name", "", 200},
		{"GET", "/values?field=kind&limit=2", "", 200},
		{"GET", "/values?field=span.mixed", "", 200},
		{"GET", "/values?field=nonsense", "", 400},
		{"GET", "/traces/" + id, "", 200},
		{"GET", "/traces/" + id + "?format=nonsense", "", 400},
		{"GET", "/traces/xyz", "", 400},
		{"GET", "/traces/" + strings.Repeat("0", 32), "", 400},
		{"GET", "/traces/" + strings.Repeat("a", 32), "", 404},
		{"GET", "/traces/" + strings.Repeat("a", 32) + "/columns", "", 404},
		{"GET", "/traces/" + id + "/spans?rows=0-99", "", 200},
		{"GET", "/traces/" + id + "/spans?ids=" + b.SpanID[0].String(), "", 200},
		{"GET", "/traces/" + id + "/spans", "", 400},
		{"GET", "/traces/" + id + "/spans?rows=9-1", "", 400},
		{"POST", "/complete", `{"q":"{ span.","cursor":7}`, 200},
		{"POST", "/complete", `{"q":"{ name = }","cursor":9,"start":"now"}`, 400},
		{"POST", "/complete", `not json`, 400},
	} {
		req := httptest.NewRequest(c.method, native.Prefix+c.path, strings.NewReader(c.body))
		if c.body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		if w.Code != c.status {
			t.Errorf("%s %s: %d %s, want %d", c.method, c.path, w.Code, w.Body, c.status)
			continue
		}
		path, _, _ := strings.Cut(c.path, "?")
		if strings.HasPrefix(path, "/traces/") {
			_, rest, _ := strings.Cut(path[len("/traces/"):], "/")
			path = strings.TrimSuffix("/traces/{id}/"+rest, "/")
		}
		asked[path] = true
		if ok, problems := v.ValidateHttpResponse(req, w.Result()); !ok {
			for _, p := range problems {
				t.Errorf("%s %s: %s: %s %v", c.method, c.path, p.Message, p.Reason, p.SchemaValidationErrors)
			}
		}
	}
	model, err := doc.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	for path := range model.Model.Paths.PathItems.KeysFromOldest() {
		if !asked[path] && path != "/openapi.yaml" && path != "/traces/{id}/columns" {
			t.Errorf("%s is described and not asked here", path)
		}
	}
	if got := body(t, get(t, h, "/openapi.yaml")); !bytes.Equal(got, api.OpenAPI()) {
		t.Error("/openapi.yaml is not the description")
	}
	for _, path := range []string{"/nothing", "/traces"} {
		if r := get(t, h, path); r.StatusCode != 404 || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", path, r.StatusCode, r.Header.Get("Content-Type"))
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodDelete, native.Prefix+"/status", nil))
	if w.Code != 405 || w.Header().Get("Allow") != "GET" {
		t.Errorf("DELETE /status: %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

// TestTraceForms: a trace comes out equal as protobuf and JSON, and as its dump.
func TestTraceForms(t *testing.T) {
	b := spantest.Random(2, 300)
	h := serve(t, b)
	for lo, hi := range ordered(b).Traces() {
		o := ordered(b)
		id := o.FullID(lo, hi)
		want := &span.Batch{}
		c := span.NewCopier(want)
		c.From(o)
		for i := lo; i < hi; i++ {
			c.Row(i)
		}
		text := span.DumpString(want)
		if got := string(body(t, get(t, h, "/traces/"+id.String()+"?format=text"))); got != text {
			t.Fatalf("text of %s (-want +got):\n%s", id, cmp.Diff(text, got))
		}
		var d otlp.Decoder
		proto, fromJSON := &span.Batch{}, &span.Batch{}
		if _, err := d.Decode(proto, body(t, get(t, h, "/traces/"+id.String(), "Accept", "application/x-protobuf"))); err != nil {
			t.Fatal(err)
		}
		if _, err := d.DecodeJSON(fromJSON, body(t, get(t, h, "/traces/"+id.String()))); err != nil {
			t.Fatal(err)
		}
		for name, got := range map[string]*span.Batch{"protobuf": proto, "JSON": fromJSON} {
			if diff := cmp.Diff(text, span.DumpString(got)); diff != "" {
				t.Fatalf("%s of %s (-want +got):\n%s", name, id, diff)
			}
		}
	}
}

func ordered(b *span.Batch) *span.Batch {
	o := &span.Batch{}
	b.CopyOrdered(o)
	return o
}

// columns decodes the columnar payload as a client would.
func columns(t *testing.T, raw []byte) (header struct {
	TraceID                string
	Spans, RootRow, Events int
	MissingParents, Links  int
	StartNs, DurationNs    string
	Strings, Notes         []string
	Columns                []struct {
		Name, Type     string
		Offset, Length int
	}
}, col func(name string) []byte) {
	t.Helper()
	if string(raw[:8]) != "CLWTRC01" {
		t.Fatalf("payload begins with %q", raw[:8])
	}
	n := int(binary.LittleEndian.Uint32(raw[8:]))
	if (12+n)%8 != 0 {
		t.Errorf("header of %d bytes leaves the columns unaligned", n)
	}
	if err := json.Unmarshal(raw[12:12+n], &header); err != nil {
		t.Fatal(err)
	}
	return header, func(name string) []byte {
		for _, c := range header.Columns {
			if c.Name == name {
				if c.Offset%8 != 0 {
					t.Errorf("column %s at %d is not aligned", name, c.Offset)
				}
				return raw[12+n+c.Offset:][:c.Length]
			}
		}
		t.Fatalf("no column %s", name)
		return nil
	}
}

// TestColumns: the columnar payload says the same as the spans.
func TestColumns(t *testing.T) {
	b := spantest.Random(3, 400)
	h := serve(t, b)
	o := ordered(b)
	o.MarkSameIDs()
	for lo, hi := range o.Traces() {
		id := o.FullID(lo, hi).String()
		resp := get(t, h, "/traces/"+id+"/columns")
		head, col := columns(t, body(t, resp))
		var tree span.Trace
		tree.Build(o, lo, hi)
		u32 := func(name string, i int) int { return int(int32(binary.LittleEndian.Uint32(col(name)[4*i:]))) }
		f64 := func(name string, i int) float64 {
			return math.Float64frombits(binary.LittleEndian.Uint64(col(name)[8*i:]))
		}
		if head.TraceID != id || head.Spans != hi-lo || head.RootRow != tree.Root || head.MissingParents != tree.Missing ||
			head.StartNs != strconv.FormatInt(tree.Start, 10) || head.DurationNs != strconv.FormatInt(tree.End-tree.Start, 10) {
			t.Errorf("trace %s: header %+v", id, head)
		}
		events := 0
		for p, row := range tree.Rows {
			r := int(row)
			got := []any{
				span.SpanID(col("spanId")[8*p:][:8]), u32("parent", p), u32("depth", p), u32("subtree", p), f64("start", p), f64("duration", p),
				head.Strings[u32("service", p)], head.Strings[u32("name", p)], span.Kind(col("kind")[p]), span.Status(col("status")[p]), u32("linkCount", p), u32("eventOff", p), u32("notes", p),
			}
			elo, ehi := o.Events.Range(r)
			llo, lhi := o.Links.Range(r)
			want := []any{
				o.SpanID[r], int(tree.Parent[p]), int(tree.Depth[p]), int(tree.Subtree[p]), float64(o.Start[r] - tree.Start), float64(o.Dur(r)),
				o.Service(r), o.Strings.String(o.Name[r]), span.Kind(uint8(o.Kind[r])), span.Status(uint8(o.Status[r])), lhi - llo, events, int(o.Notes[r]),
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("trace %s row %d (-want +got):\n%s", id, p, diff)
			}
			for e := elo; e < ehi; e++ {
				if f64("eventTime", events) != float64(o.Events.Time[e]-tree.Start) || head.Strings[u32("eventName", events)] != o.Strings.String(o.Events.Name[e]) {
					t.Fatalf("trace %s: event %d differs", id, events)
				}
				events++
			}
		}
		if head.Events != events || u32("eventOff", head.Spans) != events {
			t.Errorf("trace %s: %d events of %d", id, head.Events, events)
		}
		if again := get(t, h, "/traces/"+id+"/columns", "If-None-Match", resp.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
			t.Errorf("trace %s with its ETag: %d", id, again.StatusCode)
		}
	}
}

// details is what the tests read of GET /traces/{id}/spans.
type details struct {
	Row                   int
	SpanID, Name, Kind    string
	StartNs, ParentSpanID string
	Attributes            []struct{ Key, Type string }
	Resource              struct{ Attributes []struct{ Key string } }
}

// TestSpans: details of rows are those of the columnar payload's rows, and ids find the same.
func TestSpans(t *testing.T) {
	b := spantest.Random(4, 40)
	for i := range b.TraceID {
		b.TraceID[i] = span.TraceIDFrom(1, 2)
	}
	h := serve(t, b)
	const trace = "/traces/10000000000000002"
	head, col := columns(t, body(t, get(t, h, trace+"/columns")))
	ask := func(query string) []details {
		var answer struct{ Spans []details }
		if err := json.Unmarshal(body(t, get(t, h, trace+"/spans?"+query)), &answer); err != nil {
			t.Fatal(err)
		}
		return answer.Spans
	}
	rows := ask("rows=5-9")
	if len(rows) != 5 || head.Spans != 40 {
		t.Fatalf("%d spans of %d", len(rows), head.Spans)
	}
	var list []string
	for i, s := range rows {
		if want := fmt.Sprintf("%x", col("spanId")[8*(5+i):][:8]); s.Row != 5+i || s.SpanID != want {
			t.Errorf("row %d is %d %s, want %s", 5+i, s.Row, s.SpanID, want)
		}
		list = append(list, s.SpanID)
	}
	ids := ask("ids=" + strings.Join(list, ","))
	for _, s := range rows {
		if !slices.ContainsFunc(ids, func(o details) bool { return cmp.Equal(o, s) }) {
			t.Errorf("span %s is not found by its id", s.SpanID)
		}
	}
}

// TestPaging: pages of a search follow each other without a gap or a repetition.
func TestPaging(t *testing.T) {
	b := spantest.Random(5, 2000)
	h := serve(t, b)
	want := 0
	for range ordered(b).Traces() {
		want++
	}
	for _, order := range []string{"newest", "oldest", "longest", "errors", "spans"} {
		seen := map[string]bool{}
		cursor := ""
		for range want {
			var page struct {
				Traces []struct{ TraceID string }
				Cursor string
			}
			if err := json.Unmarshal(body(t, get(t, h, "/search?limit=7&order="+order+"&cursor="+cursor)), &page); err != nil {
				t.Fatal(err)
			}
			for _, tr := range page.Traces {
				if seen[tr.TraceID] {
					t.Fatalf("%s: trace %s comes twice", order, tr.TraceID)
				}
				seen[tr.TraceID] = true
			}
			if cursor = page.Cursor; cursor == "" {
				break
			}
		}
		if len(seen) != want {
			t.Errorf("%s: %d traces of %d", order, len(seen), want)
		}
	}
}

// TestTimes: the spellings of a time mean the same.
func TestTimes(t *testing.T) {
	h := serve(t, spantest.Random(6, 200))
	mid := time.Unix(0, spantest.Start+int64(30*time.Minute)).UTC().Truncate(time.Second)
	var want []byte
	for i, s := range []string{
		strconv.FormatInt(mid.UnixNano(), 10), strconv.FormatInt(mid.UnixMicro(), 10), strconv.FormatInt(mid.UnixMilli(), 10),
		strconv.FormatInt(mid.Unix(), 10), strconv.FormatInt(mid.Unix(), 10) + ".0", mid.Format(time.RFC3339),
	} {
		var page struct{ Traces json.RawMessage }
		if err := json.Unmarshal(body(t, get(t, h, "/search?limit=1000&start="+url.QueryEscape(s))), &page); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			want = page.Traces
		}
		if !bytes.Equal(want, page.Traces) || len(want) < 10 {
			t.Errorf("start=%s finds other traces", s)
		}
	}
}
