// SPDX-License-Identifier: Apache-2.0

package block

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"

	"github.com/clew-tracing/clew/base/codec"
	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/span/spantest"
	"github.com/clew-tracing/clew/store"
)

func ordered(b *span.Batch) *span.Batch {
	out := &span.Batch{}
	b.CopyOrdered(out)
	return out
}

// plainGroup returns the directory and the body of a row group of b's rows, which stand in trace order, with segments that
// are not compressed: what a fuzzer can change bit by bit.
func plainGroup(t testing.TB, b *span.Batch) (dir, body []byte) {
	t.Helper()
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	e := &encoder{zstd: z}
	_, info := e.group(b)
	inflater, err := newDecompressor()
	if err != nil {
		t.Fatal(err)
	}
	for i := range e.segs {
		s := &e.segs[i]
		raw, err := inflateIf(s.zstd, inflater, e.body[s.off:int(s.off)+s.stored], s.raw)
		if err != nil {
			t.Fatal(err)
		}
		*s = segment{off: int64(len(body)), stored: len(raw), raw: len(raw), checksum: xxhash.Sum64(raw)}
		body = append(body, raw...)
	}
	e.body = body
	group, _ := e.assemble(info)
	dirLen := int(binary.LittleEndian.Uint32(group[8:]))
	return bytes.Clone(group[groupFixed : groupFixed+dirLen]), body
}

func inflateIf(compressed bool, z *zstd.Decoder, stored []byte, raw int) ([]byte, error) {
	if !compressed {
		z = nil
	}
	return inflate(z, stored, nil, raw)
}

// forged returns a decoder of a group whose checksums are right, whatever else is not.
func forged(dir, body []byte) (*decoder, error) {
	d, err := parseDirectory(dir, int64(len(body)))
	if err != nil {
		return nil, err
	}
	for i := range d.segs {
		s := &d.segs[i]
		s.checksum = xxhash.Sum64(body[s.off : s.off+int64(s.stored)])
	}
	z, err := newDecompressor()
	if err != nil {
		return nil, err
	}
	return &decoder{ctx: context.Background(), r: bytes.NewReader(body), zstd: z, d: d, want: want(store.Projection{All: true}), b: &span.Batch{}}, nil
}

// FuzzGroup changes a row group behind its checksums: reading never panics, errors are of class ErrCorrupt, and a part of
// the rows reads as it does among all of them.
func FuzzGroup(f *testing.F) {
	for _, b := range []*span.Batch{tinyBatch(), ordered(spantest.Random(3, 12))} {
		dir, body := plainGroup(f, b)
		f.Add(dir, body)
	}
	f.Fuzz(func(t *testing.T, dir, body []byte) {
		all, err := forged(dir, body)
		if err != nil {
			mustBeCorrupt(t, err)
			return
		}
		if all.d.info.Rows > 1<<12 {
			return // only slower
		}
		all.all()
		wholeErr := all.group()
		mustBeCorrupt(t, wholeErr)
		_ = all.d.can(&match.Expr{Kind: match.One, Cond: match.Cond{Field: match.Of(match.Duration), Op: match.Gt, Value: span.IntValue(5)}})
		_ = all.d.fields(nil, match.ScopeAny)
		if wholeErr == nil {
			_ = span.DumpString(all.b) // every code and index is in range
		}
		part, _ := forged(dir, body)
		table, err := part.traceTable()
		if err != nil || len(table.rows) == 0 {
			return
		}
		part.lo, part.hi = table.find(table.id(len(table.rows) / 2).Key())
		if err := part.group(); err != nil {
			mustBeCorrupt(t, err)
			return
		}
		got := span.DumpString(part.b)
		if wholeErr != nil {
			return
		}
		want := &span.Batch{}
		c := span.NewCopier(want)
		c.From(all.b)
		for i := part.lo; i < part.hi; i++ {
			c.Row(i)
		}
		if want := span.DumpString(want); got != want {
			t.Fatalf("rows %d to %d are\n%samong all of them\n%s", part.lo, part.hi, got, want)
		}
	})
}

func mustBeCorrupt(t *testing.T, err error) {
	t.Helper()
	if err != nil && !errors.Is(err, store.ErrCorrupt) {
		t.Fatalf("%v is not of class ErrCorrupt", err)
	}
}

// FuzzDirectory parses directories alone.
func FuzzDirectory(f *testing.F) {
	dir, body := plainGroup(f, ordered(spantest.Random(3, 12)))
	f.Add(dir, int64(len(body)))
	f.Fuzz(func(t *testing.T, dir []byte, bodyLen int64) {
		d, err := parseDirectory(dir, max(0, bodyLen))
		mustBeCorrupt(t, err)
		if err != nil {
			return
		}
		for i := range d.cols {
			c := &d.cols[i]
			for _, p := range []place{c.data, c.dict} {
				if p.raw > 0 && p.off+p.raw > d.segs[p.segment].raw {
					t.Fatalf("column %s ends after its segment", c.colID)
				}
			}
		}
	})
}

