// SPDX-License-Identifier: Apache-2.0

package block

import (
	"encoding/binary"
	"fmt"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"

	"github.com/clew-tracing/clew/base/codec"
	"github.com/clew-tracing/clew/span"
)

// encoder turns the rows of a batch into one row group. It is reused from group to group.
type encoder struct {
	zstd *zstd.Encoder

	b    *span.Batch
	segs []segment
	cols []column
	body []byte
	// small columns that wait for a segment: numbers and text apart, since they have little in common to compress
	numberPack, textPack pack

	strs   stringEncoder
	slots  slotTable
	shapes shapeTable
	pairs  pairTable
	trial  []byte

	raw, dict []byte
	nums      []uint64
	lengths   []uint64
	u32       []uint32
	parents   []int32 // of each row, the row of its parent if that is an earlier one, otherwise -1
	dir       []byte
}

// GroupInfo describes a row group.
type GroupInfo struct {
	// Rows and Traces are what it holds; a trace that goes on from the group before counts here too.
	Rows, Traces int
	// Times, unix ns: of span starts, of the starts of traces (as far as they are in the group), and the latest end.
	MinStart, MaxStart           int64
	MinTraceStart, MaxTraceStart int64
	MaxEnd                       int64
	// Offset and Bytes are its place in the file.
	Offset, Bytes int64
}

// group encodes all rows of b, which stand in trace order, and returns the bytes (valid until the next call) and what
// they are. The offset is left to the caller.
func (e *encoder) group(b *span.Batch) ([]byte, GroupInfo) {
	e.b = b
	e.segs, e.cols, e.body = e.segs[:0], e.cols[:0], e.body[:0]
	info := e.traces()
	e.spans()
	e.events()
	e.links()
	e.shared()
	e.flush(&e.numberPack)
	e.flush(&e.textPack)
	return e.assemble(info)
}

// pack is raw bytes of several columns that share a segment.
type pack struct {
	raw []byte
	// waiting are the columns in it, by index; ^index means the column's dictionary.
	waiting []int
}

// column adds a column. It is valid until the next one is added.
func (e *encoder) column(id colID, values int, raw []byte) *column {
	e.cols = append(e.cols, column{colID: id, values: values})
	e.place(raw, &e.numberPack, len(e.cols)-1)
	return &e.cols[len(e.cols)-1]
}

// stringColumn adds a column of strings.
func (e *encoder) stringColumn(id colID, codes []span.Code) {
	var n int
	e.raw, e.dict, n = e.strs.append(e.raw[:0], e.dict[:0], &e.b.Strings, codes)
	e.column(id, len(codes), e.raw).entries = n
	e.place(e.dict, &e.textPack, ^(len(e.cols) - 1))
}

// place gives raw bytes a place: a segment of their own, or together with others where they are few.
func (e *encoder) place(raw []byte, p *pack, who int) {
	at := e.placeOf(who)
	at.raw = len(raw)
	if len(raw) >= packBelow {
		at.segment = e.segment(raw)
		return
	}
	if len(p.raw)+len(raw) > packLimit {
		e.flush(p)
	}
	at.off = len(p.raw)
	p.raw = append(p.raw, raw...)
	p.waiting = append(p.waiting, who)
}

func (e *encoder) placeOf(who int) *place {
	if who < 0 {
		return &e.cols[^who].dict
	}
	return &e.cols[who].data
}

func (e *encoder) flush(p *pack) {
	if len(p.waiting) == 0 {
		return
	}
	n := e.segment(p.raw)
	for _, who := range p.waiting {
		e.placeOf(who).segment = n
	}
	p.raw, p.waiting = p.raw[:0], p.waiting[:0]
}

