// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"cmp"
	"slices"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
)

const (
	// firstRows is how many spans the first batch of a scan by trace has at least, so that a consumer that wants few
	// traces does not pay for many; each later batch has twice as many, up to emitRows.
	firstRows = 256
	emitRows  = 4 << 10
)

// groupRows is a row group that candidates point to, with the columns that were asked for once one of them is emitted.
type groupRows struct {
	unit    *unit
	batch   *span.Batch // nil if it is not in memory now
	bytes   int64
	waiting int // candidates that were not emitted yet
}

// emitter turns candidates into batches for the consumer.
type emitter struct {
	s      *scanner
	yield  func(*span.Batch, error) bool
	batch  span.Batch
	copier *span.Copier
	target int
	loaded []*groupRows // in memory, in the order in which they were read
	bytes  int64
	free   *span.Batch
	refs   []rowRef
}

func (s *scanner) newEmitter(yield func(*span.Batch, error) bool) *emitter {
	e := &emitter{s: s, yield: yield, target: firstRows}
	e.copier = span.NewCopier(&e.batch)
	return e
}

// flush yields what there is and reports whether the consumer wants more.
func (e *emitter) flush() bool {
	if e.batch.Len() == 0 {
		return true
	}
	e.batch.Tenant = e.s.r.Tenant
	ok := e.yield(&e.batch, nil)
	e.batch.Reset()
	e.copier.Reset(&e.batch)
	e.target = min(2*e.target, emitRows)
	return ok
}

// add puts a trace into the batch and yields that when it is full. It reports whether the consumer wants more.
func (e *emitter) add(c *candidate) (ok bool, err error) {
	// Traces that share a key could not be told apart if they stood next to each other.
	if n := e.batch.Len(); n > 0 && e.batch.TraceID[n-1].Key() == c.id.Key() && !e.flush() {
		return false, nil
	}
	switch {
	case c.group != nil:
		err = e.addGroup(c)
	case c.chunk != nil:
		e.addChunk(c)
	case c.own != nil:
		err = e.copyRows(c.own, c.lo, c.hi)
		e.copier.Forget()
		e.s.emitted(c.own)
	default:
		err = e.addAgain(c)
	}
	if err != nil {
		return false, err
	}
	if e.batch.Len() >= e.target {
		return e.flush(), nil
	}
	return true, e.s.ctx.Err()
}

// copyRows copies rows of b into the batch. Giant traces are worth looking at the context.
func (e *emitter) copyRows(b *span.Batch, lo, hi int32) error {
	e.copier.From(b)
	for i := lo; i < hi; i++ {
		e.copier.Row(int(i))
		if i%(8<<10) == 0 && e.s.ctx.Err() != nil {
			return e.s.ctx.Err()
		}
	}
	return nil
}

// addAgain assembles a split trace a second time.
func (e *emitter) addAgain(c *candidate) error {
	b, err := e.s.assembler.trace(c.id.Key())
	if err != nil {
		return err
	}
	for lo, hi := range b.Traces() {
		if b.FullID(lo, hi) == c.id && err == nil {
			err = e.copyRows(b, int32(lo), int32(hi))
		}
	}
	e.copier.Forget()
	return err
}

// addGroup copies a trace that stands in one row group.
func (e *emitter) addGroup(c *candidate) error {
	g := c.group
	g.waiting--
	if g.batch == nil {
		if err := e.load(g); err != nil {
			if e.s.e.tolerate(e.s.ctx, g.unit, err) {
				return err
			}
			e.s.damaged(err)
			return nil
		}
	}
	err := e.copyRows(g.batch, c.lo, c.hi)
	if g.waiting == 0 {
		e.unload(g)
	}
	return err
}

// load reads the columns that were asked for, and lets go of the oldest row groups past the scan's memory.
func (e *emitter) load(g *groupRows) error {
	for len(e.loaded) > 0 && e.bytes > e.s.e.cfg.ScanBytes {
		e.unload(e.loaded[0])
	}
	buf := e.free
	e.free = nil
	if buf == nil {
		buf = &span.Batch{}
	}
	var c store.Counters
	b, err := g.unit.read(e.s.ctx, e.s.r.Fields, buf, &c)
	c.RowGroups = 0 // counted when it was searched
	e.s.count(&c)
	if err != nil {
		return err
	}
	g.batch, g.bytes = b, int64(b.Mem())
	e.bytes += g.bytes
	e.loaded = append(e.loaded, g)
	return nil
}

func (e *emitter) unload(g *groupRows) {
	i := slices.Index(e.loaded, g)
	if i < 0 {
		return
	}
	e.loaded = slices.Delete(e.loaded, i, i+1)
	e.bytes -= g.bytes
	// The copier knows the batch by its address, which is used again.
	e.copier.Forget()
	e.free, g.batch = g.batch, nil
}

// addChunk copies a trace that stands in one chunk, its spans in order.
func (e *emitter) addChunk(c *candidate) {
	b := c.chunk.chunk.batch
	e.refs = e.s.v.refsOf(e.refs[:0], c.chunk.head, c.id.Key())
	slices.SortFunc(e.refs, func(x, y rowRef) int {
		i, j := x.row(), y.row()
		return cmp.Or(cmp.Compare(b.Start[i], b.Start[j]), cmp.Compare(b.SpanID[i].Uint64(), b.SpanID[j].Uint64()), cmp.Compare(i, j))
	})
	e.copier.From(b)
	for _, ref := range e.refs {
		e.copier.Row(ref.row())
	}
}
