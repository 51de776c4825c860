// SPDX-License-Identifier: Apache-2.0

package query

import (
	"cmp"
	"slices"
	"strings"

	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/traceql"
)

// Trace is one trace of a search's answer. It owns all of its memory.
type Trace struct {
	ID span.TraceID
	// RootService and RootName are those of the root span; with MissingRoot, of the earliest span.
	RootService, RootName string
	MissingRoot           bool
	// Start is unix ns, Duration ns from the earliest start to the latest end.
	Start, Duration int64
	// SpanCount and ErrorCount are about the whole trace, whatever matched.
	SpanCount, ErrorCount int
	// Services are those of the trace, most spans first.
	Services []Service
	// SpanSets are what matched: one, or after by() one for each value.
	SpanSets []SpanSet
}

// Service counts the spans of one service in a trace.
type Service struct {
	Name          string
	Spans, Errors int
}

// SpanSet is spans of one trace that matched together.
type SpanSet struct {
	// Matched is how many spans there are, of which Spans may show fewer.
	Matched int
	// Attributes are what by() and the aggregates computed.
	Attributes []Attribute
	// Spans are the earliest, in order of start.
	Spans []Span
}

// Span is one span that matched.
type Span struct {
	ID            span.SpanID
	Name, Service string
	// Start is unix ns, Duration ns.
	Start, Duration int64
	Status          span.Status
	Kind            span.Kind
	// Attributes are those of Plan.Output that the span has, but for those that Span and Trace have as fields (name,
	// duration, the ids, and the trace's).
	Attributes []Attribute
}

// Matched is the number of spans that matched, in all spansets.
func (t *Trace) Matched() int {
	n := 0
	for _, s := range t.SpanSets {
		n += s.Matched
	}
	return n
}

// Attribute is a named value of a span or a spanset.
type Attribute struct {
	// Name is the canonical spelling: span.http.method, status, by(name), count().
	Name string
	// Bare is the name without scope: http.method.
	Bare string
	// Type is TraceQL's type of the value: TypeStatus, TypeKind and TypeDuration tell what an int of Value means;
	// TypeNil is the group without a value; TypeAny a value that TraceQL has no type for (bytes, arrays, maps).
	Type traceql.Type
	// Value is the value. A status and a kind are their OTLP numbers, a duration ns.
	Value span.Value
}

// Readable is the value with its meaning: status and kind as words, a duration as Go writes it, nil as the word nil.
// That is how Tempo's API shows them.
func (a Attribute) Readable() span.Value {
	switch a.Type {
	case traceql.TypeStatus, traceql.TypeKind, traceql.TypeDuration, traceql.TypeNil:
		return span.StringValue(traceql.Static{Type: a.Type, Int: a.Value.Int()}.Word())
	}
	return a.Value
}

// constantAttribute makes an attribute of a computed value.
func constantAttribute(name string, s traceql.Static) Attribute {
	v, _ := valueOf(s)
	return Attribute{Name: name, Bare: name, Type: s.Type, Value: v}
}

// outputField reads what a result shows of one field.
type outputField struct {
	ref        traceql.Ref
	name, bare string
	field      fieldOperand // of an attribute, for its names and keys
	intrinsic  operand      // nil for an attribute
	scratch    valueSet
}

// shownElsewhere are the intrinsics that Span and Trace have as fields.
func shownElsewhere(i traceql.Intrinsic) bool {
	switch i {
	case traceql.IntrinsicName, traceql.IntrinsicDuration, traceql.IntrinsicSpanID, traceql.IntrinsicTraceID,
		traceql.IntrinsicTraceDuration, traceql.IntrinsicRootName, traceql.IntrinsicRootService:
		return true
	}
	return false
}

func (c compiler) outputs(refs []traceql.Ref) []*outputField {
	var list []*outputField
	for _, r := range refs {
		if shownElsewhere(r.Intrinsic) {
			continue
		}
		f := &outputField{ref: r, name: r.String(), bare: r.Bare(), field: fieldOperand{names: c.aliases.names(r)}}
		if !r.IsAttr() {
			f.intrinsic = c.operand(&traceql.Field{Ref: r})
		}
		list = append(list, f)
	}
	return list
}

func (f *outputField) begin(t *traces) {
	if f.intrinsic != nil {
		f.intrinsic.begin(t)
		return
	}
	f.field.begin(t)
}

