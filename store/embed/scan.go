// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"cmp"
	"container/heap"
	"context"
	"iter"
	"slices"
	"sync"

	"github.com/clew-tracing/clew/base/bitset"
	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
)

// Scan implements [store.Engine]. Damaged row groups are left out; a scan that met one ends with its error, of class
// [store.ErrCorrupt], after everything that could be read.
func (e *Engine) Scan(ctx context.Context, r store.Request) iter.Seq2[*span.Batch, error] {
	return func(yield func(*span.Batch, error) bool) {
		v, done, err := e.pin(r.Tenant)
		if err != nil {
			yield(nil, err)
			return
		}
		defer done()
		if v == nil || r.Where.Kind == match.None || r.Window.From > r.Window.To {
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		s := e.newScanner(ctx, v, r)
		if r.Unit == store.UnitTrace {
			s.traces(yield)
		} else {
			s.spans(yield)
		}
	}
}

// scanner is one scan under way.
type scanner struct {
	e   *Engine
	v   *view
	ctx context.Context
	r   store.Request

	assembler assembler

	mu     sync.Mutex // protects what follows
	seen   map[uint64]struct{}
	aside  map[uint64]bool // split traces of a scan by span: whether their spans are laid aside
	kept   int64           // bytes of assembled traces that wait to be emitted, or of spans laid aside
	damage error
}

func (e *Engine) newScanner(ctx context.Context, v *view, r store.Request) *scanner {
	s := &scanner{e: e, v: v, ctx: ctx, r: r, seen: map[uint64]struct{}{}, aside: map[uint64]bool{}}
	s.assembler.s = s
	return s
}

// keep reports whether there is memory to keep an assembled trace until it is emitted.
func (s *scanner) keep(b *span.Batch) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept > s.e.cfg.ScanBytes {
		return false
	}
	s.kept += int64(b.Mem())
	return true
}

// emitted gives the memory of an assembled trace back.
func (s *scanner) emitted(b *span.Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept -= int64(b.Mem())
}

// claim reports whether the caller is the first to meet this split trace, and so the one to assemble it.
func (s *scanner) claim(key uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.seen[key]; ok {
		return false
	}
	s.seen[key] = struct{}{}
	return true
}

func (s *scanner) damaged(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.damage = err
}

// count adds to the request's counters.
func (s *scanner) count(c *store.Counters) {
	if s.r.Counters == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	addCounters(s.r.Counters, c)
}

// predicate is the projection that the filter needs.
func predicate(e match.Expr) store.Projection {
	var p store.Projection
	e.Fields(func(f match.Field) { p.Fields = append(p.Fields, f) })
	return p
}

// worker is what one goroutine of a scan works with.
type worker struct {
	s       *scanner
	matcher *match.Matcher
	buf     span.Batch
	sel     bitset.Set
	met     map[uint64]struct{} // trace keys met in the present chunk
	refs    []rowRef
	aside   span.Batch // spans of split traces, laid aside by a scan by span
	copier  *span.Copier
}

func (s *scanner) newWorker() *worker {
	w := &worker{s: s, matcher: match.Compile(s.r.Where), met: map[uint64]struct{}{}}
	w.copier = span.NewCopier(&w.aside)
	return w
}

// match selects the rows of b that satisfy the filter.
func (w *worker) match(b *span.Batch) *bitset.Set {
	if w.s.r.Where.Kind == match.All {
		w.sel.Reset(b.Len())
		w.sel.SetAll()
	} else {
		w.matcher.Match(b, &w.sel)
	}
	return &w.sel
}

// candidate is a trace that the scan will yield, and where its spans are.
type candidate struct {
	start int64
	id    span.TraceID
	// One of these says where: rows [lo, hi) of a row group, a chunk of a head, or a batch of its own; none of them means
	// that the trace is to be assembled again, for want of memory to keep it.
	group  *groupRows
	chunk  *unit
	lo, hi int32
	own    *span.Batch
	// split means that only a part of the trace was seen: it is assembled when it is next in line. Until then start is not
	// before the real start, nor, where several traces share the key, before that of any which matches here.
	split bool
}

// compare orders candidates newest first, equal ones by trace id.
func (c *candidate) compare(o *candidate) int {
	return cmp.Or(cmp.Compare(o.start, c.start), compareIDs(c.id, o.id))
}

