// SPDX-License-Identifier: Apache-2.0

package block

import (
	"fmt"
	"strconv"

	"github.com/clew-tracing/clew/base/codec"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
)

// kind says what a column holds. The numbers are on disk.
type kind uint8

const (
	kTraceKey      kind = 1
	kTraceHigh     kind = 2
	kTraceRows     kind = 3
	kTraceShort    kind = 4
	kSpanID        kind = 5
	kParent        kind = 6
	kParentRaw     kind = 7
	kStart         kind = 8
	kDuration      kind = 9
	kKind          kind = 10
	kStatus        kind = 11
	kName          kind = 12
	kStatusMessage kind = 13
	kTraceState    kind = 14
	kFlags         kind = 15
	kDroppedAttrs  kind = 16
	kDroppedEvents kind = 17
	kDroppedLinks  kind = 18
	kHeadWeight    kind = 19
	kTraceWeight   kind = 20
	kNotes         kind = 21
	kResource      kind = 22
	kScope         kind = 23
	kResources     kind = 24
	kScopes        kind = 25
	kTemplate      kind = 26
	kStartBits     kind = 27
	kDurationBits  kind = 28
	kEventCount    kind = 30
	kEventTime     kind = 31
	kEventName     kind = 32
	kEventDropped  kind = 33
	kLinkCount     kind = 40
	kLinkTrace     kind = 41
	kLinkSpan      kind = 42
	kLinkState     kind = 43
	kLinkFlags     kind = 44
	kLinkDropped   kind = 45
	// kShapes, kShape and kValue are of an owner, those of spans, events and links following each other.
	kShapes kind = 50
	kShape  kind = 53
	kValue  kind = 60
)

// String returns the name that the package comment uses.
func (k kind) String() string {
	names := map[kind]string{
		kTraceKey: "traceKey", kTraceHigh: "traceHigh", kTraceRows: "traceRows", kTraceShort: "traceShort", kSpanID: "spanID",
		kParent: "parent", kParentRaw: "parentRaw", kStart: "start", kDuration: "duration", kKind: "kind", kStatus: "status",
		kName: "name", kStatusMessage: "statusMessage", kTraceState: "traceState", kFlags: "flags", kDroppedAttrs: "droppedAttrs",
		kDroppedEvents: "droppedEvents", kDroppedLinks: "droppedLinks", kHeadWeight: "headWeight", kTraceWeight: "traceWeight",
		kTemplate: "template", kStartBits: "startBits", kDurationBits: "durationBits", kNotes: "notes", kResource: "resource", kScope: "scope", kResources: "resources", kScopes: "scopes",
		kEventCount: "eventCount", kEventTime: "eventTime", kEventName: "eventName", kEventDropped: "eventDropped",
		kLinkCount: "linkCount", kLinkTrace: "linkTrace", kLinkSpan: "linkSpan", kLinkState: "linkState", kLinkFlags: "linkFlags",
		kLinkDropped: "linkDropped", kValue: "value",
	}
	if n, ok := names[k]; ok {
		return n
	}
	for o := ownerSpan; o <= ownerLink; o++ {
		switch k {
		case kShapes + kind(o):
			return o.String() + " shapes"
		case kShape + kind(o):
			return o.String() + " shape"
		}
	}
	return "kind" + strconv.Itoa(int(k))
}

// owner says whose attributes a column holds. The numbers are on disk.
type owner uint8

const (
	ownerSpan owner = iota
	ownerEvent
	ownerLink
	owners
)

// String returns span, event or link.
func (o owner) String() string { return [...]string{"span", "event", "link"}[o] }

// colID names a column: a kind, and for values whose attribute it is.
type colID struct {
	kind  kind
	owner owner
	key   string
	typ   span.Type
}

// String names the column for errors and inspection.
func (id colID) String() string {
	if id.kind == kValue {
		return fmt.Sprintf("%s.%s (%s)", id.owner, id.key, id.typ)
	}
	return id.kind.String()
}

// form is how the bytes of a column are to be read.
type form uint8

const (
	formUnknown form = iota
	formFixed        // values of fixed width
	formBits         // packed bits
	formNumbers      // a column of base/codec
	formStrings      // dictionary and codes
	formDoubles      // 8 bytes each
	formShapes
	formTable   // of resources or scopes
	formNothing // empty values
)

func (id colID) form() form {
	switch k := id.kind; {
	case k == kStartBits || k == kDurationBits:
		return formBits
	case k == kTraceKey || k == kTraceHigh || k == kSpanID || k == kParentRaw || k == kLinkTrace || k == kLinkSpan:
		return formFixed
	case k == kName || k == kStatusMessage || k == kTraceState || k == kEventName || k == kLinkState:
		return formStrings
	case k == kResources || k == kScopes:
		return formTable
	case k >= kShapes && k < kShapes+kind(owners):
		return formShapes
	case k >= kTraceRows && k <= kScope || k == kTemplate || k >= kEventCount && k <= kEventDropped || k >= kLinkCount && k <= kLinkDropped ||
		k >= kShape && k < kShape+kind(owners):
		return formNumbers
	case k != kValue:
		return formUnknown
	}
	switch id.typ {
	case span.TypeEmpty:
		return formNothing
	case span.TypeBool, span.TypeInt:
		return formNumbers
	case span.TypeDouble:
		return formDoubles
	}
	return formStrings
}

// column is a directory entry.
type column struct {
	colID
	values   int // how many
	data     place
	entries  int   // of the dictionary
	dict     place // of columns of strings
	stats    bool
	min, max int64
}