// FuzzStrings reads a column of strings.
func FuzzStrings(f *testing.F) {
	var b span.Batch
	var e stringEncoder
	codes := []span.Code{b.Strings.InternString("a"), b.Strings.InternString("bcd"), 0, 1, 2, 2, b.Strings.InternString("e")}
	data, dict, n := e.append(nil, nil, &b.Strings, codes)
	f.Add(data, dict, n, len(codes))
	f.Fuzz(func(t *testing.T, data, dict []byte, entries, values int) {
		if entries < 0 || values < 0 || values > 1<<12 {
			return
		}
		var d dictionary
		var s span.Strings
		if d.parse(dict, entries) != nil {
			return
		}
		nums := make([]uint32, values)
		if _, err := codec.Column(nums, data); err != nil {
			return
		}
		if d.resolve(nums, 0, &s) != nil {
			return
		}
		for _, c := range nums {
			_ = s.String(c)
		}
	})
}

// FuzzOpen changes whole files, trailers and headers among them, small ones so that a change finds something.
func FuzzOpen(f *testing.F) {
	file := tiny(f)
	f.Add(file)
	f.Add(file[:len(file)-10])
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Open(bytes.NewReader(data), int64(len(data)))
		mustBeCorrupt(t, err)
		if err := Inspect(io.Discard, bytes.NewReader(data), int64(len(data))); err != nil {
			t.Fatal(err)
		}
		if r == nil {
			return
		}
		for g := range r.Groups() {
			var b span.Batch
			mustBeCorrupt(t, r.Read(context.Background(), g, everything, &b, nil))
			_, err := r.Find(uint64(g))
			mustBeCorrupt(t, err)
		}
	})
}

// TestForgedCounts: numbers that announce far more than is there cost no memory to speak of.
func TestForgedCounts(t *testing.T) {
	huge := func(vals ...uint64) (out []byte) {
		for _, v := range vals {
			out = codec.AppendUvarint(out, v)
		}
		return out
	}
	times := make([]byte, 5)
	head := func(rows, traces uint64) []byte { return append(huge(rows, traces), times...) }
	segment := func(stored, raw uint64) []byte {
		return append(append([]byte{0}, huge(stored, raw)...), make([]byte, 8)...)
	}
	for name, dir := range map[string][]byte{
		"rows":     head(maxRows+1, 1),
		"traces":   head(1, maxRows+1),
		"segments": append(head(1, 1), huge(1<<40)...),
		"segments within the length of the directory": append(append(head(1, 1), huge(1000)...), make([]byte, 2000)...),
		"raw segment":    append(append(head(1, 1), huge(1)...), segment(4, maxRaw+1)...),
		"raw segments":   append(append(append(head(1, 1), huge(2)...), segment(1, maxRaw)...), segment(1, 1)...),
		"stored segment": append(append(head(1, 1), huge(1)...), segment(100, 1)...),
		"columns":        append(append(head(1, 1), 0), huge(1<<50)...),
		"values":         append(append(append(append(head(1, 1), huge(1)...), segment(4, 4)...), huge(1, uint64(kFlags), 0)...), huge(maxValues+1, 0, 4)...),
		"key":            append(append(append(append(head(1, 1), huge(1)...), segment(4, 4)...), huge(1, uint64(kValue), 0)...), huge(math.MaxInt64)...),
		"keys":           append(append(head(1, 1), 0, 0), huge(1<<60)...),
		"place":          append(append(append(append(head(1, 1), huge(1)...), segment(4, 4)...), huge(1, uint64(kFlags), 0)...), huge(1, 0, 5)...),
		"second place":   append(append(append(append(head(1, 1), huge(1)...), segment(4, 4)...), huge(2, uint64(kFlags), 0, 1, 0, 3)...), huge(uint64(kNotes), 0, 1, 0, 2)...),
		"no such place":  append(append(append(append(head(1, 1), huge(1)...), segment(4, 4)...), huge(1, uint64(kFlags), 0)...), huge(1, 1, 1)...),
		"no dictionary":  append(append(append(append(head(1, 1), huge(1)...), segment(4, 4)...), huge(1, uint64(kName), 0)...), huge(1, 0, 1)...),
		"entries":        append(append(append(append(head(1, 1), huge(1)...), segment(4, 4)...), huge(1, uint64(kName), columnDict)...), huge(1, 0, 1, 2, 0, 1)...),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := parseDirectory(append(dir, make([]byte, 64)...), 8)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("%s: error %v", name, err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("%s: %d bytes were allocated", name, n)
		}
	}
}

