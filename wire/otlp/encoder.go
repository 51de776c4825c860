// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"cmp"
	"encoding/binary"
	"io"
	"slices"

	"github.com/clew-tracing/clew/span"
)

// Encoder writes rows of a batch as OTLP, grouped by resource and scope in the order in which these first appear; within
// a group the rows keep their order. It keeps scratch memory from one call to the next; the zero value is ready for use.
// It is not safe for concurrent use.
//
// Columns that the batch was read without are left out. Weights and notes are Clew's own and have no place in OTLP.
// What is written decodes to equal spans, in the sense of [span.Equal].
type Encoder struct {
	// EmitEmpty writes the messages status, scope and resource also where they are empty, for clients that read them
	// without looking whether they are there, as Grafana does.
	EmitEmpty bool

	b      *span.Batch
	rows   []int32 // rows in the order of groups
	groups []group
	pairs  map[uint64]int32 // resource and scope to their group
	ranks  map[uint32]int32 // resource to its order of appearance
	order  []int32
	counts []int32

	sizes  []int // of groups and spans: what pass one computed for pass two
	nested []int // of arrays and maps within one value, in pre-order
	next   int   // the first of nested that was not used yet

	out output
}

// group is the spans of one resource and scope: rows[lo:hi].
type group struct {
	resource, scope uint32
	rank            int32 // of the resource
	lo, hi          int32
}

// output collects bytes and hands them on to w, if there is one, whenever there are many.
type output struct {
	buf []byte
	w   io.Writer
	err error
}

// flushSize is how many bytes are handed on at a time.
const flushSize = 64 << 10

func (o *output) flush(least int) {
	if o.w == nil || len(o.buf) < least || len(o.buf) == 0 {
		return
	}
	if o.err == nil {
		_, o.err = o.w.Write(o.buf)
	}
	o.buf = o.buf[:0]
}

// plan groups the rows; nil means all of them.
func (e *Encoder) plan(b *span.Batch, rows []int32) {
	e.b = b
	if rows == nil {
		e.order = e.order[:0]
		for i := range b.Len() {
			e.order = append(e.order, int32(i))
		}
		rows = e.order
	}
	if e.pairs == nil {
		e.pairs, e.ranks = map[uint64]int32{}, map[uint32]int32{}
	}
	clear(e.pairs)
	clear(e.ranks)
	e.groups = e.groups[:0]
	e.counts = e.counts[:0] // the group of each row, for now
	last, lastGroup := ^uint64(0), int32(0)
	for _, r := range rows {
		key := uint64(at(b.Resource, int(r)))<<32 | uint64(at(b.Scope, int(r)))
		if key != last {
			last, lastGroup = key, e.group(key)
		}
		e.groups[lastGroup].hi++
		e.counts = append(e.counts, lastGroup)
	}
	// Groups of one resource must stand together; pairs then translates a group's number to its place.
	places := slices.Grow(e.rows[:0], len(rows))
	for i := range e.groups {
		e.groups[i].lo = int32(i)
	}
	slices.SortStableFunc(e.groups, func(x, y group) int { return cmp.Compare(x.rank, y.rank) })
	start := make([]int32, len(e.groups))
	n := int32(0)
	for i := range e.groups {
		g := &e.groups[i]
		start[g.lo] = n
		size := g.hi
		g.lo, g.hi = n, n+size
		n += size
	}
	places = places[:len(rows)]
	for i, r := range rows {
		g := e.counts[i]
		places[start[g]] = r
		start[g]++
	}
	e.rows = places
}

// group returns the number of the group of a resource and scope, a new one if need be. Its hi counts the rows.
func (e *Encoder) group(key uint64) int32 {
	g, ok := e.pairs[key]
	if !ok {
		res := uint32(key >> 32)
		rank, ok := e.ranks[res]
		if !ok {
			rank = int32(len(e.ranks))
			e.ranks[res] = rank
		}
		g = int32(len(e.groups))
		e.groups = append(e.groups, group{resource: res, scope: uint32(key), rank: rank})
		e.pairs[key] = g
	}
	return g
}

// resourceEnd returns the end of the run of groups that share the resource of group lo.
func (e *Encoder) resourceEnd(lo int) int {
	hi := lo + 1
	for hi < len(e.groups) && e.groups[hi].resource == e.groups[lo].resource {
		hi++
	}
	return hi
}

// at reads a column that may be absent.
func at[T any](col []T, i int) (v T) {
	if i < len(col) {
		v = col[i]
	}
	return v
}

// release forgets the batch.
func (e *Encoder) release() {
	e.b = nil
	e.out = output{}
	if cap(e.rows) > 1<<20 {
		e.rows, e.order, e.counts, e.sizes = nil, nil, nil, nil
	}
}

// ---- the encoding of nested values (span.Value.AppendTo), read from the front ----

// cutCount takes a count or length off s.
func cutCount(s string) (int, string, bool) {
	var v uint64
	for i := 0; i < len(s) && i < binary.MaxVarintLen64; i++ {
		v |= uint64(s[i]&0x7f) << (7 * i)
		if s[i] < 0x80 {
			return int(v), s[i+1:], v <= uint64(len(s))
		}
	}
	return 0, "", false
}

// cutString takes a length and as many bytes off s.
func cutString(s string) (v, rest string, ok bool) {
	n, s, ok := cutCount(s)
	if !ok || n > len(s) {
		return "", "", false
	}
	return s[:n], s[n:], true
}

// cutScalar takes a value off s that is no array or map; of those it takes only the type byte, and their count follows.
// It reports false where s is no encoded value, after which the rest is not to be read.
func cutScalar(s string) (v span.Value, rest string, ok bool) {
	if len(s) == 0 {
		return v, "", false
	}
	v.Type = span.Type(s[0])
	s = s[1:]
	switch v.Type {
	case span.TypeEmpty, span.TypeArray, span.TypeMap:
		return v, s, true
	case span.TypeString, span.TypeBytes:
		v.Str, s, ok = cutString(s)
		return v, s, ok
	case span.TypeBool:
		if len(s) < 1 {
			return v, "", false
		}
		v.Num = uint64(s[0])
		return v, s[1:], true
	case span.TypeDouble:
		if len(s) < 8 {
			return v, "", false
		}
		for i := range 8 {
			v.Num |= uint64(s[i]) << (8 * i)
		}
		return v, s[8:], true
	case span.TypeInt:
		var u uint64
		for i := 0; i < len(s) && i < binary.MaxVarintLen64; i++ {
			u |= uint64(s[i]&0x7f) << (7 * i)
			if s[i] < 0x80 {
				v.Num = uint64(int64(u>>1) ^ -int64(u&1))
				return v, s[i+1:], true
			}
		}
	}
	return v, "", false
}
