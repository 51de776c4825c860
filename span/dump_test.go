// SPDX-License-Identifier: Apache-2.0

package span_test

import (
	"errors"
	"math"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/span/spantest"
)

// dumpCases are what testdata/dump.txt shows the text of.
func dumpCases() map[string]*span.Batch {
	trace := span.TraceIDFrom(0x4bf92f3577b34da6, 0xa3ce929d0e0e4736)
	const start = 1_700_000_000_000_000_000
	web := resource{Attrs: []attr{{"service.name", span.StringValue("cart")}, {"service.version", span.StringValue("1.4.2")}}}
	full := model{
		Trace: trace, ID: span.SpanIDFrom(0xf067aa0ba902b7), Parent: span.SpanIDFrom(0x53995c3f42cd8ad8), Start: start, Duration: 5_200_000,
		Kind: span.KindServer, Status: span.StatusError, Name: "GET /cart", Message: "boom", State: "ot=th:8", Flags: 0x101,
		DroppedA: 1, DroppedE: 2, DroppedL: 3,
		Attrs: []attr{
			{"http.route", span.StringValue("/cart")}, {"http.response.status_code", span.IntValue(500)}, {"ratio", span.DoubleValue(2)},
			{"cached", span.BoolValue(false)}, {"raw", span.BytesValue([]byte("\x00\xff"))}, {"nothing", span.Value{}},
			{"sizes", span.ArrayValue(span.IntValue(1), span.IntValue(2))},
			{"user", span.MapValue(span.Entry{Key: "id", Value: span.IntValue(7)}, span.Entry{Key: "tags", Value: span.ArrayValue(span.StringValue("vip"))})},
		},
		Events: []event{{start + 100_000, "exception", 4, []attr{{"exception.message", span.StringValue("boom")}}}},
		Links: []link{{span.TraceIDFrom(0xaf7651916cd43dd, 0x8448eb211c80319c), span.SpanIDFrom(0xb7ad6b7169203331), "a=b", 1, 5,
			[]attr{{"reason", span.StringValue("retry")}}}},
		Resource: resource{Attrs: web.Attrs, Dropped: 6, Schema: "https://opentelemetry.io/schemas/1.44.0",
			Refs: span.ArrayValue(span.MapValue(span.Entry{Key: "type", Value: span.StringValue("service")})).Str},
		Scope: scope{Name: "otelhttp", Version: "0.60", Dropped: 7, Schema: "https://example.com/schema", Attrs: []attr{{"lang", span.StringValue("go")}}},
		notes: span.NoteUTF8, head: 2, trace: 4,
	}
	at := func(id, parent uint64, start int64, name string) model {
		return model{Trace: trace, ID: span.SpanIDFrom(id), Parent: span.SpanIDFrom(parent), Start: start, Name: name, Kind: span.KindInternal, Resource: web}
	}
	other := at(9, 0, start, "other trace")
	other.Trace = span.TraceIDFrom(0, 1)
	twice := at(2, 1, start+5, "twice")
	differs := twice
	differs.Attrs = []attr{{"try", span.IntValue(2)}}
	far := model{ID: span.SpanIDFrom(1), Start: -1, Duration: -5, Kind: -3, Status: 9, Events: []event{{Time: math.MinInt64}}}
	return map[string]*span.Batch{
		"everything": batchOf(full),
		"nothing":    batchOf(model{}),
		"order":      batchOf(twice, at(3, 1, start+5, "third"), differs, twice, at(1, 0, start, "first"), other),
		"far":        batchOf(far),
		"words": batchOf(model{Name: "  span\n", Message: "\x00", State: "\"", Attrs: []attr{
			{"", span.StringValue("")}, {"dropped", span.IntValue(3)}, {"a b", span.StringValue("x\ny")}, {"k=v", span.StringValue("=")}, {"é", span.StringValue("\xff")}, {"same", span.IntValue(2)}, {"same", span.IntValue(1)},
		}, Resource: resource{Attrs: []attr{{"dropped", span.IntValue(3)}}}, Scope: scope{Version: "no name"}}),
		"random": spantest.Random(2, 4),
	}
}

// TestDump shows the text of spans: testdata/dump.txt is for people to read. `go test ./span -rewrite` writes it anew.
func TestDump(t *testing.T) {
	cases := dumpCases()
	datadriven.RunTest(t, "testdata/dump.txt", func(t *testing.T, d *datadriven.TestData) string {
		b, ok := cases[d.CmdArgs[0].Key]
		if !ok {
			d.Fatalf(t, "no batch %q", d.CmdArgs[0].Key)
		}
		delete(cases, d.CmdArgs[0].Key)
		return span.DumpString(b)
	})
	for name := range cases {
		t.Errorf("testdata/dump.txt does not show %q", name)
	}
}

// TestDumpDoesNotDependOnRows: the text of a batch is that of its spans in any order and with any codes.
func TestDumpDoesNotDependOnRows(t *testing.T) {
	b := spantest.Random(3, 300)
	want := span.DumpString(b)
	c := &span.Batch{}
	c.Strings.InternString("shifts every code")
	copier := span.NewCopier(c)
	copier.From(b)
	for i := range b.Len() {
		copier.Row(b.Len() - 1 - i)
	}
	if span.DumpString(c) != want {
		t.Error("the dump depends on the order of rows")
	}
}

type brokenWriter struct{ left int }

var errBroken = errors.New("broken pipe")

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.left--; w.left < 0 {
		return 0, errBroken
	}
	return len(p), nil
}

// TestDumpErrors: the writer's error comes back wherever it happens.
func TestDumpErrors(t *testing.T) {
	b := spantest.Random(1, 3)
	for n := range 3 {
		if err := span.Dump(&brokenWriter{n}, b); !errors.Is(err, errBroken) {
			t.Errorf("after %d writes: %v", n, err)
		}
	}
}
