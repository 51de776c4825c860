// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
)

const tenant = "acme"

func traceID(n uint64) span.TraceID { return span.TraceIDFrom(0x1111, n) }

func testEmpty(t *testing.T, f *fixture) {
	ctx := context.Background()
	if _, err := f.engine.Trace(ctx, tenant, traceID(1)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("trace: %v, want not found", err)
	}
	r := store.Request{Tenant: tenant, Window: store.AllTime()}
	if got := engineTraces(t, f.engine, r, 0); len(got) > 0 {
		t.Errorf("scan by trace yielded %d traces", len(got))
	}
	if got := engineSpans(t, f.engine, r); len(got) > 0 {
		t.Errorf("scan by span yielded %d spans", len(got))
	}
	fields, err := f.engine.Fields(ctx, store.FieldsRequest{Tenant: tenant, Window: store.AllTime()})
	if err != nil || len(fields) > 0 {
		t.Errorf("fields: %v, %v", fields, err)
	}
	vals, err := f.engine.Values(ctx, store.ValuesRequest{Tenant: tenant, Window: store.AllTime(), Field: match.Of(match.Name)})
	if err != nil || len(vals.Values) > 0 {
		t.Errorf("values: %v, %v", vals, err)
	}
	st, err := f.engine.Stats(ctx, tenant)
	if err != nil || st.Spans != 0 || st.Oldest != 0 {
		t.Errorf("stats: %+v, %v", st, err)
	}
	f.append(&span.Batch{Tenant: tenant, Arrival: Noon})
	checkAll(t, f.engine, f.oracle)
}

func testRoundTrip(t *testing.T, f *fixture) {
	g := NewGen(1)
	for range 20 {
		f.append(g.Batch(tenant, 1+g.Rand.IntN(40)))
		g.Now += second
	}
	f.inAllStates(func(t *testing.T) {
		all(t, f)
		st, err := f.engine.Stats(context.Background(), tenant)
		if err != nil {
			t.Fatal(err)
		}
		if n := int64(f.oracle.all(tenant).Len()); st.Spans < n || st.Traces == 0 || st.Oldest >= st.Newest {
			t.Errorf("stats %+v for %d spans", st, n)
		}
	})
}

func testIdentity(t *testing.T, f *fixture) {
	s := Span{Trace: traceID(1), ID: 1, Start: Noon, Duration: second, Name: "GET /", Service: "cart", Attrs: []Attr{
		{"a", span.StringValue("x")}, {"b", span.IntValue(1)},
	}}
	f.append(BatchOf(tenant, Noon, s))
	f.append(BatchOf(tenant, Noon+hour, s)) // a retried export
	f.append(BatchOf(tenant, Noon, s, s))
	s.Notes = span.NoteUTF8 // notes are not content
	f.append(BatchOf(tenant, Noon, s))
	s.ReversedAttrOrder = true // nor is the order of attributes
	f.append(BatchOf(tenant, Noon, s))
	check := func(t *testing.T) {
		all(t, f)
		b, err := f.engine.Trace(context.Background(), tenant, s.Trace)
		if err != nil || b.Len() != 1 {
			t.Fatalf("%d spans, %v; want 1", b.Len(), err)
		}
		v, err := f.engine.Values(context.Background(), store.ValuesRequest{Tenant: tenant, Window: store.AllTime(), Field: match.Of(match.Name)})
		if err != nil {
			t.Fatal(err)
		}
		diff(t, "values", []store.ValueCount{{Value: span.StringValue("GET /"), Count: 1}}, v.Values)
	}
	f.inAllStates(check)
	f.append(BatchOf(tenant, Noon+2*hour, s)) // and once more, beside what is settled
	f.inAllStates(check)
}