// signed reports whether the numbers of a column with statistics are zigzagged: they are if one is negative.
func (c *column) signed() bool { return !c.stats || c.min < 0 }

// Flags of segments and columns in the directory.
const (
	segmentZstd = 1

	columnStats = 1
	columnDict  = 2
)

// place is a part of a segment's raw bytes.
type place struct {
	segment  int
	off, raw int
}

// segment is a directory entry.
type segment struct {
	zstd     bool
	off      int64 // within the body
	stored   int
	raw      int
	checksum uint64
}

// corrupt returns an error of class [store.ErrCorrupt].
func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", store.ErrCorrupt, fmt.Sprintf(format, args...))
}

// appendNumbers appends a column in an encoding that is small once it is compressed: zstd finds what repeats in bytes, and
// nothing in bits that are packed across them.
func appendNumbers(dst []byte, vals []uint64) []byte {
	all, runs := uint64(0), 0
	for i, v := range vals {
		all |= v
		if i == 0 || v != vals[i-1] {
			runs++
		}
	}
	switch {
	case 8*runs <= len(vals):
		return codec.AppendRuns(append(dst, byte(codec.EncodingRuns)), vals)
	case all < 1<<14: // one or two bytes a value
		return codec.AppendVarints(append(dst, byte(codec.EncodingVarints)), vals)
	}
	return codec.AppendColumn(dst, vals)
}

// firstNumbers reads the first values of a longer column. All encodings but runs are read value by value.
func firstNumbers[T codec.Unsigned](dst []T, src []byte) error {
	if len(src) == 0 || codec.Encoding(src[0]) != codec.EncodingRuns {
		_, err := codec.Column(dst, src)
		return err
	}
	src = src[1:]
	for i := 0; i < len(dst); {
		v, rest, err := codec.Uvarint(src)
		if err != nil {
			return err
		}
		more, rest, err := codec.Uvarint(rest)
		if err != nil {
			return err
		}
		if uint64(T(v)) != v {
			return corrupt("value %d is too large", v)
		}
		src = rest
		for end := i + 1 + int(min(more, uint64(len(dst)-i-1))); i < end; i++ {
			dst[i] = T(v)
		}
	}
	return nil
}

// stringEncoder encodes columns of strings of one batch, with a memo by code that each column leaves clean.
type stringEncoder struct {
	memo  []uint32 // code -> entry + 1
	order []span.Code
	nums  []uint64
	lens  []uint64
}

// append encodes a column of strings given as codes of s and returns its codes, its dictionary and the number of
// entries.
func (e *stringEncoder) append(data, dict []byte, s *span.Strings, codes []span.Code) ([]byte, []byte, int) {
	if len(e.memo) < s.Len() {
		e.memo = make([]uint32, s.Len()+s.Len()/4)
	}
	e.order, e.nums, e.lens = e.order[:0], e.nums[:0], e.lens[:0]
	for _, c := range codes {
		n := e.memo[c]
		e.nums = append(e.nums, uint64(n))
		if n == 0 {
			e.order = append(e.order, c)
			e.lens = append(e.lens, uint64(len(s.Bytes(c))))
			e.memo[c] = uint32(len(e.order))
		}
	}
	dict = appendNumbers(dict, e.lens)
	for _, c := range e.order {
		dict = append(dict, s.Bytes(c)...)
		e.memo[c] = 0
	}
	return appendNumbers(data, e.nums), dict, len(e.order)
}

// dictionary is the distinct strings of a column, interned into a batch as they are used.
type dictionary struct {
	text  []byte
	ends  []uint32
	codes []uint32 // of the batch plus one; 0 where not interned yet
}

// parse reads a dictionary of n entries, which aliases src.
func (d *dictionary) parse(src []byte, n int) error {
	if n > len(src)+1 { // entries are distinct, so that at most one is empty
		return corrupt("dictionary of %d entries in %d bytes", n, len(src))
	}
	d.ends, d.codes = grow(d.ends, n), grow(d.codes, n)
	clear(d.codes)
	text, err := codec.Column(d.ends, src)
	if err != nil {
		return err
	}
	total := uint64(0)
	for i, l := range d.ends {
		if total += uint64(l); total > uint64(len(text)) {
			return corrupt("dictionary entry %d ends at %d of %d bytes", i, total, len(text))
		}
		d.ends[i] = uint32(total)
	}
	if total != uint64(len(text)) {
		return corrupt("dictionary of %d entries has %d of %d bytes", n, total, len(text))
	}
	d.text = text
	return nil
}

// code returns the code of entry i in s.
func (d *dictionary) code(s *span.Strings, i uint32) span.Code {
	if c := d.codes[i]; c != 0 {
		return c - 1
	}
	lo := uint32(0)
	if i > 0 {
		lo = d.ends[i-1]
	}
	c := s.Intern(d.text[lo:d.ends[i]])
	d.codes[i] = c + 1
	return c
}

// resolve replaces the numbers of a column of strings by codes in s, those before from by anything.
func (d *dictionary) resolve(nums []uint32, from int, s *span.Strings) error {
	next := uint32(0)
	for i, n := range nums {
		if n == 0 {
			n = next
			if next++; next > uint32(len(d.ends)) {
				return corrupt("dictionary of %d entries is used up", len(d.ends))
			}
		} else if n--; n >= next {
			return corrupt("number %d before its entry", n+1)
		}
		if i >= from {
			nums[i] = d.code(s, n)
		}
	}
	return nil
}
