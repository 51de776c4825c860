// SPDX-License-Identifier: Apache-2.0

package query

import (
	"unsafe"

	"github.com/clew-tracing/clew/base/bitset"
	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/traceql"
)

// valueSet is what an expression is for one span: groups of values. A group is what one scope has of a field, mostly one
// value; an unscoped attribute may have several groups. No group means that the expression has no value.
type valueSet struct {
	values []traceql.Static
	groups []group
}

type group struct {
	lo, hi int
	// empty: the field is there as an array without elements, which equals nothing and differs from everything.
	empty bool
}

func (v *valueSet) reset() { v.values, v.groups = v.values[:0], v.groups[:0] }

// one makes the set a single value.
func (v *valueSet) one(s traceql.Static) {
	v.values = append(v.values, s)
	v.groups = append(v.groups, group{lo: len(v.values) - 1, hi: len(v.values)})
}

// single is the value, if the first group is exactly one.
func (v *valueSet) single() (traceql.Static, bool) {
	if len(v.groups) == 0 {
		return traceql.Static{}, false
	}
	if g := v.groups[0]; g.hi == g.lo+1 {
		return v.values[g.lo], true
	}
	return traceql.Static{}, false
}

// first is the first value of the first group that has any.
func (v *valueSet) first() (traceql.Static, bool) {
	for _, g := range v.groups {
		if g.hi > g.lo {
			return v.values[g.lo], true
		}
	}
	return traceql.Static{}, false
}

// operand is an expression over one span. begin is called for each batch, then read for its rows; read replaces what
// out holds, whose strings live as long as the batch.
type operand interface {
	begin(t *traces)
	read(row int, out *valueSet)
	// ofTrace: the value is the same for all spans of a trace.
	ofTrace() bool
}

// constantOperand is a literal.
type constantOperand struct{ value traceql.Static }

func (*constantOperand) begin(*traces) {}
func (*constantOperand) ofTrace() bool { return true }
func (o *constantOperand) read(_ int, out *valueSet) {
	out.reset()
	out.one(o.value)
}

// noOperand has no value.
type noOperand struct{}

func (noOperand) begin(*traces)             {}
func (noOperand) ofTrace() bool             { return true }
func (noOperand) read(_ int, out *valueSet) { out.reset() }

// fieldOperand is an attribute or a span's intrinsic, under the first of its names that the span has.
type fieldOperand struct {
	names []match.Field
	keys  []span.Code // of names, in the batch
	known []bool      // the batch has the key
	t     *traces
	hex   []byte // backs the ids that are looked at as strings
}

func (*fieldOperand) ofTrace() bool { return false }

func (o *fieldOperand) begin(t *traces) {
	o.t = t
	o.keys, o.known = o.keys[:0], o.known[:0]
	for _, n := range o.names {
		code, ok := t.b.Strings.Lookup(n.Key)
		o.keys, o.known = append(o.keys, code), append(o.known, ok || n.Scope == match.ScopeIntrinsic)
	}
}

func (o *fieldOperand) read(row int, out *valueSet) {
	out.reset()
	o.hex = o.hex[:0]
	for i, n := range o.names {
		if !o.known[i] {
			continue
		}
		switch n.Scope {
		case match.ScopeIntrinsic:
			o.intrinsic(n.Intrinsic, row, out)
		case match.ScopeAny:
			for s := match.ScopeSpan; s <= match.ScopeInstrumentation; s++ {
				o.scope(s, o.keys[i], row, out)
			}
		default:
			o.scope(n.Scope, o.keys[i], row, out)
		}
		if len(out.groups) > 0 {
			return
		}
	}
}

