// SPDX-License-Identifier: Apache-2.0

package span_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/span/spantest"
)

// TestBatch adds, drops and truncates in every order and holds the batch against one that was made afresh.
func TestBatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &span.Batch{}
		var want []model
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			switch step := rapid.IntRange(0, 9).Draw(t, "step"); {
			case step <= 4:
				m := drawModel(t)
				if i := m.add(b); i != len(want) {
					t.Fatalf("span has row %d, want %d", i, len(want))
				}
				want = append(want, m)
			case step == 5: // what a decoder does with a span that turns out to be bad, before and after its end
				m := drawModel(t)
				m.begin(b)
				if rapid.Bool().Draw(t, "unfinished event") {
					b.Events.Add(1, b.Strings.InternString("x"), 2)
					b.AddAttr(&b.Events.Attrs, "cut", span.StringValue("short"))
				}
				b.DropSpan()
			case step == 6:
				drawModel(t).add(b)
				b.DropSpan()
			case step == 7 && len(want) > 0:
				n := rapid.IntRange(0, len(want)).Draw(t, "keep")
				b.Truncate(n)
				want = want[:n]
			case step == 8:
				b.Reset()
				want = want[:0]
			}
			check(t, b, want)
		}
	})
}

func check(t *rapid.T, b *span.Batch, want []model) {
	fresh := batchOf(want...)
	if b.Len() != len(want) {
		t.Fatalf("%d spans, want %d", b.Len(), len(want))
	}
	for i := range want {
		if got, w := text(b, i), text(fresh, i); got != w {
			t.Fatalf("span %d: got\n%swant\n%s", i, got, w)
		}
		if b.Notes[i] != want[i].notes || b.HeadWeight[i] != want[i].head || b.TraceWeight[i] != want[i].trace {
			t.Fatalf("span %d: notes or weights changed", i)
		}
	}
	owners := map[string][2]int{
		"attributes":      {b.Attrs.Owners(), len(want)},
		"event rows":      {len(b.Events.Time), len(fresh.Events.Time)},
		"event owners":    {b.Events.Attrs.Owners(), fresh.Events.Attrs.Owners()},
		"link owners":     {b.Links.Attrs.Owners(), fresh.Links.Attrs.Owners()},
		"attribute rows":  {b.Attrs.Len(), fresh.Attrs.Len()},
		"event attr rows": {b.Events.Attrs.Len(), fresh.Events.Attrs.Len()},
		"link attr rows":  {b.Links.Attrs.Len(), fresh.Links.Attrs.Len()},
	}
	for name, n := range owners {
		if n[0] != n[1] {
			t.Fatalf("%s: %d, want %d", name, n[0], n[1])
		}
	}
}

// TestTruncateProjected: a batch that lacks columns can be truncated.
func TestTruncateProjected(t *testing.T) {
	b := &span.Batch{TraceID: make([]span.TraceID, 3), SpanID: make([]span.SpanID, 3), ParentID: make([]span.SpanID, 3), Start: make([]int64, 3), Duration: make([]int64, 3)}
	b.Truncate(2)
	b.Truncate(2)
	if b.Len() != 2 || b.Name != nil || b.Attrs.Off != nil {
		t.Errorf("%d spans, %d names", b.Len(), len(b.Name))
	}
	if lo, hi := b.Attrs.Range(1); lo != 0 || hi != 0 {
		t.Errorf("attributes %d to %d", lo, hi)
	}
	if b.Service(0) != "" || b.Weight(0) != 1 {
		t.Errorf("service %q, weight %v", b.Service(0), b.Weight(0))
	}
}

func TestAttr(t *testing.T) {
	b := &span.Batch{}
	m := model{trace: 1,
		Attrs:    []attr{{"a", span.IntValue(-3)}, {"a", span.StringValue("second")}, {"", span.BoolValue(true)}, {"d", span.DoubleValue(0.5)}},
		Resource: resource{Attrs: []attr{{"service.name", span.StringValue("cart")}}},
	}
	m.add(b)
	for key, want := range map[string]span.Value{"a": span.IntValue(-3), "": span.BoolValue(true), "d": span.DoubleValue(0.5)} {
		if got, ok := b.Attr(&b.Attrs, 0, key); !ok || got != want {
			t.Errorf("%q: %v %v, want %v", key, got, ok, want)
		}
	}
	for _, key := range []string{"second", "service.name", "absent"} {
		if got, ok := b.Attr(&b.Attrs, 0, key); ok {
			t.Errorf("%q: %v", key, got)
		}
	}
	if got := b.Service(0); got != "cart" {
		t.Errorf("service %q", got)
	}
	odd := batchOf(model{Resource: resource{Attrs: []attr{{"service.name", span.IntValue(1)}}}})
	if got := odd.Service(0); got != "" {
		t.Errorf("a number as a service name gives %q", got)
	}
}