func testSameIDsOtherContent(t *testing.T, f *fixture) {
	s := Span{Trace: traceID(1), ID: 1, Start: Noon, Duration: second, Name: "GET /", Service: "cart"}
	f.append(BatchOf(tenant, Noon, s))
	s.Name = "POST /"
	f.append(BatchOf(tenant, Noon, s))
	f.flush()
	s.Duration++
	f.append(BatchOf(tenant, Noon, s))
	s.Service = "checkout"
	f.append(BatchOf(tenant, Noon, s))
	f.inAllStates(func(t *testing.T) {
		all(t, f)
		b, err := f.engine.Trace(context.Background(), tenant, s.Trace)
		if err != nil || b.Len() != 4 {
			t.Fatalf("%d spans, %v; want all 4", b.Len(), err)
		}
	})
}

func testIDForms(t *testing.T, f *fixture) {
	long, short := span.TraceIDFrom(7, 42), span.TraceIDFrom(0, 42)
	f.append(BatchOf(tenant, Noon, Span{Trace: short, ID: 2, Parent: 1, Start: Noon + 1, Name: "child"}))
	f.flush()
	f.append(BatchOf(tenant, Noon, Span{Trace: long, ID: 1, Start: Noon, Name: "root"}))
	f.append(BatchOf(tenant, Noon, Span{Trace: short, ID: 3, Parent: 1, Start: Noon + 2, Name: "child"}))
	f.inAllStates(func(t *testing.T) {
		all(t, f)
		for _, id := range []span.TraceID{long, short} {
			b, err := f.engine.Trace(context.Background(), tenant, id)
			if err != nil || b.Len() != 3 {
				t.Errorf("trace %s: %d spans, %v; want 3", id, b.Len(), err)
			}
		}
		if _, err := f.engine.Trace(context.Background(), tenant, span.TraceIDFrom(8, 42)); err != nil {
			t.Errorf("the spans with the short id belong to every trace of that key: %v", err)
		}
		r := store.Request{Tenant: tenant, Window: store.AllTime(), Fields: store.Projection{All: true}}
		if got := engineTraces(t, f.engine, r, 0); len(got) != 1 || got[0].ID != long || got[0].Spans != 3 {
			t.Errorf("scan yields %d traces, want one of 3 spans", len(got))
		}
	})
}

func testSharedKey(t *testing.T, f *fixture) {
	a, b := span.TraceIDFrom(7, 42), span.TraceIDFrom(8, 42)
	f.append(BatchOf(tenant, Noon, Span{Trace: a, ID: 1, Start: Noon, Name: "a"}, Span{Trace: b, ID: 1, Start: Noon, Name: "b"}))
	f.append(BatchOf(tenant, Noon, Span{Trace: a, ID: 2, Start: Noon + 2, Name: "a"}, Span{Trace: b, ID: 2, Start: Noon + 1, Name: "b"}))
	f.inAllStates(func(t *testing.T) {
		all(t, f)
		for _, id := range []span.TraceID{a, b} {
			got, err := f.engine.Trace(context.Background(), tenant, id)
			if err != nil || got.Len() != 2 {
				t.Errorf("trace %s: %d spans, %v; want 2", id, got.Len(), err)
			}
		}
		where := match.Where(match.Cond{Field: match.Of(match.Name), Op: match.Eq, Value: span.StringValue("b")})
		checkScan(t, f.engine, f.oracle, store.Request{Tenant: tenant, Window: store.AllTime(), Where: where})
	})
}

func testTenants(t *testing.T, f *fixture) {
	names := []string{tenant, "Acme", "../acme", "a/b", "ünïcode", ".", "con", strings.Repeat("x", 60)}
	for i, name := range names {
		f.append(BatchOf(name, Noon, Span{Trace: traceID(1), ID: uint64(i + 1), Start: Noon + int64(i), Name: name}))
	}
	f.inAllStates(func(t *testing.T) {
		all(t, f)
		for _, name := range names {
			b, err := f.engine.Trace(context.Background(), name, traceID(1))
			if err != nil || b.Len() != 1 {
				t.Errorf("tenant %q: %d spans, %v; want its own", name, b.Len(), err)
			}
			v, err := f.engine.Values(context.Background(), store.ValuesRequest{Tenant: name, Window: store.AllTime(), Field: match.Of(match.Name)})
			if err != nil {
				t.Fatal(err)
			}
			diff(t, "values", []store.ValueCount{{Value: span.StringValue(name), Count: 1}}, v.Values)
		}
		if _, err := f.engine.Trace(context.Background(), "nobody", traceID(1)); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("unknown tenant: %v, want not found", err)
		}
	})
}

