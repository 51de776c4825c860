// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"math"
	"math/bits"

	"github.com/clew-tracing/clew/span"
)

const (
	// chunkRows is the number of spans past which a chunk is sealed. It bounds what a reader's snapshot of the open chunk
	// costs.
	chunkRows = 32 << 10
	// minChunkBytes keeps chunks of small heads from becoming tiny.
	minChunkBytes = 32 << 10
	// partitionWidth is the time of arrival that blocks of one partition share, ns.
	partitionWidth = int64(24 * 60 * 60 * 1e9)
)

// partitionOf returns the partition of an arrival time.
func partitionOf(arrival int64) int64 {
	p := arrival / partitionWidth
	if arrival%partitionWidth < 0 {
		p--
	}
	return p
}

// rowRef names a row of a head: chunk in the upper half, row in the lower.
type rowRef uint64

const noRow rowRef = math.MaxUint64

func refOf(chunk, row int) rowRef { return rowRef(chunk)<<32 | rowRef(uint32(row)) }

func (r rowRef) chunk() int { return int(r >> 32) }
func (r rowRef) row() int   { return int(uint32(r)) }

// head is the newest spans of a tenant: those of one generation, in memory. It is guarded by the tenant's lock; the
// batches of its chunks are read without it, through snapshots.
type head struct {
	gen    *generation
	chunks []*chunk
	last   map[uint64]rowRef // the newest row of each trace key; chunk.prev goes on from there
	ids    idSet
	spans  int
	bytes  int
}

// chunk is a stretch of a head: a batch that grows until it is sealed, all of one partition.
type chunk struct {
	batch     span.Batch
	copier    *span.Copier
	prev      []rowRef // the next older row of the same trace key, by row
	arrivals  []arrivalRun
	partition int64
	bounds    bounds
	view      *chunkView // of the batch's present length, once a reader has asked for it
}

// arrivalRun says that rows from the given one on, up to the next run's, came in at that time.
type arrivalRun struct {
	row     int
	arrival int64
}

// bounds are the extremes of a set of spans.
type bounds struct{ minStart, maxStart, maxEnd int64 }

func emptyBounds() bounds {
	return bounds{minStart: math.MaxInt64, maxStart: math.MinInt64, maxEnd: math.MinInt64}
}

func (b *bounds) add(start, end int64) {
	b.minStart, b.maxStart, b.maxEnd = min(b.minStart, start), max(b.maxStart, start), max(b.maxEnd, end)
}

// chunkView is a chunk as it was at one moment, for readers.
type chunkView struct {
	head   *head
	index  int
	batch  *span.Batch
	bounds bounds
}

func newHead(gen *generation) *head {
	return &head{gen: gen, last: map[uint64]rowRef{}}
}

// open returns the chunk that spans arriving now go to, and its index.
func (h *head) open(arrival int64, limit int) (*chunk, int) {
	p := partitionOf(arrival)
	if n := len(h.chunks); n > 0 {
		c := h.chunks[n-1]
		if c.partition == p && c.batch.Len() < chunkRows && c.batch.Mem() < limit {
			return c, n - 1
		}
		c.copier = nil // sealed: what translated into it is not needed any more
	}
	c := &chunk{partition: p, bounds: emptyBounds()}
	c.copier = span.NewCopier(&c.batch)
	h.chunks = append(h.chunks, c)
	return c, len(h.chunks) - 1
}

// arrival returns when a row came in.
func (c *chunk) arrival(row int) int64 {
	lo, hi := 0, len(c.arrivals)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; c.arrivals[mid].row <= row {
			lo = mid
		} else {
			hi = mid
		}
	}
	return c.arrivals[lo].arrival
}

func (c *chunk) mem() int { return c.batch.Mem() + 8*cap(c.prev) + 16*cap(c.arrivals) }

// snapshot returns the chunk as it is now.
func (c *chunk) snapshot(h *head, index int) *chunkView {
	if c.view == nil || c.view.batch.Len() != c.batch.Len() {
		c.view = &chunkView{head: h, index: index, batch: c.batch.Snapshot(), bounds: c.bounds}
	}
	return c.view
}

// idSet remembers which spans are there by 32 bits of a hash of their ids, to find those that may be there twice. A
// false alarm costs a comparison, once in 4 billion pairs.
type idSet struct {
	table []uint32 // open addressing; 0 is free
	n     int
}

// add returns whether a span of the same ids may have been added before.
func (s *idSet) add(trace uint64, id span.SpanID, start int64) bool {
	if 4*s.n >= 3*len(s.table) {
		s.grow()
	}
	h := mix(mix(trace, id.Uint64()), uint64(start))
	print := uint32(h>>32) | 1
	mask := uint32(len(s.table) - 1)
	for i := slot(print) & mask; ; i = (i + 1) & mask {
		switch s.table[i] {
		case 0:
			s.table[i] = print
			s.n++
			return false
		case print:
			return true
		}
	}
}

// slot spreads fingerprints over the table; it depends on nothing else, so that the table can grow.
func slot(print uint32) uint32 { return print * 0x9e3779b1 >> 4 }

func (s *idSet) grow() {
	old := s.table
	s.table = make([]uint32, max(256, 2*len(old)))
	mask := uint32(len(s.table) - 1)
	for _, print := range old {
		if print == 0 {
			continue
		}
		i := slot(print) & mask
		for s.table[i] != 0 {
			i = (i + 1) & mask
		}
		s.table[i] = print
	}
}

func mix(x, y uint64) uint64 {
	hi, lo := bits.Mul64(x^0x9e3779b97f4a7c15, y^0xd6e8feb86659fd93)
	return hi ^ lo ^ x
}

// mem returns the bytes of memory of the head.
func (h *head) mem() int {
	n := 4*len(h.ids.table) + 24*len(h.last)
	for _, c := range h.chunks {
		n += c.mem()
	}
	return n
}
