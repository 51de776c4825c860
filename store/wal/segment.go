// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/clew-tracing/clew/base/fs"
)

const (
	version      = 1
	magic        = "CWAL"
	headerLen    = 48
	recordsStart = 2 * headerLen // the header stands twice
	frameLen     = 24
	suffix       = ".wal"

	// maxPayload bounds a record: what an incompressible body of MaxBody and the rest of the payload take.
	maxPayload = MaxBody + MaxBody/8
)

// SegmentID names a segment; ids rise with time.
type SegmentID uint64

// EpochStart returns the least id of an epoch's segments.
func EpochStart(epoch uint32) SegmentID { return SegmentID(epoch) << 32 }

// Epoch returns the upper half of the id.
func (id SegmentID) Epoch() uint32 { return uint32(id >> 32) }

// String returns the name of the segment's file.
func (id SegmentID) String() string { return fmt.Sprintf("%016x%s", uint64(id), suffix) }

// parseSegment returns the id of a file name, and false if it is not one of a segment.
func parseSegment(name string) (SegmentID, bool) {
	hex, ok := strings.CutSuffix(name, suffix)
	if !ok || len(hex) != 16 {
		return 0, false
	}
	id, err := strconv.ParseUint(hex, 16, 64)
	return SegmentID(id), err == nil
}

// header is the head of a segment.
type header struct {
	id          SegmentID
	salt        uint64
	prev        SegmentID
	prevDurable uint64
}

func (h header) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, magic...)
	dst = binary.LittleEndian.AppendUint32(dst, version)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(h.id))
	dst = binary.LittleEndian.AppendUint64(dst, h.salt)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(h.prev))
	dst = binary.LittleEndian.AppendUint64(dst, h.prevDurable)
	return binary.LittleEndian.AppendUint64(dst, xxhash.Sum64(dst[start:]))
}

// ErrVersion means that a segment was written by a newer version of this program.
var ErrVersion = errors.New("unknown version of the log's format")

var errHeader = errors.New("bad segment header")

func parseHeader(src []byte) (h header, err error) {
	if len(src) < headerLen || string(src[:4]) != magic ||
		xxhash.Sum64(src[:headerLen-8]) != binary.LittleEndian.Uint64(src[headerLen-8:]) {
		return h, errHeader
	}
	if v := binary.LittleEndian.Uint32(src[4:]); v != version {
		return h, fmt.Errorf("%w: %d, this program knows %d", ErrVersion, v, version)
	}
	return header{
		id:          SegmentID(binary.LittleEndian.Uint64(src[8:])),
		salt:        binary.LittleEndian.Uint64(src[16:]),
		prev:        SegmentID(binary.LittleEndian.Uint64(src[24:])),
		prevDurable: binary.LittleEndian.Uint64(src[32:]),
	}, nil
}

// putFrame writes the frame of a record at the given offset of its segment.
func putFrame(dst []byte, salt uint64, off int64, length, durable uint32, hash uint64) {
	binary.LittleEndian.PutUint32(dst, length)
	binary.LittleEndian.PutUint32(dst[4:], durable)
	binary.LittleEndian.PutUint64(dst[8:], hash)
	binary.LittleEndian.PutUint64(dst[16:], frameCheck(salt, off, dst))
}

func frameCheck(salt uint64, off int64, frame []byte) uint64 {
	var buf [32]byte
	binary.LittleEndian.PutUint64(buf[:], salt)
	binary.LittleEndian.PutUint64(buf[8:], uint64(off))
	copy(buf[16:], frame[:16])
	return xxhash.Sum64(buf[:])
}

type frame struct {
	length, durable uint32
	hash            uint64
}

func parseFrame(src []byte, salt uint64, off int64) (f frame, ok bool) {
	if len(src) < frameLen || binary.LittleEndian.Uint64(src[16:]) != frameCheck(salt, off, src) {
		return f, false
	}
	f = frame{
		length:  binary.LittleEndian.Uint32(src),
		durable: binary.LittleEndian.Uint32(src[4:]),
		hash:    binary.LittleEndian.Uint64(src[8:]),
	}
	return f, f.length <= maxPayload
}

// Damage is a stretch of a segment that holds no readable record.
type Damage struct {
	Segment SegmentID
	// Offset and Bytes are the stretch; 0 bytes where the file ends before what was synced.
	Offset, Bytes int64
	// Torn means that it was never synced, so nothing that was acknowledged is lost.
	Torn   bool
	Reason string
}

// String names the place and the reason.
func (d Damage) String() string {
	return fmt.Sprintf("%s at offset %d, %d bytes: %s", d.Segment, d.Offset, d.Bytes, d.Reason)
}

