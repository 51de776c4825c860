// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"math"
	"math/bits"
	"slices"
	"time"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
	"github.com/clew-tracing/clew/store/block"
)

const (
	// smallBlock is the size up to which blocks are of the lowest tier; each tier above is mergeGrowth times as large.
	smallBlock  = 1 << 20
	mergeGrowth = 4
	// maxMerged bounds the size of a block that a merge makes. Past it the index and the directories of one block would
	// cost more than the block saves.
	maxMerged = 512 << 20
	// maxWhole bounds the memory for the split traces that a merge makes whole. Those past it stay split.
	maxWhole = 64 << 20
	// retentionShare is the part of the retention that the arrivals of one block may differ by, so that merging does not
	// delay retention, which goes by whole blocks.
	retentionShare = 8
)

// mergeTier returns the tier of a block of that size.
func mergeTier(bytes int64) int {
	return (bits.Len64(uint64(bytes/smallBlock)) + 1) / 2
}

// pickMerge returns blocks of one partition and tier that are worth merging, nil if there are none: the lowest tier first,
// in it the oldest.
func pickMerge(blocks []*blockRef, cfg Config) []*blockRef {
	if cfg.MergeWidth < 2 {
		return nil
	}
	type class struct {
		partition int64
		tier      int
	}
	groups := map[class][]*blockRef{}
	for _, b := range blocks {
		if !b.unmergeable.Load() {
			c := class{b.entry.partition, mergeTier(b.entry.bytes)}
			groups[c] = append(groups[c], b)
		}
	}
	var best []*blockRef
	var of class
	for c, list := range groups {
		slices.SortFunc(list, func(x, y *blockRef) int {
			return cmp.Or(cmp.Compare(x.entry.minArrival, y.entry.minArrival), cmp.Compare(x.entry.id, y.entry.id))
		})
		for ; len(list) >= cfg.MergeWidth; list = list[1:] {
			if run := list[:cfg.MergeWidth]; mergeable(run, cfg) {
				if best == nil || cmp.Or(cmp.Compare(c.tier, of.tier), cmp.Compare(c.partition, of.partition)) < 0 {
					best, of = run, c
				}
				break
			}
		}
	}
	return best
}

// mergeable reports whether blocks fit into one, by size and by what retention wants.
func mergeable(run []*blockRef, cfg Config) bool {
	bytes, first, last := int64(0), int64(math.MaxInt64), int64(math.MinInt64)
	for _, b := range run {
		bytes += b.entry.bytes
		first, last = min(first, b.entry.minArrival), max(last, b.entry.maxArrival)
	}
	limit := int64(cfg.Retention)/retentionShare + int64(time.Hour)
	return bytes <= maxMerged && (cfg.Retention == 0 || last-first <= limit)
}

// mergeBacklog returns how many bytes wait to be merged.
func mergeBacklog(blocks []*blockRef, cfg Config) (bytes int64) {
	rest := slices.Clone(blocks)
	for {
		run := pickMerge(rest, cfg)
		if run == nil {
			return bytes
		}
		for _, b := range run {
			bytes += b.entry.bytes
		}
		rest = slices.DeleteFunc(rest, func(b *blockRef) bool { return slices.Contains(run, b) })
	}
}

// Merge merges until nothing is worth it. It happens by itself; this is for tests and for an orderly hand-over.
func (e *Engine) Merge(ctx context.Context) error {
	if err := e.keeping.take(ctx); err != nil {
		return err
	}
	defer e.keeping.give()
	return e.mergeDue(ctx)
}

// mergeDue merges until nothing is worth it. e.keeping is held.
func (e *Engine) mergeDue(ctx context.Context) error {
	for _, t := range e.allTenants() {
		for {
			v := t.pin()
			run := pickMerge(v.blocks, e.cfg)
			var err error
			if run != nil {
				err = e.merge(ctx, v, run)
			}
			v.release()
			if err != nil {
				return err
			}
			if run == nil {
				break
			}
		}
	}
	return nil
}