func testWindows(t *testing.T, f *fixture) {
	// Trace 1 is one long span; trace 2 two short ones with a gap between, in two pieces; trace 3 ends before it starts.
	f.append(BatchOf(tenant, Noon,
		Span{Trace: traceID(1), ID: 1, Start: Noon, Duration: 10 * second, Name: "long"},
		Span{Trace: traceID(2), ID: 1, Start: Noon, Duration: second, Name: "early"},
		Span{Trace: traceID(3), ID: 1, Start: Noon + 5*second, Duration: -second, Name: "back"}))
	f.flush()
	f.append(BatchOf(tenant, Noon, Span{Trace: traceID(2), ID: 2, Start: Noon + 9*second, Duration: second, Name: "late"}))
	name := func(s string) match.Expr {
		return match.Where(match.Cond{Field: match.Of(match.Name), Op: match.Eq, Value: span.StringValue(s)})
	}
	f.inAllStates(func(t *testing.T) {
		for _, w := range []store.Window{
			{From: Noon - 2, To: Noon - 1},
			{From: Noon - 1, To: Noon},
			{From: Noon + 4*second, To: Noon + 6*second},
			{From: Noon + 5*second, To: Noon + 5*second},
			{From: Noon + 5*second + 1, To: Noon + 6*second},
			{From: Noon + 10*second, To: Noon + 11*second},
			{From: Noon + 10*second + 1, To: Noon + 11*second},
			{From: Noon + 1, To: Noon},
			{From: math.MinInt64, To: Noon},
		} {
			for _, where := range []match.Expr{{}, name("early"), name("late"), name("long"), name("none")} {
				checkScan(t, f.engine, f.oracle, store.Request{Tenant: tenant, Window: w, Where: where})
			}
		}
		// The matching span of trace 2 lies outside of the window, as does every span of it, but the trace overlaps it.
		gap := store.Request{Tenant: tenant, Window: store.Window{From: Noon + 4*second, To: Noon + 6*second}, Where: name("early"), Fields: store.Projection{All: true}}
		if got := engineTraces(t, f.engine, gap, 0); len(got) != 1 {
			t.Errorf("%d traces, want the one whose extent overlaps the window", len(got))
		}
	})
}

func testNewestOrder(t *testing.T, f *fixture) {
	g := NewGen(2)
	g.Traces = 60
	for i := range 12 {
		f.append(g.Batch(tenant, 30))
		if i%5 == 4 {
			f.flush()
		}
	}
	f.inAllStates(func(t *testing.T) {
		r := store.Request{Tenant: tenant, Window: store.AllTime(), Order: store.OrderNewest, Fields: store.Projection{All: true}}
		want := f.oracle.Traces(r)
		for _, n := range []int{1, 2, 7, len(want)} {
			diff(t, fmt.Sprintf("newest %d", n), want[:n], engineTraces(t, f.engine, r, n))
		}
	})
}

func testPaging(t *testing.T, f *fixture) {
	// Many traces start at the same time; their ids decide.
	g := NewGen(3)
	for i := range uint64(200) {
		f.append(BatchOf(tenant, Noon, Span{Trace: traceID(1 + g.Rand.Uint64N(1<<60)), ID: 1, Start: Noon + int64(i%4)*second, Duration: 1, Name: "tie"}))
		if i == 90 {
			f.flush()
		}
	}
	f.inAllStates(func(t *testing.T) {
		r := store.Request{Tenant: tenant, Window: store.AllTime(), Order: store.OrderNewest, Fields: store.Projection{All: true}}
		want := f.oracle.Traces(r)
		var got []Trace
		for {
			page := engineTraces(t, f.engine, r, 7)
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
			last := page[len(page)-1]
			r.After = &store.Position{Start: last.Start, TraceID: last.ID}
			if len(got) > len(want) {
				break
			}
		}
		diff(t, "all pages", want, got)
	})
}

