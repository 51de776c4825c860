// SPDX-License-Identifier: Apache-2.0

package query

import (
	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/traceql"
)

// Aliases gives the other names that a field is known by, the preferred one first, the field itself among them; nil when
// it has one name only. Semantic conventions rename attributes: http.method and http.request.method are one field.
// A query on either finds both; where a span has several, the first counts.
type Aliases func(match.Field) []match.Field

// intrinsicFields translates TraceQL's intrinsics.
var intrinsicFields = [...]match.Intrinsic{
	traceql.IntrinsicDuration:        match.Duration,
	traceql.IntrinsicName:            match.Name,
	traceql.IntrinsicStatus:          match.Status,
	traceql.IntrinsicStatusMessage:   match.StatusMessage,
	traceql.IntrinsicKind:            match.Kind,
	traceql.IntrinsicSpanID:          match.SpanID,
	traceql.IntrinsicParentID:        match.ParentID,
	traceql.IntrinsicChildCount:      match.ChildCount,
	traceql.IntrinsicRootName:        match.RootName,
	traceql.IntrinsicRootService:     match.RootService,
	traceql.IntrinsicTraceDuration:   match.TraceDuration,
	traceql.IntrinsicTraceID:         match.TraceID,
	traceql.IntrinsicEventName:       match.EventName,
	traceql.IntrinsicEventTime:       match.EventTimeSinceStart,
	traceql.IntrinsicLinkTraceID:     match.LinkTraceID,
	traceql.IntrinsicLinkSpanID:      match.LinkSpanID,
	traceql.IntrinsicScopeName:       match.InstrumentationName,
	traceql.IntrinsicScopeVersion:    match.InstrumentationVersion,
	traceql.IntrinsicNestedSetLeft:   match.NestedSetLeft,
	traceql.IntrinsicNestedSetRight:  match.NestedSetRight,
	traceql.IntrinsicNestedSetParent: match.NestedSetParent,
	traceql.IntrinsicParent:          match.NoIntrinsic, // refused by traceql.Check
}

var attributeScopes = [...]match.Scope{
	traceql.ScopeNone:            match.ScopeAny,
	traceql.ScopeSpan:            match.ScopeSpan,
	traceql.ScopeResource:        match.ScopeResource,
	traceql.ScopeEvent:           match.ScopeEvent,
	traceql.ScopeLink:            match.ScopeLink,
	traceql.ScopeInstrumentation: match.ScopeInstrumentation,
	traceql.ScopeTrace:           match.ScopeAny, // has no attributes
}

// FieldOf is the engine's name for what a query calls r.
func FieldOf(r traceql.Ref) match.Field {
	if r.IsAttr() {
		return match.Attr(attributeScopes[r.Scope], r.Name)
	}
	return match.Of(intrinsicFields[r.Intrinsic])
}

// RefOf is the query's name for an attribute or intrinsic of the engine; false for what TraceQL has no word for.
func RefOf(f match.Field) (traceql.Ref, bool) {
	if f.Scope == match.ScopeIntrinsic {
		for i, m := range intrinsicFields {
			if m == f.Intrinsic && m != match.NoIntrinsic {
				return traceql.IntrinsicRef(traceql.Intrinsic(i)), true
			}
		}
		return traceql.Ref{}, false
	}
	for s, m := range attributeScopes {
		if m == f.Scope {
			return traceql.AttrRef(traceql.Scope(s), f.Key), true
		}
	}
	return traceql.Ref{}, false
}

// names are the fields that a reference may mean, best first.
func (a Aliases) names(r traceql.Ref) []match.Field {
	f := FieldOf(r)
	if a != nil && r.IsAttr() {
		if list := a(f); len(list) > 0 {
			return list
		}
	}
	return []match.Field{f}
}

// valueOf is a constant as the engine compares it. false for nil, which is not compared.
func valueOf(s traceql.Static) (span.Value, bool) {
	switch s.Type {
	case traceql.TypeInt, traceql.TypeDuration, traceql.TypeStatus, traceql.TypeKind:
		return span.IntValue(s.Int), true
	case traceql.TypeFloat:
		return span.DoubleValue(s.Float), true
	case traceql.TypeString:
		return span.StringValue(s.Str), true
	case traceql.TypeBool:
		return span.BoolValue(s.Int != 0), true
	}
	return span.Value{}, false
}

// staticOf is a stored value as an expression computes with it; false for what TraceQL has no type for: bytes, maps,
// and arrays, whose elements count one by one. A string is not copied.
func staticOf(v span.Value) (traceql.Static, bool) {
	switch v.Type {
	case span.TypeString:
		return traceql.NewString(v.Str), true
	case span.TypeBool:
		return traceql.NewBool(v.Bool()), true
	case span.TypeInt:
		return traceql.NewInt(v.Int()), true
	case span.TypeDouble:
		return traceql.NewFloat(v.Double()), true
	}
	return traceql.Static{}, false
}