// merge makes one block of several. Damaged input is left alone, and not tried again.
func (e *Engine) merge(ctx context.Context, v *view, run []*blockRef) error {
	began := time.Now()
	first, last, bytes := int64(math.MaxInt64), int64(math.MinInt64), int64(0)
	for _, b := range run {
		first, last = min(first, b.entry.minArrival), max(last, b.entry.maxArrival)
		bytes += b.entry.bytes
	}
	bw, err := e.newBlock(v.t, run[0].entry.partition, first, last)
	if err != nil {
		return err
	}
	m := &merger{e: e, v: v, ctx: ctx, run: run, bw: bw, first: first, last: last}
	if err := m.write(); err != nil {
		bw.abort()
		if m.bad != nil && ctx.Err() == nil {
			e.corruptGroup(m.bad, m.badGroup, err)
			m.bad.unmergeable.Store(true)
			return nil
		}
		return err
	}
	o, err := bw.finish(v.t)
	if err != nil {
		return err
	}
	o.mixed, o.splits = bw.mixed, map[uint64]extent{}
	// A trace that the end of a row group cuts in two needs assembly.
	for _, key := range m.keys {
		if len(o.ref.find(key)) > 1 {
			o.splits[key] = noExtent()
		}
	}
	o.entry.splits = v.t.mergedSplits(o, run)
	o.ref.entry = o.entry
	ed := edit{add: []blockEntry{o.entry}}
	for _, b := range run {
		ed.remove = append(ed.remove, b.entry.id)
	}
	if err := e.commit(ctx, ed); err != nil {
		return err
	}
	v.t.replace(run, o)
	e.metrics.merges.Add(1)
	e.metrics.mergedBytes.Add(bytes)
	e.cfg.Logger.Debug("merged blocks", "tenant", v.t.name, "blocks", len(run), "bytes", bytes, "into", o.entry.bytes, "spans", o.entry.spans, "took", time.Since(began))
	return nil
}

// merger is one merge under way: a sweep over all row groups by the start of the trace, near spans before far ones.
type merger struct {
	e           *Engine
	v           *view
	ctx         context.Context
	run         []*blockRef
	bw          *blockWriter
	first, last int64 // arrivals

	whole map[uint64]bool // split traces that are gathered to be made whole, in the present sweep
	keys  []uint64        // of all traces written
	free  []*span.Batch

	bad      *blockRef // where the error came from, if it was damage
	badGroup int
}

func (m *merger) write() error {
	var near, far []place
	for _, b := range m.run {
		for g, info := range b.groups {
			// Near spans are within this range, whichever of the blocks they came from.
			if info.MinStart < m.first-farPast || info.MaxEnd > m.last+farFuture {
				far = append(far, place{b, g})
			} else {
				near = append(near, place{b, g})
			}
		}
	}
	if err := m.sweep(near, false); err != nil {
		return err
	}
	if len(far) == 0 {
		return nil
	}
	if err := m.bw.w.CutRowGroup(); err != nil {
		return err
	}
	return m.sweep(far, true)
}

// cursor stands at a trace of a row group, or of the gathered split traces.
type cursor struct {
	batch    *span.Batch
	lo, hi   int
	start    int64
	key      uint64
	gathered bool
}

type cursorHeap []*cursor

func (h cursorHeap) Len() int { return len(h) }
func (h cursorHeap) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(h[i].start, h[j].start), cmp.Compare(h[i].key, h[j].key)) < 0
}
func (h cursorHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *cursorHeap) Push(c any)   { *h = append(*h, c.(*cursor)) }
func (h *cursorHeap) Pop() any {
	old := *h
	c := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return c
}

// sweep writes the traces of the given row groups in order. A row group is read when its first trace is due, so that about
// one of each block is in memory.
func (m *merger) sweep(places []place, far bool) error {
	slices.SortStableFunc(places, func(x, y place) int {
		return cmp.Compare(x.info().MinTraceStart, y.info().MinTraceStart)
	})
	var open cursorHeap
	gathered, err := m.gather(places)
	if err != nil {
		return err
	}
	if c := (&cursor{batch: gathered, gathered: true}); m.advance(c) {
		open = append(open, c)
	}
	for len(open) > 0 || len(places) > 0 {
		for len(places) > 0 && (len(open) == 0 || places[0].info().MinTraceStart <= open[0].start) {
			b, err := m.read(places[0])
			if err != nil {
				return err
			}
			places = places[1:]
			if c := (&cursor{batch: b}); m.advance(c) {
				heap.Push(&open, c)
			} else {
				m.free = append(m.free, b)
			}
		}
		if len(open) == 0 {
			continue
		}
		c := open[0]
		if err := m.bw.writeRun(m.ctx, c.batch, c.lo, c.hi, c.start, far); err != nil {
			return err
		}
		m.keys = append(m.keys, c.key)
		if m.advance(c) {
			heap.Fix(&open, 0)
			continue
		}
		heap.Pop(&open)
		if !c.gathered {
			// What was copied from the batch must be written before its memory is used again.
			if err := m.bw.hand(m.ctx); err != nil {
				return err
			}
			m.free = append(m.free, c.batch)
		}
	}
	return m.bw.hand(m.ctx)
}

func (p place) info() *block.GroupInfo { return &p.block.groups[p.group] }

