// SPDX-License-Identifier: Apache-2.0

package block

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"

	"github.com/cespare/xxhash/v2"

	"github.com/clew-tracing/clew/base/codec"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
)

// indexPlace is where the trace index is.
type indexPlace struct {
	off         int64
	stored, raw int
	entries     int
	checksum    uint64
}

// footer is a parsed footer, or one rebuilt from the row groups.
type footer struct {
	meta   Meta
	groups []GroupInfo
	index  indexPlace
}

func appendFooter(dst []byte, m Meta, groups []GroupInfo, ix indexPlace) []byte {
	dst = codec.AppendUvarint(dst, version)
	dst = append(dst, byte(m.Signal))
	dst = appendBytes(dst, []byte(m.Tenant))
	dst = codec.AppendVarint(dst, m.MinArrival)
	dst = codec.AppendVarint(dst, m.MaxArrival)
	dst = codec.AppendUvarint(dst, uint64(m.Spans))
	dst = codec.AppendUvarint(dst, uint64(m.Traces))
	dst = codec.AppendUvarint(dst, uint64(len(groups)))
	for _, g := range groups {
		dst = codec.AppendUvarint(dst, uint64(g.Offset))
		dst = codec.AppendUvarint(dst, uint64(g.Bytes))
		dst = codec.AppendUvarint(dst, uint64(g.Rows))
		dst = codec.AppendUvarint(dst, uint64(g.Traces))
		dst = appendTimes(dst, g)
	}
	dst = codec.AppendUvarint(dst, uint64(ix.off))
	dst = codec.AppendUvarint(dst, uint64(ix.stored))
	dst = codec.AppendUvarint(dst, uint64(ix.raw))
	dst = codec.AppendUvarint(dst, uint64(ix.entries))
	return binary.LittleEndian.AppendUint64(dst, ix.checksum)
}

// readFooter reads the footer by the trailer at the end of the file.
func readFooter(r io.ReaderAt, size int64) (*footer, error) {
	var t [trailerFixed]byte
	if size < headerFixed+trailerFixed {
		return nil, corrupt("block of %d bytes has no room for a trailer", size)
	}
	if _, err := r.ReadAt(t[:], size-trailerFixed); err != nil {
		return nil, err
	}
	n := int64(binary.LittleEndian.Uint32(t[8:]))
	if string(t[12:]) != endMagic || n > size-trailerFixed-headerFixed {
		return nil, corrupt("block does not end with a trailer")
	}
	raw := make([]byte, n)
	if _, err := r.ReadAt(raw, size-trailerFixed-n); err != nil {
		return nil, err
	}
	if xxhash.Sum64(raw) != binary.LittleEndian.Uint64(t[:]) {
		return nil, corrupt("footer does not have its checksum")
	}
	return parseFooter(raw, size)
}

func parseFooter(raw []byte, size int64) (*footer, error) {
	c, f := &cursor{src: raw}, &footer{}
	if v := c.uvarint("version", math.MaxUint32); c.err == nil && v != version {
		return nil, corrupt("format version %d is not known to this release, which reads %d", v, version)
	}
	f.meta = Meta{Signal: span.Signal(c.byte("signal")), Tenant: string(c.bytes("tenant")), Bytes: size}
	f.meta.MinArrival, f.meta.MaxArrival = c.varint("arrival"), c.varint("arrival")
	spans, traces := c.uvarint("spans", math.MaxInt64), c.uvarint("traces", math.MaxInt64)
	for range c.count("row groups") {
		if c.err != nil {
			break
		}
		g := GroupInfo{Offset: int64(c.uvarint("offset", uint64(size))), Bytes: int64(c.uvarint("length", uint64(size)))}
		g.Rows, g.Traces = int(c.uvarint("rows", maxRows)), int(c.uvarint("traces", maxRows))
		c.times(&g)
		f.groups = append(f.groups, g)
	}
	f.index = indexPlace{off: int64(c.uvarint("index", uint64(size))), stored: int(c.uvarint("index length", uint64(size)))}
	f.index.raw = int(c.uvarint("raw index length", maxRaw))
	f.index.entries = int(c.uvarint("index entries", uint64(f.index.raw)))
	f.index.checksum = c.uint64("index checksum")
	if c.err == nil && len(c.src) != 0 {
		return nil, corrupt("%d bytes after the footer", len(c.src))
	}
	if c.err != nil {
		return nil, c.err
	}
	o := WriterOptions{Tenant: f.meta.Tenant, Signal: f.meta.Signal, MinArrival: f.meta.MinArrival, MaxArrival: f.meta.MaxArrival}
	f.meta = metaOf(o, f.groups)
	f.meta.Bytes = size
	if f.meta.Spans != int64(spans) || f.meta.Traces != int64(traces) {
		return nil, corrupt("footer counts %d spans, its row groups %d", spans, f.meta.Spans)
	}
	if int64(f.index.entries) != f.meta.Traces || f.index.raw > maxIndexEntry*(f.index.entries+1) {
		return nil, corrupt("trace index has %d entries in %d bytes for %d traces", f.index.entries, f.index.raw, f.meta.Traces)
	}
	return f, nil
}

