// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"slices"
	"sync"

	"github.com/clew-tracing/clew/span"
)

// tenant is what the engine has of one tenant. A reader takes a [view] of it and works on that.
type tenant struct {
	name string

	// mu protects all below. It is held while a batch is copied into the head, so that a view never has half of one.
	mu     sync.RWMutex
	heads  []*head // oldest first; the last is the one that grows, the others are being flushed
	blocks []*blockRef
	splits *splitSet
}

// view is one version of a tenant's spans. Release it when done.
type view struct {
	t      *tenant
	heads  []headView
	blocks []*blockRef
	splits *splitSet
}

// headView is a head as it was at one moment: its chunks, by index.
type headView struct {
	head   *head
	chunks []*chunkView
}

// pin returns the present version.
func (t *tenant) pin() *view {
	t.mu.Lock()
	defer t.mu.Unlock()
	v := &view{t: t, blocks: slices.Clone(t.blocks), splits: t.splits}
	for _, h := range t.heads {
		hv := headView{head: h}
		for i, c := range h.chunks {
			hv.chunks = append(hv.chunks, c.snapshot(h, i))
		}
		v.heads = append(v.heads, hv)
	}
	for _, b := range v.blocks {
		b.ref()
	}
	return v
}

// release gives the version up; blocks that are in no other and were removed meanwhile go now.
func (v *view) release() {
	for _, b := range v.blocks {
		b.unref()
	}
}

// headOf returns the tenant's head of a generation, making it if need be. t.mu is held.
func (t *tenant) headOf(gen *generation) *head {
	at := len(t.heads)
	for ; at > 0; at-- {
		h := t.heads[at-1]
		if h.gen == gen {
			return h
		}
		if h.gen.seq < gen.seq {
			break
		}
	}
	h := newHead(gen)
	t.heads = append(t.heads, nil)
	copy(t.heads[at+1:], t.heads[at:])
	t.heads[at] = h
	return h
}

// insert copies a batch into the head of a generation and returns by how many bytes of memory the head grew.
func (t *tenant) insert(gen *generation, b *span.Batch, chunkLimit int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.headOf(gen)
	c, index := h.open(b.Arrival, chunkLimit)
	if n := len(c.arrivals); n == 0 || c.arrivals[n-1].arrival != b.Arrival {
		c.arrivals = append(c.arrivals, arrivalRun{row: c.batch.Len(), arrival: b.Arrival})
	}
	c.copier.Forget()
	c.copier.From(b)
	first := c.copier.Range(0, b.Len())
	for lo := 0; lo < b.Len(); {
		key := b.TraceID[lo].Key()
		hi := lo + 1
		for hi < b.Len() && b.TraceID[hi].Key() == key {
			hi++
		}
		t.insertRun(h, c, refOf(index, first), b, lo, hi)
		lo = hi
	}
	c.copier.Forget()
	h.spans += b.Len()
	before := h.bytes
	h.bytes = h.mem()
	return h.bytes - before
}

// insertRun indexes rows [lo, hi), which have one trace key, of a batch that was copied to first, the newest in c, and
// finds out whether the trace needs assembly.
func (t *tenant) insertRun(h *head, c *chunk, first rowRef, b *span.Batch, lo, hi int) {
	key := b.TraceID[lo].Key()
	last, known := h.last[key]
	split := known && last.chunk() != first.chunk()
	if !known {
		last = noRow
		split = t.elsewhere(h, key)
	}
	high := uint64(0)
	if known {
		high = h.chunks[last.chunk()].batch.TraceID[last.row()].High()
	}
	x := noExtent()
	for i := lo; i < hi; i++ {
		if o := b.TraceID[i].High(); o != 0 {
			// A 64-bit id between two different long ones hides the difference; the one after it does not.
			split = split || high != 0 && high != o
			high = o
		} else if high != 0 {
			split = true
		}
		c.prev = append(c.prev, last)
		last = first + rowRef(i)
		start, end := b.Start[i], b.Until(i)
		c.bounds.add(start, end)
		x = x.with(extent{start, end})
		if h.ids.add(key, b.SpanID[i], start) {
			split = true
		}
	}
	h.last[key] = last
	t.extend(key, x, split)
}

// elsewhere reports whether another head or a block may have spans of a key that is new to h.
func (t *tenant) elsewhere(h *head, key uint64) bool {
	for _, o := range t.heads {
		if o == h {
			continue
		}
		if _, ok := o.last[key]; ok {
			return true
		}
	}
	for _, b := range t.blocks {
		if b.reader.MayContain(key) {
			return true
		}
	}
	return false
}

// extend notes that a trace has spans in x, and that it needs assembly if split says so or it was known before.
func (t *tenant) extend(key uint64, x extent, split bool) {
	old, known := t.splits.get(key)
	switch {
	case known && old.contains(x):
		return
	case known:
		x = x.with(old)
	case split:
		x = x.with(t.extentOf(key))
	default:
		return
	}
	t.splits.set(key, x)
	for _, b := range t.blocks {
		b.extend(key, x)
	}
}

// extentOf returns a range that contains all spans of a key that are there already.
func (t *tenant) extentOf(key uint64) extent {
	x := noExtent()
	for _, h := range t.heads {
		ref, ok := h.last[key]
		for ; ok && ref != noRow; ref = h.chunks[ref.chunk()].prev[ref.row()] {
			b, i := &h.chunks[ref.chunk()].batch, ref.row()
			x = x.with(extent{b.Start[i], b.Until(i)})
		}
	}
	for _, b := range t.blocks {
		for _, g := range b.find(key) {
			info := &b.groups[g]
			x = x.with(extent{info.MinStart, info.MaxEnd})
		}
	}
	return x
}

// refsOf appends the rows of a trace key in a head of the view, oldest first.
func (v *view) refsOf(dst []rowRef, h headView, key uint64) []rowRef {
	base := len(dst)
	v.t.mu.RLock()
	ref, ok := h.head.last[key]
	for ; ok && ref != noRow; ref = h.head.chunks[ref.chunk()].prev[ref.row()] {
		if ref.chunk() < len(h.chunks) && ref.row() < h.chunks[ref.chunk()].batch.Len() {
			dst = append(dst, ref)
		}
	}
	v.t.mu.RUnlock()
	slices.Reverse(dst[base:])
	return dst
}
