// SPDX-License-Identifier: Apache-2.0

package block

import (
	"context"
	"io"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"

	"github.com/clew-tracing/clew/base/codec"
	"github.com/clew-tracing/clew/span"
)

// decoder reads the rows [lo, hi) of one row group into a batch. Columns are read from their beginning as far as needed:
// what stands before lo says where the values of later rows are, what stands after hi is not looked at.
type decoder struct {
	ctx  context.Context
	r    io.ReaderAt
	zstd *zstd.Decoder
	d    *directory
	want *wanted
	b    *span.Batch

	lo, hi int
	read   int64    // bytes read from the file
	segs   [][]byte // raw bytes of the segments read so far
	stored []byte   // of the segment at hand
	free   [][]byte // memory of segments that were read before
	nums   []uint64
	u32    []uint32
	dict   dictionary

	table     traceTable
	parents   []int32  // of each row in [lo, hi), the row of its parent if that is an earlier one, otherwise -1
	templates []uint32 // of each row in [0, hi), its template
	attrs     attrDecoder
}

// reset gives up the group and all that was read of it, and keeps the memory.
func (d *decoder) reset() {
	const keep = 8 << 20 // of one segment; an unusually large one is not worth holding
	for _, s := range d.segs {
		if s != nil && cap(s) <= keep {
			d.free = append(d.free, s[:0])
		}
	}
	d.ctx, d.r, d.zstd, d.d, d.want, d.b = nil, nil, nil, nil, nil, nil
	d.lo, d.hi, d.read, d.segs = 0, -1, 0, d.segs[:0]
	d.table = traceTable{}
}

// memory returns n bytes of capacity or less.
func (d *decoder) memory(n int) []byte {
	if k := len(d.free); k > 0 {
		m := d.free[k-1]
		d.free = d.free[:k-1]
		if cap(m) >= n {
			return m
		}
	}
	return make([]byte, 0, n)
}

// whole reports whether all rows are read, so that columns must have exactly as many values as are used.
func (d *decoder) whole() bool { return d.lo == 0 && d.hi == d.d.info.Rows }

// rows is the number of rows that are read.
func (d *decoder) rows() int { return d.hi - d.lo }

// prefix runs f, in which columns may have more values than are read.
func (d *decoder) prefix(f func() error) error {
	hi := d.hi
	d.hi = -1
	err := f()
	d.hi = hi
	return err
}

// all makes the decoder read all rows.
func (d *decoder) all() { d.lo, d.hi = 0, d.d.info.Rows }

// bytes returns the raw bytes at a place of a column, reading and checking its segment if that was not done yet.
func (d *decoder) bytes(c *column, p *place) ([]byte, error) {
	if d.segs == nil {
		d.segs = make([][]byte, len(d.d.segs))
	}
	raw := d.segs[p.segment]
	if raw == nil {
		if err := d.ctx.Err(); err != nil {
			return nil, err
		}
		var err error
		if raw, err = d.segment(p.segment); err != nil {
			return nil, d.fail(c, err)
		}
		d.segs[p.segment] = raw
	}
	return raw[p.off : p.off+p.raw : p.off+p.raw], nil
}

// fail names the column and the group that an error is about.
func (d *decoder) fail(c *column, err error) error {
	return &columnError{column: c.printable(), group: d.d.info.Offset, err: err}
}

// corrupt is an error about the group.
func (d *decoder) corrupt(format string, args ...any) error {
	return corrupt("row group at %d: "+format, append([]any{d.d.info.Offset}, args...)...)
}

func (d *decoder) segment(i int) ([]byte, error) {
	s := &d.d.segs[i]
	stored := d.stored
	if !s.zstd {
		stored = d.memory(s.stored) // it stays
	}
	stored = grow(stored, s.stored)
	if s.zstd {
		d.stored = stored
	}
	if _, err := d.r.ReadAt(stored, d.d.bodyOff+s.off); err != nil {
		return nil, err
	}
	d.read += int64(s.stored)
	if xxhash.Sum64(stored) != s.checksum {
		return nil, corrupt("segment %d does not have its checksum", i)
	}
	if !s.zstd {
		return inflate(nil, stored, nil, s.raw)
	}
	return inflate(d.zstd, stored, d.memory(plausible(s.raw, s.stored)), s.raw)
}

// plausible bounds the raw length that a directory announces by how far columns compress in practice.
func plausible(raw, stored int) int { return min(raw, 64<<10+1000*stored) }

// inflate returns the raw bytes of a segment, never nil, in memory that grows as bytes come. Without z, the segment is not
// compressed.
func inflate(z *zstd.Decoder, stored, memory []byte, raw int) ([]byte, error) {
	if z != nil {
		var h zstd.Header
		if err := h.Decode(stored); err != nil || h.HasFCS && h.FrameContentSize != uint64(raw) {
			return nil, corrupt("segment is a frame of %d bytes instead of %d", h.FrameContentSize, raw)
		}
		var err error
		if stored, err = z.DecodeAll(stored, memory[:0]); err != nil {
			return nil, corrupt("segment: %v", err)
		}
	}
	if len(stored) != raw {
		return nil, corrupt("segment has %d bytes instead of %d", len(stored), raw)
	}
	if stored == nil {
		stored = []byte{}
	}
	return stored, nil
}

