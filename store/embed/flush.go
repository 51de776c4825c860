// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"path"
	"slices"
	"time"

	"github.com/clew-tracing/clew/base/fs"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
	"github.com/clew-tracing/clew/store/block"
	"github.com/clew-tracing/clew/store/wal"
)

const (
	// farPast and farFuture are how long before its arrival a span may start, and how long after it may end, without
	// counting as far: far spans get row groups of their own, so that they spoil no others' range of time.
	farPast   = int64(24 * time.Hour)
	farFuture = int64(time.Hour)
	// farGap parts row groups of far spans, and farCuts bounds how many of them one flush makes.
	farGap  = int64(24 * time.Hour)
	farCuts = 16
	// writeRows is how many rows are handed to a block's writer at a time.
	writeRows = 4 << 10
)

// Flush writes what is in the head to blocks and returns when they are durable. Nobody needs it for safety: the log has
// the spans. It is for tests, and for an orderly hand-over.
func (e *Engine) Flush(ctx context.Context) error {
	if err := e.flushing.take(ctx); err != nil {
		return err
	}
	defer e.flushing.give()
	if e.closed.Load() {
		return store.ErrClosed
	}
	if e.gen.spans.Load() > 0 {
		e.freeze()
	}
	return e.flushFrozen(ctx)
}

// freeze ends the present generation if it holds anything.
func (e *Engine) freeze() {
	var old *generation
	epoch := e.log.Rotate(func(uint32) {
		old = e.gen
		e.nextGen++
		e.gen = &generation{seq: e.nextGen, since: e.cfg.Now()}
	})
	old.low = wal.EpochStart(epoch)
	e.mu.Lock()
	e.frozen = append(e.frozen, old)
	e.mu.Unlock()
}

// flushFrozen flushes all frozen generations, oldest first. e.flushing is held.
func (e *Engine) flushFrozen(ctx context.Context) error {
	for {
		e.mu.Lock()
		if len(e.frozen) == 0 {
			e.mu.Unlock()
			return nil
		}
		gen := e.frozen[0]
		e.mu.Unlock()
		gen.pending.Wait()
		if err := e.flush(ctx, gen); err != nil {
			return err
		}
		e.mu.Lock()
		e.frozen = e.frozen[1:]
		e.mu.Unlock()
		if err := e.log.Prune(gen.low); err != nil {
			e.cfg.Logger.Warn("remove segments of the log that are not needed any more", "err", err)
		}
	}
}

// output is a block that was written and is not live yet.
type output struct {
	t      *tenant
	entry  blockEntry
	ref    *blockRef
	splits map[uint64]extent // traces that need assembly because of how the block was cut
	mixed  map[uint64]bool   // trace keys that several trace ids share
}

// flush writes a generation's heads to blocks, makes them live with one edit, and lets go of the heads.
func (e *Engine) flush(ctx context.Context, gen *generation) error {
	began := time.Now()
	var outs []*output
	for _, t := range e.allTenants() {
		made, err := e.flushTenant(ctx, t, gen)
		outs = append(outs, made...)
		if err != nil {
			e.discard(outs)
			e.metrics.flushErrors.Add(1)
			return fmt.Errorf("flush: %w", err)
		}
	}
	ed := edit{low: gen.low}
	for _, o := range outs {
		o.entry.splits = o.t.splitsOf(gen, o, outs)
		o.ref.entry = o.entry
		ed.add = append(ed.add, o.entry)
	}
	if err := e.commit(ctx, ed); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	for _, t := range e.allTenants() {
		t.install(gen, outs)
	}
	e.headBytes.Add(-gen.bytes.Load())
	wake(e.room)
	e.metrics.flushes.Add(1)
	wake(e.keep)
	e.cfg.Logger.Debug("flushed the head", "spans", gen.spans.Load(), "blocks", len(outs), "took", time.Since(began))
	return nil
}

// commit makes an edit durable, trying until it succeeds: after a failed try nobody knows whether it is, so nothing else
// may happen before. Only the end of the engine or the context stops it, and then the files that the edit names are left
// for the next start to judge.
func (e *Engine) commit(ctx context.Context, ed edit) error {
	wait := 100 * time.Millisecond
	for {
		err := e.manifest.commit(ed)
		if err == nil {
			return nil
		}
		e.metrics.flushErrors.Add(1)
		e.cfg.Logger.Error("write the manifest; trying again", "err", err, "in", wait)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("%w (the last try: %w)", ctx.Err(), err)
		case <-e.ctx.Done():
			return errors.Join(store.ErrClosed, err)
		}
		wait = min(2*wait, 10*time.Second)
	}
}