// read is the attribute of a row, if it has it.
func (f *outputField) read(row int) (Attribute, bool) {
	a := Attribute{Name: f.name, Bare: f.bare}
	if f.intrinsic == nil {
		v, ok := f.raw(row)
		a.Value, a.Type = v, traceql.TypeAny
		if s, plain := staticOf(v); plain {
			a.Type = s.Type
		}
		a.Value.Str = strings.Clone(a.Value.Str)
		return a, ok
	}
	f.intrinsic.read(row, &f.scratch)
	s, ok := f.scratch.first()
	a.Type = s.Type
	a.Value, _ = valueOf(s)
	a.Value.Str = strings.Clone(a.Value.Str)
	return a, ok
}

// raw is the first value of an attribute as it is stored.
func (f *outputField) raw(row int) (span.Value, bool) {
	b := f.field.t.b
	for i, n := range f.field.names {
		if !f.field.known[i] {
			continue
		}
		scopes := []match.Scope{n.Scope}
		if n.Scope == match.ScopeAny {
			scopes = allScopes[:]
		}
		for _, s := range scopes {
			if v, ok := firstAttr(b, s, f.field.keys[i], row); ok {
				return v, true
			}
		}
	}
	return span.Value{}, false
}

var allScopes = [...]match.Scope{match.ScopeSpan, match.ScopeResource, match.ScopeEvent, match.ScopeLink, match.ScopeInstrumentation}

func firstAttr(b *span.Batch, s match.Scope, key span.Code, row int) (span.Value, bool) {
	find := func(a *span.Attrs, owner int) (span.Value, bool) {
		if i := a.Find(owner, key); i >= 0 {
			return b.Value(a, i), true
		}
		return span.Value{}, false
	}
	switch s {
	case match.ScopeSpan:
		return find(&b.Attrs, row)
	case match.ScopeResource:
		return find(&b.Resources.Attrs, int(at(b.Resource, row)))
	case match.ScopeInstrumentation:
		return find(&b.Scopes.Attrs, int(at(b.Scope, row)))
	case match.ScopeEvent:
		for e, hi := b.Events.Range(row); e < hi; e++ {
			if v, ok := find(&b.Events.Attrs, e); ok {
				return v, true
			}
		}
	case match.ScopeLink:
		for l, hi := b.Links.Range(row); l < hi; l++ {
			if v, ok := find(&b.Links.Attrs, l); ok {
				return v, true
			}
		}
	}
	return span.Value{}, false
}

// resultOf makes the result of trace [lo, hi), which matched in the given spansets, showing at most spans of each (0:
// all).
func (e *evaluator) resultOf(lo, hi int, sets []spanset, spans int) *Trace {
	b := e.traces.b
	start, end := b.Extent(lo, hi)
	root := rootRow(b, lo, hi)
	t := &Trace{ID: b.FullID(lo, hi), Start: start, Duration: end - start, SpanCount: hi - lo, MissingRoot: root < 0}
	if root < 0 {
		root = lo
	}
	t.RootService, t.RootName = strings.Clone(b.Service(root)), strings.Clone(b.Strings.String(at(b.Name, root)))
	t.countServices(b, lo, hi)
	for _, set := range sets {
		s := SpanSet{Matched: len(set.rows), Attributes: set.attrs}
		n := len(set.rows)
		if spans > 0 {
			n = min(n, spans)
		}
		for _, row := range set.rows[:n] {
			s.Spans = append(s.Spans, e.spanOf(int(row)))
		}
		t.SpanSets = append(t.SpanSets, s)
	}
	return t
}

func (e *evaluator) spanOf(row int) Span {
	b := e.traces.b
	s := Span{
		ID: b.SpanID[row], Name: strings.Clone(b.Strings.String(at(b.Name, row))), Service: strings.Clone(b.Service(row)),
		Start: b.Start[row], Duration: b.Dur(row), Status: at(b.Status, row), Kind: at(b.Kind, row),
	}
	for _, f := range e.outputs {
		if a, ok := f.read(row); ok {
			s.Attributes = append(s.Attributes, a)
		}
	}
	return s
}

// countServices counts spans and errors by service.
func (t *Trace) countServices(b *span.Batch, lo, hi int) {
	index := map[string]int{}
	last, at0 := -1, 0 // spans of one resource mostly follow each other
	for row := lo; row < hi; row++ {
		r := int(at(b.Resource, row))
		if r != last {
			name := b.Service(row)
			i, ok := index[name]
			if !ok {
				i = len(t.Services)
				t.Services = append(t.Services, Service{Name: strings.Clone(name)})
				index[t.Services[i].Name] = i
			}
			last, at0 = r, i
		}
		t.Services[at0].Spans++
		if at(b.Status, row) == span.StatusError {
			t.Services[at0].Errors++
			t.ErrorCount++
		}
	}
	slices.SortFunc(t.Services, func(x, y Service) int {
		return cmp.Or(cmp.Compare(y.Spans, x.Spans), cmp.Compare(x.Name, y.Name))
	})
}
