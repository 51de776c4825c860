// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"

	"github.com/clew-tracing/clew/span"
)

// Decoder turns requests into spans. It keeps scratch memory from one request to the next, so that a warm one allocates
// nothing; the zero value is ready for use. It is not safe for concurrent use: pool decoders instead.
type Decoder struct {
	// MaxBatch is how many bytes of memory a batch may take while it is decoded; 0 means any number. A few bytes of a
	// request can stand for dozens in a batch (an empty link takes 2 and 40), so a limit on requests alone bounds
	// little. A request past the limit is refused with an error of class [ErrTooLarge].
	MaxBatch int

	b        *span.Batch
	res      Result
	notes    span.Notes // of the span, resource or scope at hand
	place    place
	format   string
	elements int
	size     int // capacity of the request's slice, from which offsets are told

	// recent finds the codes of strings seen a moment ago without the batch's own index. An entry counts only if it
	// is of this generation, since codes are those of one batch.
	recent [recentSize]recentString
	gen    uint32

	resources, scopes seen
	tape              tape
	text              []byte      // repaired or unescaped strings
	void              span.Batch  // takes what is checked but not kept
	json              jsonScanner // state of the JSON decoder
}

// place is the indices of the span at hand, for messages.
type place struct{ resource, scope, span int }

func (p place) String() string {
	return "resource_spans[" + strconv.Itoa(p.resource) + "].scope_spans[" + strconv.Itoa(p.scope) + "].spans[" + strconv.Itoa(p.span) + "]"
}

// Reset gives back the memory that an unusually large request needed.
func (d *Decoder) Reset() {
	const keep = 1 << 20
	if cap(d.text) > keep {
		d.text = nil
	}
	if cap(d.tape.buf) > keep {
		d.tape = tape{}
	}
	d.resources.reset()
	d.scopes.reset()
	if d.void.Mem() > keep {
		d.void = span.Batch{}
	}
	d.json.reset(keep)
}

// begin prepares for a request whose spans go to b.
func (d *Decoder) begin(b *span.Batch, data []byte, format string) {
	d.b, d.res, d.format, d.size = b, Result{}, format, cap(data)
	d.place = place{}
	d.gen++
	d.tape.reset()
	d.resources.reset()
	d.scopes.reset()
}

// end forgets the request, takes its spans back if it was malformed, and returns the result.
func (d *Decoder) end(rows int, fail *DecodeError) (Result, error) {
	b := d.b
	d.b = nil
	d.resources.release()
	d.scopes.release()
	if fail != nil {
		b.Truncate(rows)
		fail.Format = d.format
		return Result{}, fail
	}
	d.res.Spans = b.Len() - rows
	return d.res, nil
}

// ---- strings ----

const (
	recentBits = 10
	recentSize = 1 << recentBits
)

type recentString struct {
	gen  uint32
	code span.Code
}

// recentSlot picks a slot by length, start and end: names and keys that differ, differ there.
func recentSlot(v []byte) uint32 {
	n := len(v)
	var x uint64
	switch {
	case n >= 8:
		x = binary.LittleEndian.Uint64(v) ^ binary.LittleEndian.Uint64(v[n-8:])*0x9e3779b97f4a7c15
	case n >= 4:
		x = uint64(binary.LittleEndian.Uint32(v)) | uint64(binary.LittleEndian.Uint32(v[n-4:]))<<32
	default:
		x = uint64(v[0]) | uint64(v[n/2])<<8 | uint64(v[n-1])<<16
	}
	return uint32((x^uint64(n))*0xd6e8feb86659fd93>>(64-recentBits)) & (recentSize - 1)
}

// str returns the code of a string field, repaired with a note if it is not UTF-8.
func (d *Decoder) str(v []byte) span.Code {
	if len(v) == 0 {
		return 0
	}
	e := &d.recent[recentSlot(v)]
	if e.gen == d.gen && bytes.Equal(d.b.Strings.Bytes(e.code), v) {
		return e.code
	}
	if !utf8.Valid(v) {
		return d.b.Strings.Intern(d.repair(v))
	}
	c := d.b.Strings.Intern(v)
	*e = recentString{gen: d.gen, code: c}
	return c
}

// valid returns v, or v repaired, with a note, if it is not UTF-8. The result is valid until the next call.
func (d *Decoder) valid(v []byte) []byte {
	if utf8.Valid(v) {
		return v
	}
	return d.repair(v)
}

// repair returns v as UTF-8, in d.text, and notes it.
func (d *Decoder) repair(v []byte) []byte {
	d.notes |= span.NoteUTF8
	d.text = appendValid(d.text[:0], v)
	return d.text
}

// appendValid appends v with U+FFFD for each run of invalid bytes.
func appendValid(dst, v []byte) []byte {
	invalid := false
	for i := 0; i < len(v); {
		r, n := utf8.DecodeRune(v[i:])
		if r == utf8.RuneError && n == 1 {
			if !invalid {
				dst = append(dst, "\uFFFD"...)
			}
			invalid = true
		} else {
			dst = append(dst, v[i:i+n]...)
			invalid = false
		}
		i += n
	}
	return dst
}

// ---- spans ----

// ids are the ids of a span as they stand in the request: bytes, of any length.
type ids struct{ trace, span, parent []byte }

