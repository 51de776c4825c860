// SPDX-License-Identifier: Apache-2.0

package query

import (
	"github.com/clew-tracing/clew/span"
)

// traces is a batch of whole traces, as a scan yields it, with what is computed from their trees when a query asks for
// it. It is used for one batch after the other and keeps its memory.
type traces struct {
	b *span.Batch
	// bounds: trace t has rows bounds[t] to bounds[t+1].
	bounds []int

	tree span.Trace

	// By row; valid after nest.
	left, right, parent, children []int32
	// By trace; valid after roots.
	rootRow    []int // -1: no root
	start, end []int64

	nested, rooted bool
}

// reset takes a new batch.
func (t *traces) reset(b *span.Batch) {
	t.b, t.nested, t.rooted = b, false, false
	t.bounds = append(t.bounds[:0], 0)
	for _, hi := range b.Traces() {
		t.bounds = append(t.bounds, hi)
	}
}

func (t *traces) len() int { return len(t.bounds) - 1 }

// roots computes root and extent of every trace.
func (t *traces) roots() {
	if t.rooted {
		return
	}
	t.rooted = true
	t.rootRow, t.start, t.end = t.rootRow[:0], t.start[:0], t.end[:0]
	for i := range t.len() {
		lo, hi := t.bounds[i], t.bounds[i+1]
		start, end := t.b.Extent(lo, hi)
		t.rootRow = append(t.rootRow, rootRow(t.b, lo, hi))
		t.start, t.end = append(t.start, start), append(t.end, end)
	}
}

// rootRow is the first row without a parent in a trace whose rows are in order, or -1.
func rootRow(b *span.Batch, lo, hi int) int {
	for i := lo; i < hi; i++ {
		if b.ParentID[i].IsZero() {
			return i
		}
	}
	return -1
}

// nest numbers the spans of every trace: a root's left is 1, a child's left and right lie inside its parent's, and a
// span without a path to a root has zeros.
func (t *traces) nest() {
	if t.nested {
		return
	}
	t.nested = true
	n := t.b.Len()
	t.left, t.right = grow(t.left, n), grow(t.right, n)
	t.parent, t.children = grow(t.parent, n), grow(t.children, n)
	for i := range t.len() {
		t.nestTrace(t.bounds[i], t.bounds[i+1])
	}
}

func (t *traces) nestTrace(lo, hi int) {
	tree := &t.tree
	tree.Build(t.b, lo, hi)
	number := int32(0)
	for p := 0; p < len(tree.Rows); {
		end := p + int(tree.Subtree[p]) + 1
		connected := tree.Parent[p] == span.ParentNone
		for q := p; q < end; q++ {
			row := tree.Rows[q]
			t.children[row], t.left[row], t.right[row], t.parent[row] = 0, 0, 0, 0
			if up := tree.Parent[q]; up >= 0 {
				t.children[tree.Rows[up]]++
			}
			if !connected {
				continue
			}
			// Before q, in its tree, stand its ancestors, which are open, and spans that are closed: each open one took
			// one number, each closed one two.
			before, depth := int32(q-p), tree.Depth[q]
			t.left[row] = number + depth + 2*(before-depth) + 1
			t.right[row] = t.left[row] + 2*tree.Subtree[q] + 1
			if up := tree.Parent[q]; up >= 0 {
				t.parent[row] = t.left[tree.Rows[up]]
			} else {
				t.parent[row] = -1
			}
		}
		if connected {
			number += 2 * int32(end-p)
		}
		p = end
	}
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