func testFragments(t *testing.T, f *fixture) {
	// The pieces of one trace come hours apart, over restarts, beside other traces. The last piece is the root.
	id := traceID(77)
	other := uint64(1000)
	noise := func(arrival int64) {
		for range 50 {
			other++
			f.append(BatchOf(tenant, arrival, Span{Trace: traceID(other), ID: 1, Start: arrival - second, Duration: second, Name: "noise", Service: "noise"}))
		}
	}
	piece := func(n uint64, attr string) Span {
		return Span{Trace: id, ID: n, Parent: 1, Start: Noon + int64(n)*minute, Duration: second, Name: "piece", Service: "worker", Attrs: []Attr{{attr, span.BoolValue(true)}}}
	}
	arrival := Noon
	for n := uint64(2); n < 6; n++ {
		noise(arrival)
		f.append(BatchOf(tenant, arrival, piece(n, fmt.Sprintf("p%d", n))))
		if n%2 == 0 {
			f.flush()
		}
		f.reopen()
		arrival += 3 * hour
	}
	root := piece(1, "root")
	root.Parent = 0
	f.append(BatchOf(tenant, arrival, root))
	f.inAllStates(func(t *testing.T) {
		all(t, f)
		b, err := f.engine.Trace(context.Background(), tenant, id)
		if err != nil || b.Len() != 5 {
			t.Fatalf("%d spans, %v; want 5", b.Len(), err)
		}
		for _, attr := range []string{"root", "p2", "p3", "p4", "p5"} {
			r := store.Request{Tenant: tenant, Window: store.AllTime(), Where: eq(match.ScopeSpan, attr, span.BoolValue(true)), Fields: store.Projection{All: true}}
			got := engineTraces(t, f.engine, r, 0)
			if len(got) != 1 || got[0].Spans != 5 {
				t.Errorf("search for %s: %d traces, want the whole one", attr, len(got))
			}
			// A window that only touches another piece finds it as well.
			r.Window = store.Window{From: Noon + 4*minute, To: Noon + 4*minute + second}
			checkScan(t, f.engine, f.oracle, r)
		}
		both := match.AnyOf(eq(match.ScopeSpan, "p2", span.BoolValue(true)), eq(match.ScopeSpan, "p5", span.BoolValue(true)))
		checkScan(t, f.engine, f.oracle, store.Request{Tenant: tenant, Window: store.AllTime(), Where: both})
	})
}

func testFarTimes(t *testing.T, f *fixture) {
	// Spans of one trace lie decades apart; unsigned times past 2262 are negative here.
	starts := []int64{0, 1, Noon, Noon + second, Noon + 80*365*24*hour, math.MaxInt64 - 10, -5, math.MinInt64}
	var spans []Span
	for i, at := range starts {
		spans = append(spans,
			Span{Trace: traceID(1), ID: uint64(i + 1), Start: at, Duration: 3, Name: "one"},
			Span{Trace: traceID(uint64(10 + i)), ID: 1, Start: at, Duration: 3, Name: "own"})
	}
	f.append(BatchOf(tenant, Noon, spans...))
	f.inAllStates(func(t *testing.T) {
		all(t, f)
		for _, w := range []store.Window{{From: Noon - hour, To: Noon + hour}, {From: Noon + 2, To: Noon + 3}, {From: math.MinInt64, To: 0}, {From: Noon + hour, To: math.MaxInt64}} {
			checkScan(t, f.engine, f.oracle, store.Request{Tenant: tenant, Window: w})
		}
	})
}

