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

const (
	// MaxBody bounds a record's columns before compression, and with it what recovery has to hold at a time. Limits on
	// requests lie far below it.
	MaxBody = 256 << 20
	// MaxTenant is the longest tenant name, bytes: escaped it must still be a file name.
	MaxTenant = 80

	// maxRatio bounds what a decoder allocates by what it was given.
	maxRatio = 256

	compressNone = 0
	compressS2   = 1
)

// ErrBatch is the class of errors for batches that no log can take: inconsistent ones and those past a limit.
var ErrBatch = errors.New("batch cannot be stored")

// Encoder turns batches into payloads. It keeps its memory; it is for one goroutine at a time.
type Encoder struct {
	body []byte
	err  error
}

// Append appends the payload of b to dst. The error is of class [ErrBatch]. All of b's columns must be there.
func (e *Encoder) Append(dst []byte, signal span.Signal, b *span.Batch) ([]byte, error) {
	if len(b.Tenant) == 0 || len(b.Tenant) > MaxTenant {
		return dst, fmt.Errorf("%w: tenant name of %d bytes, want 1 to %d", ErrBatch, len(b.Tenant), MaxTenant)
	}
	if err := checkLengths(b); err != nil {
		return dst, err
	}
	e.err = nil
	e.body = e.appendBody(e.body[:0], b)
	if e.err != nil {
		return dst, e.err
	}
	if len(e.body) > MaxBody {
		return dst, fmt.Errorf("%w: %d bytes of columns, at most %d", ErrBatch, len(e.body), MaxBody)
	}
	dst = append(dst, byte(signal), compressS2)
	kind := len(dst) - 1
	dst = binary.LittleEndian.AppendUint64(dst, uint64(b.Arrival))
	dst = codec.AppendUvarint(dst, uint64(len(b.Tenant)))
	dst = append(dst, b.Tenant...)
	dst = codec.AppendUvarint(dst, uint64(b.Len()))
	head := len(dst)
	dst = append(dst, make([]byte, s2.MaxEncodedLen(len(e.body)))...)
	block := s2.Encode(dst[head:], e.body)
	if len(block) >= len(e.body) || len(e.body) > maxRatio*len(block) {
		dst[kind] = compressNone
		return append(dst[:head], e.body...), nil
	}
	return dst[:head+len(block)], nil
}

// Shrink gives memory back that one large batch has made grow beyond limit bytes.
func (e *Encoder) Shrink(limit int) {
	if cap(e.body) > limit {
		e.body = nil
	}
}

// checkLengths refuses batches whose columns do not fit together: they would be unreadable later.
func checkLengths(b *span.Batch) error {
	n := b.Len()
	for _, c := range [...]struct {
		name string
		len  int
	}{
		{"span id", len(b.SpanID)}, {"parent id", len(b.ParentID)}, {"start", len(b.Start)}, {"duration", len(b.Duration)},
		{"kind", len(b.Kind)}, {"status", len(b.Status)}, {"name", len(b.Name)}, {"status message", len(b.StatusMessage)},
		{"trace state", len(b.TraceState)}, {"flags", len(b.Flags)}, {"resource", len(b.Resource)}, {"scope", len(b.Scope)},
		{"dropped attributes", len(b.DroppedAttrs)}, {"dropped events", len(b.DroppedEvents)},
		{"dropped links", len(b.DroppedLinks)}, {"head weight", len(b.HeadWeight)}, {"trace weight", len(b.TraceWeight)},
		{"notes", len(b.Notes)}, {"attributes", owners(b.Attrs.Off)}, {"events", owners(b.Events.Off)}, {"links", owners(b.Links.Off)},
	} {
		if c.len != n {
			return fmt.Errorf("%w: %d rows of %s for %d spans", ErrBatch, c.len, c.name, n)
		}
	}
	ev, ln := len(b.Events.Time), len(b.Links.TraceID)
	if end(b.Events.Off) != ev || len(b.Events.Name) != ev || len(b.Events.Dropped) != ev || owners(b.Events.Attrs.Off) != ev {
		return fmt.Errorf("%w: event columns of different lengths", ErrBatch)
	}
	if end(b.Links.Off) != ln || len(b.Links.SpanID) != ln || len(b.Links.TraceState) != ln || len(b.Links.Flags) != ln ||
		len(b.Links.Dropped) != ln || owners(b.Links.Attrs.Off) != ln {
		return fmt.Errorf("%w: link columns of different lengths", ErrBatch)
	}
	r, s := &b.Resources, &b.Scopes
	if len(r.SchemaURL) != r.Len() || len(r.EntityRefs) != r.Len() || owners(r.Attrs.Off) != r.Len() {
		return fmt.Errorf("%w: resource columns of different lengths", ErrBatch)
	}
	if len(s.Version) != s.Len() || len(s.Dropped) != s.Len() || len(s.SchemaURL) != s.Len() || owners(s.Attrs.Off) != s.Len() {
		return fmt.Errorf("%w: scope columns of different lengths", ErrBatch)
	}
	return nil
}

