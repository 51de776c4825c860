// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/klauspost/compress/s2"

	"github.com/clew-tracing/clew/base/codec"
	"github.com/clew-tracing/clew/span"
)

// ErrPayload is the class of errors for payloads that cannot be decoded.
var ErrPayload = errors.New("malformed payload")

// Decoder turns payloads into batches. It keeps its memory; it is for one goroutine at a time. No payload makes it
// panic, or allocate more than a small multiple of [maxRatio] times its length.
type Decoder struct {
	body []byte
	bits []uint32
	src  []byte
	err  error
}

// Decode makes b, which it resets, the batch of a payload. On an error, of class [ErrPayload], b is empty. Nothing of b
// aliases the payload.
func (d *Decoder) Decode(payload []byte, b *span.Batch) (span.Signal, error) {
	b.Reset()
	signal, err := d.decode(payload, b)
	if err != nil {
		b.Reset()
		return 0, fmt.Errorf("%w: %w", ErrPayload, err)
	}
	return signal, nil
}

var errShort = errors.New("cut short")

func (d *Decoder) decode(payload []byte, b *span.Batch) (span.Signal, error) {
	if len(payload) < 10 {
		return 0, errShort
	}
	signal, compression := span.Signal(payload[0]), payload[1]
	b.Arrival = int64(binary.LittleEndian.Uint64(payload[2:]))
	n, rest, err := codec.Uvarint(payload[10:])
	if err != nil {
		return 0, err
	}
	if n == 0 || n > MaxTenant || n > uint64(len(rest)) {
		return 0, fmt.Errorf("tenant of %d bytes", n)
	}
	b.Tenant = string(rest[:n])
	spans, rest, err := codec.Uvarint(rest[n:])
	if err != nil {
		return 0, err
	}
	switch compression {
	case compressNone:
		d.src = rest
	case compressS2:
		size, err := s2.DecodedLen(rest)
		if err != nil {
			return 0, err
		}
		if size > MaxBody || size > maxRatio*len(rest) {
			return 0, fmt.Errorf("%d bytes announce a body of %d", len(rest), size)
		}
		if cap(d.body) < size {
			d.body = make([]byte, size)
		}
		if d.src, err = s2.Decode(d.body[:size], rest); err != nil {
			return 0, err
		}
	default:
		return 0, fmt.Errorf("unknown compression %d", compression)
	}
	if spans > uint64(len(d.src))/16 {
		return 0, fmt.Errorf("%d spans in %d bytes", spans, len(d.src))
	}
	d.err = nil
	d.columns(int(spans), b)
	if d.err == nil && len(d.src) > 0 {
		d.err = fmt.Errorf("%d bytes too many", len(d.src))
	}
	return signal, d.err
}