func TestWeight(t *testing.T) {
	b := batchOf(model{trace: 1}, model{head: 8, trace: 1}, model{head: 8, trace: 3}, model{head: -1, trace: 0})
	for i, want := range []float64{1, 8, 24, 1} {
		if got := b.Weight(i); got != want {
			t.Errorf("span %d: %v, want %v", i, got, want)
		}
	}
}

// TestMem: the number is that of the columns, roughly.
func TestMem(t *testing.T) {
	b := spantest.Random(1, 5000)
	got := b.Mem()
	perSpan := got / b.Len()
	if perSpan < 150 || perSpan > 1500 {
		t.Errorf("%d bytes a span", perSpan)
	}
	b.Reset()
	if b.Mem() != got {
		t.Errorf("Reset gave up memory: %d, before %d", b.Mem(), got)
	}
}

// TestSnapshot: what is appended later does not show in a snapshot, and does not change it.
func TestSnapshot(t *testing.T) {
	all := spantest.Random(12, 400)
	b := &span.Batch{}
	c := span.NewCopier(b)
	c.From(all)
	type taken struct {
		s    *span.Batch
		dump string
	}
	var snapshots []taken
	for i := range all.Len() {
		if i%40 == 0 {
			s := b.Snapshot()
			snapshots = append(snapshots, taken{s, span.DumpString(s)})
		}
		c.Row(i)
	}
	for i, s := range snapshots {
		if s.s.Len() != 40*i || span.DumpString(s.s) != s.dump {
			t.Errorf("snapshot %d changed", i)
		}
		// Looking up a string that came later finds nothing, rather than a code out of range.
		for code := range b.Strings.Len() {
			if got, ok := s.s.Strings.Lookup(b.Strings.String(span.Code(code))); ok && int(got) >= s.s.Strings.Len() {
				t.Fatalf("snapshot %d finds code %d of %d", i, got, s.s.Strings.Len())
			}
		}
	}
	if diff := cmp.Diff(span.DumpString(all), span.DumpString(b.Snapshot())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestAppendAllocs: in a batch that was reset, spans, their strings and their tables cost no allocation.
func TestAppendAllocs(t *testing.T) {
	b := &span.Batch{}
	fill := func() {
		b.Reset()
		r := b.Resources.Add()
		b.AddAttr(&b.Resources.Attrs, "service.name", span.StringValue("cart"))
		b.Resources.Attrs.EndOwner()
		s := b.Scopes.Add(b.Strings.InternString("lib"), 0)
		b.Scopes.Attrs.EndOwner()
		for i := range 1000 {
			row := b.AddSpan()
			b.SpanID[row], b.Name[row] = span.SpanIDFrom(uint64(i)), b.Strings.InternString(paths[i%len(paths)])
			b.Resource[row], b.Scope[row] = uint32(r), uint32(s)
			b.AddAttr(&b.Attrs, "http.route", span.StringValue(paths[i%len(paths)]))
			b.AddAttr(&b.Attrs, "http.status", span.IntValue(200))
			b.Events.Add(1, b.Name[row], 0)
			b.AddAttr(&b.Events.Attrs, "k", span.BoolValue(true))
			b.Events.Attrs.EndOwner()
			b.Links.Add(span.TraceID{}, span.SpanID{}, 0, 0, 0)
			b.Links.Attrs.EndOwner()
			b.EndSpan()
			b.NoteOddities(row)
		}
	}
	fill()
	if n := testing.AllocsPerRun(5, fill); n > 0 {
		t.Errorf("%v allocations for 1,000 spans", n)
	}
}

var paths = func() (out []string) {
	for i := range 100 {
		out = append(out, fmt.Sprintf("/product/%d", i))
	}
	return out
}()
