// SPDX-License-Identifier: Apache-2.0

package span_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/span/spantest"
)

// TestCopier copies rows of several sources back and forth, with Forget and Reset in between.
func TestCopier(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var sources []*span.Batch
		var models [][]model
		for range rapid.IntRange(1, 3).Draw(t, "sources") {
			var ms []model
			for range rapid.IntRange(1, 4).Draw(t, "spans") {
				ms = append(ms, drawModel(t))
			}
			models = append(models, ms)
			sources = append(sources, batchOf(ms...))
		}
		dst := &span.Batch{}
		c := span.NewCopier(dst)
		var want []model
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			s := rapid.IntRange(0, len(sources)-1).Draw(t, "source")
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0: // the source may change after Forget
				c.Forget()
				m := drawModel(t)
				m.add(sources[s])
				models[s] = append(models[s], m)
			case 1:
				c.Reset(dst) // which keeps its spans
			case 2, 3, 4:
				c.From(sources[s])
				lo := rapid.IntRange(0, len(models[s])).Draw(t, "from")
				hi := rapid.IntRange(lo, len(models[s])).Draw(t, "to")
				if got := c.Range(lo, hi); got != len(want) {
					t.Fatalf("row %d, want %d", got, len(want))
				}
				want = append(want, models[s][lo:hi]...)
			default:
				c.From(sources[s])
				i := rapid.IntRange(0, len(models[s])-1).Draw(t, "row")
				if got := c.Row(i); got != len(want) {
					t.Fatalf("row %d, want %d", got, len(want))
				}
				want = append(want, models[s][i])
			}
		}
		check(t, dst, want)
		if err := validate(dst); err != "" {
			t.Fatal(err)
		}
	})
}

// validate returns what is wrong with the shape of a batch.
func validate(b *span.Batch) string {
	for i := range b.Len() {
		if int(b.Resource[i]) >= b.Resources.Len() || int(b.Scope[i]) >= len(b.Scopes.Name) {
			return "resource or scope out of range"
		}
	}
	if b.Resources.Attrs.Owners() != b.Resources.Len() || b.Scopes.Attrs.Owners() != len(b.Scopes.Name) {
		return "a resource or scope is not finished"
	}
	if b.Events.Attrs.Owners() != len(b.Events.Time) || b.Links.Attrs.Owners() != len(b.Links.TraceID) {
		return "an event or link is not finished"
	}
	return ""
}

// TestCopierShares: equal resources and scopes of any number of sources become one.
func TestCopierShares(t *testing.T) {
	dst := &span.Batch{}
	c := span.NewCopier(dst)
	for range 10 {
		src := spantest.Random(5, 200) // five resources, three scopes
		c.From(src)
		for i := range src.Len() {
			c.Row(i)
		}
		c.Forget()
	}
	if dst.Resources.Len() > 5 || len(dst.Scopes.Name) > 3 {
		t.Errorf("%d resources and %d scopes", dst.Resources.Len(), len(dst.Scopes.Name))
	}
}

// TestCopierProjection: columns that the source lacks become zero, weights one.
func TestCopierProjection(t *testing.T) {
	src := &span.Batch{
		TraceID: []span.TraceID{span.TraceIDFrom(1, 2)}, SpanID: []span.SpanID{span.SpanIDFrom(3)}, ParentID: []span.SpanID{{}},
		Start: []int64{5}, Duration: []int64{6},
	}
	src.Name = []span.Code{src.Strings.InternString("GET")}
	dst := &span.Batch{}
	c := span.NewCopier(dst)
	full := batchOf(model{Name: "x", Resource: resource{Dropped: 1}, Scope: scope{Name: "s"}})
	c.From(full)
	c.Row(0)
	for range 2 {
		c.From(src)
		c.Row(0)
	}
	want := span.DumpString(batchOf(model{Name: "x", Resource: resource{Dropped: 1}, Scope: scope{Name: "s"}},
		model{Trace: span.TraceIDFrom(1, 2), ID: span.SpanIDFrom(3), Start: 5, Duration: 6, Name: "GET"},
		model{Trace: span.TraceIDFrom(1, 2), ID: span.SpanIDFrom(3), Start: 5, Duration: 6, Name: "GET"}))
	if diff := cmp.Diff(want, span.DumpString(dst)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if dst.TraceWeight[1] != 1 || dst.HeadWeight[1] != 0 {
		t.Errorf("weights %v %v", dst.TraceWeight[1], dst.HeadWeight[1])
	}
	if dst.Resources.Len() != 2 || len(dst.Scopes.Name) != 2 {
		t.Errorf("%d resources, %d scopes", dst.Resources.Len(), len(dst.Scopes.Name))
	}
	if err := validate(dst); err != "" {
		t.Error(err)
	}
}

// TestCopierRange: many rows at once are what they are one by one, also where the source lacks columns or their ends.
func TestCopierRange(t *testing.T) {
	src := spantest.Random(7, 300)
	src.Kind, src.StatusMessage, src.Flags, src.HeadWeight = nil, nil, nil, src.HeadWeight[:200]
	src.TraceWeight = src.TraceWeight[:10]
	src.Attrs.Off, src.Links.Off = nil, src.Links.Off[:100]
	rows := func(lo, hi int) (list []int32) {
		for i := lo; i < hi; i++ {
			list = append(list, int32(i))
		}
		return list
	}
	for _, r := range [][]int32{rows(0, 300), rows(0, 0), rows(5, 6), append(rows(90, 120), rows(90, 120)...), {3, 2, 1}, rows(290, 300)} {
		one, all := &span.Batch{}, &span.Batch{}
		x, y := span.NewCopier(one), span.NewCopier(all)
		x.From(src)
		y.From(src)
		for _, i := range r {
			x.Row(int(i))
		}
		y.Rows(r)
		if diff := cmp.Diff(span.DumpString(one), span.DumpString(all)); diff != "" {
			t.Errorf("rows %v (-one by one +all):\n%s", r, diff)
		}
		if diff := cmp.Diff(one.TraceWeight, all.TraceWeight); diff != "" {
			t.Errorf("rows %v (-one by one +all):\n%s", r, diff)
		}
		if one.Len() > 0 && (len(one.Attrs.Off) != len(all.Attrs.Off) || len(one.Events.Off) != len(all.Events.Off) ||
			!cmp.Equal(one.Links.Off, all.Links.Off)) {
			t.Errorf("rows %v: offsets differ", r)
		}
		if err := validate(all); err != "" {
			t.Error(err)
		}
	}
}

// TestCopierAllocs: going from source to source costs nothing once warm.
func TestCopierAllocs(t *testing.T) {
	a, b := spantest.Random(1, 100), spantest.Random(2, 100)
	dst := &span.Batch{}
	c := span.NewCopier(dst)
	copyBoth := func() {
		dst.Truncate(0)
		for _, src := range []*span.Batch{a, b} {
			c.From(src)
			for i := range src.Len() {
				c.Row(i)
			}
		}
		c.Forget()
	}
	for range 20 { // until each translation table has served the larger source
		copyBoth()
	}
	if n := testing.AllocsPerRun(10, copyBoth); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