func testGiantTrace(t *testing.T, f *fixture) {
	// A wide and deep trace in many batches, with a few spans sent twice.
	const n = 20_000
	var spans []Span
	for i := range uint64(n) {
		spans = append(spans, Span{Trace: traceID(1), ID: i + 1, Parent: i / 2, Start: Noon + int64(i), Duration: 5, Name: "step", Service: "batch"})
	}
	for part := range slices.Chunk(spans, 1500) {
		f.append(BatchOf(tenant, Noon, part...))
	}
	f.append(BatchOf(tenant, Noon, spans[5000:5010]...))
	f.append(BatchOf(tenant, Noon, Span{Trace: traceID(2), ID: 1, Start: Noon, Name: "small"}))
	f.inAllStates(func(t *testing.T) {
		b, err := f.engine.Trace(context.Background(), tenant, traceID(1))
		if err != nil || b.Len() != n {
			t.Fatalf("%d spans, %v; want %d", b.Len(), err, n)
		}
		all(t, f)
	})
}

func testHostile(t *testing.T, f *fixture) {
	var many []Attr
	for i := range 2000 {
		many = append(many, Attr{fmt.Sprintf("key.%d", i), span.IntValue(int64(i))})
	}
	nested := span.StringValue("deep")
	for range 200 {
		nested = span.ArrayValue(nested)
	}
	f.append(BatchOf(tenant, Noon,
		Span{Trace: traceID(1), ID: 1, Parent: 2, Start: Noon, Name: "cycle"},
		Span{Trace: traceID(1), ID: 2, Parent: 1, Start: Noon, Name: "cycle"},
		Span{Trace: traceID(1), ID: 3, Parent: 3, Start: Noon, Name: "self"},
		Span{Trace: traceID(2), ID: 1, Start: Noon, Name: "many", Attrs: many},
		Span{Trace: traceID(3), ID: 1, Start: Noon, Name: strings.Repeat("n", 1<<20), Attrs: []Attr{
			{"big", span.StringValue(strings.Repeat("x", 1<<20))}, {"bytes", span.BytesValue(make([]byte, 1<<16))}, {"", span.StringValue("")},
			{"nul", span.StringValue("a\x00b")}, {"bad", span.StringValue("a\xff")}, {"emoji", span.StringValue("🧶")}, {"nested", nested},
			{"nan", span.DoubleValue(math.NaN())}, {"inf", span.DoubleValue(math.Inf(-1))}, {"zero", span.DoubleValue(math.Copysign(0, -1))},
			{"same", span.IntValue(1)}, {"same", span.StringValue("1")}, {"same", span.IntValue(1)},
		}},
		Span{Trace: span.TraceIDFrom(0, 0), ID: 0, Start: Noon, Name: "zero ids"},
		Span{Trace: span.TraceIDFrom(math.MaxUint64, math.MaxUint64), ID: math.MaxUint64, Start: Noon, Duration: math.MinInt64, Name: "max ids"},
	))
	f.inAllStates(func(t *testing.T) { all(t, f) })
}

func testFields(t *testing.T, f *fixture) {
	g := NewGen(4)
	for range 5 {
		f.append(g.Batch(tenant, 50))
	}
	f.flush()
	f.append(BatchOf(tenant, Noon, Span{Trace: traceID(1), ID: 1, Start: Noon, Attrs: []Attr{{"only.here", span.BoolValue(true)}}}))
	f.inAllStates(func(t *testing.T) {
		for s := match.ScopeAny; s <= match.ScopeInstrumentation; s++ {
			r := store.FieldsRequest{Tenant: tenant, Window: store.AllTime(), Scope: s}
			got, err := f.engine.Fields(context.Background(), r)
			if err != nil {
				t.Fatal(err)
			}
			diff(t, "fields of "+s.String(), f.oracle.Fields(r), got)
		}
	})
}

