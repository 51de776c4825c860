// SPDX-License-Identifier: Apache-2.0

package span

import (
	"math/bits"
	"math/rand/v2"
	"slices"
)

// What [Trace.Parent] says of a span that has no parent in the trace.
const (
	// ParentNone is a root: the span has no parent id.
	ParentNone int32 = -1
	// ParentMissing means that the span names a parent that is not in the trace.
	ParentMissing int32 = -2
	// ParentCycle means that the span's chain of parents leads back to it, or that it names itself; it is cut here.
	ParentCycle int32 = -3
)

// Trace is the tree of one trace, over rows of a batch that it does not own. Positions number the spans in pre-order:
// a parent before its children, children by (start, span id), so that position = row of a fully expanded waterfall.
// Every span has exactly one position; cycles are broken at their earliest span, and where several spans have one id,
// children hang below the earliest.
//
// Build may be called again for another trace and keeps the memory.
type Trace struct {
	// Batch holds the spans.
	Batch *Batch
	// Rows[p] is the row in Batch of the span at position p.
	Rows []int32
	// Parent[p] is the position of the parent, or ParentNone, ParentMissing or ParentCycle.
	Parent []int32
	// Depth[p] is the number of ancestors.
	Depth []int32
	// Subtree[p] is the number of descendants, which stand at positions p+1 to p+Subtree[p].
	Subtree []int32
	// Root is the position of the earliest root, or -1 if no span is one.
	Root int
	// Missing is the number of spans whose parent is missing.
	Missing int
	// Start and End are the extent of the trace, unix ns.
	Start, End int64

	order  []int32 // rank -> row, by (start, span id)
	parent []int32 // rank -> rank
	child  []int32 // first child by rank, then next sibling: linked lists in rank order
	next   []int32
	table  []int32 // hash of span id -> rank+1
	stack  []int32
	mark   []uint8
}

// Build makes t the tree of rows [lo, hi) of b, at least one, in time O(n log n) and without recursion.
func (t *Trace) Build(b *Batch, lo, hi int) {
	n := hi - lo
	t.Batch, t.Missing, t.Root = b, 0, -1
	t.Start, t.End = b.Extent(lo, hi)
	t.order = resize(t.order, n)
	for i := range n {
		t.order[i] = int32(lo + i)
	}
	if !slices.IsSortedFunc(t.order, b.compareWithin) {
		slices.SortFunc(t.order, b.compareWithin)
	}
	t.resolve(n)
	t.breakCycles(n)
	t.preorder(n)
}

// resolve finds every span's parent by rank.
func (t *Trace) resolve(n int) {
	b := t.Batch
	log := bits.Len(uint(max(8, n-1))) + 1
	size := 1 << log
	t.table = resize(t.table, size)
	clear(t.table)
	mask := uint64(size - 1)
	// Multiplying by a random odd number and taking the highest bits is a universal hash: no client can choose ids that
	// collide, which would make the search below quadratic.
	odd := rand.Uint64() | 1
	slot := func(id SpanID) uint64 { return id.Uint64() * odd >> (64 - log) }
	for r := range n {
		id := b.SpanID[t.order[r]]
		i := slot(id)
		for t.table[i] != 0 && b.SpanID[t.order[t.table[i]-1]] != id {
			i = (i + 1) & mask
		}
		if t.table[i] == 0 {
			t.table[i] = int32(r + 1)
		}
	}
	t.parent = resize(t.parent, n)
	for r := range n {
		row := t.order[r]
		pid := b.ParentID[row]
		if pid.IsZero() {
			t.parent[r] = ParentNone
			continue
		}
		i := slot(pid)
		for t.table[i] != 0 && b.SpanID[t.order[t.table[i]-1]] != pid {
			i = (i + 1) & mask
		}
		t.parent[r] = t.table[i] - 1
		switch {
		case t.table[i] == 0:
			t.parent[r] = ParentMissing
		case int(t.parent[r]) == r:
			t.parent[r] = ParentCycle
		}
	}
}

// breakCycles cuts the parent of the earliest span of every cycle.
func (t *Trace) breakCycles(n int) {
	const unseen, onPath, done = 0, 1, 2
	t.mark = resize(t.mark, n)
	clear(t.mark)
	for r := range n {
		p := int32(r)
		for p >= 0 && t.mark[p] == unseen {
			t.mark[p] = onPath
			p = t.parent[p]
		}
		first := int32(-1)
		if p >= 0 && t.mark[p] == onPath {
			first = p
			for q := t.parent[p]; q != p; q = t.parent[q] {
				first = min(first, q)
			}
		}
		for q := int32(r); q >= 0 && t.mark[q] == onPath; q = t.parent[q] {
			t.mark[q] = done
		}
		if first >= 0 {
			t.parent[first] = ParentCycle
		}
	}
}

// preorder numbers the spans.
func (t *Trace) preorder(n int) {
	t.child, t.next = resize(t.child, n), resize(t.next, n)
	for r := range n {
		t.child[r] = -1
	}
	for r := n - 1; r >= 0; r-- { // backwards, so that the lists come out in rank order
		if p := t.parent[r]; p >= 0 {
			t.next[r], t.child[p] = t.child[p], int32(r)
		}
	}
	t.Rows, t.Parent = resize(t.Rows, n)[:0], resize(t.Parent, n)
	t.Depth, t.Subtree = resize(t.Depth, n), resize(t.Subtree, n)
	position := t.mark32(n)
	for r := range n {
		if t.parent[r] >= 0 {
			continue
		}
		t.stack = append(t.stack[:0], int32(r))
		for len(t.stack) > 0 {
			q := t.stack[len(t.stack)-1]
			t.stack = t.stack[:len(t.stack)-1]
			if q != int32(r) {
				if s := t.next[q]; s >= 0 {
					t.stack = append(t.stack, s)
				}
			}
			p := int32(len(t.Rows))
			position[q] = p
			t.Rows = append(t.Rows, t.order[q])
			t.Subtree[p] = 0
			if parent := t.parent[q]; parent >= 0 {
				t.Parent[p] = position[parent]
				t.Depth[p] = t.Depth[t.Parent[p]] + 1
			} else {
				t.Parent[p], t.Depth[p] = parent, 0
				switch {
				case parent == ParentMissing:
					t.Missing++
				case parent == ParentNone && t.Root < 0:
					t.Root = int(p)
				}
			}
			if c := t.child[q]; c >= 0 {
				t.stack = append(t.stack, c)
			}
		}
	}
	for p := n - 1; p > 0; p-- {
		if parent := t.Parent[p]; parent >= 0 {
			t.Subtree[parent] += t.Subtree[p] + 1
		}
	}
}

// mark32 reuses the hash table, which is not needed any more, as scratch of n elements.
func (t *Trace) mark32(n int) []int32 { return t.table[:n] }

// RootRow returns the row of the root, or of the earliest span where there is no root.
func (t *Trace) RootRow() int {
	if t.Root < 0 {
		return int(t.order[0])
	}
	return int(t.Rows[t.Root])
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
