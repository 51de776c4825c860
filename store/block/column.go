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
		kNotes: "notes", kResource: "resource", kScope: "scope", kResources: "resources", kScopes: "scopes",
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
	formNumbers      // a column of base/codec
	formStrings      // dictionary and codes
	formDoubles      // 8 bytes each
	formShapes
	formTable   // of resources or scopes
	formNothing // empty values
)

func (id colID) form() form {
	switch k := id.kind; {
	case k == kTraceKey || k == kTraceHigh || k == kSpanID || k == kParentRaw || k == kLinkTrace || k == kLinkSpan:
		return formFixed
	case k == kName || k == kStatusMessage || k == kTraceState || k == kEventName || k == kLinkState:
		return formStrings
	case k == kResources || k == kScopes:
		return formTable
	case k >= kShapes && k < kShapes+kind(owners):
		return formShapes
	case k >= kTraceRows && k <= kScope || k >= kEventCount && k <= kEventDropped || k >= kLinkCount && k <= kLinkDropped ||
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
	segment  int
	off, raw int // place in the segment's raw bytes
	stats    bool
	min, max int64
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

// stringEncoder encodes columns of strings of one batch, with a memo by code that each column leaves clean.
type stringEncoder struct {
	memo  []uint32 // code -> entry + 1
	order []span.Code
	nums  []uint32
}

// append encodes a column of strings given as codes of s.
func (e *stringEncoder) append(dst []byte, s *span.Strings, codes []span.Code) []byte {
	if len(e.memo) < s.Len() {
		e.memo = make([]uint32, s.Len())
	}
	order, ids := e.order[:0], e.nums[:0]
	for _, c := range codes {
		if n := e.memo[c]; n != 0 {
			ids = append(ids, n)
			continue
		}
		order = append(order, c)
		e.memo[c] = uint32(len(order))
		ids = append(ids, 0)
	}
	e.order, e.nums = order, ids
	lens := make([]uint32, len(order))
	for i, c := range order {
		lens[i] = uint32(len(s.Bytes(c)))
		e.memo[c] = 0
	}
	dst = codec.AppendUvarint(dst, uint64(len(order)))
	dst = codec.AppendColumn(dst, lens)
	for _, c := range order {
		dst = append(dst, s.Bytes(c)...)
	}
	return codec.AppendColumn(dst, ids)
}

// decodeStrings reads a column of strings into codes of s.
func decodeStrings(codes []span.Code, src []byte, s *span.Strings) error {
	n, src, err := codec.Uvarint(src)
	if err != nil {
		return err
	}
	if n > uint64(len(codes)) {
		return corrupt("dictionary of %d entries for %d values", n, len(codes))
	}
	lens := make([]uint32, n)
	if src, err = codec.Column(lens, src); err != nil {
		return err
	}
	dict := lens // replaced entry by entry
	for i, l := range lens {
		if uint64(l) > uint64(len(src)) {
			return corrupt("dictionary entry %d of %d bytes, %d left", i, l, len(src))
		}
		dict[i] = s.Intern(src[:l])
		src = src[l:]
	}
	if src, err = codec.Column(codes, src); err != nil {
		return err
	}
	if len(src) != 0 {
		return corrupt("%d bytes after a column of strings", len(src))
	}
	next := 0
	for i, c := range codes {
		if c == 0 {
			if next >= len(dict) {
				return corrupt("dictionary of %d entries is used up", len(dict))
			}
			codes[i] = dict[next]
			next++
			continue
		}
		if int(c) > next {
			return corrupt("code %d before its entry", c-1)
		}
		codes[i] = dict[c-1]
	}
	return nil
}
