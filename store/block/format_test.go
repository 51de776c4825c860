// SPDX-License-Identifier: Apache-2.0

package block

import (
	"bytes"
	"context"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/clew-tracing/clew/base/codec"
	"github.com/clew-tracing/clew/base/hexdump"
	"github.com/clew-tracing/clew/span"
)

const tinyStart = 1_700_000_000_000_000_000

// tinyBatch is two traces with a little of everything.
func tinyBatch() *span.Batch {
	b := &span.Batch{}
	str := b.Strings.InternString
	cart := b.Resources.Add()
	b.AddAttr(&b.Resources.Attrs, "service.name", span.StringValue("cart"))
	b.Resources.Attrs.EndOwner()
	db := b.Resources.Add()
	b.AddAttr(&b.Resources.Attrs, "service.name", span.StringValue("db"))
	b.AddAttr(&b.Resources.Attrs, "cores", span.IntValue(4))
	b.Resources.Attrs.EndOwner()
	b.Scopes.Add(str("http"), str("1.0"))
	b.Scopes.Attrs.EndOwner()
	add := func(trace span.TraceID, id, parent uint64, at, duration int64, name string, resource int) int {
		i := b.AddSpan()
		b.TraceID[i], b.SpanID[i], b.ParentID[i] = trace, span.SpanIDFrom(id), span.SpanIDFrom(parent)
		b.Start[i], b.Duration[i], b.Kind[i], b.Name[i], b.Resource[i] = tinyStart+at, duration, span.KindServer, str(name), uint32(resource)
		return i
	}
	trace := span.TraceIDFrom(0x4bf92f3577b34da6, 0xa3ce929d0e0e4736)
	add(trace, 0xa1, 0, 0, 5_200_000, "GET /cart", cart)
	b.AddAttr(&b.Attrs, "http.route", span.StringValue("/cart"))
	b.AddAttr(&b.Attrs, "ok", span.BoolValue(true))
	b.EndSpan()
	add(trace, 0xa2, 0xa1, 100, 3_000, "SELECT", db)
	b.AddAttr(&b.Attrs, "rows", span.IntValue(-1))
	b.AddAttr(&b.Attrs, "ratio", span.DoubleValue(0.5))
	b.Events.Add(tinyStart+150, str("retry"), 0)
	b.AddAttr(&b.Events.Attrs, "try", span.IntValue(2))
	b.Events.Attrs.EndOwner()
	b.EndSpan()
	i := add(span.TraceIDFrom(0, trace.Key()), 0xa3, 0xa2, 120, 0, "SELECT", db)
	b.Status[i], b.StatusMessage[i] = span.StatusError, str("timeout")
	b.AddAttr(&b.Attrs, "rows", span.IntValue(7))
	b.AddAttr(&b.Attrs, "ratio", span.DoubleValue(2))
	b.EndSpan()
	add(span.TraceIDFrom(0, 7), 0xb1, 0xffff, 60e9, 1, "GET /cart", cart)
	b.Links.Add(trace, span.SpanIDFrom(0xa1), 0, 1, 0)
	b.Links.Attrs.EndOwner()
	b.EndSpan()
	return b
}