// scope adds the group of the attributes of one scope.
func (o *fieldOperand) scope(s match.Scope, key span.Code, row int, out *valueSet) {
	b := o.t.b
	g := grouping{b: b, out: out, lo: len(out.values)}
	switch s {
	case match.ScopeSpan:
		g.attrs(&b.Attrs, row, key)
	case match.ScopeResource:
		if row < len(b.Resource) {
			g.attrs(&b.Resources.Attrs, int(b.Resource[row]), key)
		}
	case match.ScopeInstrumentation:
		if row < len(b.Scope) {
			g.attrs(&b.Scopes.Attrs, int(b.Scope[row]), key)
		}
	case match.ScopeEvent:
		for e, hi := b.Events.Range(row); e < hi; e++ {
			g.attrs(&b.Events.Attrs, e, key)
		}
	case match.ScopeLink:
		for l, hi := b.Links.Range(row); l < hi; l++ {
			g.attrs(&b.Links.Attrs, l, key)
		}
	}
	g.end()
}

// grouping collects one group.
type grouping struct {
	b            *span.Batch
	out          *valueSet
	lo           int
	found, empty bool
}

func (g *grouping) attrs(a *span.Attrs, owner int, key span.Code) {
	lo, hi := a.Range(owner)
	for i := lo; i < hi; i++ {
		if a.Key[i] == key {
			g.value(g.b.Value(a, i))
		}
	}
}

func (g *grouping) value(v span.Value) {
	g.found = true
	if v.Type == span.TypeArray {
		empty := true
		err := v.Elems(func(e span.Value) bool {
			empty = false
			if s, ok := staticOf(e); ok {
				g.out.values = append(g.out.values, s)
			}
			return true
		})
		g.empty = g.empty || empty && err == nil
		return
	}
	if s, ok := staticOf(v); ok {
		g.out.values = append(g.out.values, s)
	}
}

func (g *grouping) end() {
	if g.found {
		g.out.groups = append(g.out.groups, group{g.lo, len(g.out.values), g.empty})
	}
}

// intrinsic adds the group of an intrinsic.
func (o *fieldOperand) intrinsic(i match.Intrinsic, row int, out *valueSet) {
	b := o.t.b
	switch i {
	case match.Duration:
		out.one(traceql.Static{Type: traceql.TypeDuration, Int: b.Dur(row)})
	case match.Name:
		out.one(traceql.NewString(b.Strings.String(at(b.Name, row))))
	case match.StatusMessage:
		out.one(traceql.NewString(b.Strings.String(at(b.StatusMessage, row))))
	case match.Status:
		out.one(traceql.NewStatus(int64(at(b.Status, row))))
	case match.Kind:
		out.one(traceql.NewKind(int64(at(b.Kind, row))))
	case match.SpanID:
		out.one(o.spanID(b.SpanID[row]))
	case match.ParentID:
		if !b.ParentID[row].IsZero() {
			out.one(o.spanID(b.ParentID[row]))
		}
	case match.TraceID:
		out.one(o.traceID(b.TraceID[row]))
	case match.InstrumentationName, match.InstrumentationVersion:
		scope := int(at(b.Scope, row))
		if scope < b.Scopes.Len() {
			column := b.Scopes.Name
			if i == match.InstrumentationVersion {
				column = b.Scopes.Version
			}
			out.one(traceql.NewString(b.Strings.String(at(column, scope))))
		}
	case match.EventName, match.EventTimeSinceStart:
		g := grouping{out: out, lo: len(out.values)}
		for e, hi := b.Events.Range(row); e < hi; e++ {
			g.found = true
			if i == match.EventName {
				out.values = append(out.values, traceql.NewString(b.Strings.String(b.Events.Name[e])))
			} else {
				out.values = append(out.values, traceql.Static{Type: traceql.TypeDuration, Int: b.Events.Time[e] - b.Start[row]})
			}
		}
		g.end()
	case match.LinkTraceID, match.LinkSpanID:
		g := grouping{out: out, lo: len(out.values)}
		for l, hi := b.Links.Range(row); l < hi; l++ {
			g.found = true
			if i == match.LinkTraceID {
				out.values = append(out.values, o.traceID(b.Links.TraceID[l]))
			} else {
				out.values = append(out.values, o.spanID(b.Links.SpanID[l]))
			}
		}
		g.end()
	}
}

func (o *fieldOperand) spanID(id span.SpanID) traceql.Static {
	from := len(o.hex)
	o.hex = id.AppendHex(o.hex)
	return traceql.NewString(alias(o.hex[from:]))
}

