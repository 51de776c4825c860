// SPDX-License-Identifier: Apache-2.0

package block

import (
	"encoding/binary"
	"io"

	"github.com/cespare/xxhash/v2"

	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
)

// keyTypes is a key of resources or scopes with a bit for each type that it has.
type keyTypes struct {
	key   string
	types uint16
}

// directory is the parsed directory of a row group.
type directory struct {
	info      GroupInfo
	bodyOff   int64 // in the file
	segs      []segment
	cols      []column
	byKind    [kValue]int32 // index into cols plus one, 0 where left out
	values    [owners][]int32
	resources []keyTypes
	scopes    []keyTypes
}

// col returns the column of a kind, or nil where it is left out.
func (d *directory) col(k kind) *column {
	if i := d.byKind[k]; i != 0 {
		return &d.cols[i-1]
	}
	return nil
}

// groupLengths reads the fixed part of a group's header.
func groupLengths(h []byte) (dirLen int, bodyLen int64, sum uint64, err error) {
	if len(h) < groupFixed || string(h[:8]) != groupMagic {
		return 0, 0, 0, corrupt("row group does not begin with %q", groupMagic)
	}
	dirLen, bodyLen = int(binary.LittleEndian.Uint32(h[8:])), int64(binary.LittleEndian.Uint64(h[12:]))
	if dirLen > maxDirectory || bodyLen < 0 || bodyLen > 1<<40 {
		return 0, 0, 0, corrupt("row group announces a directory of %d and a body of %d bytes", dirLen, bodyLen)
	}
	return dirLen, bodyLen, binary.LittleEndian.Uint64(h[20:]), nil
}

// readDirectory reads and checks the directory of the group at off in a file of the given size.
func readDirectory(r io.ReaderAt, off, size int64) (*directory, error) {
	var h [groupFixed]byte
	if off+groupFixed > size {
		return nil, corrupt("row group at %d begins after the end", off)
	}
	if _, err := r.ReadAt(h[:], off); err != nil {
		return nil, err
	}
	dirLen, bodyLen, sum, err := groupLengths(h[:])
	if err != nil {
		return nil, err
	}
	if off+groupFixed+int64(dirLen)+bodyLen > size {
		return nil, corrupt("row group at %d ends after the end of the file", off)
	}
	raw := make([]byte, dirLen)
	if _, err := r.ReadAt(raw, off+groupFixed); err != nil {
		return nil, err
	}
	if xxhash.Sum64(raw) != sum {
		return nil, corrupt("directory of the row group at %d does not have its checksum", off)
	}
	d, err := parseDirectory(raw, bodyLen)
	if err != nil {
		return nil, err
	}
	d.bodyOff = off + groupFixed + int64(dirLen)
	d.info.Offset, d.info.Bytes = off, groupFixed+int64(dirLen)+bodyLen
	return d, nil
}

// parseDirectory parses a directory whose segments take bodyLen bytes.
func parseDirectory(raw []byte, bodyLen int64) (*directory, error) {
	c := &cursor{src: raw}
	d := &directory{}
	d.info.Rows = int(c.uvarint("rows", maxRows))
	d.info.Traces = int(c.uvarint("traces", maxRows))
	c.times(&d.info)
	var off int64
	total := 0
	for range c.count("segments") {
		if c.err != nil {
			break
		}
		s := segment{zstd: c.byte("segment flags")&segmentZstd != 0, off: off}
		s.stored = int(c.uvarint("segment length", uint64(bodyLen)))
		s.raw = int(c.uvarint("raw segment length", maxRaw))
		s.checksum = c.uint64("segment checksum")
		if off += int64(s.stored); off > bodyLen {
			return nil, corrupt("segments are longer than the row group")
		}
		if total += s.raw; total > maxRaw {
			return nil, corrupt("segments have more than %d bytes", maxRaw)
		}
		d.segs = append(d.segs, s)
	}
	used := make([]int, len(d.segs))
	values := 0
	for range c.count("columns") {
		if c.err != nil {
			break
		}
		col := column{colID: colID{kind: kind(c.byte("column kind"))}}
		if col.kind == kValue {
			col.owner = owner(c.byte("column owner"))
			col.key = string(c.bytes("column key"))
			col.typ = span.Type(c.byte("column type"))
			if col.owner >= owners || col.typ > span.TypeMap {
				c.fail("column owner or type")
			}
		}
		flags := c.byte("column flags")
		col.values = int(c.uvarint("number of values", maxValues))
		if values += col.values; values > maxValues {
			return nil, corrupt("columns have more than %d values", maxValues)
		}
		col.data = c.place(d.segs, used)
		if flags&columnDict != 0 {
			col.entries = int(c.uvarint("entries of a dictionary", uint64(col.values)))
			col.dict = c.place(d.segs, used)
		}
		if col.stats = flags&columnStats != 0; col.stats {
			col.min, col.max = c.varint("minimum"), c.varint("maximum")
		}
		if c.err == nil && col.form() == formStrings && flags&columnDict == 0 {
			return nil, corrupt("column %s has no dictionary", col.colID)
		}
		if c.err != nil {
			break
		}
		d.cols = append(d.cols, col)
		switch {
		case col.kind == kValue:
			d.values[col.owner] = append(d.values[col.owner], int32(len(d.cols)-1))
		case col.kind < kValue:
			d.byKind[col.kind] = int32(len(d.cols))
		}
	}
	d.resources, d.scopes = c.keys(), c.keys()
	if c.err != nil {
		return nil, c.err
	}
	if len(c.src) != 0 {
		return nil, corrupt("%d bytes after a directory", len(c.src))
	}
	return d, nil
}

// place reads a segment's number and a length. Places stand in their segment in the order in which they are named.
func (c *cursor) place(segs []segment, used []int) place {
	p := place{segment: int(c.uvarint("segment of a column", uint64(len(segs)))), raw: int(c.uvarint("length of a column", maxRaw))}
	if p.segment >= len(segs) || p.raw > segs[p.segment].raw-used[p.segment] {
		c.fail("place of a column")
		return place{}
	}
	p.off = used[p.segment]
	used[p.segment] += p.raw
	return p
}

func (c *cursor) keys() []keyTypes {
	var keys []keyTypes
	for range c.count("keys") {
		if c.err != nil {
			break
		}
		k := keyTypes{key: string(c.bytes("key"))}
		k.types = uint16(c.uvarint("types", 1<<16-1))
		keys = append(keys, k)
	}
	return keys
}

// fields appends the attributes that the group has.
func (d *directory) fields(dst []store.FieldInfo, scope match.Scope) []store.FieldInfo {
	add := func(s match.Scope, key string, types uint16) {
		if scope == match.ScopeAny || scope == s {
			dst = append(dst, store.FieldInfo{Scope: s, Key: key, Types: types})
		}
	}
	for o, s := range [owners]match.Scope{match.ScopeSpan, match.ScopeEvent, match.ScopeLink} {
		for _, i := range d.values[o] {
			add(s, d.cols[i].key, 1<<d.cols[i].typ)
		}
	}
	for _, k := range d.resources {
		add(match.ScopeResource, k.key, k.types)
	}
	for _, k := range d.scopes {
		add(match.ScopeInstrumentation, k.key, k.types)
	}
	return dst
}
