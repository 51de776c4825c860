// SPDX-License-Identifier: Apache-2.0

package span_test

import (
	"cmp"
	"math"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/span/spantest"
)

// slowOrder says what TraceOrder must give: the traces, each with its rows.
func slowOrder(b *span.Batch) [][]int32 {
	lowest := map[uint64]uint64{} // key -> lowest high half
	for _, id := range b.TraceID {
		if h := id.High(); h != 0 && (lowest[id.Key()] == 0 || h < lowest[id.Key()]) {
			lowest[id.Key()] = h
		}
	}
	traces := map[span.TraceID][]int32{}
	for i, id := range b.TraceID {
		h := id.High()
		if h == 0 {
			h = lowest[id.Key()]
		}
		full := span.TraceIDFrom(h, id.Key())
		traces[full] = append(traces[full], int32(i))
	}
	var ids []span.TraceID
	for id, rows := range traces {
		ids = append(ids, id)
		slices.SortFunc(rows, func(x, y int32) int {
			return cmp.Or(cmp.Compare(b.Start[x], b.Start[y]), cmp.Compare(b.SpanID[x].Uint64(), b.SpanID[y].Uint64()), cmp.Compare(x, y))
		})
	}
	earliest := map[uint64]int64{} // key -> start
	for id, rows := range traces {
		if start, ok := earliest[id.Key()]; !ok || b.Start[rows[0]] < start {
			earliest[id.Key()] = b.Start[rows[0]]
		}
	}
	slices.SortFunc(ids, func(x, y span.TraceID) int {
		return cmp.Or(cmp.Compare(earliest[x.Key()], earliest[y.Key()]), cmp.Compare(x.Key(), y.Key()), cmp.Compare(x.High(), y.High()))
	})
	var out [][]int32
	for _, id := range ids {
		out = append(out, traces[id])
	}
	return out
}

// TestTraceOrder holds TraceOrder and, on the batch in that order, Traces, TraceEnd and FullID against the slow order,
// with few keys and high halves so that the forms of ids mix in every way.
func TestTraceOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &span.Batch{}
		for range rapid.IntRange(1, 12).Draw(t, "spans") {
			model{
				Trace: span.TraceIDFrom(rapid.Uint64Range(0, 3).Draw(t, "high"), rapid.Uint64Range(1, 2).Draw(t, "key")),
				ID:    span.SpanIDFrom(rapid.Uint64Range(1, 3).Draw(t, "id")),
				Start: rapid.Int64Range(-2, 4).Draw(t, "start"), trace: 1,
			}.add(b)
		}
		want := slowOrder(b)
		got := b.TraceOrder([]int32{99})
		if got[0] != 99 {
			t.Fatal("what stood in dst is gone")
		}
		if diff := gocmp.Diff(slices.Concat(want...), got[1:]); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		ordered := &span.Batch{}
		c := span.NewCopier(ordered)
		c.From(b)
		c.Rows(got[1:])
		row := 0
		for lo, hi := range ordered.Traces() {
			if len(want) == 0 || lo != row || hi-lo != len(want[0]) {
				t.Fatalf("trace at rows %d to %d, want %v of %v", lo, hi, want, ordered.TraceID)
			}
			full := b.TraceID[want[0][0]]
			for _, r := range want[0] {
				if b.TraceID[r].High() != 0 {
					full = b.TraceID[r]
				}
			}
			if ordered.FullID(lo, hi) != full {
				t.Fatalf("full id is %v, want %v", ordered.FullID(lo, hi), full)
			}
			row, want = hi, want[1:]
		}
		if len(want) != 0 {
			t.Fatalf("traces %v are missing", want)
		}
	})
}

// TestTraceOrderRandom does the same with spans that have everything.
func TestTraceOrderRandom(t *testing.T) {
	b := spantest.Random(8, 3000)
	if diff := gocmp.Diff(slices.Concat(slowOrder(b)...), b.TraceOrder(nil)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTracesStops: a consumer may stop early.
func TestTracesStops(t *testing.T) {
	b := batchOf(model{Trace: span.TraceIDFrom(0, 1)}, model{Trace: span.TraceIDFrom(0, 2)})
	n := 0
	for range b.Traces() {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d traces", n)
	}
	for range (&span.Batch{}).Traces() {
		t.Error("an empty batch has a trace")
	}
}

func TestExtent(t *testing.T) {
	for _, c := range []struct {
		name       string
		spans      []model
		start, end int64
	}{
		{"one", []model{{Start: 5, Duration: 3}}, 5, 8},
		{"backwards", []model{{Start: 5, Duration: -3}}, 5, 5},
		{"several", []model{{Start: 5, Duration: 3}, {Start: 2, Duration: 1}, {Start: 6, Duration: 4}}, 2, 10},
		{"beyond int64", []model{{Start: math.MaxInt64 - 1, Duration: 5}, {Start: 1, Duration: 1}}, 1, math.MaxInt64},
		{"after 2262", []model{{Start: math.MinInt64, Duration: 1}}, math.MinInt64, math.MinInt64 + 1},
		{"longest", []model{{Start: 0, Duration: math.MaxInt64}, {Start: 1, Duration: math.MaxInt64}}, 0, math.MaxInt64},
	} {
		b := batchOf(c.spans...)
		if start, end := b.Extent(0, b.Len()); start != c.start || end != c.end {
			t.Errorf("%s: %d to %d, want %d to %d", c.name, start, end, c.start, c.end)
		}
	}
}

// TestTraceEnd: also where traces of one key follow each other in another order than TraceOrder gives.
func TestTraceEnd(t *testing.T) {
	for _, c := range []struct {
		highs []uint64
		want  []int // ends of the traces
	}{
		{[]uint64{1}, []int{1}},
		{[]uint64{0, 0}, []int{2}},
		{[]uint64{0, 1, 0, 1, 0}, []int{5}},
		{[]uint64{1, 0, 2}, []int{2, 3}},
		{[]uint64{0, 1, 0, 0, 2, 3}, []int{4, 5, 6}},
		{[]uint64{2, 0, 0, 1, 0}, []int{1, 5}},
		{[]uint64{3, 2, 0, 1}, []int{1, 2, 4}},
	} {
		b := &span.Batch{}
		for _, h := range c.highs {
			model{Trace: span.TraceIDFrom(h, 7)}.add(b)
		}
		model{Trace: span.TraceIDFrom(c.highs[0], 8)}.add(b)
		var got []int
		for _, hi := range b.Traces() {
			got = append(got, hi)
		}
		if diff := gocmp.Diff(append(c.want, len(c.highs)+1), got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.highs, diff)
		}
	}
}

func TestEnds(t *testing.T) {
	b := batchOf(model{Start: 10, Duration: -3}, model{Start: math.MaxInt64, Duration: 2}, model{Start: 1, Duration: 2})
	for i, want := range [][3]int64{{7, 0, 10}, {math.MinInt64 + 1, 2, math.MaxInt64}, {3, 2, 3}} {
		if got := [3]int64{b.End(i), b.Dur(i), b.Until(i)}; got != want {
			t.Errorf("span %d: End, Dur, Until = %v, want %v", i, got, want)
		}
	}
}