func owners(off []uint32) int { return max(0, len(off)-1) }

func end(off []uint32) int {
	if len(off) == 0 {
		return 0
	}
	return int(off[len(off)-1])
}

func (e *Encoder) appendBody(dst []byte, b *span.Batch) []byte {
	codes := uint32(b.Strings.Len())
	dst = codec.AppendUvarint(dst, uint64(codes-1))
	for c := span.Code(1); c < codes; c++ {
		dst = codec.AppendUvarint(dst, uint64(len(b.Strings.Bytes(c))))
	}
	for c := span.Code(1); c < codes; c++ {
		dst = append(dst, b.Strings.Bytes(c)...)
	}
	for i := range b.TraceID {
		dst = append(dst, b.TraceID[i][:]...)
	}
	dst = appendIDs(dst, b.SpanID)
	dst = appendIDs(dst, b.ParentID)
	prev := int64(0)
	for _, t := range b.Start {
		dst = codec.AppendVarint(dst, t-prev)
		prev = t
	}
	for _, d := range b.Duration {
		dst = codec.AppendVarint(dst, d)
	}
	dst = appendColumn(dst, b.Kind)
	dst = appendColumn(dst, b.Status)
	dst = e.codes(dst, "name", b.Name, codes)
	dst = e.codes(dst, "status message", b.StatusMessage, codes)
	dst = e.codes(dst, "trace state", b.TraceState, codes)
	dst = appendColumn(dst, b.Flags)
	dst = e.codes(dst, "resource", b.Resource, uint32(b.Resources.Len()))
	dst = e.codes(dst, "scope", b.Scope, uint32(b.Scopes.Len()))
	dst = appendColumn(dst, b.DroppedAttrs)
	dst = appendColumn(dst, b.DroppedEvents)
	dst = appendColumn(dst, b.DroppedLinks)
	dst = appendColumn(dst, b.Notes)
	dst = appendFloats(dst, b.HeadWeight)
	dst = appendFloats(dst, b.TraceWeight)
	dst = e.attrs(dst, &b.Attrs, codes)

	dst = e.counts(dst, b.Events.Off)
	for i := range b.Len() {
		lo, hi := b.Events.Range(i)
		for k := lo; k < hi; k++ {
			dst = codec.AppendVarint(dst, b.Events.Time[k]-b.Start[i])
		}
	}
	dst = e.codes(dst, "event name", b.Events.Name, codes)
	dst = appendColumn(dst, b.Events.Dropped)
	dst = e.attrs(dst, &b.Events.Attrs, codes)

	dst = e.counts(dst, b.Links.Off)
	for i := range b.Links.TraceID {
		dst = append(dst, b.Links.TraceID[i][:]...)
	}
	dst = appendIDs(dst, b.Links.SpanID)
	dst = e.codes(dst, "link trace state", b.Links.TraceState, codes)
	dst = appendColumn(dst, b.Links.Flags)
	dst = appendColumn(dst, b.Links.Dropped)
	dst = e.attrs(dst, &b.Links.Attrs, codes)

	r := &b.Resources
	dst = codec.AppendUvarint(dst, uint64(r.Len()))
	dst = e.varints(dst, "resource schema URL", r.SchemaURL, codes)
	dst = codec.AppendVarints(dst, r.Dropped)
	dst = e.varints(dst, "resource entity refs", r.EntityRefs, codes)
	dst = e.attrs(dst, &r.Attrs, codes)

	s := &b.Scopes
	dst = codec.AppendUvarint(dst, uint64(s.Len()))
	dst = e.varints(dst, "scope name", s.Name, codes)
	dst = e.varints(dst, "scope version", s.Version, codes)
	dst = e.varints(dst, "scope schema URL", s.SchemaURL, codes)
	dst = codec.AppendVarints(dst, s.Dropped)
	return e.attrs(dst, &s.Attrs, codes)
}