// discard removes blocks that will not become live.
func (e *Engine) discard(outs []*output) {
	for _, o := range outs {
		o.ref.obsolete.Store(true)
		o.ref.unref()
	}
}

// sortedRow is a row of a frozen head with what it is sorted by within its trace.
type sortedRow struct {
	start int64
	id    uint64
	ref   rowRef
	far   bool
}

// headPart is the rows of a head that go to one block: those of one partition, trace by trace.
type headPart struct {
	rows      []sortedRow
	near, far []traceRun // by start
}

// traceRun is the rows of one trace: rows[lo:hi].
type traceRun struct {
	start  int64
	key    uint64
	lo, hi int
}

// flushTenant writes the blocks of a tenant's head: one a partition.
func (e *Engine) flushTenant(ctx context.Context, t *tenant, gen *generation) ([]*output, error) {
	h := t.frozenHead(gen)
	if h == nil {
		return nil, nil
	}
	var outs []*output
	for partition, part := range h.parts() {
		o, err := e.writeHead(ctx, t, h, partition, part)
		if err != nil {
			return outs, err
		}
		outs = append(outs, o)
	}
	return outs, nil
}

// parts returns the rows of a frozen head by partition. There is one nearly always.
func (h *head) parts() map[int64]*headPart {
	parts := map[int64]*headPart{}
	for _, c := range h.chunks {
		if parts[c.partition] == nil {
			parts[c.partition] = h.part(c.partition)
		}
	}
	return parts
}

// part returns the rows of one partition. The index by trace key has done most of the sorting.
func (h *head) part(partition int64) *headPart {
	p := &headPart{rows: make([]sortedRow, 0, h.spans)}
	for key, ref := range h.last {
		lo := len(p.rows)
		for ref != noRow {
			c, i := h.chunks[ref.chunk()], ref.row()
			if b := &c.batch; c.partition == partition {
				p.rows = append(p.rows, sortedRow{
					start: b.Start[i], id: b.SpanID[i].Uint64(), ref: ref, far: isFar(b.Start[i], b.Until(i), c.arrival(i)),
				})
			}
			ref = c.prev[i]
		}
		p.add(key, lo)
	}
	byStart := func(x, y traceRun) int { return cmp.Or(cmp.Compare(x.start, y.start), cmp.Compare(x.key, y.key)) }
	slices.SortFunc(p.near, byStart)
	slices.SortFunc(p.far, byStart)
	return p
}