func compareIDs(x, y span.TraceID) int {
	return cmp.Or(cmp.Compare(x.High(), y.High()), cmp.Compare(x.Key(), y.Key()))
}

type candidateHeap []candidate

func (h candidateHeap) Len() int           { return len(h) }
func (h candidateHeap) Less(i, j int) bool { return h[i].compare(&h[j]) < 0 }
func (h candidateHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *candidateHeap) Push(c any)        { *h = append(*h, c.(candidate)) }
func (h *candidateHeap) Pop() any {
	old := *h
	c := old[len(old)-1]
	old[len(old)-1] = candidate{}
	*h = old[:len(old)-1]
	return c
}

// traces runs a scan by trace: units newest first, a few at a time; a trace is yielded once no unit that was not read yet
// can have a newer one. Both orders are served in this way, so that memory holds little more than what is next.
func (s *scanner) traces(yield func(*span.Batch, error) bool) {
	units, skipped := s.traceUnits()
	s.count(&skipped)
	workers := make([]*worker, s.e.cfg.Workers)
	for i := range workers {
		workers[i] = s.newWorker()
	}
	out := s.newEmitter(yield)
	var found candidateHeap
	for len(units) > 0 || len(found) > 0 {
		if len(found) > 0 && (len(units) == 0 || found[0].start > units[0].maxTrace) {
			c := heap.Pop(&found).(candidate)
			if c.split {
				whole, err := s.resolve(c.id.Key())
				if err != nil {
					yield(nil, err)
					return
				}
				for _, c := range whole {
					heap.Push(&found, c)
				}
				continue
			}
			ok, err := out.add(&c)
			if err != nil {
				yield(nil, err)
				return
			}
			if !ok {
				return
			}
			continue
		}
		// The consumer gets what is certain before the next units cost it time: it may have enough.
		if !out.flush() {
			return
		}
		wave := units[:min(len(workers), len(units))]
		units = units[len(wave):]
		lists, err := s.wave(workers, wave)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, list := range lists {
			for _, c := range list {
				heap.Push(&found, c)
			}
		}
	}
	if out.flush() && s.damage != nil {
		yield(nil, s.damage)
	}
}