// TestForgedColumns: columns that are consistent in the directory and not with each other.
func TestForgedColumns(t *testing.T) {
	type forge = func(d *directory, body []byte)
	at := func(d *directory, k kind) *column { return d.col(k) }
	raw := func(d *directory, body []byte, k kind) []byte {
		c := at(d, k)
		s := d.segs[c.data.segment]
		return body[int(s.off)+c.data.off : int(s.off)+c.data.off+c.data.raw]
	}
	for name, f := range map[string]forge{
		"a trace without rows":          func(d *directory, b []byte) { raw(d, b, kTraceRows)[1] = 0 },
		"a trace with too many rows":    func(d *directory, b []byte) { raw(d, b, kTraceRows)[1] = 9 },
		"fewer traces":                  func(d *directory, b []byte) { d.info.Traces-- },
		"more rows":                     func(d *directory, b []byte) { d.info.Rows++ },
		"no keys":                       func(d *directory, b []byte) { d.byKind[kTraceKey] = 0 },
		"no span ids":                   func(d *directory, b []byte) { d.byKind[kSpanID] = 0 },
		"span ids of another width":     func(d *directory, b []byte) { at(d, kSpanID).data.raw-- },
		"too few values":                func(d *directory, b []byte) { at(d, kDuration).values-- },
		"too many values":               func(d *directory, b []byte) { at(d, kDuration).values++ },
		"no bits":                       func(d *directory, b []byte) { d.byKind[kStartBits] = 0 },
		"a length of 65 bits":           func(d *directory, b []byte) { raw(d, b, kDuration)[1] = 65 },
		"a parent before the group":     func(d *directory, b []byte) { raw(d, b, kParent)[2] = 2 + 10 },
		"a parent after the group":      func(d *directory, b []byte) { raw(d, b, kParent)[2] = 2 + 9 },
		"parent ids used up":            func(d *directory, b []byte) { raw(d, b, kParent)[2] = 1 },
		"a template before its first":   func(d *directory, b []byte) { raw(d, b, kTemplate)[1] = 1 },
		"a template too many":           func(d *directory, b []byte) { raw(d, b, kTemplate)[3] = 0 },
		"a name before its entry":       func(d *directory, b []byte) { raw(d, b, kName)[1] = 1 },
		"an encoding that is not known": func(d *directory, b []byte) { raw(d, b, kParent)[0] = 99 },
		"a resource that is not there":  func(d *directory, b []byte) { raw(d, b, kResource)[1] = 9 },
		"no resources":                  func(d *directory, b []byte) { d.byKind[kResources] = 0 },
		"too many resources":            func(d *directory, b []byte) { at(d, kResources).values = maxValues },
		"a row that is not there":       func(d *directory, b []byte) { raw(d, b, kTraceShort)[1] = 3 },
		"too many short rows":           func(d *directory, b []byte) { at(d, kTraceShort).values = maxValues },
		"events without end":            func(d *directory, b []byte) { copy(raw(d, b, kEventCount)[1:], "\x7f\x7f\x7f") },
		"a shape that is not there":     func(d *directory, b []byte) { raw(d, b, kShape)[1] = 7 },
		"a pair that is not there":      func(d *directory, b []byte) { raw(d, b, kShapes)[2] = 7 },
		"more shapes than bytes":        func(d *directory, b []byte) { raw(d, b, kShapes)[0] = 0x7f },
		"a value too few":               func(d *directory, b []byte) { d.cols[d.values[ownerSpan][0]].values = 0 },
		"a value too many":              func(d *directory, b []byte) { d.cols[d.values[ownerSpan][0]].values = 2 },
		"entries without bytes":         func(d *directory, b []byte) { d.cols[d.values[ownerSpan][0]].entries = maxValues },
	} {
		b := tinyBatch()
		b.Truncate(3)
		dir, body := plainGroup(t, b)
		dec, err := forged(dir, body)
		if err != nil {
			t.Fatal(err)
		}
		f(dec.d, body)
		for i := range dec.d.segs {
			s := &dec.d.segs[i]
			s.checksum = xxhash.Sum64(body[s.off : s.off+int64(s.stored)])
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		dec.all()
		err = dec.group()
		runtime.ReadMemStats(&after)
		if !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("%s: error %v", name, err)
		} else if !strings.Contains(err.Error(), "row group at ") {
			t.Errorf("%s: %v does not say where", name, err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("%s: %d bytes were allocated", name, n)
		}
	}
}

// TestBomb: a segment that inflates to more than it says, or claims to.
func TestBomb(t *testing.T) {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bomb := z.EncodeAll(make([]byte, 64<<20), nil)
	inflater, err := newDecompressor()
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := inflate(inflater, bomb, nil, 10); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("error %v", err)
	}
	if _, err := inflate(inflater, z.EncodeAll([]byte("short"), nil), nil, maxRaw); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("error %v", err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes were allocated", n)
	}
}
