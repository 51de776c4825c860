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
	var wg sync.WaitGroup
	for i := range min(s.e.cfg.Workers, len(units)) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			wk := s.newWorker()
			for u := range next {
				if err := wk.spans(u, p, func(b *span.Batch, sel *bitset.Set, shared bool) error {
					return f(i, b, sel, shared)
				}); err != nil {
					cancel(err)
					return
				}
			}
		}()
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
	split := w.takeSplits(b, sel)
	if sel.Any() {
		if err := f(b, sel, u.chunk != nil); err != nil {
			return err
		}
	}
	for _, key := range split {
		if !s.claim(key) {
			continue
		}
		whole, damage, err := s.e.assemble(s.ctx, s.v, span.TraceIDFrom(0, key), &c)
		if err != nil {
			return err
		}
		if damage != nil {
			s.damaged(damage)
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

// takeSplits takes the rows of split traces out of sel and returns their keys, perhaps repeated.
func (w *worker) takeSplits(b *span.Batch, sel *bitset.Set) (keys []uint64) {
	splits := w.s.v.splits
	if splits.len() == 0 {
		return nil
	}
	known, last, split := false, uint64(0), false
	for i := sel.NextSet(0); i >= 0; i = sel.NextSet(i + 1) {
		if key := b.TraceID[i].Key(); !known || key != last {
			known, last, split = true, key, splits.has(key)
			if split {
				keys = append(keys, key)
			}
		}
		if split {
			sel.Clear(i)
		}
	}
	return keys
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
		fail <- s.eachSpans(s.r.Fields, func(_ int, b *span.Batch, sel *bitset.Set, _ bool) error {
			var out *span.Batch
			select {
			case out = <-free:
			case <-ctx.Done():
				return ctx.Err()
			}
			out.Reset()
			out.Tenant = s.r.Tenant
			c := span.NewCopier(out)
			c.From(b)
			for i := sel.NextSet(0); i >= 0; i = sel.NextSet(i + 1) {
				c.Row(i)
				if i%1024 == 0 && ctx.Err() != nil {
					return ctx.Err()
				}
			}
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
