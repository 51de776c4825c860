// SPDX-License-Identifier: Apache-2.0

// Package store is the seam between spans and what keeps them. [Engine] is the contract; store/embed is Clew's own
// engine, and any other one must pass the same suite, store/storetest. How each method maps to ClickHouse is written
// down in docs/adr/0003-engine.md, so that the contract is not shaped by one engine.
package store

import (
	"context"
	"errors"
	"iter"
	"math"

	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
)

// Classes of errors that an Engine returns, besides [span.ErrRetryable] and the context's own.
var (
	// ErrNotFound means that no such trace is stored.
	ErrNotFound = errors.New("not found")
	// ErrCorrupt means that stored bytes do not have their checksum or make no sense. The rest stays readable.
	ErrCorrupt = errors.New("corrupt")
	// ErrClosed means that the engine was closed.
	ErrClosed = errors.New("store is closed")
	// ErrUnsupported means that this engine cannot do what was asked.
	ErrUnsupported = errors.New("not supported by this engine")
)

// Engine keeps spans and finds them again. All methods may be called at any time from any goroutine; each takes the
// tenant that it is about, and no tenant ever sees another's spans.
//
// Reads see every batch whose Append returned before they began (and perhaps some that are under way), each span once:
// equal spans (tenant, ids and content, see [span.Equal]) are collapsed. A read works on one version of the store from
// its first to its last row. Reads end with the context's error soon (within 50 ms) after it is cancelled.
type Engine interface {
	// Append (of [span.Sink]) makes the batch durable and visible. It is all or nothing. b.Tenant and b.Arrival must be set.
	span.Sink

	// Trace returns the whole trace as a batch of its own that the caller owns: all spans whose trace id is the same
	// in the sense of [span.TraceID.SameTrace], collapsed, in the order of (start, span id), with all columns. Spans that
	// share their ids and differ carry [span.NoteSameIDs].
	// The error is of class [ErrNotFound] if there is none.
	Trace(ctx context.Context, tenant string, id span.TraceID) (*span.Batch, error)

	// Scan yields what r asks for; see [Request]. A batch that was yielded is valid, and may be changed by the
	// consumer, until the next one is asked for; copy what is to be kept. At most one error is yielded, with a nil
	// batch, as the last element. Batches are never empty.
	Scan(ctx context.Context, r Request) iter.Seq2[*span.Batch, error]

	// Fields returns the attributes that spans in the window have, each (scope, key) once with all of its types,
	// ordered by scope and key. Intrinsics are not among them. It may return fields of spans near the window.
	Fields(ctx context.Context, r FieldsRequest) ([]FieldInfo, error)

	// Values returns the distinct values of a field with the number of spans (after collapse) that have each, most
	// frequent first, then by type and value.
	Values(ctx context.Context, r ValuesRequest) (Values, error)

	// Stats returns what is stored for a tenant.
	Stats(ctx context.Context, tenant string) (Stats, error)

	// Close finishes what is under way and gives up the store's files. Later calls fail with [ErrClosed].
	Close() error
}

// Window is a range of time, unix ns, both ends included.
type Window struct{ From, To int64 }

// AllTime is the window that everything lies in.
func AllTime() Window { return Window{From: math.MinInt64, To: math.MaxInt64} }

// Overlaps reports whether [start, end] and the window have a moment in common.
func (w Window) Overlaps(start, end int64) bool { return start <= w.To && end >= w.From }

// Contains reports whether t lies in the window.
func (w Window) Contains(t int64) bool { return w.From <= t && t <= w.To }

// Unit is what a scan yields.
type Unit uint8

const (
	// UnitSpan yields the spans that match, by start within the window, in no particular order.
	UnitSpan Unit = iota
	// UnitTrace yields traces of which at least one span matches and whose extent (earliest start to latest end)
	// overlaps the window. Each comes once, whole, collapsed, its rows next to each other in the order of (start,
	// span id). A batch may hold several traces; [span.Batch.Traces] finds their bounds.
	UnitTrace
)

// Order is the order of the traces of a UnitTrace scan, within batches and over all of them.
type Order uint8

const (
	// OrderAny leaves the order to the engine.
	OrderAny Order = iota
	// OrderNewest is by start of the trace, latest first; equal ones by trace id, ascending. It is exact, and a consumer
	// that stops early has seen exactly the newest.
	OrderNewest
)

// Position is a place in the order of a scan: that of the trace with this start and id.
type Position struct {
	Start   int64
	TraceID span.TraceID
}

// Request says what to scan. The zero value asks for nothing: set at least Tenant and Window.
type Request struct {
	Tenant string
	Window Window
	// Where is a superset filter: the engine may yield more than what matches, never less. It decides on single spans.
	Where  match.Expr
	Fields Projection
	Unit   Unit
	Order  Order
	// After, with OrderNewest, leaves out everything up to and including this place in the order.
	After *Position
	// Counters, if set, is added to while the scan goes on; read it when the scan has ended or between batches.
	Counters *Counters
}

// Projection says which columns the yielded batches must have. TraceID, SpanID, ParentID, Start and Duration are always
// there. An engine may give more than asked for.
type Projection struct {
	// All asks for everything.
	All bool
	// Fields asks for single fields: an intrinsic's column (with event and link tables where it is theirs), or the
	// attributes of that key in that scope (in every scope for match.ScopeAny). Trace-level intrinsics ask for what
	// they are computed from.
	Fields []match.Field
}

// Counters counts the work of a scan.
type Counters struct {
	// Traces and Spans are what was looked at, Bytes what was read from files or, of the head, from memory.
	Traces, Spans, Bytes int64
	// Blocks and RowGroups were read; the skipped ones were ruled out by statistics.
	Blocks, BlocksSkipped, RowGroups, RowGroupsSkipped int64
}

// FieldsRequest asks for the attributes of spans in a window.
type FieldsRequest struct {
	Tenant string
	Window Window
	// Scope restricts to one scope; match.ScopeAny means all.
	Scope match.Scope
}

// FieldInfo is one attribute.
type FieldInfo struct {
	Scope match.Scope
	Key   string
	// Types has a bit 1<<t for every span.Type t that the attribute has.
	Types uint16
}

// ValuesRequest asks for the values of a field among the spans in a window that match.
type ValuesRequest struct {
	Tenant string
	Window Window
	// Field is an attribute or one of the intrinsics that are decided on the span alone.
	Field match.Field
	Where match.Expr
	// Prefix restricts to strings that begin with it; "" is no restriction.
	Prefix string
	// Limit is how many values to return; 0 means all.
	Limit int
}

// Values is the answer to a ValuesRequest.
type Values struct {
	Values []ValueCount
	// Truncated means that there are more than Limit.
	Truncated bool
}

// ValueCount is a value and how many spans have it. Value is the caller's own.
type ValueCount struct {
	Value span.Value
	Count int64
}

// Stats is what is stored for a tenant.
type Stats struct {
	// Spans and Traces count what is stored; duplicates that were not collapsed yet, and fragments, may count more
	// than once.
	Spans, Traces int64
	// HeadSpans of Spans are in memory and the log only.
	HeadSpans int64
	// Blocks is the number of immutable blocks, Bytes what blocks and log take on disk.
	Blocks, Bytes int64
	// Oldest and Newest are the earliest and latest start of a span, unix ns; 0 where nothing is stored.
	Oldest, Newest int64
}
