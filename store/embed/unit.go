// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"

	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
)

// unit is what a scan works on at a time: a chunk of a head, or a row group of a block. In a row group the rows of a trace
// stand together, in a chunk they do not.
type unit struct {
	head  headView
	chunk *chunkView // nil for a row group
	block *blockRef
	group int
	bounds
	// maxTrace is the latest start of a trace, or of the part of one that is here; minTrace the earliest.
	minTrace, maxTrace int64
	// reach is over all spans, wherever they are, of the split traces that have some here.
	reach extent
	// splitOnly means that only the split traces of the unit can be in the window.
	splitOnly bool
}

func (v *view) units() []*unit {
	var us []*unit
	for _, h := range v.heads {
		for _, c := range h.chunks {
			x := c.bounds
			us = append(us, &unit{head: h, chunk: c, bounds: x, minTrace: x.minStart, maxTrace: x.maxStart, reach: extent{math.MinInt64, math.MaxInt64}})
		}
	}
	for _, b := range v.blocks {
		for g, info := range b.groups {
			us = append(us, &unit{
				block: b, group: g, bounds: bounds{info.MinStart, info.MaxStart, info.MaxEnd},
				minTrace: info.MinTraceStart, maxTrace: info.MaxTraceStart, reach: b.reachOf(g),
			})
		}
	}
	return us
}

// newestFirst orders units by the latest start of a trace in them.
func newestFirst(us []*unit) {
	slices.SortStableFunc(us, func(x, y *unit) int { return cmp.Compare(y.maxTrace, x.maxTrace) })
}

// skip reports whether statistics rule out that a span of the unit satisfies e.
func (u *unit) skip(e match.Expr) bool {
	return e.Kind == match.None || u.block != nil && u.block.reader.Skip(u.group, e)
}

// read returns the unit's rows with at least the columns of p. It fills buf for a row group; a chunk's rows are shared and
// must not be changed.
func (u *unit) read(ctx context.Context, p store.Projection, buf *span.Batch, c *store.Counters) (*span.Batch, error) {
	if u.chunk != nil {
		return u.chunk.batch, ctx.Err()
	}
	buf.Reset()
	if err := u.block.reader.Read(ctx, u.group, p, buf, c); err != nil {
		return nil, err
	}
	return buf, nil
}

// corruptGroup reports and counts a row group that cannot be read.
func (e *Engine) corruptGroup(b *blockRef, group int, err error) {
	e.metrics.corruptGroups.Add(1)
	e.cfg.Logger.Error("a row group cannot be read; its spans are missing from the answer", "block", b.path, "row_group", group, "err", err)
}

// tolerate decides about an error of reading a unit: the caller's own (cancelled) and faults of the disk end the scan, a
// damaged row group is left out and remembered, so that the scan ends with the error after everything else.
func (e *Engine) tolerate(ctx context.Context, u *unit, err error) (fatal bool) {
	if ctx.Err() != nil || !errors.Is(err, store.ErrCorrupt) {
		return true
	}
	e.corruptGroup(u.block, u.group, err)
	return false
}

func addCounters(dst, src *store.Counters) {
	dst.Traces += src.Traces
	dst.Spans += src.Spans
	dst.Bytes += src.Bytes
	dst.Blocks += src.Blocks
	dst.BlocksSkipped += src.BlocksSkipped
	dst.RowGroups += src.RowGroups
	dst.RowGroupsSkipped += src.RowGroupsSkipped
}
