// SPDX-License-Identifier: Apache-2.0

package block

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"

	"github.com/clew-tracing/clew/base/codec"
	"github.com/clew-tracing/clew/span"
)

// WriterOptions say what a block is of and how it is cut.
type WriterOptions struct {
	Tenant string
	Signal span.Signal
	// MinArrival and MaxArrival are when the spans came in, unix ns.
	MinArrival, MaxArrival int64
	// MaxRows and MaxBytes cut row groups; 0 means [DefaultMaxRows] and [DefaultMaxBytes].
	MaxRows, MaxBytes int
	// Level is zstd's speed; 0 means its default (about zstd's level 3).
	Level zstd.EncoderLevel
}

// Meta is what a block holds.
type Meta struct {
	Tenant string
	Signal span.Signal
	// Spans and Traces are what it holds; a trace that goes over several row groups counts in each.
	Spans, Traces int64
	// Times, unix ns, over all row groups: of span starts, and the latest end.
	MinStart, MaxStart, MaxEnd int64
	MinArrival, MaxArrival     int64
	// Bytes is the length of the file.
	Bytes     int64
	RowGroups int
}

// Writer writes a block from first to last byte. It holds one row group in memory.
type Writer struct {
	w   io.Writer
	o   WriterOptions
	err error
	off int64

	rows   *span.Batch
	copier *span.Copier
	enc    encoder

	groups []GroupInfo
	index  []indexEntry
}

// NewWriter returns a writer of a block to w. The caller syncs and closes what is behind w.
func NewWriter(w io.Writer, o WriterOptions) (*Writer, error) {
	if o.MaxRows == 0 {
		o.MaxRows = DefaultMaxRows
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.MaxRows > maxRows {
		return nil, fmt.Errorf("block writer: row groups of %d rows, more than %d", o.MaxRows, maxRows)
	}
	if o.Level == 0 {
		o.Level = zstd.SpeedDefault
	}
	// Entropy coding also where nothing repeats: columns of hex ids have half a byte in each byte and no matches.
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(o.Level), zstd.WithAllLitEntropyCompression(true), zstd.WithEncoderConcurrency(1),
		zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, fmt.Errorf("block writer: %w", err)
	}
	bw := &Writer{w: w, o: o, rows: &span.Batch{}, enc: encoder{zstd: z}}
	bw.copier = span.NewCopier(bw.rows)
	body := codec.AppendUvarint(nil, version)
	body = append(body, byte(o.Signal))
	body = appendBytes(body, []byte(o.Tenant))
	body = codec.AppendVarint(body, o.MinArrival)
	body = codec.AppendVarint(body, o.MaxArrival)
	h := append([]byte(headerMagic), make([]byte, 12)...)
	binary.LittleEndian.PutUint32(h[8:], uint32(len(body)))
	binary.LittleEndian.PutUint64(h[12:], xxhash.Sum64(body))
	bw.write(append(h, body...))
	return bw, bw.err
}

func (w *Writer) write(p []byte) {
	if w.err != nil {
		return
	}
	n, err := w.w.Write(p)
	w.off += int64(n)
	w.err = err
}

// Append adds the rows of b: whole traces, in the order of [span.Batch.TraceOrder] within b and after what came before.
// It copies what it needs.
func (w *Writer) Append(b *span.Batch) error {
	w.copier.Forget()
	for lo, hi := range b.Traces() {
		if w.rows.Len()+hi-lo > w.o.MaxRows || w.full() {
			w.cut()
		}
		first := w.rows.Len() // row of the trace in the group
		for i := lo; i < hi; i++ {
			if w.rows.Len() >= w.o.MaxRows || w.full() {
				if first > 0 { // the trace goes to a group of its own as far as it came
					w.rows.Truncate(first)
					i = lo
				}
				w.cut()
				first = 0
			}
			w.copier.From(b) // again after a cut
			w.copier.Row(i)
		}
	}
	w.copier.Forget()
	return w.err
}

// full reports whether the rows at hand take as much memory as a group may.
func (w *Writer) full() bool {
	b := w.rows
	n := b.Strings.Size() + 12*b.Strings.Len() + 116*b.Len() + 13*(b.Attrs.Len()+b.Events.Attrs.Len()+b.Links.Attrs.Len()) +
		20*len(b.Events.Time) + 40*len(b.Links.TraceID)
	return n >= w.o.MaxBytes
}

// CutRowGroup ends the row group, so that what follows stands apart from what came before.
func (w *Writer) CutRowGroup() error {
	w.cut()
	return w.err
}

func (w *Writer) cut() {
	if w.rows.Len() == 0 || w.err != nil {
		return
	}
	raw, info := w.enc.group(w.rows)
	if w.err = w.enc.check(); w.err != nil {
		return
	}
	info.Offset = w.off
	for lo := range w.rows.Traces() {
		w.index = append(w.index, indexEntry{fingerprint(w.rows.TraceID[lo].Key()), uint32(len(w.groups))})
	}
	w.groups = append(w.groups, info)
	w.write(raw)
	w.rows.Reset()
	w.copier.Reset(w.rows)
}

// Finish writes what is left, the index and the footer.
func (w *Writer) Finish() (Meta, error) {
	w.cut()
	if w.err != nil {
		return Meta{}, w.err
	}
	raw := appendIndex(nil, w.index)
	stored := w.enc.zstd.EncodeAll(raw, nil)
	ix := indexPlace{off: w.off, stored: len(stored), raw: len(raw), entries: len(w.index), checksum: xxhash.Sum64(stored)}
	w.write(stored)
	m := metaOf(w.o, w.groups)
	footer := appendFooter(nil, m, w.groups, ix)
	sum := xxhash.Sum64(footer)
	n := len(footer)
	footer = binary.LittleEndian.AppendUint64(footer, sum)
	footer = binary.LittleEndian.AppendUint32(footer, uint32(n))
	w.write(append(footer, endMagic...))
	m.Bytes = w.off
	return m, w.err
}

// metaOf sums up the row groups.
func metaOf(o WriterOptions, groups []GroupInfo) Meta {
	m := Meta{Tenant: o.Tenant, Signal: o.Signal, MinArrival: o.MinArrival, MaxArrival: o.MaxArrival, RowGroups: len(groups)}
	for i, g := range groups {
		if i == 0 {
			m.MinStart, m.MaxStart, m.MaxEnd = g.MinStart, g.MaxStart, g.MaxEnd
		}
		m.Spans += int64(g.Rows)
		m.Traces += int64(g.Traces)
		m.MinStart, m.MaxStart, m.MaxEnd = min(m.MinStart, g.MinStart), max(m.MaxStart, g.MaxStart), max(m.MaxEnd, g.MaxEnd)
	}
	return m
}
