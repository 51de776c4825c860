// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"context"
	"errors"
	"fmt"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
)

// Trace implements [store.Engine]. If a part of the trace stands in a damaged row group, the rest is returned (and the
// damage logged and counted); if nothing is left, the error is of class [store.ErrCorrupt].
func (e *Engine) Trace(ctx context.Context, tenant string, id span.TraceID) (*span.Batch, error) {
	v, done, err := e.pin(tenant)
	if err != nil {
		return nil, err
	}
	defer done()
	if v == nil {
		return nil, fmt.Errorf("trace %s: %w", id, store.ErrNotFound)
	}
	b, damage, err := e.assemble(ctx, v, id, func(p place, dst *span.Copier) error {
		return p.block.reader.ReadTrace(ctx, p.group, id, dst, nil)
	})
	if err != nil {
		return nil, err
	}
	if b.Len() == 0 {
		if damage == nil {
			damage = store.ErrNotFound
		}
		return nil, fmt.Errorf("trace %s: %w", id, damage)
	}
	b.MarkSameIDs()
	return b, nil
}

// place is a row group of a block.
type place struct {
	block *blockRef
	group int
}

// assemble returns all spans of the traces that are the same as id, from everywhere, collapsed and in trace order, in a
// batch of its own; with a 64-bit id that several traces share, they come one after the other. read copies the spans of a
// row group. damage is the error of the last row group that could not be read.
func (e *Engine) assemble(ctx context.Context, v *view, id span.TraceID, read func(place, *span.Copier) error) (b *span.Batch, damage, err error) {
	raw := &span.Batch{}
	copier := span.NewCopier(raw)
	e.headRows(v, id, copier)
	// A trace that is not split stands in one place only; when it is found there, the search ends.
	split := v.splits.has(id.Key())
	for i := len(v.blocks) - 1; i >= 0 && (split || raw.Len() == 0); i-- {
		blk := v.blocks[i]
		for _, g := range blk.find(id.Key()) {
			if err := ctx.Err(); err != nil {
				return nil, nil, err
			}
			err := read(place{blk, g}, copier)
			if err != nil && (ctx.Err() != nil || !errors.Is(err, store.ErrCorrupt)) {
				return nil, nil, err
			}
			if err != nil {
				e.corruptGroup(blk, g, err)
				damage = err
			}
			copier.Forget()
		}
	}
	b = &span.Batch{Tenant: v.t.name}
	out := span.NewCopier(b)
	out.From(raw)
	out.Rows(raw.Collapse(raw.TraceOrder(nil)))
	return b, damage, nil
}

// headRows copies the rows of a trace from the heads.
func (e *Engine) headRows(v *view, id span.TraceID, dst *span.Copier) {
	var refs []rowRef
	for _, h := range v.heads {
		refs = v.refsOf(refs[:0], h, id.Key())
		for _, r := range refs {
			c := h.chunks[r.chunk()]
			if c.batch.TraceID[r.row()].SameTrace(id) {
				dst.From(c.batch)
				dst.Row(r.row())
			}
		}
	}
}