// numbers reads the first n values of a column, all def where it is left out. The slice is valid until the next call.
func (d *decoder) numbers(k kind, n int, def uint64) ([]uint64, error) {
	c := d.d.col(k)
	if c != nil {
		if err := d.enough(c, n); err != nil {
			return nil, err
		}
	}
	d.nums = grow(d.nums, n)
	if c == nil {
		for i := range d.nums {
			d.nums[i] = def
		}
		return d.nums, nil
	}
	return d.nums, numbersOf(d, c, d.nums)
}

// enough checks that a column has n values, or exactly as many where all rows are read.
func (d *decoder) enough(c *column, n int) error {
	if c.values < n || d.whole() && c.values != n {
		return d.fail(c, corrupt("%d values instead of %d", c.values, n))
	}
	return nil
}

// numbersOf reads the first values of a column, or all of them where all rows are read.
func numbersOf[T codec.Unsigned](d *decoder, c *column, dst []T) error {
	raw, err := d.bytes(c, &c.data)
	if err != nil {
		return err
	}
	if err := d.enough(c, len(dst)); err != nil {
		return err
	}
	if c.values > len(dst) {
		err = firstNumbers(dst, raw)
	} else if rest, e := codec.Column(dst, raw); e != nil {
		err = e
	} else if len(rest) != 0 {
		err = corrupt("%d bytes too many", len(rest))
	}
	if err != nil {
		return d.fail(c, err)
	}
	return nil
}

// signed reads the first n values of a column of signed numbers.
func (d *decoder) signed(k kind, n int) ([]uint64, error) {
	vals, err := d.numbers(k, n, 0)
	if c := d.d.col(k); err == nil && c != nil && c.signed() {
		unzigzag(vals)
	}
	return vals, err
}

func unzigzag(vals []uint64) {
	for i, v := range vals {
		vals[i] = uint64(codec.Unzigzag(v))
	}
}

// bits reads the first n values of a column whose lengths stand apart from its bits.
func (d *decoder) bits(lengths, packed kind, n int) ([]uint64, error) {
	vals, err := d.numbers(lengths, n, 0)
	if err != nil {
		return nil, err
	}
	var raw []byte
	if c := d.d.col(packed); c != nil {
		if raw, err = d.bytes(c, &c.data); err != nil {
			return nil, err
		}
	}
	if err := unpackBits(vals, raw, d.whole()); err != nil {
		return nil, d.fail(&column{colID: colID{kind: packed}}, err)
	}
	return vals, nil
}

// fixed reads a column of at least n values of the given width, nil where it is left out.
func (d *decoder) fixed(k kind, n, width int) ([]byte, error) {
	c := d.d.col(k)
	if c == nil {
		return nil, nil
	}
	raw, err := d.bytes(c, &c.data)
	if err == nil {
		err = d.enough(c, n)
	}
	if err == nil && len(raw) != c.values*width {
		err = d.fail(c, corrupt("%d bytes for %d values", len(raw), c.values))
	}
	return raw, err
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/8)
	}
	return s[:n]
}

// small reads the values [lo, hi) of a column of 32-bit numbers into dst.
func (d *decoder) small(dst *[]uint32, k kind, lo, hi int) error {
	*dst = grow(*dst, hi-lo)
	vals, err := d.numbers(k, hi, 0)
	if err != nil {
		return err
	}
	for i, v := range vals[lo:] {
		(*dst)[i] = uint32(v)
	}
	return nil
}

// codes reads the values [lo, hi) of a column of strings into dst.
func (d *decoder) codes(dst *[]span.Code, k kind, lo, hi int) error {
	*dst = grow(*dst, hi-lo)
	c := d.d.col(k)
	if c == nil {
		clear(*dst)
		return nil
	}
	vals, err := d.strings(c, lo, hi)
	copy(*dst, vals)
	return err
}

// strings reads the values [lo, hi) of a column of strings. The slice is valid until the next call.
func (d *decoder) strings(c *column, lo, hi int) ([]span.Code, error) {
	if err := d.enough(c, hi); err != nil {
		return nil, err
	}
	text, err := d.bytes(c, &c.dict)
	if err != nil {
		return nil, err
	}
	if err := d.dict.parse(text, c.entries); err != nil {
		return nil, d.fail(c, err)
	}
	d.u32 = grow(d.u32, hi)
	if err := numbersOf(d, c, d.u32); err != nil {
		return nil, err
	}
	if err := d.dict.resolve(d.u32, lo, &d.b.Strings); err != nil {
		return nil, d.fail(c, err)
	}
	return d.u32[lo:], nil
}

// group reads the rows into d.b, which is empty.
func (d *decoder) group() error {
	steps := [...]func() error{d.ids, d.starts, d.parentIDs, d.spanNumbers, d.spanTemplates, d.spanStrings, d.resources, d.scopes, d.events, d.links}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
