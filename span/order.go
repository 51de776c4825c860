// SPDX-License-Identifier: Apache-2.0

package span

import (
	"cmp"
	"iter"
	"slices"
)

// TraceOrder appends to dst all rows of b in the order in which traces are kept and given back: traces by their
// earliest start, then key; within a trace by (start, span id), then row. Spans whose ids share the low 64 bits are one
// trace, unless they have different high halves: then each high half is a trace, and spans with a 64-bit id stand with
// the lowest of them. Those traces stand next to each other by high half, where the earliest of them belongs, so that
// [Batch.Traces] can tell them apart.
func (b *Batch) TraceOrder(dst []int32) []int32 {
	base := len(dst)
	for i := range b.Len() {
		dst = append(dst, int32(i))
	}
	rows := dst[base:]
	slices.SortFunc(rows, func(x, y int32) int {
		return cmp.Or(cmp.Compare(b.TraceID[x].Key(), b.TraceID[y].Key()), b.compareWithin(x, y))
	})
	type group struct {
		start  int64
		lo, hi int
	}
	var groups []group
	for lo := 0; lo < len(rows); {
		hi := lo + 1
		for hi < len(rows) && b.TraceID[rows[lo]].Key() == b.TraceID[rows[hi]].Key() {
			hi++
		}
		start := b.Start[rows[lo]]
		for _, n := range b.splitHigh(rows[lo:hi]) {
			groups = append(groups, group{start, lo, lo + n})
			lo += n
		}
	}
	slices.SortStableFunc(groups, func(x, y group) int { return cmp.Compare(x.start, y.start) })
	out := make([]int32, 0, len(rows))
	for _, g := range groups {
		out = append(out, rows[g.lo:g.hi]...)
	}
	copy(rows, out)
	return dst
}

func (b *Batch) compareWithin(x, y int32) int {
	return cmp.Or(cmp.Compare(b.Start[x], b.Start[y]), cmp.Compare(b.SpanID[x].Uint64(), b.SpanID[y].Uint64()), cmp.Compare(x, y))
}

// splitHigh reorders the rows of one key so that those of each high half stand together and returns their numbers.
func (b *Batch) splitHigh(rows []int32) []int {
	var lowest uint64
	split := false
	for _, r := range rows {
		if h := b.TraceID[r].High(); h != 0 && h != lowest {
			split = split || lowest != 0
			if lowest == 0 || h < lowest {
				lowest = h
			}
		}
	}
	if !split {
		return []int{len(rows)}
	}
	high := func(r int32) uint64 {
		if h := b.TraceID[r].High(); h != 0 {
			return h
		}
		return lowest
	}
	slices.SortStableFunc(rows, func(x, y int32) int { return cmp.Compare(high(x), high(y)) })
	var lens []int
	for lo, i := 0, 1; i <= len(rows); i++ {
		if i == len(rows) || high(rows[i]) != high(rows[lo]) {
			lens = append(lens, i-lo)
			lo = i
		}
	}
	return lens
}

// Traces yields the bounds [lo, hi) of each run of rows that belong to one trace. In a batch whose traces stand
// together, as scans by trace yield them, these are the traces.
func (b *Batch) Traces() iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		for lo := 0; lo < b.Len(); {
			hi := b.TraceEnd(lo)
			if !yield(lo, hi) {
				return
			}
			lo = hi
		}
	}
}

// TraceEnd returns the end of the run of rows that belong to the trace of row lo. Where two traces of one key follow each
// other, the rows with a 64-bit id between them belong to the one with the lower high half, as in [Batch.TraceOrder].
func (b *Batch) TraceEnd(lo int) int {
	key, high := b.TraceID[lo].Key(), b.TraceID[lo].High()
	hi := lo + 1
	full := hi // end of the last row that has a high half
	for ; hi < b.Len() && b.TraceID[hi].Key() == key; hi++ {
		h := b.TraceID[hi].High()
		if h == 0 {
			continue
		}
		if high == 0 {
			high = h
		}
		if h != high {
			if h < high {
				return full
			}
			break
		}
		full = hi + 1
	}
	return hi
}

// FullID returns the id of the trace in rows [lo, hi): the 128-bit form if any row has it.
func (b *Batch) FullID(lo, hi int) TraceID {
	for i := lo; i < hi; i++ {
		if b.TraceID[i].High() != 0 {
			return b.TraceID[i]
		}
	}
	return b.TraceID[lo]
}

// Extent returns the earliest start and the latest end in rows [lo, hi), unix ns, so that start <= end; see
// [Batch.Until].
func (b *Batch) Extent(lo, hi int) (start, end int64) {
	start, end = b.Start[lo], b.Until(lo)
	for i := lo + 1; i < hi; i++ {
		start = min(start, b.Start[i])
		end = max(end, b.Until(i))
	}
	return start, end
}

// CopyOrdered appends to dst the rows of b in trace order, collapsed.
func (b *Batch) CopyOrdered(dst *Batch) {
	rows := b.Collapse(b.TraceOrder(nil))
	c := NewCopier(dst)
	c.From(b)
	c.Rows(rows)
	dst.Tenant, dst.Arrival = b.Tenant, b.Arrival
}
