// SPDX-License-Identifier: Apache-2.0

package span_test

import (
	"cmp"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/span/spantest"
)

// tree is what Trace.Build must give.
type tree struct {
	Rows, Parent, Depth, Subtree []int32
	Root, Missing                int
}

// slowTree builds the tree of all rows recursively, with every rule of Trace's comment in its plainest form.
func slowTree(b *span.Batch) tree {
	n := b.Len()
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int {
		return cmp.Or(cmp.Compare(b.Start[x], b.Start[y]), cmp.Compare(b.SpanID[x].Uint64(), b.SpanID[y].Uint64()))
	})
	earliest := map[span.SpanID]int{}
	for rank, row := range order {
		if _, ok := earliest[b.SpanID[row]]; !ok {
			earliest[b.SpanID[row]] = rank
		}
	}
	const none, missing, cycle = -1, -2, -3
	parent := make([]int, n) // by rank
	for rank, row := range order {
		p, ok := earliest[b.ParentID[row]]
		switch {
		case b.ParentID[row].IsZero():
			parent[rank] = none
		case !ok:
			parent[rank] = missing
		case p == rank:
			parent[rank] = cycle
		default:
			parent[rank] = p
		}
	}
	// Whoever comes back to itself and is the earliest on the way closes a cycle.
	var cut []int
	for r := range n {
		first := r
		p := parent[r]
		for steps := 0; p >= 0 && p != r && steps <= n; steps++ {
			first = min(first, p)
			p = parent[p]
		}
		if p == r && first == r {
			cut = append(cut, r)
		}
	}
	for _, r := range cut {
		parent[r] = cycle
	}
	out := tree{Root: -1}
	var visit func(rank, parentPos, depth int) int
	visit = func(rank, parentPos, depth int) int {
		pos := len(out.Rows)
		out.Rows = append(out.Rows, int32(order[rank]))
		out.Parent = append(out.Parent, int32(parentPos))
		out.Depth = append(out.Depth, int32(depth))
		out.Subtree = append(out.Subtree, 0)
		below := 0
		for child := range n {
			if parent[child] == rank {
				below += 1 + visit(child, pos, depth+1)
			}
		}
		out.Subtree[pos] = int32(below)
		return below
	}
	for rank := range n {
		if parent[rank] >= 0 {
			continue
		}
		switch {
		case parent[rank] == missing:
			out.Missing++
		case parent[rank] == none && out.Root < 0:
			out.Root = len(out.Rows)
		}
		visit(rank, parent[rank], 0)
	}
	return out
}

func built(tr *span.Trace) tree {
	return tree{tr.Rows, tr.Parent, tr.Depth, tr.Subtree, tr.Root, tr.Missing}
}

// TestBuild: with ids from a tiny alphabet, so that cycles, self parents, repeated ids and missing parents are common.
func TestBuild(t *testing.T) {
	var tr span.Trace // one for all: nothing of the tree before may stay
	rapid.Check(t, func(t *rapid.T) {
		b := &span.Batch{}
		ids := rapid.Uint64Range(1, 8)
		for range rapid.IntRange(1, 14).Draw(t, "spans") {
			m := model{ID: span.SpanIDFrom(ids.Draw(t, "id")), Start: rapid.Int64Range(0, 5).Draw(t, "start"), Duration: rapid.Int64Range(-2, 9).Draw(t, "duration"), trace: 1}
			if rapid.IntRange(0, 4).Draw(t, "child") > 0 {
				m.Parent = span.SpanIDFrom(ids.Draw(t, "parent"))
			}
			m.add(b)
		}
		tr.Build(b, 0, b.Len())
		if diff := gocmp.Diff(slowTree(b), built(&tr)); diff != "" {
			t.Fatalf("(-want +got):\n%s\n%s", diff, span.DumpString(b))
		}
		start, end := b.Extent(0, b.Len())
		if tr.Start != start || tr.End != end {
			t.Fatalf("extent %d to %d, want %d to %d", tr.Start, tr.End, start, end)
		}
		root := slices.MinFunc(tr.Rows, func(x, y int32) int {
			return cmp.Or(cmp.Compare(b.Start[x], b.Start[y]), cmp.Compare(b.SpanID[x].Uint64(), b.SpanID[y].Uint64()), cmp.Compare(x, y))
		})
		if tr.Root >= 0 {
			root = tr.Rows[tr.Root]
		}
		if tr.RootRow() != int(root) {
			t.Fatalf("root row %d, want %d", tr.RootRow(), root)
		}
	})
}