// segmentReader reads the records of one segment, past damage.
type segmentReader struct {
	file   fs.File
	id     SegmentID
	header header
	size   int64
	off    int64
	// durable is what the records read so far say was synced.
	durable int64
	payload []byte
	damage  []Damage
	window  []byte // for searching
}

// openSegment opens a segment for reading. A segment without a readable header has no records.
func openSegment(fsys fs.FS, dir string, id SegmentID) (r *segmentReader, err error) {
	f, err := fsys.Open(path.Join(dir, id.String()))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	r = &segmentReader{file: f, id: id, size: size, off: recordsStart, durable: recordsStart}
	buf := make([]byte, recordsStart)
	n, err := f.ReadAt(buf, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	buf = buf[:n]
	h, err := parseHeader(buf)
	if errors.Is(err, errHeader) && n > headerLen {
		if h, err = parseHeader(buf[headerLen:]); err == nil {
			r.damage = append(r.damage, Damage{Segment: id, Bytes: headerLen, Reason: "bad header; its copy is good"})
		}
	} else if err == nil && n == recordsStart {
		if _, err := parseHeader(buf[headerLen:]); err != nil {
			r.damage = append(r.damage, Damage{Segment: id, Offset: headerLen, Bytes: headerLen, Reason: "bad copy of the header"})
		}
	}
	if err == nil && h.id != id {
		err = fmt.Errorf("%w: it is of segment %s", errHeader, h.id)
	}
	if errors.Is(err, errHeader) {
		r.damage = append(r.damage, Damage{Segment: id, Bytes: size, Torn: size <= recordsStart, Reason: err.Error()})
		r.off = size
		return r, nil
	}
	r.header = h
	return r, err
}

// next returns the next payload, valid until the call after, and its offset; io.EOF after the last. Other errors are
// those of reading the file.
func (r *segmentReader) next() (payload []byte, off int64, err error) {
	start := r.off
	reason := ""
	for {
		at := r.off
		payload, bad, err := r.record()
		if err != nil {
			return nil, 0, err
		}
		if bad == "" {
			r.hole(start, at, reason)
			return payload, at, nil
		}
		if reason == "" {
			reason = bad
		}
		if r.off, err = r.search(at + 1); err != nil {
			return nil, 0, err
		}
		if r.off >= r.size {
			r.hole(start, r.size, reason)
			return nil, 0, io.EOF
		}
	}
}

func (r *segmentReader) hole(from, to int64, reason string) {
	if to > from {
		r.damage = append(r.damage, Damage{Segment: r.id, Offset: from, Bytes: to - from, Reason: reason})
	}
}

// record reads the record at r.off and goes past it, or says what is bad about it.
func (r *segmentReader) record() (payload []byte, bad string, err error) {
	var head [frameLen]byte
	if r.size-r.off < frameLen {
		return nil, "cut short", nil
	}
	if _, err := r.file.ReadAt(head[:], r.off); err != nil {
		return nil, "", err
	}
	f, ok := parseFrame(head[:], r.header.salt, r.off)
	if !ok {
		return nil, "bad frame", nil
	}
	r.durable = max(r.durable, int64(f.durable))
	if r.size-r.off-frameLen < int64(f.length) {
		return nil, "cut short", nil
	}
	r.payload = resize(r.payload, int(f.length))
	if _, err := r.file.ReadAt(r.payload, r.off+frameLen); err != nil && (f.length > 0 || !errors.Is(err, io.EOF)) {
		return nil, "", err
	}
	if xxhash.Sum64(r.payload) != f.hash {
		return nil, "bad checksum", nil
	}
	r.off += frameLen + int64(f.length)
	return r.payload, "", nil
}

// search returns the offset of the next plausible frame from off on, or the segment's size.
func (r *segmentReader) search(off int64) (int64, error) {
	const step = 256 << 10
	for off+frameLen <= r.size {
		n := min(step+frameLen, r.size-off)
		r.window = resize(r.window, int(n))
		if _, err := r.file.ReadAt(r.window, off); err != nil {
			return 0, err
		}
		for i := 0; i+frameLen <= len(r.window); i++ {
			if _, ok := parseFrame(r.window[i:], r.header.salt, off+int64(i)); ok {
				return off + int64(i), nil
			}
		}
		off += n - frameLen + 1
	}
	return r.size, nil
}

// finish judges the damage: what lies past the synced length was never acknowledged. known is that length where the
// next segment tells it, or -1.
func (r *segmentReader) finish(known int64) []Damage {
	durable := r.durable
	if known >= 0 {
		durable = known
	}
	for i := range r.damage {
		d := &r.damage[i]
		d.Torn = d.Torn || d.Offset >= durable
	}
	if r.size < durable {
		r.damage = append(r.damage, Damage{Segment: r.id, Offset: r.size, Reason: fmt.Sprintf("file ends before the %d bytes that were synced", durable)})
	}
	return r.damage
}
