// SPDX-License-Identifier: Apache-2.0

package match

import "strconv"

// Scope says where an attribute stands.
type Scope uint8

// The scopes.
const (
	// ScopeAny is an unscoped attribute: span, then resource, event, link, instrumentation; any may satisfy.
	ScopeAny Scope = iota
	// ScopeSpan is the span's own attributes.
	ScopeSpan
	// ScopeResource is the attributes of the span's resource.
	ScopeResource
	// ScopeEvent is the attributes of the span's events.
	ScopeEvent
	// ScopeLink is the attributes of the span's links.
	ScopeLink
	// ScopeInstrumentation is the attributes of the span's instrumentation scope.
	ScopeInstrumentation
	// ScopeIntrinsic is what a span has without attributes; see [Intrinsic].
	ScopeIntrinsic
)

// String returns TraceQL's word for the scope; "" for ScopeAny.
func (s Scope) String() string {
	switch s {
	case ScopeAny:
		return ""
	case ScopeSpan:
		return "span"
	case ScopeResource:
		return "resource"
	case ScopeEvent:
		return "event"
	case ScopeLink:
		return "link"
	case ScopeInstrumentation:
		return "instrumentation"
	case ScopeIntrinsic:
		return "intrinsic"
	}
	return "scope" + strconv.Itoa(int(s))
}

// Intrinsic is a field that a span, or its trace, has without attributes.
type Intrinsic uint8

// The intrinsics. Those up to LinkSpanID can be decided on the span alone; the rest need the whole trace.
const (
	NoIntrinsic Intrinsic = iota
	// Duration is the span's duration, ns, never negative.
	Duration
	// Start is the span's start, unix ns.
	Start
	// Name is the span's name.
	Name
	// Status is the status code, as an int.
	Status
	// StatusMessage is the status message.
	StatusMessage
	// Kind is the span kind, as an int.
	Kind
	// SpanID is the span id in lower-case hex.
	SpanID
	// ParentID is the parent's span id in lower-case hex; absent for a root.
	ParentID
	// TraceID is the trace id in lower-case hex.
	TraceID
	// InstrumentationName is the name of the instrumentation scope.
	InstrumentationName
	// InstrumentationVersion is the version of the instrumentation scope.
	InstrumentationVersion
	// EventName is the names of the span's events.
	EventName
	// EventTimeSinceStart is the events' times minus the span's start, ns.
	EventTimeSinceStart
	// LinkTraceID is the trace ids of the span's links in lower-case hex.
	LinkTraceID
	// LinkSpanID is the span ids of the span's links in lower-case hex.
	LinkSpanID

	// RootName is the name of the trace's root span.
	RootName
	// RootService is the service.name of the trace's root span.
	RootService
	// TraceDuration is the latest end minus the earliest start of the trace, ns.
	TraceDuration
	// ChildCount is how many spans name the span as their parent.
	ChildCount
	// NestedSetLeft is the span's number in pre-order, counting ends too.
	NestedSetLeft
	// NestedSetRight is the number of the span's end.
	NestedSetRight
	// NestedSetParent is the parent's NestedSetLeft, -1 for a root.
	NestedSetParent
)

// OfTrace reports whether the intrinsic needs the whole trace.
func (i Intrinsic) OfTrace() bool { return i >= RootName }

// Field names what a condition is about: an attribute (Scope and Key) or an intrinsic (ScopeIntrinsic and Intrinsic).
// Fields are comparable.
type Field struct {
	Scope     Scope
	Key       string
	Intrinsic Intrinsic
}

// Attr returns the field of an attribute.
func Attr(s Scope, key string) Field { return Field{Scope: s, Key: key} }

// Of returns the field of an intrinsic.
func Of(i Intrinsic) Field { return Field{Scope: ScopeIntrinsic, Intrinsic: i} }

// String returns TraceQL's spelling.
func (f Field) String() string {
	if f.Scope == ScopeIntrinsic {
		return f.Intrinsic.String()
	}
	return f.Scope.String() + "." + f.Key
}

// String returns TraceQL's spelling.
func (i Intrinsic) String() string {
	switch i {
	case Duration:
		return "duration"
	case Start:
		return "span:start"
	case Name:
		return "name"
	case Status:
		return "status"
	case StatusMessage:
		return "statusMessage"
	case Kind:
		return "kind"
	case SpanID:
		return "span:id"
	case ParentID:
		return "span:parentID"
	case TraceID:
		return "trace:id"
	case InstrumentationName:
		return "instrumentation:name"
	case InstrumentationVersion:
		return "instrumentation:version"
	case EventName:
		return "event:name"
	case EventTimeSinceStart:
		return "event:timeSinceStart"
	case LinkTraceID:
		return "link:traceID"
	case LinkSpanID:
		return "link:spanID"
	case RootName:
		return "rootName"
	case RootService:
		return "rootServiceName"
	case TraceDuration:
		return "traceDuration"
	case ChildCount:
		return "span:childCount"
	case NestedSetLeft:
		return "nestedSetLeft"
	case NestedSetRight:
		return "nestedSetRight"
	case NestedSetParent:
		return "nestedSetParent"
	}
	return "intrinsic" + strconv.Itoa(int(i))
}
