// SPDX-License-Identifier: Apache-2.0

package traceql

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Scope says where an attribute stands.
type Scope uint8

// The scopes. ScopeNone is the unscoped .name, which any scope may satisfy.
const (
	ScopeNone Scope = iota
	ScopeSpan
	ScopeResource
	ScopeEvent
	ScopeLink
	ScopeInstrumentation
	ScopeTrace // intrinsics only
)

var scopeNames = [...]string{"", "span", "resource", "event", "link", "instrumentation", "trace"}

// String is the scope's name in the language; "" for ScopeNone.
func (s Scope) String() string {
	if int(s) < len(scopeNames) {
		return scopeNames[s]
	}
	return fmt.Sprintf("scope(%d)", uint8(s))
}

// ParseScope finds the scope of a name such as "resource"; "" is ScopeNone.
func ParseScope(name string) (Scope, bool) {
	for i, n := range scopeNames {
		if n == name {
			return Scope(i), true
		}
	}
	return ScopeNone, false
}

// Intrinsic is a field that every span or trace has, not an attribute.
type Intrinsic uint8

// The intrinsics. IntrinsicNone marks an attribute.
const (
	IntrinsicNone Intrinsic = iota
	IntrinsicDuration
	IntrinsicName
	IntrinsicStatus
	IntrinsicStatusMessage
	IntrinsicKind
	IntrinsicSpanID
	IntrinsicParentID
	IntrinsicChildCount
	IntrinsicRootName
	IntrinsicRootService
	IntrinsicTraceDuration
	IntrinsicTraceID
	IntrinsicEventName
	IntrinsicEventTime
	IntrinsicLinkTraceID
	IntrinsicLinkSpanID
	IntrinsicScopeName
	IntrinsicScopeVersion
	IntrinsicNestedSetLeft
	IntrinsicNestedSetRight
	IntrinsicNestedSetParent
	IntrinsicParent // the bare word parent: parsed, never executed
)

// intrinsicInfo is one intrinsic: its bare spelling ("" when it has none), its
// scoped spelling, its type, and the scope that it belongs to.
type intrinsicInfo struct {
	intrinsic Intrinsic
	bare      string
	scoped    string
	typ       Type
	scope     Scope
}

var intrinsics = [...]intrinsicInfo{
	{IntrinsicDuration, "duration", "span:duration", TypeDuration, ScopeSpan},
	{IntrinsicName, "name", "span:name", TypeString, ScopeSpan},
	{IntrinsicStatus, "status", "span:status", TypeStatus, ScopeSpan},
	{IntrinsicStatusMessage, "statusMessage", "span:statusMessage", TypeString, ScopeSpan},
	{IntrinsicKind, "kind", "span:kind", TypeKind, ScopeSpan},
	{IntrinsicSpanID, "", "span:id", TypeString, ScopeSpan},
	{IntrinsicParentID, "", "span:parentID", TypeString, ScopeSpan},
	{IntrinsicChildCount, "", "span:childCount", TypeInt, ScopeSpan},
	{IntrinsicRootName, "rootName", "trace:rootName", TypeString, ScopeTrace},
	{IntrinsicRootService, "rootServiceName", "trace:rootService", TypeString, ScopeTrace},
	{IntrinsicTraceDuration, "traceDuration", "trace:duration", TypeDuration, ScopeTrace},
	{IntrinsicTraceID, "", "trace:id", TypeString, ScopeTrace},
	{IntrinsicEventName, "", "event:name", TypeString, ScopeEvent},
	{IntrinsicEventTime, "", "event:timeSinceStart", TypeDuration, ScopeEvent},
	{IntrinsicLinkTraceID, "", "link:traceID", TypeString, ScopeLink},
	{IntrinsicLinkSpanID, "", "link:spanID", TypeString, ScopeLink},
	{IntrinsicScopeName, "", "instrumentation:name", TypeString, ScopeInstrumentation},
	{IntrinsicScopeVersion, "", "instrumentation:version", TypeString, ScopeInstrumentation},
	{IntrinsicNestedSetLeft, "nestedSetLeft", "", TypeInt, ScopeSpan},
	{IntrinsicNestedSetRight, "nestedSetRight", "", TypeInt, ScopeSpan},
	{IntrinsicNestedSetParent, "nestedSetParent", "", TypeInt, ScopeSpan},
	{IntrinsicParent, "parent", "", TypeAny, ScopeSpan},
}

// Ref names one field: an intrinsic, or the attribute Name in Scope. It is
// comparable, so that it can key a map. Parent marks parent.x, the field of the
// parent span.
type Ref struct {
	Scope     Scope
	Intrinsic Intrinsic
	Parent    bool
	Name      string
}

// IntrinsicRef is the reference to an intrinsic.
func IntrinsicRef(i Intrinsic) Ref { return Ref{Scope: i.Scope(), Intrinsic: i} }

// AttrRef is the reference to an attribute.
func AttrRef(scope Scope, name string) Ref { return Ref{Scope: scope, Name: name} }