// tiny is the block whose bytes testdata/format.txt shows, in two groups.
func tiny(t testing.TB) []byte {
	t.Helper()
	b := tinyBatch()
	var file bytes.Buffer
	w, err := NewWriter(&file, WriterOptions{Tenant: "acme", Signal: span.SignalSpans, MinArrival: tinyStart, MaxArrival: tinyStart + 1, MaxRows: 3})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append(b); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// TestFormat shows every byte of a block, as the package comment says that they stand, and what Inspect makes of it and
// of damaged ones. `go test ./store/block -rewrite` writes testdata/format.txt anew; a changed byte is a changed format.
func TestFormat(t *testing.T) {
	datadriven.RunTest(t, "testdata/format.txt", func(t *testing.T, d *datadriven.TestData) string {
		file := tiny(t)
		if d.Cmd == "bytes" {
			return annotate(t, file)
		}
		var at int
		if d.HasArg("flip") {
			d.ScanArgs(t, "flip", &at)
			if at < 0 {
				at += len(file)
			}
			file[at] ^= 0x10
		}
		if d.HasArg("cut") {
			d.ScanArgs(t, "cut", &at)
			file = file[:len(file)-at]
		}
		var out strings.Builder
		if err := Inspect(&out, bytes.NewReader(file), int64(len(file))); err != nil {
			d.Fatalf(t, "%v", err)
		}
		if !d.HasArg("brief") {
			return out.String()
		}
		var lines []string
		for l := range strings.SplitSeq(out.String(), "\n") {
			if l != "" && (l[0] != ' ' || strings.Contains(l, "DAMAGED")) {
				lines = append(lines, l)
			}
		}
		return strings.Join(lines, "\n")
	})
}

// dumper prints a block field by field. It follows the package comment, not the decoder.
type dumper struct {
	*hexdump.Dumper
	data []byte
}

func (d *dumper) uvarint(name string) int { return int(d.Uvarint(name)) }

func (d *dumper) varint(name string) {
	u, n := binary.Uvarint(d.data[d.Offset():])
	d.Field(n, "%s %d", name, codec.Unzigzag(u))
}

func (d *dumper) string(name string) {
	n := d.uvarint(name + ": length")
	d.Field(n, "%s", name)
}

func (d *dumper) times() {
	for _, name := range []string{"earliest start", "latest start", "earliest trace start", "latest trace start", "latest end"} {
		d.varint(name)
	}
}

func (d *dumper) place(name string) {
	d.uvarint(name + ": segment")
	d.uvarint(name + ": raw length")
}

func annotate(t *testing.T, file []byte) string {
	d := &dumper{hexdump.New(file), file}
	d.Field(8, "magic")
	n := int(d.Uint32("header length"))
	d.Field(8, "checksum of the header")
	end := d.Offset() + n
	d.uvarint("version")
	d.Uint8("signal")
	d.string("tenant")
	d.varint("earliest arrival")
	d.varint("latest arrival")
	if d.Offset() != end {
		t.Fatalf("header ends at %d, not at %d", d.Offset(), end)
	}
	r := open(t, file)
	for g, info := range r.Groups() {
		d.Comment("group %d", g)
		if int64(d.Offset()) != info.Offset {
			t.Fatalf("group begins at %d, not at %d", d.Offset(), info.Offset)
		}
		d.Indent(1)
		annotateGroup(t, d, r, g)
		d.Indent(-1)
	}
	d.Comment("index")
	d.Field(r.f.index.stored, "fingerprints and groups, zstd")
	d.Comment("footer")
	d.uvarint("version")
	d.Uint8("signal")
	d.string("tenant")
	d.varint("earliest arrival")
	d.varint("latest arrival")
	d.uvarint("spans")
	d.uvarint("traces")
	for g := range d.uvarint("groups") {
		d.Comment("group %d", g)
		for _, name := range []string{"offset", "length", "rows", "traces"} {
			d.uvarint(name)
		}
		d.times()
	}
	for _, name := range []string{"index offset", "index stored length", "index raw length", "index entries"} {
		d.uvarint(name)
	}
	d.Field(8, "checksum of the index")
	d.Field(8, "checksum of the footer")
	d.Uint32("footer length")
	d.Field(8, "magic")
	d.Rest("UNEXPECTED")
	return d.String()
}

func annotateGroup(t *testing.T, d *dumper, r *Reader, g int) {
	d.Field(8, "magic")
	dirLen := int(d.Uint32("directory length"))
	d.Uint64("body length")
	d.Field(8, "checksum of the directory")
	end := d.Offset() + dirLen
	d.uvarint("rows")
	d.uvarint("traces")
	d.times()
	var stored []int
	var compressed []bool
	for s := range d.uvarint("segments") {
		d.Comment("segment %d", s)
		compressed = append(compressed, d.Uint8("flags") == 1)
		stored = append(stored, d.uvarint("stored length"))
		d.uvarint("raw length")
		d.Field(8, "checksum")
	}
	dir, err := r.directory(g)
	if err != nil {
		t.Fatal(err)
	}
	for c := range d.uvarint("columns") {
		d.Comment("column %s", dir.cols[c].colID)
		k := kind(d.Uint8("kind"))
		if k == kValue {
			d.Uint8("owner")
			d.string("key")
			d.Uint8("type")
		}
		flags := d.Uint8("flags")
		d.uvarint("values")
		d.place("values")
		if flags&2 != 0 {
			d.uvarint("entries")
			d.place("dictionary")
		}
		if flags&1 != 0 {
			d.varint("minimum")
			d.varint("maximum")
		}
	}
	for _, of := range []string{"resources", "scopes"} {
		for range d.uvarint("keys of " + of) {
			d.string("key")
			d.uvarint("types")
		}
	}
	if d.Offset() != end {
		t.Fatalf("directory ends at %d, not at %d", d.Offset(), end)
	}
	dec := r.decoder(context.Background(), dir)
	for s, n := range stored {
		how := "raw"
		if compressed[s] {
			how = "zstd"
		}
		d.Field(n, "segment %d, %s", s, how)
	}
	// What stands in the segments, raw.
	for s := range stored {
		raw, err := dec.segment(s)
		if err != nil {
			t.Fatal(err)
		}
		d.Comment("segment %d holds, raw:", s)
		inner := hexdump.New(raw)
		inner.Indent(3)
		for c := range dir.cols {
			col := &dir.cols[c]
			if col.data.segment == s {
				inner.Field(col.data.raw, "%s", col.colID)
			}
			if col.form() == formStrings && col.dict.segment == s {
				inner.Field(col.dict.raw, "dictionary of %s", col.colID)
			}
		}
		inner.Rest("UNEXPECTED")
		d.Comment("\n%s", strings.TrimSuffix(inner.String(), "\n"))
	}
}
