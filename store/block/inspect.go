// SPDX-License-Identifier: Apache-2.0

package block

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/clew-tracing/clew/base/codec"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
)

// Inspect writes what a block file of the given size holds, for people: header, row groups with their segments and
// columns, trace index and footer. What is damaged is named and the rest is shown all the same; the walk is that of a
// reader that has lost the footer. Errors are those of w and of reading r.
//
// A column's stored bytes are its share of its segment's, by raw bytes.
func Inspect(w io.Writer, r io.ReaderAt, size int64) error {
	z, err := newDecompressor()
	if err != nil {
		return fmt.Errorf("block: %w", err)
	}
	in := &inspector{r: r, size: size, zstd: z, out: w}
	in.file()
	return in.err
}

// inspector prints one block.
type inspector struct {
	r    io.ReaderAt
	size int64
	zstd *zstd.Decoder
	out  io.Writer
	err  error // of out
}

func (in *inspector) line(format string, args ...any) {
	if in.err == nil {
		_, in.err = fmt.Fprintf(in.out, format+"\n", args...)
	}
}

func (in *inspector) file() {
	in.line("block of %d bytes", in.size)
	o, off, err := readHeader(in.r, in.size)
	if err != nil {
		in.line("header at 0: DAMAGED: %v", err)
		if off, err = nextGroup(in.r, 0, in.size); err != nil {
			in.line("from 0 on: cannot be read: %v", err)
			return
		}
	} else {
		in.line("header at 0: version %d, %s, tenant %q, arrival %s to %s", version, signalName(o.Signal), o.Tenant, when(o.MinArrival), when(o.MaxArrival))
	}
	f, footerErr := readFooter(in.r, in.size)
	end := in.size
	if footerErr == nil {
		end = f.index.off
	}
	groups := 0
	for off+groupFixed <= end && in.err == nil {
		d, err := readDirectory(in.r, off, end)
		if err == nil {
			in.group(groups, d)
			groups, off = groups+1, off+d.info.Bytes
			continue
		}
		next, nextErr := afterDamaged(in.r, off, end)
		if nextErr != nil {
			in.line("from %d on: cannot be read: %v", off, nextErr)
			break
		}
		if footerErr == nil || next < end || in.begins(off) {
			in.line("\ngroup %d at %d: DAMAGED: %v; the next thing is at %d", groups, off, err, next)
			groups++
		} else {
			in.line("no more row groups from %d on", off)
		}
		off = next
	}
	if footerErr != nil {
		in.line("footer: DAMAGED: %v", footerErr)
		return
	}
	in.index(f)
	in.footer(f)
}

// begins reports whether what is at off begins like a row group.
func (in *inspector) begins(off int64) bool {
	var h [len(groupMagic)]byte
	_, err := in.r.ReadAt(h[:], off)
	return err == nil && string(h[:]) == groupMagic
}

func signalName(s span.Signal) string {
	switch s {
	case span.SignalSpans:
		return "spans"
	case span.SignalLogs:
		return "logs"
	}
	return fmt.Sprintf("signal %d", s)
}

// when prints unix ns as a time where it is one that people know.
func when(ns int64) string {
	if ns <= 0 || ns == math.MaxInt64 {
		return fmt.Sprint(ns)
	}
	return time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.999999999Z")
}

func (in *inspector) times(indent string, g GroupInfo) {
	in.line("%sstarts %s to %s, of traces %s to %s, latest end %s", indent, when(g.MinStart), when(g.MaxStart), when(g.MinTraceStart), when(g.MaxTraceStart), when(g.MaxEnd))
}