// TestBuildOfPart: only the rows that were named belong to the tree.
func TestBuildOfPart(t *testing.T) {
	ordered := &span.Batch{}
	spantest.Random(4, 800).CopyOrdered(ordered)
	var tr span.Trace
	for lo, hi := range ordered.Traces() {
		part := &span.Batch{}
		c := span.NewCopier(part)
		c.From(ordered)
		for i := lo; i < hi; i++ {
			c.Row(i)
		}
		want := slowTree(part)
		for i := range want.Rows {
			want.Rows[i] += int32(lo)
		}
		tr.Build(ordered, lo, hi)
		if diff := gocmp.Diff(want, built(&tr)); diff != "" {
			t.Fatalf("rows %d to %d (-want +got):\n%s", lo, hi, diff)
		}
	}
}

// TestBuildInvariants: in a large trace, positions are a pre-order.
func TestBuildInvariants(t *testing.T) {
	b := spantest.Random(6, 20_000)
	for i := range b.TraceID {
		b.TraceID[i] = span.TraceIDFrom(1, 1)
	}
	var tr span.Trace
	tr.Build(b, 0, b.Len())
	seen := make([]bool, b.Len())
	missing := 0
	for p, row := range tr.Rows {
		if seen[row] {
			t.Fatalf("row %d stands twice", row)
		}
		seen[row] = true
		end := p + 1 + int(tr.Subtree[p])
		if end > b.Len() || end < b.Len() && tr.Depth[end] > tr.Depth[p] {
			t.Fatalf("position %d: the subtree does not end at %d", p, end)
		}
		for q := p + 1; q < end && q < p+100; q++ {
			if tr.Depth[q] <= tr.Depth[p] {
				t.Fatalf("position %d is not below %d", q, p)
			}
		}
		switch parent := tr.Parent[p]; {
		case parent >= int32(p):
			t.Fatalf("position %d: parent %d does not come before", p, parent)
		case parent >= 0:
			if tr.Depth[p] != tr.Depth[parent]+1 || p > int(parent)+int(tr.Subtree[parent]) || b.ParentID[row] != b.SpanID[tr.Rows[parent]] {
				t.Fatalf("position %d is no child of %d", p, parent)
			}
		case parent == span.ParentMissing:
			missing++
		}
		if tr.Parent[p] < 0 && tr.Depth[p] != 0 {
			t.Fatalf("position %d: depth %d without a parent", p, tr.Depth[p])
		}
	}
	if missing != tr.Missing || len(tr.Rows) != b.Len() {
		t.Errorf("%d missing parents, Trace says %d; %d rows", missing, tr.Missing, len(tr.Rows))
	}
}

// TestBuildDeep: a chain of 100,000 spans, forwards, backwards in time, and closed to a ring.
func TestBuildDeep(t *testing.T) {
	const n = 100_000
	for _, c := range []struct {
		name            string
		backwards, ring bool
	}{{"chain", false, false}, {"backwards", true, false}, {"ring", false, true}} {
		b := &span.Batch{}
		for i := range n {
			r := b.AddSpan()
			b.SpanID[r] = span.SpanIDFrom(uint64(i + 1))
			b.ParentID[r] = span.SpanIDFrom(uint64(i))
			if c.ring && i == 0 {
				b.ParentID[r] = span.SpanIDFrom(n)
			}
			b.Start[r] = int64(i)
			if c.backwards {
				b.Start[r] = int64(n - i)
			}
			b.EndSpan()
		}
		var tr span.Trace
		tr.Build(b, 0, n)
		for p := range n {
			if int(tr.Rows[p]) != p || tr.Depth[p] != int32(p) || tr.Subtree[p] != int32(n-1-p) {
				t.Fatalf("%s: position %d: row %d, depth %d, subtree %d", c.name, p, tr.Rows[p], tr.Depth[p], tr.Subtree[p])
			}
		}
		if wantMissing, wantRoot := 0, 0; c.ring {
			wantRoot = -1
			if tr.Parent[0] != span.ParentCycle {
				t.Errorf("%s: parent of the first is %d", c.name, tr.Parent[0])
			}
			if tr.Missing != wantMissing || tr.Root != wantRoot {
				t.Errorf("%s: missing %d, root %d", c.name, tr.Missing, tr.Root)
			}
		} else if tr.Missing != wantMissing || tr.Root != wantRoot {
			t.Errorf("%s: missing %d, root %d", c.name, tr.Missing, tr.Root)
		}
	}
}

// TestBuildAllocs: a Trace that is warm allocates nothing.
func TestBuildAllocs(t *testing.T) {
	b := spantest.Random(9, 500)
	var tr span.Trace
	tr.Build(b, 0, b.Len())
	if n := testing.AllocsPerRun(10, func() { tr.Build(b, 0, b.Len()) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