// segment compresses raw, keeps it as it is if that saves nothing, and returns its number.
func (e *encoder) segment(raw []byte) int {
	start := len(e.body)
	s := segment{off: int64(start), raw: len(raw)}
	if e.worthwhile(raw) {
		e.body = e.zstd.EncodeAll(raw, e.body)
		s.zstd = len(e.body)-start < len(raw)
	}
	if !s.zstd {
		e.body = append(e.body[:start], raw...)
	}
	s.stored = len(e.body) - start
	s.checksum = xxhash.Sum64(e.body[start:])
	e.segs = append(e.segs, s)
	return len(e.segs) - 1
}

// worthwhile reports whether a sample of raw compresses: ids and the low bits of times, a large part of all bytes, do not.
func (e *encoder) worthwhile(raw []byte) bool {
	const sample = 4 << 10
	if len(raw) < 4*sample {
		return true
	}
	lo := (len(raw) - sample) / 2
	e.trial = e.zstd.EncodeAll(raw[lo:lo+sample], e.trial[:0])
	return len(e.trial) < sample-sample/32
}

// numbers adds a column of unsigned numbers, unless all are the default.
func (e *encoder) numbers(k kind, vals []uint64, def uint64) {
	for _, v := range vals {
		if v != def {
			e.raw = appendNumbers(e.raw[:0], vals)
			e.column(colID{kind: k}, len(vals), e.raw)
			return
		}
	}
}

// signed adds a column of signed numbers, given as their bits, with statistics; unless all are zero and it is not of an
// attribute.
func (e *encoder) signed(id colID, vals []uint64) {
	lo, hi := int64(0), int64(0)
	for i, v := range vals {
		if i == 0 {
			lo, hi = int64(v), int64(v)
		}
		lo, hi = min(lo, int64(v)), max(hi, int64(v))
	}
	if lo == 0 && hi == 0 && id.kind != kValue {
		return
	}
	if lo < 0 {
		for i, v := range vals {
			vals[i] = codec.Zigzag(int64(v))
		}
	}
	e.raw = appendNumbers(e.raw[:0], vals)
	c := e.column(id, len(vals), e.raw)
	c.stats, c.min, c.max = true, lo, hi
}

// bits adds the two columns of numbers that only their lengths compress of, unless all are zero.
func (e *encoder) bits(lengths, packed kind, vals []uint64) *column {
	e.lengths, e.raw = appendBits(e.lengths[:0], e.raw[:0], vals)
	n := len(e.cols)
	e.dict = append(e.dict[:0], e.raw...) // numbers needs e.raw
	e.numbers(lengths, e.lengths, 0)
	if len(e.cols) == n {
		return nil
	}
	if len(e.dict) > 0 {
		e.column(colID{kind: packed}, len(vals), e.dict)
	}
	return &e.cols[n]
}

// each collects f(i) for n rows into scratch.
func (e *encoder) each(n int, f func(i int) uint64) []uint64 {
	e.nums = e.nums[:0]
	for i := range n {
		e.nums = append(e.nums, f(i))
	}
	return e.nums
}

// small adds a column of 32-bit numbers, unless all are zero.
func (e *encoder) small(k kind, vals []uint32) {
	e.numbers(k, e.each(len(vals), func(i int) uint64 { return uint64(vals[i]) }), 0)
}

// codes adds a column of strings, unless all are empty.
func (e *encoder) codes(k kind, codes []span.Code) {
	for _, c := range codes {
		if c != 0 {
			e.stringColumn(colID{kind: k}, codes)
			return
		}
	}
}

// fixed adds a column of n fixed-width values that f appends.
func (e *encoder) fixed(k kind, n int, f func(dst []byte, i int) []byte) {
	raw := e.raw[:0]
	for i := range n {
		raw = f(raw, i)
	}
	e.raw = raw
	e.column(colID{kind: k}, n, raw)
}

func appendBytes(dst, v []byte) []byte {
	return append(codec.AppendUvarint(dst, uint64(len(v))), v...)
}