func (o *fieldOperand) traceID(id span.TraceID) traceql.Static {
	from := len(o.hex)
	o.hex = id.AppendHex(o.hex)
	return traceql.NewString(alias(o.hex[from:]))
}

func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// at reads a column that a projected batch may lack.
func at[T any](column []T, i int) (v T) {
	if i < len(column) {
		v = column[i]
	}
	return v
}

// traceOperand is an intrinsic that needs the whole trace.
type traceOperand struct {
	intrinsic match.Intrinsic
	t         *traces
	trace     int // that the last row was in
}

func (o *traceOperand) ofTrace() bool {
	return o.intrinsic == match.RootName || o.intrinsic == match.RootService || o.intrinsic == match.TraceDuration
}

func (o *traceOperand) begin(t *traces) {
	o.t, o.trace = t, 0
	if o.ofTrace() {
		t.roots()
	} else {
		t.nest()
	}
}

func (o *traceOperand) read(row int, out *valueSet) {
	out.reset()
	t := o.t
	switch o.intrinsic {
	case match.ChildCount:
		out.one(traceql.NewInt(int64(t.children[row])))
	case match.NestedSetLeft:
		out.one(traceql.NewInt(int64(t.left[row])))
	case match.NestedSetRight:
		out.one(traceql.NewInt(int64(t.right[row])))
	case match.NestedSetParent:
		out.one(traceql.NewInt(int64(t.parent[row])))
	default:
		if row < t.bounds[o.trace] {
			o.trace = 0
		}
		for t.bounds[o.trace+1] <= row {
			o.trace++
		}
		root := t.rootRow[o.trace]
		switch {
		case o.intrinsic == match.TraceDuration:
			out.one(traceql.Static{Type: traceql.TypeDuration, Int: t.end[o.trace] - t.start[o.trace]})
		case root < 0:
		case o.intrinsic == match.RootName:
			out.one(traceql.NewString(t.b.Strings.String(at(t.b.Name, root))))
		default:
			out.one(traceql.NewString(t.b.Service(root)))
		}
	}
}

// arithmeticOperand is left op right.
type arithmeticOperand struct {
	op          traceql.Op
	left, right operand
	scratch     valueSet
}

func (o *arithmeticOperand) begin(t *traces) {
	o.left.begin(t)
	o.right.begin(t)
}

func (o *arithmeticOperand) ofTrace() bool { return o.left.ofTrace() && o.right.ofTrace() }

func (o *arithmeticOperand) read(row int, out *valueSet) {
	out.reset()
	o.left.read(row, &o.scratch)
	left, ok := o.scratch.single()
	if !ok {
		return
	}
	o.right.read(row, &o.scratch)
	right, ok := o.scratch.single()
	if !ok {
		return
	}
	if v, ok := compute(o.op, left, right); ok {
		out.one(v)
	}
}

// minusOperand is -x.
type minusOperand struct {
	x       operand
	scratch valueSet
}

func (o *minusOperand) begin(t *traces) { o.x.begin(t) }
func (o *minusOperand) ofTrace() bool   { return o.x.ofTrace() }

func (o *minusOperand) read(row int, out *valueSet) {
	out.reset()
	o.x.read(row, &o.scratch)
	if x, ok := o.scratch.single(); ok {
		if v, ok := negate(x); ok {
			out.one(v)
		}
	}
}

// conditionOperand is a condition used as a value: (.a = 1) = true. It has no value where neither it nor its negation
// holds.
type conditionOperand struct {
	holds, fails    condition
	yesRows, noRows bitset.Set
}

func (*conditionOperand) ofTrace() bool { return false }

func (o *conditionOperand) begin(t *traces) {
	o.yesRows.Reset(t.b.Len())
	o.holds.rows(t, &o.yesRows)
	o.noRows.Reset(t.b.Len())
	o.fails.rows(t, &o.noRows)
}

func (o *conditionOperand) read(row int, out *valueSet) {
	out.reset()
	if o.yesRows.Test(row) {
		out.one(traceql.NewBool(true))
	} else if o.noRows.Test(row) {
		out.one(traceql.NewBool(false))
	}
}
