// SPDX-License-Identifier: Apache-2.0

package block

import (
	"math"

	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
)

// can reports whether the statistics leave it possible that a row of the group satisfies e.
func (d *directory) can(e *match.Expr) bool {
	switch e.Kind {
	case match.None:
		return false
	case match.And:
		for i := range e.Kids {
			if !d.can(&e.Kids[i]) {
				return false
			}
		}
		return true
	case match.Or:
		for i := range e.Kids {
			if d.can(&e.Kids[i]) {
				return true
			}
		}
		return false
	case match.One:
		return e.Cond.Op == match.Absent || d.canCond(&e.Cond)
	}
	return true
}

func (d *directory) canCond(c *match.Cond) bool {
	switch c.Field.Scope {
	case match.ScopeIntrinsic:
		return d.canIntrinsic(c)
	case match.ScopeSpan:
		return d.canValue(ownerSpan, c)
	case match.ScopeEvent:
		return d.canValue(ownerEvent, c)
	case match.ScopeLink:
		return d.canValue(ownerLink, c)
	case match.ScopeResource:
		return hasKey(d.resources, c.Field.Key)
	case match.ScopeInstrumentation:
		return hasKey(d.scopes, c.Field.Key)
	case match.ScopeAny:
		return d.canValue(ownerSpan, c) || d.canValue(ownerEvent, c) || d.canValue(ownerLink, c) ||
			hasKey(d.resources, c.Field.Key) || hasKey(d.scopes, c.Field.Key)
	}
	return true
}

func hasKey(keys []keyTypes, key string) bool {
	for _, k := range keys {
		if k.key == key {
			return true
		}
	}
	return false
}

func (d *directory) canValue(o owner, c *match.Cond) bool {
	for _, i := range d.values[o] {
		col := &d.cols[i]
		if col.key != c.Field.Key {
			continue
		}
		if !col.stats || col.typ == span.TypeBool && canBool(c, uint64(col.min), uint64(col.max)) {
			return true
		}
		if col.typ == span.TypeBool {
			continue
		}
		lo, hi := float64(col.min), float64(col.max)
		if col.typ == span.TypeDouble {
			lo, hi = doubleFromOrdered(col.min, math.Inf(-1)), doubleFromOrdered(col.max, math.Inf(1))
		}
		if canNumber(c, lo, hi) {
			return true
		}
	}
	return false
}

// canBool reports whether a bool of which lo and hi are the extremes can satisfy c.
func canBool(c *match.Cond, lo, hi uint64) bool {
	if c.Value.Type != span.TypeBool {
		return c.Op == match.Exists || c.Op == match.In
	}
	switch v := c.Value.Num; c.Op {
	case match.Eq:
		return lo == v || hi == v
	case match.Neq:
		return lo != v || hi != v
	}
	return true
}

// doubleFromOrdered is the inverse of orderedDouble; NaN becomes the given bound.
func doubleFromOrdered(v int64, nan float64) float64 {
	bits := uint64(v)
	if v < 0 {
		bits = ^bits | 1<<63
	}
	if f := math.Float64frombits(bits); f == f {
		return f
	}
	return nan
}

func (d *directory) canIntrinsic(c *match.Cond) bool {
	var k kind
	switch c.Field.Intrinsic {
	case match.Start:
		return canNumber(c, float64(d.info.MinStart), float64(d.info.MaxStart))
	case match.EventName, match.EventTimeSinceStart:
		return d.col(kEventCount) != nil
	case match.LinkTraceID, match.LinkSpanID:
		return d.col(kLinkCount) != nil
	case match.Duration:
		k = kDuration
	case match.Kind:
		k = kKind
	case match.Status:
		k = kStatus
	default:
		return true
	}
	col := d.col(k)
	if col == nil { // left out: all zero
		return canNumber(c, 0, 0)
	}
	lo, hi := col.min, col.max
	if k == kDuration {
		lo, hi = max(0, lo), max(0, hi) // negative durations count as zero
	}
	return canNumber(c, float64(lo), float64(hi))
}

// canNumber reports whether a number in [lo, hi] can satisfy c. Rounding to doubles is monotonic, so that comparing the
// rounded bounds never rules out too much as long as equality is kept.
func canNumber(c *match.Cond, lo, hi float64) bool {
	if c.Op == match.In {
		for _, v := range c.Values {
			if canNumber(&match.Cond{Op: match.Eq, Value: v}, lo, hi) {
				return true
			}
		}
		return false
	}
	var v float64
	switch c.Value.Type {
	case span.TypeInt:
		v = float64(c.Value.Int())
	case span.TypeDouble:
		v = c.Value.Double()
	default:
		return c.Op == match.Exists // numbers never compare with anything else
	}
	switch c.Op {
	case match.Eq:
		return lo <= v && v <= hi
	case match.Lt, match.Le:
		return lo <= v
	case match.Gt, match.Ge:
		return hi >= v
	}
	return true
}