// columns reads the body. Every number of rows is bounded by the bytes that are left before memory is taken for it.
func (d *Decoder) columns(n int, b *span.Batch) {
	d.strings(&b.Strings)
	codes := uint32(b.Strings.Len())
	if d.err != nil {
		return
	}
	b.TraceID = resize(b.TraceID, n)
	for i := range b.TraceID {
		copy(b.TraceID[i][:], d.bytes(16))
	}
	b.SpanID = d.ids(b.SpanID, n)
	b.ParentID = d.ids(b.ParentID, n)
	b.Start, b.Duration = resize(b.Start, n), resize(b.Duration, n)
	prev := int64(0)
	for i := range b.Start {
		prev += d.varint()
		b.Start[i] = prev
	}
	for i := range b.Duration {
		b.Duration[i] = d.varint()
	}
	if d.err != nil {
		return
	}
	b.Kind = column(d, b.Kind, n)
	b.Status = column(d, b.Status, n)
	b.Name = d.codes(b.Name, n, codes)
	b.StatusMessage = d.codes(b.StatusMessage, n, codes)
	b.TraceState = d.codes(b.TraceState, n, codes)
	b.Flags = column(d, b.Flags, n)
	b.Resource = column(d, b.Resource, n)
	b.Scope = column(d, b.Scope, n)
	b.DroppedAttrs = column(d, b.DroppedAttrs, n)
	b.DroppedEvents = column(d, b.DroppedEvents, n)
	b.DroppedLinks = column(d, b.DroppedLinks, n)
	b.Notes = column(d, b.Notes, n)
	b.HeadWeight = d.floats(b.HeadWeight, n)
	b.TraceWeight = d.floats(b.TraceWeight, n)
	d.attrs(&b.Attrs, n, codes)

	ev := &b.Events
	var count int
	ev.Off, count = d.counts(ev.Off, n)
	ev.Time = resize(ev.Time, count)
	if d.err == nil {
		for i := range n {
			lo, hi := ev.Range(i)
			for k := lo; k < hi; k++ {
				ev.Time[k] = b.Start[i] + d.varint()
			}
		}
	}
	ev.Name = d.codes(ev.Name, count, codes)
	ev.Dropped = column(d, ev.Dropped, count)
	d.attrs(&ev.Attrs, count, codes)

	ln := &b.Links
	ln.Off, count = d.counts(ln.Off, n)
	ln.TraceID = resize(ln.TraceID, count)
	for i := range ln.TraceID {
		copy(ln.TraceID[i][:], d.bytes(16))
	}
	ln.SpanID = d.ids(ln.SpanID, count)
	ln.TraceState = d.codes(ln.TraceState, count, codes)
	ln.Flags = column(d, ln.Flags, count)
	ln.Dropped = column(d, ln.Dropped, count)
	d.attrs(&ln.Attrs, count, codes)

	r := &b.Resources
	count = d.count()
	r.SchemaURL = d.varints(r.SchemaURL, count, codes)
	r.Dropped = d.varints(r.Dropped, count, math.MaxUint32)
	r.EntityRefs = d.varints(r.EntityRefs, count, codes)
	d.attrs(&r.Attrs, count, codes)
	d.below("resource", b.Resource, uint32(count))

	s := &b.Scopes
	count = d.count()
	s.Name = d.varints(s.Name, count, codes)
	s.Version = d.varints(s.Version, count, codes)
	s.SchemaURL = d.varints(s.SchemaURL, count, codes)
	s.Dropped = d.varints(s.Dropped, count, math.MaxUint32)
	d.attrs(&s.Attrs, count, codes)
	d.below("scope", b.Scope, uint32(count))
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

func (d *Decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
		d.src = nil
	}
}

// zeroes is what an id is read from after an error.
var zeroes [16]byte

// bytes cuts n bytes off, at most 16 of them after an error.
func (d *Decoder) bytes(n int) []byte {
	if len(d.src) < n {
		d.fail("%w", errShort)
		return zeroes[:min(n, len(zeroes))]
	}
	b := d.src[:n]
	d.src = d.src[n:]
	return b
}

func (d *Decoder) uvarint() uint64 {
	if len(d.src) > 0 && d.src[0] < 0x80 {
		v := d.src[0]
		d.src = d.src[1:]
		return uint64(v)
	}
	v, rest, err := codec.Uvarint(d.src)
	if err != nil {
		d.fail("%w", err)
		return 0
	}
	d.src = rest
	return v
}

func (d *Decoder) varint() int64 { return codec.Unzigzag(d.uvarint()) }

// count reads a number of rows of at least one byte each.
func (d *Decoder) count() int {
	n := d.uvarint()
	if n > uint64(len(d.src)) {
		d.fail("%d rows in %d bytes", n, len(d.src))
		return 0
	}
	return int(n)
}

func (d *Decoder) strings(s *span.Strings) {
	n := d.count()
	lens := d.src
	total := uint64(0)
	for range n {
		l := d.uvarint()
		total += l
		if l == 0 || total > MaxBody {
			d.fail("bad string length %d", l)
			return
		}
	}
	if d.err != nil {
		return
	}
	if total > uint64(len(d.src)) {
		d.fail("strings of %d bytes in %d", total, len(d.src))
		return
	}
	for i := range n {
		var l uint64
		l, lens, _ = codec.Uvarint(lens)
		if s.Intern(d.bytes(int(l))) != span.Code(i+1) {
			d.fail("string %d is there twice", i+1)
			return
		}
	}
}

