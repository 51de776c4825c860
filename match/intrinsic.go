// SPDX-License-Identifier: Apache-2.0

package match

import (
	"math"
	"unsafe"

	"github.com/clew-tracing/clew/span"
)

// intrinsic judges an intrinsic of every span.
func (d *decider) intrinsic(f Intrinsic) {
	b := d.b
	switch f {
	case Duration:
		ints(d, b.Duration, 0)
	case Start:
		ints(d, b.Start, math.MinInt64)
	case Status:
		ints(d, b.Status, math.MinInt32)
	case Kind:
		ints(d, b.Kind, math.MinInt32)
	case Name:
		d.codes(b.Name)
	case StatusMessage:
		d.codes(b.StatusMessage)
	case InstrumentationName:
		d.scopeCodes(b.Scopes.Name)
	case InstrumentationVersion:
		d.scopeCodes(b.Scopes.Version)
	case SpanID:
		for i := range b.SpanID {
			d.spanID(i, b.SpanID[i])
		}
	case ParentID:
		for i, id := range b.ParentID {
			if !id.IsZero() {
				d.spanID(i, id)
			}
		}
	case TraceID:
		for lo := 0; lo < b.Len(); {
			hi := lo + 1
			for hi < b.Len() && b.TraceID[hi] == b.TraceID[lo] {
				hi++
			}
			v := d.traceID(b.TraceID[lo])
			for ; lo < hi; lo++ {
				d.row(lo, v)
			}
		}
	case EventName, EventTimeSinceStart:
		for i := range b.Len() {
			lo, hi := b.Events.Range(i)
			for e := lo; e < hi; e++ {
				if f == EventName {
					d.row(i, d.str(b.Events.Name[e]))
				} else {
					d.row(i, decide(d.c, d.op, span.IntValue(b.Events.Time[e]-b.Start[i])))
				}
			}
		}
	case LinkTraceID, LinkSpanID:
		for i := range b.Len() {
			lo, hi := b.Links.Range(i)
			for l := lo; l < hi; l++ {
				if f == LinkTraceID {
					d.row(i, d.traceID(b.Links.TraceID[l]))
				} else {
					d.spanID(i, b.Links.SpanID[l])
				}
			}
		}
	default: // of the trace: a span alone cannot decide
		d.yes.SetAll()
		if d.some != nil {
			// The caller takes yes out of some, and everything shall stay.
			d.some.SetAll()
			d.yes.Reset(b.Len())
		}
	}
}

// ints judges a column of ints, of which those below least count as least. Compared with an int, those that satisfy are
// a range.
func ints[T ~int32 | ~int64](d *decider, column []T, least T) {
	lo, hi, ok := intRange(d.op, d.c.Value)
	if !ok {
		for i, v := range column {
			d.row(i, decide(d.c, d.op, span.IntValue(int64(max(v, least)))))
		}
		return
	}
	words := d.yes.Words()
	for w := range words {
		var bits uint64
		for i, v := range column[64*w : min(64*w+64, len(column))] {
			if v := int64(max(v, least)); lo <= v && v <= hi {
				bits |= 1 << i
			}
		}
		words[w] = bits
	}
	if d.some != nil {
		d.some.SetAll() // every int can be compared
	}
}

// intRange returns the ints that satisfy a comparison with an int; the range is empty where lo > hi.
func intRange(op Op, v span.Value) (lo, hi int64, ok bool) {
	if v.Type != span.TypeInt {
		return 0, 0, false
	}
	lo, hi = math.MinInt64, math.MaxInt64
	switch w := v.Int(); op {
	case Eq:
		return w, w, true
	case Le:
		return lo, w, true
	case Ge:
		return w, hi, true
	case Lt:
		if w == lo {
			return 1, 0, true
		}
		return lo, w - 1, true
	case Gt:
		if w == hi {
			return 1, 0, true
		}
		return w + 1, hi, true
	}
	return 0, 0, false
}

func (d *decider) codes(column []span.Code) {
	for i, code := range column {
		d.row(i, d.str(code))
	}
}

// scopeCodes judges a column of the scopes table.
func (d *decider) scopeCodes(column []span.Code) {
	for i, s := range d.b.Scope {
		if int(s) < len(column) {
			d.row(i, d.str(column[s]))
		}
	}
}

func (d *decider) spanID(i int, id span.SpanID) {
	d.m.hex = id.AppendHex(d.m.hex[:0])
	d.row(i, d.text(d.m.hex))
}

func (d *decider) traceID(id span.TraceID) verdict {
	d.m.hex = id.AppendHex(d.m.hex[:0])
	return d.text(d.m.hex)
}

// text judges bytes as a string, without copying them.
func (d *decider) text(s []byte) verdict {
	return decide(d.c, d.op, span.Value{Type: span.TypeString, Str: unsafe.String(unsafe.SliceData(s), len(s))})
}