func testValues(t *testing.T, f *fixture) {
	g := NewGen(5)
	for i := range 10 {
		b := g.Batch(tenant, 50)
		f.append(b)
		if i%3 == 0 {
			f.append(b) // sent twice, counted once
		}
		if i == 5 {
			f.flush()
			f.append(b)
		}
	}
	fields := []match.Field{match.Of(match.Name), match.Of(match.Status), match.Of(match.Kind), match.Of(match.EventName)}
	for s := match.ScopeAny; s <= match.ScopeInstrumentation; s++ {
		fields = append(fields, match.Attr(s, "http.route"), match.Attr(s, "service.name"), match.Attr(s, "weird"), match.Attr(s, "absent"))
	}
	f.inAllStates(func(t *testing.T) {
		for _, field := range fields {
			for _, r := range []store.ValuesRequest{
				{},
				{Prefix: "/c"},
				{Limit: 2},
				{Where: eq(match.ScopeResource, "service.name", span.StringValue("cart"))},
				{Window: store.Window{From: Noon, To: Noon + 10*second}},
			} {
				r.Tenant, r.Field = tenant, field
				if r.Window == (store.Window{}) {
					r.Window = store.AllTime()
				}
				got, err := f.engine.Values(context.Background(), r)
				if err != nil {
					t.Fatal(err)
				}
				diff(t, fmt.Sprintf("values of %s, %+v", field, r), f.oracle.Values(r), got)
			}
		}
	})
}

func testProjection(t *testing.T, f *fixture) {
	g := NewGen(6)
	for range 5 {
		f.append(g.Batch(tenant, 50))
	}
	route := match.Attr(match.ScopeSpan, "http.route")
	service := match.Attr(match.ScopeResource, "service.name")
	f.inAllStates(func(t *testing.T) {
		whole := f.oracle.all(tenant)
		type key struct {
			trace span.TraceID
			id    span.SpanID
			start int64
		}
		// What was asked for must be right; ids and times always are. Spans of equal ids differ, so any of them will do.
		texts := map[key][]string{}
		describe := func(b *span.Batch, i int) string {
			v, _ := b.Attr(&b.Attrs, i, "http.route")
			return fmt.Sprintf("%s %d %q %s %q", b.ParentID[i], b.Duration[i], b.Strings.String(b.Name[i]), v.Text(), b.Service(i))
		}
		for i := range whole.Len() {
			k := key{whole.TraceID[i], whole.SpanID[i], whole.Start[i]}
			texts[k] = append(texts[k], describe(whole, i))
		}
		for _, unit := range []store.Unit{store.UnitSpan, store.UnitTrace} {
			r := store.Request{
				Tenant: tenant, Window: store.AllTime(), Unit: unit,
				Where:  match.Where(match.Cond{Field: match.Of(match.Status), Op: match.Gt, Value: span.IntValue(0)}),
				Fields: store.Projection{Fields: []match.Field{match.Of(match.Name), route, service}},
			}
			for b, err := range f.engine.Scan(context.Background(), r) {
				if err != nil {
					t.Fatal(err)
				}
				for i := range b.Len() {
					if got := describe(b, i); !slices.Contains(texts[key{b.TraceID[i], b.SpanID[i], b.Start[i]}], got) {
						t.Fatalf("unit %d: span %s of trace %s reads %s", unit, b.SpanID[i], b.TraceID[i], got)
					}
				}
			}
		}
	})
}

func testClosed(t *testing.T, f *fixture) {
	f.append(BatchOf(tenant, Noon, Span{Trace: traceID(1), ID: 1, Start: Noon}))
	if err := f.engine.Close(); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if err := f.engine.Append(ctx, BatchOf(tenant, Noon, Span{Trace: traceID(1), ID: 2, Start: Noon})); !errors.Is(err, store.ErrClosed) {
		t.Errorf("append: %v, want closed", err)
	}
	if _, err := f.engine.Trace(ctx, tenant, traceID(1)); !errors.Is(err, store.ErrClosed) {
		t.Errorf("trace: %v, want closed", err)
	}
	var last error
	for _, err := range f.engine.Scan(ctx, store.Request{Tenant: tenant, Window: store.AllTime()}) {
		last = err
	}
	if !errors.Is(last, store.ErrClosed) {
		t.Errorf("scan: %v, want closed", last)
	}
	f.engine = f.open(t, f.opt)
	all(t, f)
}
