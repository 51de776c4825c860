// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"context"
	"sync"

	"github.com/clew-tracing/clew/base/bitset"
	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
)

// eachSpans calls f, from several goroutines (worker says which), with batches and the rows of them that are in the window
// and satisfy the filter, each span once. The batches have at least the columns of the filter and of p; they are f's until
// it returns, but shared ones must not be changed. An error of f ends the scan.
func (s *scanner) eachSpans(p store.Projection, f func(worker int, b *span.Batch, sel *bitset.Set, shared bool) error) error {
	w := s.r.Window
	var units []*unit
	var c store.Counters
	blocks := map[*blockRef]bool{}
	for _, u := range s.v.units() {
		keep := w.Overlaps(u.minStart, u.maxStart) && !u.skip(s.r.Where)
		if u.block != nil {
			blocks[u.block] = blocks[u.block] || keep
			if !keep {
				c.RowGroupsSkipped++
			}
		}
		if keep {
			units = append(units, u)
		}
	}
	c.Blocks, c.BlocksSkipped = countBlocks(blocks)
	s.count(&c)
	newestFirst(units)
	p.Fields = append(append([]match.Field(nil), p.Fields...), predicate(s.r.Where).Fields...)

	ctx, cancel := context.WithCancelCause(s.ctx)
	defer cancel(nil)
	next := make(chan *unit)
	workers := make([]*worker, min(s.e.cfg.Workers, len(units)))
	var wg sync.WaitGroup
	for i := range workers {
		wk := s.newWorker()
		workers[i] = wk
		wg.Go(func() {
			for u := range next {
				if err := wk.spans(u, p, func(b *span.Batch, sel *bitset.Set, shared bool) error {
					return f(i, b, sel, shared)
				}); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
feed:
	for _, u := range units {
		select {
		case next <- u:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := s.spansAside(workers, func(b *span.Batch, sel *bitset.Set) error { return f(0, b, sel, false) }); err != nil {
		return err
	}
	return s.damage
}

// spans does one unit of eachSpans.
func (w *worker) spans(u *unit, p store.Projection, f func(*span.Batch, *bitset.Set, bool) error) error {
	s := w.s
	if err := s.ctx.Err(); err != nil {
		return err
	}
	var c store.Counters
	defer func() { s.count(&c) }()
	b, err := u.read(s.ctx, p, &w.buf, &c)
	if err != nil {
		if s.e.tolerate(s.ctx, u, err) {
			return err
		}
		s.damaged(err)
		return nil
	}
	c.Spans += int64(b.Len())
	sel := w.match(b)
	w.inWindow(b, sel)
	single := w.layAside(b, p, sel)
	if sel.Any() {
		if err := f(b, sel, u.chunk != nil); err != nil {
			return err
		}
	}
	for _, key := range single {
		if !s.claim(key) {
			continue
		}
		whole, err := s.assembler.trace(key)
		if err != nil {
			return err
		}
		sel := w.match(whole)
		w.inWindow(whole, sel)
		if sel.Any() {
			if err := f(whole, sel, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// layAside takes the rows of split traces out of sel and copies them aside, since equal ones may come from elsewhere. When
// too many are there already, it leaves a trace out and returns its key: such traces are assembled one by one.
func (w *worker) layAside(b *span.Batch, p store.Projection, sel *bitset.Set) (single []uint64) {
	s := w.s
	if s.v.splits.len() == 0 || !sel.Any() {
		return nil
	}
	src := narrow(b, p)
	before := w.aside.Mem()
	known, last, split, aside := false, uint64(0), false, false
	for i := sel.NextSet(0); i >= 0; i = sel.NextSet(i + 1) {
		if key := b.TraceID[i].Key(); !known || key != last {
			known, last, split = true, key, s.v.splits.has(key)
			if split {
				if aside = s.mayLayAside(key); !aside {
					single = append(single, key)
				}
			}
		}
		if !split {
			continue
		}
		sel.Clear(i)
		if aside {
			w.copier.From(src)
			w.copier.Row(i)
		}
	}
	w.copier.Forget()
	s.mu.Lock()
	s.kept += int64(w.aside.Mem() - before)
	s.mu.Unlock()
	return single
}

// narrow returns a batch that shares b's columns, without the tables that p does not ask for: a chunk of the head has them
// all, and they are most of what copying a row costs.
func narrow(b *span.Batch, p store.Projection) *span.Batch {
	if p.All {
		return b
	}
	attrs, events, links := false, false, false
	for _, f := range p.Fields {
		anywhere := f.Scope == match.ScopeAny
		attrs = attrs || anywhere || f.Scope == match.ScopeSpan
		events = events || anywhere || f.Scope == match.ScopeEvent
		links = links || anywhere || f.Scope == match.ScopeLink
		if f.Scope == match.ScopeIntrinsic {
			switch f.Intrinsic {
			case match.EventName, match.EventTimeSinceStart:
				events = true
			case match.LinkTraceID, match.LinkSpanID:
				links = true
			}
		}
	}
	n := *b
	if !attrs {
		n.Attrs = span.Attrs{}
	}
	if !events {
		n.Events = span.Events{}
	}
	if !links {
		n.Links = span.Links{}
	}
	return &n
}

// mayLayAside decides, once for each split trace, whether there is memory to lay its spans aside.
func (s *scanner) mayLayAside(key uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	may, known := s.aside[key]
	if !known {
		may = s.kept <= s.e.cfg.ScanBytes
		s.aside[key] = may
	}
	return may
}

// identity is what equal spans have in common at least.
type identity struct {
	trace span.TraceID
	id    span.SpanID
	start int64
}

func identityOf(b *span.Batch, i int) identity {
	return identity{b.TraceID[i], b.SpanID[i], b.Start[i]}
}

// spansAside calls f with what the workers have laid aside: as it is where a span's ids are there once; where more often,
// its trace is assembled with all columns to see which are equal.
func (s *scanner) spansAside(workers []*worker, f func(b *span.Batch, sel *bitset.Set) error) error {
	times := map[identity]int{}
	for _, w := range workers {
		for i := range w.aside.Len() {
			times[identityOf(&w.aside, i)]++
		}
	}
	var again []uint64
	for _, w := range workers {
		w.sel.Reset(w.aside.Len())
		for i := range w.aside.Len() {
			if times[identityOf(&w.aside, i)] == 1 {
				w.sel.Set(i)
			} else if key := w.aside.TraceID[i].Key(); s.claim(key) {
				again = append(again, key)
			}
		}
		if w.sel.Any() {
			if err := f(&w.aside, &w.sel); err != nil {
				return err
			}
		}
	}
	for _, key := range again {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		b, err := s.assembler.trace(key)
		if err != nil {
			return err
		}
		w := workers[0]
		sel := w.match(b)
		w.inWindow(b, sel)
		for i := sel.NextSet(0); i >= 0; i = sel.NextSet(i + 1) {
			if times[identityOf(b, i)] < 2 {
				sel.Clear(i)
			}
		}
		if sel.Any() {
			if err := f(b, sel); err != nil {
				return err
			}
		}
	}
	return nil
}

// inWindow takes out the rows that start outside of the window.
func (w *worker) inWindow(b *span.Batch, sel *bitset.Set) {
	win := w.s.r.Window
	if win == store.AllTime() {
		return
	}
	for i := sel.NextSet(0); i >= 0; i = sel.NextSet(i + 1) {
		if !win.Contains(b.Start[i]) {
			sel.Clear(i)
		}
	}
}

// spans runs a scan by span: workers fill batches, the consumer's goroutine yields them.
func (s *scanner) spans(yield func(*span.Batch, error) bool) {
	ctx, cancel := context.WithCancel(s.ctx)
	full := make(chan *span.Batch)
	free := make(chan *span.Batch, s.e.cfg.Workers+1)
	for range cap(free) {
		free <- &span.Batch{}
	}
	fail := make(chan error, 1)
	s.ctx = ctx
	go func() {
		defer close(full)
		fail <- s.eachSpans(s.r.Fields, func(_ int, b *span.Batch, sel *bitset.Set, shared bool) error {
			var out *span.Batch
			select {
			case out = <-free:
			case <-ctx.Done():
				return ctx.Err()
			}
			out.Reset()
			if !shared && sel.Count() == b.Len() {
				*out, *b = *b, *out // all of it: the consumer gets the worker's memory, and the worker the consumer's
			} else if err := copySelected(ctx, out, b, sel); err != nil {
				return err
			}
			out.Tenant = s.r.Tenant
			select {
			case full <- out:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	stopped := false
	for b := range full {
		if !stopped && !yield(b, nil) {
			stopped = true
			cancel()
		}
		free <- b
	}
	err := <-fail
	cancel()
	if err != nil && !stopped {
		yield(nil, err)
	}
}

// copySelected appends the rows of sel to out, a run at a time, so that a cancelled scan ends soon.
func copySelected(ctx context.Context, out, b *span.Batch, sel *bitset.Set) error {
	c := span.NewCopier(out)
	c.From(b)
	rows := make([]int32, 0, min(sel.Count(), copyRun))
	for i := sel.NextSet(0); i >= 0; i = sel.NextSet(i + 1) {
		if rows = append(rows, int32(i)); len(rows) == copyRun {
			if err := ctx.Err(); err != nil {
				return err
			}
			c.Rows(rows)
			rows = rows[:0]
		}
	}
	c.Rows(rows)
	return nil
}

// copyRun is how many rows are copied between two looks at the context.
const copyRun = 4096