// Intrinsics lists every intrinsic that a query can use, in the language's
// customary order.
func Intrinsics() []Intrinsic {
	list := make([]Intrinsic, 0, len(intrinsics))
	for _, info := range intrinsics {
		if info.intrinsic != IntrinsicParent {
			list = append(list, info.intrinsic)
		}
	}
	return list
}

func (i Intrinsic) info() intrinsicInfo {
	if i == IntrinsicNone || int(i) > len(intrinsics) {
		return intrinsicInfo{typ: TypeAny}
	}
	return intrinsics[i-1]
}

// Type is the intrinsic's type.
func (i Intrinsic) Type() Type { return i.info().typ }

// Scope is the scope that the intrinsic belongs to: the span, the trace, the
// event, the link or the instrumentation scope.
func (i Intrinsic) Scope() Scope { return i.info().scope }

// String is the canonical spelling: the bare word where there is one
// ("status"), otherwise the scoped one ("span:id").
func (i Intrinsic) String() string {
	info := i.info()
	if info.bare != "" {
		return info.bare
	}
	return info.scoped
}

// Scoped is the spelling with a scope ("span:status"); the bare word for those
// few intrinsics that have none.
func (i Intrinsic) Scoped() string {
	info := i.info()
	if info.scoped != "" {
		return info.scoped
	}
	return info.bare
}

// IsAttr reports whether the reference is to an attribute.
func (r Ref) IsAttr() bool { return r.Intrinsic == IntrinsicNone }

// Type is the type known without looking at a span; TypeAny for attributes.
func (r Ref) Type() Type {
	if r.IsAttr() || r.Parent {
		return TypeAny
	}
	return r.Intrinsic.Type()
}

// String is the canonical spelling, which the parser reads back.
func (r Ref) String() string { return string(r.AppendText(nil)) }

// AppendText appends what String gives.
func (r Ref) AppendText(dst []byte) []byte {
	if !r.IsAttr() {
		return append(dst, r.Intrinsic.String()...)
	}
	if r.Parent {
		dst = append(dst, "parent."...)
	}
	if r.Scope != ScopeNone {
		dst = append(dst, r.Scope.String()...)
	}
	if r.Scope != ScopeNone || !r.Parent {
		dst = append(dst, '.')
	}
	return r.appendName(dst)
}

// Bare is the name without its scope, as Tempo's search results spell it:
// "http.method" for span.http.method, "status" for span:status.
func (r Ref) Bare() string {
	if r.IsAttr() {
		return r.Name
	}
	return r.Intrinsic.String()
}

// appendName appends the attribute's name, quoted when the lexer would read
// something else from it.
func (r Ref) appendName(dst []byte) []byte {
	if !r.nameNeedsQuotes() {
		return append(dst, r.Name...)
	}
	dst = append(dst, '"')
	for i := 0; i < len(r.Name); i++ {
		if c := r.Name[i]; c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, r.Name[i])
	}
	return append(dst, '"')
}

func (r Ref) nameNeedsQuotes() bool {
	if r.Name == "" {
		return true
	}
	for i := 0; i < len(r.Name); {
		c, size := utf8.DecodeRuneInString(r.Name[i:])
		if endsName(c) || c == '"' || c == '\\' || (c == utf8.RuneError && size == 1) {
			return true
		}
		i += size
	}
	if r.Scope == ScopeNone && !r.Parent && isDigit(r.Name[0]) {
		return true // .5s would be a number
	}
	if r.Scope == ScopeNone && r.Parent {
		return strings.HasPrefix(r.Name, "span.") || strings.HasPrefix(r.Name, "resource.")
	}
	return false
}

// endsName reports whether c ends the unquoted part of an attribute's name.
func endsName(c rune) bool {
	switch c {
	case '{', '}', '(', ')', '=', '~', '!', '<', '>', '&', '|', '^', ',':
		return true
	}
	return unicode.IsSpace(c)
}

// ParseRef reads one attribute or intrinsic, such as resource.service.name,
// .foo, status or span:id. Nothing may follow it. The error is an Errors.
func ParseRef(text string) (Ref, error) {
	var errs Errors
	tokens := lex(text, &errs)
	if len(errs) > 0 {
		return Ref{}, errs
	}
	if len(tokens) == 2 {
		switch t := tokens[0]; t.kind {
		case tokAttr:
			return t.ref, nil
		case tokIdent:
			if i, ok := bareIntrinsic(t.text); ok {
				return IntrinsicRef(i), nil
			}
		}
	}
	last := tokens[len(tokens)-1]
	return Ref{}, Errors{{
		From: 0, To: last.to,
		Message: fmt.Sprintf("%q names no attribute or intrinsic", text),
		Hint:    "write a scope and a name, such as resource.service.name, or an intrinsic, such as status",
	}}
}

func bareIntrinsic(word string) (Intrinsic, bool) {
	for _, info := range intrinsics {
		if info.bare != "" && info.bare == word {
			return info.intrinsic, true
		}
	}
	return IntrinsicNone, false
}

func scopedIntrinsic(word string) (Intrinsic, bool) {
	for _, info := range intrinsics {
		if info.scoped != "" && info.scoped == word {
			return info.intrinsic, true
		}
	}
	return IntrinsicNone, false
}
