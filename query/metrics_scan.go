// SPDX-License-Identifier: Apache-2.0

package query

import (
	"context"
	"errors"

	"github.com/clew-tracing/clew/base/bitset"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
)

// counted are the spans of a batch that count, with what is known of each. It keeps its memory from batch to batch.
type counted struct {
	t       *traces
	rows    []int32
	buckets []int32  // of time, by place in rows
	groups  []uint32 // by place in rows
}

// tally takes the spans of one batch after the other and makes series of them.
type tally interface {
	batch(c *counted)
	series() []*Series
}

// newTally begins to count what the node is about.
func (n *scanNode) newTally(r *metricsRun) tally {
	if n.compare != nil {
		return newCompareTally(n, r)
	}
	return newGroupTally(n, r)
}

// series are those of the spans scanned so far.
func (n *scanNode) series(r *metricsRun) []*Series { return r.tallies[n].series() }

// scan feeds the tally with the spans of a window.
func (n *scanNode) scan(ctx context.Context, r *metricsRun, window store.Window) error {
	out := r.tallies[n]
	take := n.wholeTraces
	if n.unit == store.UnitSpan {
		take = n.singleSpans
	}
	each := take(func(t *traces, c *counted) {
		c.t = t
		r.clock.put(c, window)
		if len(c.rows) > 0 {
			out.batch(c)
		}
	})
	request := store.Request{
		Tenant: r.request.Tenant, Window: window, Where: n.where, Unit: n.unit, Fields: n.fields, Counters: &r.result.Scanned,
	}
	for b, err := range r.x.engine.Scan(ctx, request) {
		if err != nil {
			if errors.Is(err, store.ErrCorrupt) {
				r.damage = err
				return nil
			}
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := each(b); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// put finds the time bucket of every row and drops the rows that start outside of the window.
func (c *clock) put(out *counted, window store.Window) {
	start := out.t.b.Start
	kept := out.rows[:0]
	out.buckets = out.buckets[:0]
	for _, row := range out.rows {
		if s := start[row]; window.Contains(s) {
			kept = append(kept, row)
			out.buckets = append(out.buckets, c.bucket(s))
		}
	}
	out.rows = kept
}

// singleSpans decides batches of spans whose traces do not matter.
func (n *scanNode) singleSpans(take func(*traces, *counted)) func(*span.Batch) error {
	var (
		t    traces
		c    counted
		hits bitset.Set
	)
	where := compiler{n.aliases}.spansCondition(n.spans)
	return func(b *span.Batch) error {
		t.resetSpans(b)
		hits.Reset(b.Len())
		where.rows(&t, &hits)
		c.rows = c.rows[:0]
		for row := range hits.All() {
			c.rows = append(c.rows, int32(row))
		}
		take(&t, &c)
		return nil
	}
}

// wholeTraces decides batches of whole traces. A span counts once, in however many spansets it is.
func (n *scanNode) wholeTraces(take func(*traces, *counted)) func(*span.Batch) error {
	e := &evaluator{stages: compiler{n.aliases}.stages(n.spans)}
	var c counted
	return func(b *span.Batch) error {
		c.rows = c.rows[:0]
		err := e.batch(b, func(_, _ int, sets []spanset) error {
			if len(sets) == 1 {
				c.rows = append(c.rows, sets[0].rows...)
			} else {
				c.rows = append(c.rows, union(sets)...)
			}
			return nil
		})
		take(&e.traces, &c)
		return err
	}
}

// resetSpans takes a batch of spans whose traces are of no interest: it is one run of rows.
func (t *traces) resetSpans(b *span.Batch) {
	t.b, t.nested, t.rooted = b, false, false
	t.bounds = append(t.bounds[:0], 0, b.Len())
}