// advance moves a cursor to the next trace that it has to write.
func (m *merger) advance(c *cursor) bool {
	for c.lo = c.hi; c.lo < c.batch.Len(); c.lo = c.hi {
		c.hi = c.batch.TraceEnd(c.lo)
		key := c.batch.TraceID[c.lo].Key()
		if c.lo > 0 && c.batch.TraceID[c.lo-1].Key() == key {
			m.bw.mixed[key] = true
		}
		if c.gathered || !m.whole[key] {
			c.key = key
			c.start, _ = c.batch.Extent(c.lo, c.hi)
			return true
		}
	}
	return false
}

func (m *merger) read(p place) (*span.Batch, error) {
	b := &span.Batch{}
	if n := len(m.free); n > 0 {
		b, m.free = m.free[n-1], m.free[:n-1]
		b.Reset()
	}
	err := p.block.reader.Read(m.ctx, p.group, store.Projection{All: true}, b, nil)
	if err != nil && m.ctx.Err() == nil && errors.Is(err, store.ErrCorrupt) {
		m.bad, m.badGroup = p.block, p.group
	}
	return b, err
}

// gather returns the traces that have spans in more than one of the places, whole and in order. It sets m.whole to their
// keys. Traces for which there is no memory stay as they are; their parts are written one by one and stay split.
func (m *merger) gather(places []place) (*span.Batch, error) {
	m.whole = map[uint64]bool{}
	in := map[place]bool{}
	for _, p := range places {
		in[p] = true
	}
	needed := map[place]bool{}
	for _, key := range m.v.splits.list() {
		var at []place
		for _, b := range m.run {
			for _, g := range b.find(key) {
				if p := (place{b, g}); in[p] {
					at = append(at, p)
				}
			}
		}
		if len(at) < 2 {
			continue
		}
		m.whole[key] = true
		for _, p := range at {
			needed[p] = true
		}
	}
	raw := &span.Batch{}
	c := span.NewCopier(raw)
	for _, p := range places {
		if !needed[p] {
			continue
		}
		b, err := m.read(p)
		if err != nil {
			return nil, err
		}
		c.Forget()
		c.From(b)
		for i := range b.Len() {
			if m.whole[b.TraceID[i].Key()] {
				c.Row(i)
			}
		}
		m.free = append(m.free, b)
		if raw.Mem() > maxWhole {
			// Too much to hold: all of them stay split. Where parts of one come to stand in one row group, only this says so.
			for key := range m.whole {
				m.bw.mixed[key] = true
			}
			clear(m.whole)
			return &span.Batch{}, nil
		}
	}
	whole := &span.Batch{}
	raw.CopyOrdered(whole)
	m.bw.collapsed += int64(raw.Len() - whole.Len())
	return whole, nil
}

// mergedSplits returns the traces of a merged block that need assembly, for the manifest.
func (t *tenant) mergedSplits(o *output, run []*blockRef) []splitEntry {
	t.mu.RLock()
	defer t.mu.RUnlock()
	blocks := append(without(t.blocks, run), o.ref)
	var list []splitEntry
	t.eachMerged(o, func(key uint64, x extent) {
		if o.mixed[key] || places(key, blocks, nil) > 1 {
			list = append(list, splitEntry{key, x})
		}
	})
	slices.SortFunc(list, func(x, y splitEntry) int { return cmp.Compare(x.key, y.key) })
	return list
}

// eachMerged calls f for every trace of a merged block that may need assembly, with its extent. t.mu is held.
func (t *tenant) eachMerged(o *output, f func(key uint64, x extent)) {
	for _, key := range t.splits.list() {
		if len(o.ref.find(key)) > 0 {
			x, _ := t.splits.get(key)
			f(key, x)
		}
	}
	for key := range o.splits {
		if !t.splits.has(key) {
			x := t.extentOf(key)
			for _, g := range o.ref.find(key) {
				x = x.with(extent{o.ref.groups[g].MinStart, o.ref.groups[g].MaxEnd})
			}
			f(key, x)
		}
	}
}

func without(blocks, gone []*blockRef) []*blockRef {
	return slices.DeleteFunc(slices.Clone(blocks), func(b *blockRef) bool { return slices.Contains(gone, b) })
}

// replace puts a merged block in the place of those that it was made of.
func (t *tenant) replace(run []*blockRef, o *output) {
	t.mu.Lock()
	blocks := append(without(t.blocks, run), o.ref)
	next := t.splits.clone()
	t.eachMerged(o, func(key uint64, x extent) {
		if !o.mixed[key] && places(key, blocks, t.heads) < 2 {
			delete(next.keys, key)
			return
		}
		next.keys[key] = x
		for _, b := range blocks {
			b.extend(key, x)
		}
	})
	t.blocks, t.splits = blocks, next
	t.mu.Unlock()
	for _, b := range run {
		b.obsolete.Store(true)
		b.unref()
	}
}