// assemble writes header, directory and body.
func (e *encoder) assemble(info GroupInfo) ([]byte, GroupInfo) {
	d := e.dir[:0]
	d = append(d, groupMagic...)
	d = append(d, make([]byte, groupFixed-len(groupMagic))...)
	d = codec.AppendUvarint(d, uint64(info.Rows))
	d = codec.AppendUvarint(d, uint64(info.Traces))
	d = appendTimes(d, info)
	d = codec.AppendUvarint(d, uint64(len(e.segs)))
	for _, s := range e.segs {
		flags := byte(0)
		if s.zstd {
			flags = segmentZstd
		}
		d = append(d, flags)
		d = codec.AppendUvarint(d, uint64(s.stored))
		d = codec.AppendUvarint(d, uint64(s.raw))
		d = binary.LittleEndian.AppendUint64(d, s.checksum)
	}
	d = codec.AppendUvarint(d, uint64(len(e.cols)))
	for i := range e.cols {
		d = e.cols[i].append(d)
	}
	d = appendKeys(d, e.b, &e.b.Resources.Attrs)
	d = appendKeys(d, e.b, &e.b.Scopes.Attrs)
	binary.LittleEndian.PutUint32(d[8:], uint32(len(d)-groupFixed))
	binary.LittleEndian.PutUint64(d[12:], uint64(len(e.body)))
	binary.LittleEndian.PutUint64(d[20:], xxhash.Sum64(d[groupFixed:]))
	d = append(d, e.body...)
	e.dir = d
	info.Bytes = int64(len(d))
	return d, info
}

// append appends the column's directory entry.
func (c *column) append(d []byte) []byte {
	d = append(d, byte(c.kind))
	if c.kind == kValue {
		d = append(d, byte(c.owner))
		d = appendBytes(d, []byte(c.key))
		d = append(d, byte(c.typ))
	}
	flags := byte(0)
	if c.stats {
		flags |= columnStats
	}
	dict := c.form() == formStrings
	if dict {
		flags |= columnDict
	}
	d = append(d, flags)
	d = codec.AppendUvarint(d, uint64(c.values))
	d = codec.AppendUvarint(d, uint64(c.data.segment))
	d = codec.AppendUvarint(d, uint64(c.data.raw))
	if dict {
		d = codec.AppendUvarint(d, uint64(c.entries))
		d = codec.AppendUvarint(d, uint64(c.dict.segment))
		d = codec.AppendUvarint(d, uint64(c.dict.raw))
	}
	if c.stats {
		d = codec.AppendVarint(d, c.min)
		d = codec.AppendVarint(d, c.max)
	}
	return d
}

// check refuses what no reader would read; see limits.go.
func (e *encoder) check() error {
	raw, values := 0, 0
	for i := range e.segs {
		raw += e.segs[i].raw
	}
	for i := range e.cols {
		values += e.cols[i].values
	}
	if raw > maxRaw || values > maxValues {
		return fmt.Errorf("block writer: row group of %d rows with %d values in %d bytes, at most %d and %d can be read", e.b.Len(), values, raw, maxValues, maxRaw)
	}
	return nil
}

func appendTimes(dst []byte, g GroupInfo) []byte {
	dst = codec.AppendVarint(dst, g.MinStart)
	dst = codec.AppendVarint(dst, g.MaxStart)
	dst = codec.AppendVarint(dst, g.MinTraceStart)
	dst = codec.AppendVarint(dst, g.MaxTraceStart)
	return codec.AppendVarint(dst, g.MaxEnd)
}

// appendKeys appends the distinct keys of a table with a bit for each of their types.
func appendKeys(dst []byte, b *span.Batch, a *span.Attrs) []byte {
	types := map[span.Code]uint16{}
	var order []span.Code
	for i, k := range a.Key {
		if types[k] == 0 {
			order = append(order, k)
		}
		types[k] |= 1 << a.Type[i]
	}
	dst = codec.AppendUvarint(dst, uint64(len(order)))
	for _, k := range order {
		dst = appendBytes(dst, b.Strings.Bytes(k))
		dst = codec.AppendUvarint(dst, uint64(types[k]))
	}
	return dst
}