// readHeader reads the header and returns what it says and where the first row group begins.
func readHeader(r io.ReaderAt, size int64) (WriterOptions, int64, error) {
	var o WriterOptions
	var h [headerFixed]byte
	if size < headerFixed {
		return o, 0, corrupt("block of %d bytes has no room for a header", size)
	}
	if _, err := r.ReadAt(h[:], 0); err != nil {
		return o, 0, err
	}
	n := int64(binary.LittleEndian.Uint32(h[8:]))
	if string(h[:8]) != headerMagic || headerFixed+n > size {
		return o, 0, corrupt("block does not begin with %q", headerMagic)
	}
	body := make([]byte, n)
	if _, err := r.ReadAt(body, headerFixed); err != nil {
		return o, 0, err
	}
	if xxhash.Sum64(body) != binary.LittleEndian.Uint64(h[12:]) {
		return o, 0, corrupt("header does not have its checksum")
	}
	c := &cursor{src: body}
	if v := c.uvarint("version", math.MaxUint32); c.err == nil && v != version {
		return o, 0, corrupt("format version %d is not known to this release, which reads %d", v, version)
	}
	o.Signal, o.Tenant = span.Signal(c.byte("signal")), string(c.bytes("tenant"))
	o.MinArrival, o.MaxArrival = c.varint("arrival"), c.varint("arrival")
	return o, headerFixed + n, c.err
}

// rebuildFooter walks over the row groups. A group whose directory is damaged is left out; where its lengths do not lead
// to the next one, that is looked for by its first bytes.
func rebuildFooter(r io.ReaderAt, size int64) (*footer, error) {
	o, off, err := readHeader(r, size)
	if err != nil {
		return nil, err
	}
	f := &footer{}
	for off+groupFixed <= size {
		d, err := readDirectory(r, off, size)
		switch {
		case err == nil:
			f.groups = append(f.groups, d.info)
			off += d.info.Bytes
		case !errors.Is(err, store.ErrCorrupt):
			return nil, err
		default:
			if off, err = afterDamaged(r, off, size); err != nil {
				return nil, err
			}
		}
	}
	f.meta = metaOf(o, f.groups)
	f.meta.Bytes = size
	return f, nil
}

// afterDamaged returns where to go on after the group at off: by its lengths where they lead to another group, since
// what spans carry could look like one.
func afterDamaged(r io.ReaderAt, off, size int64) (int64, error) {
	var h [groupFixed]byte
	if _, err := r.ReadAt(h[:], off); err != nil {
		return 0, err
	}
	if dirLen, bodyLen, _, err := groupLengths(h[:]); err == nil {
		next := off + groupFixed + int64(dirLen) + bodyLen
		if next+groupFixed <= size {
			if _, err := r.ReadAt(h[:], next); err != nil {
				return 0, err
			}
			if string(h[:len(groupMagic)]) == groupMagic {
				return next, nil
			}
		}
	}
	return nextGroup(r, off+1, size)
}

// nextGroup returns where the next thing that begins like a row group begins, at or after off, or size.
func nextGroup(r io.ReaderAt, off, size int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for off < size {
		p := buf[:min(int64(len(buf)), size-off)]
		if _, err := r.ReadAt(p, off); err != nil {
			return 0, err
		}
		if i := bytes.Index(p, []byte(groupMagic)); i >= 0 {
			return off + int64(i), nil
		}
		off += max(1, int64(len(p)-len(groupMagic)+1))
	}
	return size, nil
}