// add orders the rows from lo on, which are those of one trace, and makes runs of them: far ones apart, behind near ones.
func (p *headPart) add(key uint64, lo int) {
	rows := p.rows[lo:]
	slices.SortFunc(rows, func(x, y sortedRow) int {
		if x.far != y.far {
			if y.far {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(x.start, y.start), cmp.Compare(x.id, y.id), cmp.Compare(x.ref, y.ref))
	})
	near := 0
	for near < len(rows) && !rows[near].far {
		near++
	}
	if near > 0 {
		p.near = append(p.near, traceRun{start: rows[0].start, key: key, lo: lo, hi: lo + near})
	}
	if near < len(rows) {
		p.far = append(p.far, traceRun{start: rows[near].start, key: key, lo: lo + near, hi: lo + len(rows)})
	}
}

func isFar(start, end, arrival int64) bool {
	return start < arrival-farPast || start > arrival+farFuture || end > arrival+farFuture || end < start
}

// frozenHead returns the tenant's head of a generation, nil if it has none.
func (t *tenant) frozenHead(gen *generation) *head {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, h := range t.heads {
		if h.gen == gen {
			return h
		}
	}
	return nil
}

// writeHead writes one partition of a head to a block.
func (e *Engine) writeHead(ctx context.Context, t *tenant, h *head, partition int64, part *headPart) (*output, error) {
	rows, near, far := part.rows, part.near, part.far
	minArrival, maxArrival := int64(math.MaxInt64), int64(math.MinInt64)
	for _, c := range h.chunks {
		if c.partition != partition {
			continue
		}
		for _, a := range c.arrivals {
			minArrival, maxArrival = min(minArrival, a.arrival), max(maxArrival, a.arrival)
		}
	}
	bw, err := e.newBlock(t, partition, minArrival, maxArrival)
	if err != nil {
		return nil, err
	}
	src := func(r sortedRow) (*span.Batch, int) { return &h.chunks[r.ref.chunk()].batch, r.ref.row() }
	split := map[uint64]extent{}
	err = bw.writeRuns(ctx, rows, near, src, false)
	if err == nil && len(far) > 0 {
		if err = bw.w.CutRowGroup(); err == nil {
			err = bw.writeRuns(ctx, rows, far, src, true)
		}
	}
	if err != nil {
		bw.abort()
		return nil, err
	}
	for _, r := range far {
		split[r.key] = extentOfRows(rows[r.lo:r.hi], src)
	}
	for _, r := range near {
		if x, ok := split[r.key]; ok {
			split[r.key] = x.with(extentOfRows(rows[r.lo:r.hi], src))
		}
	}
	o, err := bw.finish(t)
	if err != nil {
		return nil, err
	}
	// A trace that went over a row group's end needs assembly as well.
	if len(o.ref.groups) > 1 {
		for _, r := range near {
			if _, ok := split[r.key]; !ok && len(o.ref.find(r.key)) > 1 {
				split[r.key] = extentOfRows(rows[r.lo:r.hi], src)
			}
		}
	}
	for key := range split {
		if len(o.ref.find(key)) < 2 {
			delete(split, key) // all of it is far, and together
		}
	}
	o.splits, o.mixed = split, bw.mixed
	return o, nil
}

func extentOfRows(rows []sortedRow, src func(sortedRow) (*span.Batch, int)) extent {
	x := noExtent()
	for _, r := range rows {
		b, i := src(r)
		x = x.with(extent{b.Start[i], b.Until(i)})
	}
	return x
}

// blockWriter writes one block file under a temporary name.
type blockWriter struct {
	e     *Engine
	entry blockEntry
	dir   string
	tmp   string
	file  fs.File
	w     *block.Writer

	batch, tidy             span.Batch
	copier, tidier          *span.Copier
	order                   []int32
	collapsed               int64
	cuts                    int
	lastStart               int64
	lastStartSet, mixedHigh bool
	mixed                   map[uint64]bool // trace keys that several trace ids share
}

func (e *Engine) newBlock(t *tenant, partition, minArrival, maxArrival int64) (*blockWriter, error) {
	entry := blockEntry{id: e.manifest.newID(), tenant: t.name, partition: partition, minArrival: minArrival, maxArrival: maxArrival}
	dir := path.Join(e.cfg.Dir, blockDirOf(t.name, partition))
	if err := makeDir(e.cfg.FS, dir); err != nil {
		return nil, err
	}
	bw := &blockWriter{e: e, entry: entry, dir: dir, tmp: path.Join(e.cfg.Dir, entry.path()) + tmpSuffix, mixed: map[uint64]bool{}}
	var err error
	if bw.file, err = e.cfg.FS.Create(bw.tmp); err != nil {
		return nil, err
	}
	bw.w, err = block.NewWriter(bw.file, block.WriterOptions{
		Tenant: t.name, Signal: span.SignalSpans, MinArrival: minArrival, MaxArrival: maxArrival,
		MaxRows: e.cfg.RowGroupRows, MaxBytes: e.cfg.RowGroupBytes,
	})
	if err != nil {
		bw.abort()
		return nil, err
	}
	bw.copier, bw.tidier = span.NewCopier(&bw.batch), span.NewCopier(&bw.tidy)
	return bw, nil
}

// makeDir makes a directory and those above it, each under a durable name.
func makeDir(fsys fs.FS, dir string) error {
	if info, err := fsys.Stat(dir); err == nil && info.Dir {
		return nil
	}
	parent := path.Dir(dir)
	if parent != dir {
		if err := makeDir(fsys, parent); err != nil {
			return err
		}
	}
	if err := fsys.MkdirAll(dir); err != nil {
		return err
	}
	return fsys.SyncDir(parent)
}

// writeRuns writes whole traces, collapsed.
func (bw *blockWriter) writeRuns(ctx context.Context, rows []sortedRow, runs []traceRun, src func(sortedRow) (*span.Batch, int), far bool) error {
	for _, run := range runs {
		if err := bw.beginRun(ctx, run.start, far); err != nil {
			return err
		}
		high := uint64(0)
		var from *span.Batch // rows [lo, hi) of it are to be copied
		lo, hi := 0, 0
		for _, r := range rows[run.lo:run.hi] {
			b, i := src(r)
			if h := b.TraceID[i].High(); h != 0 {
				if high != 0 && high != h {
					bw.mixedHigh, bw.mixed[run.key] = true, true
				}
				high = h
			}
			if b == from && i == hi {
				hi++
				continue
			}
			bw.copyRows(from, lo, hi)
			from, lo, hi = b, i, i+1
		}
		bw.copyRows(from, lo, hi)
	}
	return bw.hand(ctx)
}

func (bw *blockWriter) copyRows(b *span.Batch, lo, hi int) {
	if lo < hi {
		bw.copier.From(b)
		bw.copier.Range(lo, hi)
	}
}

// writeRun writes rows [lo, hi) of b, a whole trace.
func (bw *blockWriter) writeRun(ctx context.Context, b *span.Batch, lo, hi int, start int64, far bool) error {
	if err := bw.beginRun(ctx, start, far); err != nil {
		return err
	}
	bw.copyRows(b, lo, hi)
	return nil
}

// beginRun hands over what has gathered, and cuts row groups of far spans where there is a long time between them.
func (bw *blockWriter) beginRun(ctx context.Context, start int64, far bool) error {
	if bw.batch.Len() >= writeRows {
		if err := bw.hand(ctx); err != nil {
			return err
		}
	}
	if far && bw.lastStartSet && start-bw.lastStart > farGap && bw.cuts < farCuts {
		bw.cuts++
		if err := bw.hand(ctx); err != nil {
			return err
		}
		if err := bw.w.CutRowGroup(); err != nil {
			return err
		}
	}
	bw.lastStart, bw.lastStartSet = start, far
	return nil
}

// hand gives the gathered traces to the writer, without repetitions.
func (bw *blockWriter) hand(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b := &bw.batch
	if b.Len() == 0 {
		return nil
	}
	bw.order = bw.order[:0]
	if bw.mixedHigh {
		bw.order = b.TraceOrder(bw.order)
	} else {
		for i := range b.Len() {
			bw.order = append(bw.order, int32(i))
		}
	}
	rows := b.Collapse(bw.order)
	bw.collapsed += int64(b.Len() - len(rows))
	if len(rows) < b.Len() || bw.mixedHigh {
		bw.tidier.From(b)
		bw.tidier.Rows(rows)
		b = &bw.tidy
	}
	err := bw.w.Append(b)
	bw.batch.Reset()
	bw.copier.Reset(&bw.batch)
	bw.tidy.Reset()
	bw.tidier.Reset(&bw.tidy)
	bw.mixedHigh = false
	return err
}

// finish makes the file durable under its name and opens it.
func (bw *blockWriter) finish(t *tenant) (*output, error) {
	fsys := bw.e.cfg.FS
	meta, err := bw.w.Finish()
	if err == nil {
		err = bw.file.Sync()
	}
	if err != nil {
		bw.abort()
		return nil, err
	}
	if err := bw.file.Close(); err != nil {
		bw.remove(bw.tmp)
		return nil, err
	}
	name := path.Join(bw.e.cfg.Dir, bw.entry.path())
	if err := fsys.Rename(bw.tmp, name); err != nil {
		bw.remove(bw.tmp)
		return nil, err
	}
	if err := fsys.SyncDir(bw.dir); err != nil {
		bw.remove(name)
		return nil, err
	}
	bw.entry.spans, bw.entry.bytes = meta.Spans, meta.Bytes
	ref, err := openBlock(fsys, bw.e.cfg.Dir, bw.entry, bw.e.drop)
	if err != nil {
		bw.remove(name)
		return nil, err
	}
	bw.e.metrics.blockBytes.Add(meta.Bytes)
	bw.e.metrics.collapsed.Add(bw.collapsed)
	return &output{t: t, entry: bw.entry, ref: ref}, nil
}

// abort gives the block up.
func (bw *blockWriter) abort() {
	if err := bw.file.Close(); err != nil {
		bw.e.cfg.Logger.Warn("close block", "block", bw.tmp, "err", err)
	}
	bw.remove(bw.tmp)
}

func (bw *blockWriter) remove(name string) {
	if err := bw.e.cfg.FS.Remove(name); err != nil {
		bw.e.cfg.Logger.Warn("remove unfinished block", "block", name, "err", err)
	}
}