// wave looks for candidates in some units at once.
func (s *scanner) wave(workers []*worker, units []*unit) ([][]candidate, error) {
	lists, errs := make([][]candidate, len(units)), make([]error, len(units))
	var wg sync.WaitGroup
	for i, u := range units {
		wg.Go(func() {
			lists[i], errs[i] = workers[i].candidates(u)
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return lists, nil
}

// traceUnits returns the units that may have candidates, newest first.
func (s *scanner) traceUnits() (units []*unit, c store.Counters) {
	w, after := s.r.Window, s.r.After
	if s.r.Order != store.OrderNewest {
		after = nil
	}
	blocks := map[*blockRef]bool{}
	for _, u := range s.v.units() {
		here := w.Overlaps(u.minStart, u.maxEnd) && (after == nil || u.minTrace <= after.Start)
		split := w.Overlaps(u.reach.start, u.reach.end) && (after == nil || u.reach.start <= after.Start)
		keep := (here || split) && !u.skip(s.r.Where)
		if u.block != nil {
			blocks[u.block] = blocks[u.block] || keep
			if !keep {
				c.RowGroupsSkipped++
			}
		}
		if keep {
			u.splitOnly = !here && u.chunk == nil
			units = append(units, u)
		}
	}
	c.Blocks, c.BlocksSkipped = countBlocks(blocks)
	newestFirst(units)
	return units, c
}

func countBlocks(blocks map[*blockRef]bool) (read, skipped int64) {
	for _, keep := range blocks {
		if keep {
			read++
		} else {
			skipped++
		}
	}
	return read, skipped
}

// candidates returns the traces of a unit that the scan will yield.
func (w *worker) candidates(u *unit) (list []candidate, err error) {
	s := w.s
	var c store.Counters
	defer func() { s.count(&c) }()
	b, err := u.read(s.ctx, predicate(s.r.Where), &w.buf, &c)
	if err != nil {
		if s.e.tolerate(s.ctx, u, err) {
			return nil, err
		}
		s.damaged(err)
		return nil, nil
	}
	c.Spans += int64(b.Len())
	sel := w.match(b)
	if !sel.Any() {
		return nil, nil
	}
	if u.chunk != nil {
		return w.chunkCandidates(u, b, sel, &c)
	}
	rows := &groupRows{unit: u}
	next := sel.NextSet(0)
	for lo := 0; lo < b.Len() && next >= 0; {
		hi := b.TraceEnd(lo)
		c.Traces++
		if next >= hi {
			lo = hi
			continue
		}
		next = sel.NextSet(hi)
		if s.v.splits.has(b.TraceID[lo].Key()) {
			list = append(list, candidate{start: slices.Max(b.Start[lo:hi]), id: b.TraceID[lo], split: true})
		} else if !u.splitOnly {
			start, end := b.Extent(lo, hi)
			cand := candidate{start: start, id: b.FullID(lo, hi), group: rows, lo: int32(lo), hi: int32(hi)}
			if s.wanted(&cand, end) {
				rows.waiting++
				list = append(list, cand)
			}
		}
		lo = hi
	}
	return list, nil
}

// wanted reports whether a trace of which a span matches is asked for.
func (s *scanner) wanted(c *candidate, end int64) bool {
	if !s.r.Window.Overlaps(c.start, end) {
		return false
	}
	after := s.r.After
	return s.r.Order != store.OrderNewest || after == nil || c.compare(&candidate{start: after.Start, id: after.TraceID}) > 0
}

// chunkCandidates is candidates for a chunk, whose rows stand in the order of arrival.
func (w *worker) chunkCandidates(u *unit, b *span.Batch, sel *bitset.Set, c *store.Counters) (list []candidate, err error) {
	s := w.s
	clear(w.met)
	last := uint64(0)
	for i := sel.NextSet(0); i >= 0; i = sel.NextSet(i + 1) {
		key := b.TraceID[i].Key()
		if key == last && len(w.met) > 0 {
			continue
		}
		last = key
		if _, ok := w.met[key]; ok {
			continue
		}
		w.met[key] = struct{}{}
		c.Traces++
		if len(w.met)%256 == 0 && s.ctx.Err() != nil {
			return nil, s.ctx.Err()
		}
		w.refs = s.v.refsOf(w.refs[:0], u.head, key)
		if s.v.splits.has(key) {
			cand := candidate{start: b.Start[i], id: b.TraceID[i], split: true}
			for _, ref := range w.refs {
				if ref.chunk() == u.chunk.index {
					cand.start = max(cand.start, b.Start[ref.row()])
				}
			}
			list = append(list, cand)
			continue
		}
		row := w.refs[0].row()
		cand := candidate{start: b.Start[row], id: b.TraceID[row], chunk: u}
		end := b.Until(row)
		for _, ref := range w.refs {
			row = ref.row()
			cand.start, end = min(cand.start, b.Start[row]), max(end, b.Until(row))
			if cand.id.High() == 0 {
				cand.id = b.TraceID[row]
			}
		}
		if s.wanted(&cand, end) {
			list = append(list, cand)
		}
	}
	return list, nil
}

// resolve assembles a split trace and returns what of it is asked for: usually one candidate, more where several trace ids
// share the key, none where it lies outside of the window or was resolved already.
func (s *scanner) resolve(key uint64) (list []candidate, err error) {
	if !s.claim(key) {
		return nil, nil
	}
	b, err := s.assembler.trace(key)
	if err != nil {
		return nil, err
	}
	for lo, hi := range b.Traces() {
		start, end := b.Extent(lo, hi)
		cand := candidate{start: start, id: b.FullID(lo, hi), lo: int32(lo), hi: int32(hi)}
		alone := hi-lo == b.Len()
		if s.wanted(&cand, end) && (alone || s.matches(b, lo, hi)) {
			if alone && s.keep(b) {
				cand.own = b
			}
			list = append(list, cand)
		}
	}
	return list, nil
}

// matches reports whether a row in [lo, hi) satisfies the filter. Where several traces share a key, each must on its own.
func (s *scanner) matches(b *span.Batch, lo, hi int) bool {
	w := s.newWorker()
	next := w.match(b).NextSet(lo)
	return next >= 0 && next < hi
}