// finish ends span row: it sets the ids and the notes, or takes the span back and counts it if it cannot be kept.
func (d *Decoder) finish(row int, id ids) {
	b := d.b
	b.EndSpan()
	switch {
	case len(id.trace) != len(span.TraceID{}):
		d.reject(causeTraceIDLength)
		return
	case len(id.span) != len(span.SpanID{}):
		d.reject(causeSpanIDLength)
		return
	}
	trace, self := span.TraceID(id.trace), span.SpanID(id.span)
	switch {
	case trace.IsZero():
		d.reject(causeTraceIDZero)
		return
	case self.IsZero():
		d.reject(causeSpanIDZero)
		return
	}
	b.TraceID[row], b.SpanID[row] = trace, self
	switch len(id.parent) {
	case 0:
	case len(span.SpanID{}):
		b.ParentID[row] = span.SpanID(id.parent)
	default:
		d.notes |= span.NoteParentID
	}
	if s := b.TraceState[row]; s != 0 {
		b.HeadWeight[row] = span.HeadWeight(b.Strings.String(s))
	}
	b.Notes[row] = d.notes
	b.NoteOddities(row)
}

// reject takes back the last span and counts it.
func (d *Decoder) reject(why cause) {
	d.b.DropSpan()
	d.res.Rejected++
	if d.res.causes[why]++; d.res.causes[why] == 1 {
		d.res.first[why] = d.place.String()
	}
}

// linkIDs returns the ids of a link, zero with a note where they have a wrong length.
func (d *Decoder) linkIDs(trace, id []byte) (t span.TraceID, s span.SpanID) {
	switch len(trace) {
	case 0:
	case len(t):
		t = span.TraceID(trace)
	default:
		d.notes |= span.NoteLinkID
	}
	switch len(id) {
	case 0:
	case len(s):
		s = span.SpanID(id)
	default:
		d.notes |= span.NoteLinkID
	}
	return t, s
}

// checkEvery is how many spans, events, links or attributes go by between two looks at the batch's size.
const checkEvery = 4096

// tooLarge counts an element of a list and looks at the batch's size from time to time.
func (d *Decoder) tooLarge() bool {
	d.elements++
	return d.elements%checkEvery == 0 && d.MaxBatch > 0 && d.b.Mem() > d.MaxBatch
}

// oversize is the error for a batch that is too large.
func (d *Decoder) oversize(offset int) *DecodeError {
	return &DecodeError{Offset: offset, Reason: "the spans so far take more memory than one request may: " + strconv.Itoa(d.MaxBatch) + " bytes", tooLarge: true}
}

// ---- resources and scopes ----

// seen finds the resources (or scopes) of this request that came before in the same bytes, so that a collector's batch
// of a hundred exports from one process has its resource once.
type seen struct {
	index map[uint64]int32 // hash to the latest entry with it
	all   []seenEntry
}

type seenEntry struct {
	message, schema []byte
	code            uint32
	notes           span.Notes
	next            int32 // an earlier entry with the same hash, or -1
}

func (s *seen) reset() {
	if len(s.all) == 0 {
		return
	}
	clear(s.index)
	s.all = s.all[:0]
}

// release lets go of the request's bytes.
func (s *seen) release() { clear(s.all); s.reset() }

func hashMessage(message, schema []byte) uint64 {
	return xxhash.Sum64(message) + 31*xxhash.Sum64(schema)
}

func (s *seen) find(message, schema []byte) (*seenEntry, uint64) {
	h := hashMessage(message, schema)
	i, ok := s.index[h]
	// Hashes of many can be made equal on purpose; then sharing is not worth the search.
	for n := 0; ok && i >= 0 && n < 8; n++ {
		e := &s.all[i]
		if bytes.Equal(e.message, message) && bytes.Equal(e.schema, schema) {
			return e, h
		}
		i = e.next
	}
	return nil, h
}

func (s *seen) add(h uint64, e seenEntry) {
	if s.index == nil {
		s.index = map[uint64]int32{}
	}
	e.next = -1
	if i, ok := s.index[h]; ok {
		e.next = i
	}
	s.index[h] = int32(len(s.all))
	s.all = append(s.all, e)
}

// setResource makes the spans from row lo on spans of resource r, with the notes that concern the resource.
func (d *Decoder) setResource(lo int, r uint32, notes span.Notes) {
	col := d.b.Resource[lo:]
	for i := range col {
		col[i] = r
	}
	d.addNotes(lo, notes)
}

// setScope makes the spans from row lo on spans of scope s, with the notes that concern the scope.
func (d *Decoder) setScope(lo int, s uint32, notes span.Notes) {
	col := d.b.Scope[lo:]
	for i := range col {
		col[i] = s
	}
	d.addNotes(lo, notes)
}

func (d *Decoder) addNotes(lo int, notes span.Notes) {
	if notes == 0 {
		return
	}
	col := d.b.Notes[lo:]
	for i := range col {
		col[i] |= notes
	}
}

// intoVoid runs f, which checks a message whose contents nobody wants, with the batch exchanged for a scratch one.
func (d *Decoder) intoVoid(f func() *DecodeError) *DecodeError {
	b := d.b
	d.void.Reset()
	d.b = &d.void
	d.gen++
	err := f()
	d.b = b
	d.gen++
	return err
}
