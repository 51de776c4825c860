// SPDX-License-Identifier: Apache-2.0

package span

import "math/bits"

// Notes says what Clew had to repair or found impossible in a span. It stands outside identity, export and the equality
// of dumps (DESIGN 4), so that a span remains what its client sent.
type Notes uint32

// The notes. Values are stored in blocks: append, never renumber.
const (
	// NoteUTF8 means that a string was not valid UTF-8 and has replacement characters now.
	NoteUTF8 Notes = 1 << iota
	// NoteNoStart means that the start time was absent (zero).
	NoteNoStart
	// NoteNoEnd means that the end time was absent (zero).
	NoteNoEnd
	// NoteEndBeforeStart means that the end lies before the start.
	NoteEndBeforeStart
	// NoteFarTime means that start or end lie outside of the years 1980 to 2200.
	NoteFarTime
	// NoteParentID means that the parent id had a wrong length and was dropped.
	NoteParentID
	// NoteLinkID means that a link had an id of a wrong length, which was dropped.
	NoteLinkID
	// NoteIDSpelling means that an id came in base64 where hex is due.
	NoteIDSpelling
	// NoteUnknownEnum means that kind or status is a number that OTLP does not define.
	NoteUnknownEnum
	// NoteUnknownValue means that an attribute value was of a kind that traces do not have, and is empty now.
	NoteUnknownValue
	// NoteSelfParent means that the span names itself as its parent.
	NoteSelfParent
	// NoteSameIDs means that another span of the trace has the same ids and other content. It is found when a trace is
	// read whole, and never stored.
	NoteSameIDs
	noteEnd
)

// Text returns the sentence for a single note, for people.
func (n Notes) Text() string {
	switch n {
	case NoteUTF8:
		return "a string was not valid UTF-8; the invalid bytes were replaced"
	case NoteNoStart:
		return "the client sent no start time"
	case NoteNoEnd:
		return "the client sent no end time"
	case NoteEndBeforeStart:
		return "the span ends before it starts; its duration counts as zero"
	case NoteFarTime:
		return "the span's time lies outside of the years 1980 to 2200"
	case NoteParentID:
		return "the parent id had a wrong length and was dropped"
	case NoteLinkID:
		return "a link's id had a wrong length and was dropped"
	case NoteIDSpelling:
		return "an id came in base64 instead of hex"
	case NoteUnknownEnum:
		return "kind or status is a number that OTLP does not define"
	case NoteUnknownValue:
		return "an attribute value was of an unknown kind and was kept as empty"
	case NoteSelfParent:
		return "the span names itself as its parent"
	case NoteSameIDs:
		return "another span of this trace has the same ids and other content"
	}
	return "unknown note"
}

// Each calls f for every single note in n, in ascending order.
func (n Notes) Each(f func(Notes)) {
	for n &= noteEnd - 1; n != 0; n &= n - 1 {
		f(1 << bits.TrailingZeros32(uint32(n)))
	}
}

// AllNotes returns every known note, in ascending order of its bit.
func AllNotes() []Notes {
	var all []Notes
	(noteEnd - 1).Each(func(n Notes) { all = append(all, n) })
	return all
}