func (in *inspector) group(n int, d *directory) {
	in.line("\ngroup %d at %d: %d rows, %d traces, %d bytes: directory %d, body %d", n, d.info.Offset, d.info.Rows, d.info.Traces, d.info.Bytes,
		d.bodyOff-d.info.Offset-groupFixed, d.info.Offset+d.info.Bytes-d.bodyOff)
	in.times("  ", d.info)
	dec := &decoder{ctx: context.Background(), r: in.r, zstd: in.zstd, d: d}
	dec.segs = make([][]byte, len(d.segs))
	in.line("  segments:    at    stored       raw")
	for i := range d.segs {
		s := &d.segs[i]
		how := "raw"
		if s.zstd {
			how = "zstd"
		}
		raw, err := dec.segment(i)
		if err != nil {
			how += " DAMAGED: " + err.Error()
		}
		dec.segs[i] = raw
		in.line("  %3d %12d %9d %9d  %s", i, d.bodyOff+s.off, s.stored, s.raw, how)
	}
	in.line("  columns:                                values  seg    stored       raw")
	for i := range d.cols {
		c := &d.cols[i]
		text := "DAMAGED: segment"
		if seg := dec.segs[c.data.segment]; seg != nil {
			text = c.describe(seg[c.data.off : c.data.off+c.data.raw])
		}
		if c.stats {
			lo, hi := fmt.Sprint(c.min), fmt.Sprint(c.max)
			if c.kind == kValue && c.typ == span.TypeDouble {
				lo, hi = fmt.Sprint(doubleFromOrdered(c.min, math.NaN())), fmt.Sprint(doubleFromOrdered(c.max, math.NaN()))
			}
			text += fmt.Sprintf(", %s to %s", lo, hi)
		}
		in.line("  %-37s %8d  %3d %9d %9d  %s", c.printable(), c.values, c.data.segment, d.share(c.data), c.data.raw, text)
		if c.form() == formStrings {
			lengths := "DAMAGED: segment"
			if seg := dec.segs[c.dict.segment]; seg != nil {
				lengths = "lengths " + encodingName(seg[c.dict.off:c.dict.off+c.dict.raw])
			}
			in.line("    %-35s %8d  %3d %9d %9d  %s", "dictionary", c.entries, c.dict.segment, d.share(c.dict), c.dict.raw, lengths)
		}
	}
	in.keys("resource", d.resources)
	in.keys("scope", d.scopes)
	// All of it together, for what no column alone can tell: offsets, references, numbers of values.
	whole := &decoder{ctx: context.Background(), r: in.r, zstd: in.zstd, d: d, want: want(store.Projection{All: true}), b: &span.Batch{}}
	whole.all()
	if err := whole.group(); err != nil {
		in.line("  DAMAGED: %v", err)
	}
}

// share is a place's part of its segment's stored bytes, by raw bytes.
func (d *directory) share(p place) int {
	s := &d.segs[p.segment]
	return int(int64(s.stored) * int64(p.raw) / int64(max(1, s.raw)))
}

func (in *inspector) keys(what string, keys []keyTypes) {
	for _, k := range keys {
		var types []string
		for t := span.TypeEmpty; t <= span.TypeMap; t++ {
			if k.types&(1<<t) != 0 {
				types = append(types, t.String())
			}
		}
		in.line("  %s.%s (%s)", what, printableKey(k.key), strings.Join(types, ", "))
	}
}

// printable is the column's name without what a hostile key could do to a terminal.
func (id colID) printable() string {
	id.key = printableKey(id.key)
	return id.String()
}

func printableKey(key string) string {
	if q := fmt.Sprintf("%q", key); q != `"`+key+`"` || key == "" {
		return q
	}
	return key
}

// describe says how a column is encoded.
func (id colID) describe(raw []byte) string {
	switch id.form() {
	case formFixed:
		return "fixed width"
	case formBits:
		return "packed bits"
	case formNumbers, formStrings:
		return encodingName(raw)
	case formDoubles:
		return "doubles"
	case formShapes:
		return "shapes"
	case formTable:
		return "table"
	case formNothing:
		return "no bytes"
	}
	return "unknown to this release"
}

func encodingName(raw []byte) string {
	if len(raw) == 0 {
		return "DAMAGED: empty"
	}
	return codec.Encoding(raw[0]).String()
}

func (in *inspector) index(f *footer) {
	p := f.index
	r := &Reader{r: in.r, size: in.size, zstd: in.zstd, f: f}
	state := "ok"
	if _, err := r.readIndex(); err != nil {
		state = "DAMAGED: " + err.Error()
	}
	in.line("\nindex at %d: %d entries, stored %d, raw %d, %s", p.off, p.entries, p.stored, p.raw, state)
}

func (in *inspector) footer(f *footer) {
	var t [trailerFixed]byte
	if _, err := in.r.ReadAt(t[:], in.size-trailerFixed); err != nil {
		in.line("footer: cannot be read: %v", err)
		return
	}
	n := int64(binary.LittleEndian.Uint32(t[8:]))
	in.line("footer at %d: %d bytes, %s, tenant %q, arrival %s to %s, %d spans, %d traces", in.size-trailerFixed-n, n, signalName(f.meta.Signal), f.meta.Tenant,
		when(f.meta.MinArrival), when(f.meta.MaxArrival), f.meta.Spans, f.meta.Traces)
	for i, g := range f.groups {
		in.line("  group %d at %d: %d bytes, %d rows, %d traces", i, g.Offset, g.Bytes, g.Rows, g.Traces)
		in.times("    ", g)
	}
}
