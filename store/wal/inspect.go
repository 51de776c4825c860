// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strconv"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/s2"

	"github.com/clew-tracing/clew/base/hexdump"
	"github.com/clew-tracing/clew/span"
)

// Inspect returns the bytes of a segment with a word beside each field, and below each record the spans that it holds. It
// takes any bytes: what is damaged is said to be.
func Inspect(data []byte) string {
	d := hexdump.New(data)
	var salt uint64
	found := false
	for _, name := range [...]string{"header", "copy of the header"} {
		h, err := parseHeader(data[min(d.Offset(), len(data)):])
		d.Comment("%s", name)
		d.Indent(1)
		d.Field(4, "magic")
		d.Uint32("version")
		d.Uint64("segment")
		d.Uint64("salt")
		d.Uint64("previous segment")
		d.Uint64("its durable length")
		d.Field(8, "check: %s", okOr(err == nil, "bad"))
		d.Indent(-1)
		if err == nil && !found {
			salt, found = h.salt, true
		}
	}
	for d.Remaining() > 0 {
		off := d.Offset()
		f, ok := parseFrame(data[off:], salt, int64(off))
		if !ok || d.Remaining() < frameLen+int(f.length) {
			d.Rest("no record")
			break
		}
		payload := data[off+frameLen : off+frameLen+int(f.length)]
		d.Comment("record")
		d.Indent(1)
		d.Uint32("length")
		d.Uint32("durable")
		d.Field(8, "hash of the payload: %s", okOr(xxhash.Sum64(payload) == f.hash, "bad"))
		d.Field(8, "check: ok")
		inspectPayload(d, payload)
		d.Indent(-1)
	}
	return d.String()
}

func okOr(ok bool, otherwise string) string {
	if ok {
		return "ok"
	}
	return otherwise
}

func inspectPayload(d *hexdump.Dumper, payload []byte) {
	end := d.Offset() + len(payload)
	d.Uint8("signal")
	d.Uint8("compression")
	if len(payload) >= 10 {
		d.Field(8, "arrival %d", int64(binary.LittleEndian.Uint64(payload[2:])))
	}
	d.Field(int(d.Uvarint("tenant length")), "tenant")
	d.Uvarint("spans")
	d.Field(end-d.Offset(), "body")
	var dec Decoder
	var b span.Batch
	if _, err := dec.Decode(payload, &b); err != nil {
		d.Comment("%v", err)
		return
	}
	var text bytes.Buffer
	if err := span.Dump(&text, &b); err != nil {
		d.Comment("%v", err)
		return
	}
	for line := range bytes.Lines(text.Bytes()) {
		d.Comment("%s", bytes.TrimRight(line, "\n"))
	}
}

// InspectBody returns the decompressed body of a payload with a word beside each field.
func InspectBody(payload []byte) (string, error) {
	var dec Decoder
	var b span.Batch
	if _, err := dec.Decode(payload, &b); err != nil {
		return "", err
	}
	if len(payload) < 11 {
		return "", errShort
	}
	n := 11 + int(payload[10])
	_, k := binary.Uvarint(payload[n:])
	body := payload[n+k:]
	if payload[1] == compressS2 {
		var err error
		if body, err = s2.Decode(nil, body); err != nil {
			return "", errors.Join(ErrPayload, err)
		}
	}
	w := bodyWalker{d: hexdump.New(body), body: body}
	w.walk(&b)
	return w.d.String(), nil
}

// bodyWalker prints a body that is known to be good.
type bodyWalker struct {
	d    *hexdump.Dumper
	body []byte
}

func (w *bodyWalker) walk(b *span.Batch) {
	d, n := w.d, b.Len()
	d.Uvarint("strings")
	for c := 1; c < b.Strings.Len(); c++ {
		d.Uvarint("length")
	}
	for c := span.Code(1); int(c) < b.Strings.Len(); c++ {
		d.Field(len(b.Strings.Bytes(c)), "string %d", c)
	}
	w.bytes(16*n, "trace ids")
	w.bytes(8*n, "span ids")
	w.bytes(8*n, "parent ids")
	w.varints("start", n)
	w.varints("duration", n)
	for _, name := range [...]string{"kind", "status", "name", "status message", "trace state", "flags", "resource", "scope",
		"dropped attributes", "dropped events", "dropped links", "notes", "head weight", "trace weight"} {
		w.column(name, n)
	}
	w.attrs("span", n, &b.Attrs)
	w.column("event counts", n)
	w.varints("event time", len(b.Events.Time))
	w.column("event name", len(b.Events.Time))
	w.column("event dropped", len(b.Events.Time))
	w.attrs("event", len(b.Events.Time), &b.Events.Attrs)
	links := len(b.Links.TraceID)
	w.column("link counts", n)
	w.bytes(16*links, "link trace ids")
	w.bytes(8*links, "link span ids")
	for _, name := range [...]string{"link trace state", "link flags", "link dropped"} {
		w.column(name, links)
	}
	w.attrs("link", links, &b.Links.Attrs)
	d.Uvarint("resources")
	for _, name := range [...]string{"schema URL", "dropped", "entity refs"} {
		w.varints(name, b.Resources.Len())
	}
	w.attrs("resource", b.Resources.Len(), &b.Resources.Attrs)
	d.Uvarint("scopes")
	for _, name := range [...]string{"name", "version", "schema URL", "dropped"} {
		w.varints(name, b.Scopes.Len())
	}
	w.attrs("scope", b.Scopes.Len(), &b.Scopes.Attrs)
	d.Rest("left over")
}

// bytes prints a field of n bytes, if there are any.
func (w *bodyWalker) bytes(n int, name string) {
	if n > 0 {
		w.d.Field(n, "%s", name)
	}
}

func (w *bodyWalker) varints(name string, n int) {
	for i := range n {
		w.d.Uvarint(name + " " + strconv.Itoa(i))
	}
}

func (w *bodyWalker) column(name string, n int) {
	if w.body[w.d.Offset()] == 0 {
		w.d.Uint8(name + ": all equal")
		w.d.Uvarint(name)
		return
	}
	w.d.Uint8(name + ": one a row")
	w.varints(name, n)
}

func (w *bodyWalker) attrs(of string, owners int, a *span.Attrs) {
	w.column(of+" attribute counts", owners)
	w.bytes(a.Len(), of+" attribute types")
	w.column(of+" attribute keys", a.Len())
	for i, t := range a.Type {
		name := of + " attribute " + strconv.Itoa(i) + " " + t.String()
		switch t {
		case span.TypeEmpty:
		case span.TypeBool:
			w.d.Uint8(name)
		case span.TypeDouble:
			w.d.Field(8, "%s", name)
		default:
			w.d.Uvarint(name)
		}
	}
}