func (d *Decoder) ids(ids []span.SpanID, n int) []span.SpanID {
	if n > len(d.src)/8 {
		d.fail("%d ids in %d bytes", n, len(d.src))
		n = 0
	}
	ids = resize(ids, n)
	for i := range ids {
		copy(ids[i][:], d.bytes(8))
	}
	return ids
}

// column reads a column of n rows, of which the caller has made sure that they are plausible.
func column[T ~uint32 | ~int32](d *Decoder, vals []T, n int) []T {
	vals = resize(vals, n)
	switch d.bytes(1)[0] {
	case 0:
		v := d.uint32()
		for i := range vals {
			vals[i] = T(v)
		}
	case 1:
		for i := range vals {
			vals[i] = T(d.uint32())
		}
	default:
		d.fail("unknown column encoding")
	}
	return vals
}

func (d *Decoder) uint32() uint32 {
	v := d.uvarint()
	if v > math.MaxUint32 {
		d.fail("value %d in a column of 32 bits", v)
	}
	return uint32(v)
}

func (d *Decoder) floats(vals []float32, n int) []float32 {
	d.bits = column(d, d.bits, n)
	vals = resize(vals, n)
	for i, v := range d.bits {
		vals[i] = math.Float32frombits(v)
	}
	return vals
}

func (d *Decoder) codes(vals []uint32, n int, limit uint32) []uint32 {
	vals = column(d, vals, n)
	d.below("code", vals, limit)
	return vals
}

func (d *Decoder) varints(vals []uint32, n int, limit uint32) []uint32 {
	vals = resize(vals, n)
	for i := range vals {
		vals[i] = d.uint32()
	}
	d.below("code", vals, limit)
	return vals
}

func (d *Decoder) below(what string, vals []uint32, limit uint32) {
	for _, v := range vals {
		if v >= limit && limit != math.MaxUint32 {
			d.fail("%s %d of %d", what, v, limit)
			return
		}
	}
}

// counts reads how many rows each of n owners has and returns the offsets and their end, which is never more than the
// bytes that are left: each row takes at least one.
func (d *Decoder) counts(off []uint32, n int) ([]uint32, int) {
	if n == 0 {
		if d.bytes(1)[0] != 0 || d.uvarint() != 0 {
			d.fail("rows without owners")
		}
		return off[:0], 0
	}
	off = resize(off, n+1)
	off[0] = 0
	same := d.bytes(1)[0]
	if same > 1 {
		d.fail("unknown column encoding")
	}
	var count, total uint64
	if same == 0 {
		count = d.uvarint()
	}
	for i := range n {
		if same == 1 {
			count = d.uvarint()
		}
		total += count
		if count > MaxBody || total > MaxBody {
			d.fail("%d rows", total)
			break
		}
		off[i+1] = uint32(total)
	}
	if d.err == nil && total > uint64(len(d.src)) {
		d.fail("%d rows in %d bytes", total, len(d.src))
	}
	if d.err != nil {
		clear(off)
		return off, 0
	}
	return off, int(total)
}

func (d *Decoder) attrs(a *span.Attrs, owners int, codes uint32) {
	var n int
	a.Off, n = d.counts(a.Off, owners)
	a.Type = resize(a.Type, n)
	a.Val = resize(a.Val, n)
	if d.err != nil {
		a.Key = a.Key[:0]
		return
	}
	for i, t := range d.src[:n] {
		a.Type[i] = span.Type(t)
	}
	d.src = d.src[n:]
	a.Key = d.codes(a.Key, n, codes)
	for i, t := range a.Type {
		switch t {
		case span.TypeEmpty:
			a.Val[i] = 0
		case span.TypeBool:
			a.Val[i] = uint64(d.bytes(1)[0])
		case span.TypeInt:
			a.Val[i] = uint64(d.varint())
		case span.TypeDouble:
			a.Val[i] = binary.LittleEndian.Uint64(d.bytes(8))
		case span.TypeString, span.TypeBytes, span.TypeArray, span.TypeMap:
			v := d.uvarint()
			if v >= uint64(codes) {
				d.fail("value %d of %d", v, codes)
			}
			a.Val[i] = v
		default:
			d.fail("unknown attribute type %d", t)
			return
		}
	}
}