func appendIDs(dst []byte, ids []span.SpanID) []byte {
	for i := range ids {
		dst = append(dst, ids[i][:]...)
	}
	return dst
}

// appendColumn appends a column: byte 0 and the value if all are equal, otherwise byte 1 and all of them.
func appendColumn[T ~uint32 | ~int32](dst []byte, vals []T) []byte {
	if allEqual(vals) {
		return codec.AppendUvarint(append(dst, 0), uint64(uint32(first(vals))))
	}
	dst = append(dst, 1)
	for _, v := range vals {
		dst = codec.AppendUvarint(dst, uint64(uint32(v)))
	}
	return dst
}

func appendFloats(dst []byte, vals []float32) []byte {
	if allEqual(vals) {
		return codec.AppendUvarint(append(dst, 0), uint64(math.Float32bits(first(vals))))
	}
	dst = append(dst, 1)
	for _, v := range vals {
		dst = codec.AppendUvarint(dst, uint64(math.Float32bits(v)))
	}
	return dst
}

func allEqual[T comparable](vals []T) bool {
	for _, v := range vals {
		if v != vals[0] {
			return false
		}
	}
	return true
}

func first[T any](vals []T) (v T) {
	if len(vals) > 0 {
		v = vals[0]
	}
	return v
}

// codes appends a column of codes or indexes, each below limit.
func (e *Encoder) codes(dst []byte, what string, vals []uint32, limit uint32) []byte {
	e.check(what, vals, limit)
	return appendColumn(dst, vals)
}

// varints appends codes without the short form, so that a decoder can bound their number by the bytes there are.
func (e *Encoder) varints(dst []byte, what string, vals []uint32, limit uint32) []byte {
	e.check(what, vals, limit)
	return codec.AppendVarints(dst, vals)
}

func (e *Encoder) check(what string, vals []uint32, limit uint32) {
	for i, v := range vals {
		if v >= limit {
			e.fail("%s %d of row %d is not below %d", what, v, i, limit)
			return
		}
	}
}

func (e *Encoder) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf("%w: %s", ErrBatch, fmt.Sprintf(format, args...))
	}
}

// counts appends the column of how many rows each owner has.
func (e *Encoder) counts(dst []byte, off []uint32) []byte {
	n := owners(off)
	if n > 0 && off[0] != 0 {
		e.fail("first offset is %d", off[0])
	}
	same := true
	for i := range n {
		if off[i+1] < off[i] {
			e.fail("offsets fall at owner %d", i)
			return dst
		}
		same = same && off[i+1]-off[i] == off[1]-off[0]
	}
	if same {
		count := uint32(0)
		if n > 0 {
			count = off[1] - off[0]
		}
		return codec.AppendUvarint(append(dst, 0), uint64(count))
	}
	dst = append(dst, 1)
	for i := range n {
		dst = codec.AppendUvarint(dst, uint64(off[i+1]-off[i]))
	}
	return dst
}

func (e *Encoder) attrs(dst []byte, a *span.Attrs, codes uint32) []byte {
	if end(a.Off) != len(a.Key) || len(a.Type) != len(a.Key) || len(a.Val) != len(a.Key) {
		e.fail("attribute columns of different lengths")
		return dst
	}
	dst = e.counts(dst, a.Off)
	for _, t := range a.Type {
		dst = append(dst, byte(t))
	}
	dst = e.codes(dst, "attribute key", a.Key, codes)
	for i, v := range a.Val {
		switch t := a.Type[i]; t {
		case span.TypeEmpty:
		case span.TypeBool:
			dst = append(dst, byte(v))
		case span.TypeInt:
			dst = codec.AppendVarint(dst, int64(v))
		case span.TypeDouble:
			dst = binary.LittleEndian.AppendUint64(dst, v)
		case span.TypeString, span.TypeBytes, span.TypeArray, span.TypeMap:
			if v >= uint64(codes) {
				e.fail("attribute value %d of row %d is not below %d", v, i, codes)
				return dst
			}
			dst = codec.AppendUvarint(dst, v)
		default:
			e.fail("attribute of unknown type %d", t)
			return dst
		}
	}
	return dst
}
