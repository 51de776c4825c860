// SPDX-License-Identifier: Apache-2.0

// Package span is the model: what a span is while it is in Clew. One noun, [Batch], goes through the whole house: wire
// decoders append to it, the store keeps it and gives it back, queries read it, wire encoders write it out again.
//
// A Batch is columnar and dictionary-coded. Row i of every span column belongs to span i. What a span has several of
// (attributes, events, links) stands in tables of its own, found by offsets. Strings stand once, in [Strings]. Nothing
// is allocated per span, and a Batch that is Reset keeps its memory.
//
//	TraceID  SpanID  ParentID  Start  Duration  Name  …  Resource  Scope          Strings
//	┌──────┬───────┬─────────┬──────┬─────────┬──────┬─┬─────────┬──────┐        ┌───┬────────────┐
//	│ 4bf… │ 00f…  │ 000…    │ 17…  │ 5200000 │  3   │…│    0    │  0   │        │ 3 │ GET /cart  │
//	│ 4bf… │ 5b8…  │ 00f…    │ 17…  │  310000 │  7   │…│    1    │  0   │        │ 7 │ SELECT     │
//	└──────┴───────┴─────────┴──────┴─────────┴──────┴─┴────┬────┴──────┘        └───┴────────────┘
//	   Attrs.Off: 0 4 9 …   Events.Off: 0 0 1 …             └► Resources.Attrs.Off: 0 6 11 …
//
// Identity, the trace key, weights, notes and signals are defined in DESIGN 4; here they are [Equal] and
// [Batch.Collapse], [TraceID.Key], HeadWeight and TraceWeight, [Notes] and [Signal].
package span

import "math"

// Signal says what a record of the store holds. Spans and log records share one representation of attributes but are
// never mixed.
type Signal uint8

// The signals. Values are stored in WAL and block headers.
const (
	// SignalSpans marks spans.
	SignalSpans Signal = 1
	// SignalLogs marks log records.
	SignalLogs Signal = 2
)

// DefaultTenant is the tenant of everything while there are no tokens to tell tenants apart.
const DefaultTenant = "default"

// Batch is a set of spans as columns. All span columns have the same length, or, in a batch that the store read with a
// projection, are nil where they were not asked for (TraceID, SpanID, ParentID, Start and Duration always stand).
//
// A Batch belongs to whoever made it. It is not safe for concurrent writers; any number may read while none writes.
type Batch struct {
	// Tenant is whose spans these are.
	Tenant string
	// Arrival is when the spans came in, unix ns by Clew's clock. Partitions and retention go by it.
	Arrival int64

	// Strings holds all strings, binary values and encoded composite values.
	Strings Strings

	TraceID  []TraceID
	SpanID   []SpanID
	ParentID []SpanID // zero: no parent
	// Start is unix ns. OTLP's unsigned value is kept bit by bit, so that times after 2262 are negative here.
	Start []int64
	// Duration is end minus start in ns, wrapping, so that the end is always exact; negative where the end is before
	// the start. Use [Batch.Dur] for calculations.
	Duration []int64
	Kind     []Kind
	Status   []Status
	Name     []Code
	// StatusMessage is Status.message.
	StatusMessage []Code
	// TraceState is the W3C tracestate header as it came.
	TraceState []Code
	// Flags is OTLP's Span.flags: W3C trace flags in bits 0-7, 0x100 has-is-remote, 0x200 is-remote.
	Flags []uint32
	// Resource is an index into Resources.
	Resource []uint32
	// Scope is an index into Scopes.
	Scope []uint32
	// DroppedAttrs, DroppedEvents and DroppedLinks are what the SDK says it dropped.
	DroppedAttrs, DroppedEvents, DroppedLinks []uint32
	// HeadWeight is the adjusted count of head sampling: how many spans this one stands for. 0 means that it is not
	// known and counts as 1.
	HeadWeight []float32
	// TraceWeight is the weight that retention by policy gave to the trace; 1 where nothing was dropped.
	TraceWeight []float32
	// Notes is what was repaired or impossible.
	Notes []Notes

	// Attrs are the attributes of spans: owner i is span i.
	Attrs Attrs
	// Events are the events of spans: owner i is span i.
	Events Events
	// Links are the links of spans: owner i is span i.
	Links Links
	// Resources are the resources that the spans' Resource column points to.
	Resources Resources
	// Scopes are the instrumentation scopes that the spans' Scope column points to.
	Scopes Scopes
}

// Events are the events of spans: span i has rows Off[i] to Off[i+1], in the order they came in.
type Events struct {
	Off []uint32
	// Time is unix ns, kept bit by bit like Batch.Start.
	Time    []int64
	Name    []Code
	Dropped []uint32 // dropped attributes
	Attrs   Attrs    // owner i is event row i
}

// Links are the links of spans: span i has rows Off[i] to Off[i+1], in the order they came in.
type Links struct {
	Off        []uint32
	TraceID    []TraceID
	SpanID     []SpanID
	TraceState []Code
	Flags      []uint32
	Dropped    []uint32 // dropped attributes
	Attrs      Attrs    // owner i is link row i
}

// Resources are the distinct (or at least few) resources of a batch.
type Resources struct {
	Attrs     Attrs // owner i is resource i
	Dropped   []uint32
	SchemaURL []Code
	// EntityRefs is OTLP's Resource.entity_refs as an encoded array (see [Value.AppendTo]; the payload of a
	// [TypeArray]) of maps with the keys schemaUrl, type, idKeys and descriptionKeys; 0 where there are none.
	EntityRefs []Code
}

// Scopes are the distinct (or at least few) instrumentation scopes of a batch.
type Scopes struct {
	Name, Version []Code
	Attrs         Attrs // owner i is scope i
	Dropped       []uint32
	SchemaURL     []Code
}

// Len returns the number of spans.
func (b *Batch) Len() int { return len(b.TraceID) }

// Dur returns the duration of span i in ns, never negative.
func (b *Batch) Dur(i int) int64 { return max(0, b.Duration[i]) }

// End returns the end of span i, unix ns, bit by bit as it came. [Batch.Until] is the one for calculations.
func (b *Batch) End(i int) int64 { return b.Start[i] + b.Duration[i] }

// Until returns the end of span i for calculations, unix ns: never before its start, and the last moment of int64 where
// it lies beyond.
func (b *Batch) Until(i int) int64 {
	if end := b.Start[i] + b.Dur(i); end >= b.Start[i] {
		return end
	}
	return math.MaxInt64
}

// Weight returns what span i counts for with both weights applied.
func (b *Batch) Weight(i int) float64 {
	w := 1.0
	if i < len(b.HeadWeight) && b.HeadWeight[i] > 0 {
		w = float64(b.HeadWeight[i])
	}
	if i < len(b.TraceWeight) && b.TraceWeight[i] > 0 {
		w *= float64(b.TraceWeight[i])
	}
	return w
}

// AddSpan appends a span whose every column is zero, with TraceWeight 1, and returns its row. Set the columns, add its
// attributes, events and links, then call [Batch.EndSpan] before the next AddSpan.
func (b *Batch) AddSpan() int {
	b.TraceID = append(b.TraceID, TraceID{})
	b.SpanID = append(b.SpanID, SpanID{})
	b.ParentID = append(b.ParentID, SpanID{})
	b.Start = append(b.Start, 0)
	b.Duration = append(b.Duration, 0)
	b.Kind = append(b.Kind, 0)
	b.Status = append(b.Status, 0)
	b.Name = append(b.Name, 0)
	b.StatusMessage = append(b.StatusMessage, 0)
	b.TraceState = append(b.TraceState, 0)
	b.Flags = append(b.Flags, 0)
	b.Resource = append(b.Resource, 0)
	b.Scope = append(b.Scope, 0)
	b.DroppedAttrs = append(b.DroppedAttrs, 0)
	b.DroppedEvents = append(b.DroppedEvents, 0)
	b.DroppedLinks = append(b.DroppedLinks, 0)
	b.HeadWeight = append(b.HeadWeight, 0)
	b.TraceWeight = append(b.TraceWeight, 1)
	b.Notes = append(b.Notes, 0)
	return len(b.TraceID) - 1
}

// EndSpan finishes the span that [Batch.AddSpan] began: its attributes, events and links are complete.
func (b *Batch) EndSpan() {
	b.Attrs.EndOwner()
	b.Events.Off = endOwner(b.Events.Off, len(b.Events.Time))
	b.Links.Off = endOwner(b.Links.Off, len(b.Links.TraceID))
}

func endOwner(off []uint32, n int) []uint32 {
	if len(off) == 0 {
		off = append(off, 0)
	}
	return append(off, uint32(n))
}

// DropSpan takes back the span that [Batch.AddSpan] began, finished or not, with all that was added since. It must be
// the last one.
func (b *Batch) DropSpan() { b.Truncate(b.Len() - 1) }

// Truncate forgets all spans from row n on, with their attributes, events and links. Strings, resources and scopes stay.
func (b *Batch) Truncate(n int) {
	b.TraceID, b.SpanID, b.ParentID = b.TraceID[:n], b.SpanID[:n], b.ParentID[:n]
	b.Start, b.Duration = b.Start[:n], b.Duration[:n]
	b.Kind, b.Status = cut(b.Kind, n), cut(b.Status, n)
	b.Name, b.StatusMessage, b.TraceState = cut(b.Name, n), cut(b.StatusMessage, n), cut(b.TraceState, n)
	b.Flags, b.Resource, b.Scope = cut(b.Flags, n), cut(b.Resource, n), cut(b.Scope, n)
	b.DroppedAttrs, b.DroppedEvents, b.DroppedLinks = cut(b.DroppedAttrs, n), cut(b.DroppedEvents, n), cut(b.DroppedLinks, n)
	b.HeadWeight, b.TraceWeight, b.Notes = cut(b.HeadWeight, n), cut(b.TraceWeight, n), cut(b.Notes, n)
	b.Attrs.truncate(n)
	b.Events.truncate(n)
	b.Links.truncate(n)
}

// cut shortens a column that may be absent.
func cut[T any](col []T, n int) []T { return col[:min(n, len(col))] }

// Add appends an event to the span that is being built; add its attributes to Attrs, then call Attrs.EndOwner.
func (e *Events) Add(time int64, name Code, dropped uint32) {
	e.Time = append(e.Time, time)
	e.Name = append(e.Name, name)
	e.Dropped = append(e.Dropped, dropped)
}

// Range returns the rows [lo, hi) of the events of span i.
func (e *Events) Range(i int) (lo, hi int) { return ownerRange(e.Off, i) }

func (e *Events) truncate(spans int) {
	n := ownerEnd(&e.Off, spans)
	e.Time, e.Name, e.Dropped = cut(e.Time, n), cut(e.Name, n), cut(e.Dropped, n)
	e.Attrs.truncate(min(n, e.Attrs.Owners()))
}

// Add appends a link to the span that is being built; add its attributes to Attrs, then call Attrs.EndOwner.
func (l *Links) Add(trace TraceID, id SpanID, state Code, flags, dropped uint32) {
	l.TraceID = append(l.TraceID, trace)
	l.SpanID = append(l.SpanID, id)
	l.TraceState = append(l.TraceState, state)
	l.Flags = append(l.Flags, flags)
	l.Dropped = append(l.Dropped, dropped)
}

// Range returns the rows [lo, hi) of the links of span i.
func (l *Links) Range(i int) (lo, hi int) { return ownerRange(l.Off, i) }

func (l *Links) truncate(spans int) {
	n := ownerEnd(&l.Off, spans)
	l.TraceID, l.SpanID, l.TraceState = cut(l.TraceID, n), cut(l.SpanID, n), cut(l.TraceState, n)
	l.Flags, l.Dropped = cut(l.Flags, n), cut(l.Dropped, n)
	l.Attrs.truncate(min(n, l.Attrs.Owners()))
}

func ownerRange(off []uint32, i int) (lo, hi int) {
	if i+1 >= len(off) {
		return 0, 0
	}
	return int(off[i]), int(off[i+1])
}

func ownerEnd(off *[]uint32, owners int) int {
	if owners == 0 || len(*off) == 0 {
		*off = (*off)[:0]
		return 0
	}
	*off = (*off)[:min(owners+1, len(*off))]
	return int((*off)[len(*off)-1])
}

// Add appends a resource without attributes and returns its index; add its attributes to Attrs, then call
// Attrs.EndOwner. The fields may be set later by index.
func (r *Resources) Add() int {
	r.Dropped = append(r.Dropped, 0)
	r.SchemaURL = append(r.SchemaURL, 0)
	r.EntityRefs = append(r.EntityRefs, 0)
	return len(r.Dropped) - 1
}

// Len returns the number of resources.
func (r *Resources) Len() int { return len(r.Dropped) }

// Reset forgets everything and keeps the memory.
func (r *Resources) Reset() {
	r.Attrs.Reset()
	r.Dropped, r.SchemaURL, r.EntityRefs = r.Dropped[:0], r.SchemaURL[:0], r.EntityRefs[:0]
}

// Add appends a scope and returns its index; add its attributes to Attrs, then call Attrs.EndOwner. The fields may be
// set later by index.
func (s *Scopes) Add(name, version Code) int {
	s.Name = append(s.Name, name)
	s.Version = append(s.Version, version)
	s.Dropped = append(s.Dropped, 0)
	s.SchemaURL = append(s.SchemaURL, 0)
	return len(s.Name) - 1
}

// Len returns the number of scopes.
func (s *Scopes) Len() int { return len(s.Name) }

// Reset forgets everything and keeps the memory.
func (s *Scopes) Reset() {
	s.Attrs.Reset()
	s.Name, s.Version, s.Dropped, s.SchemaURL = s.Name[:0], s.Version[:0], s.Dropped[:0], s.SchemaURL[:0]
}

// Reset forgets everything and keeps the memory.
func (b *Batch) Reset() {
	b.Tenant, b.Arrival = "", 0
	b.Truncate(0)
	b.Strings.Reset()
	b.Resources.Reset()
	b.Scopes.Reset()
}

// Mem returns the bytes of memory that the batch holds, spare capacity included.
func (b *Batch) Mem() int {
	n := b.Strings.Mem() + b.Attrs.mem() + b.Events.Attrs.mem() + b.Links.Attrs.mem() + b.Resources.Attrs.mem() + b.Scopes.Attrs.mem()
	n += 16*cap(b.TraceID) + 8*(cap(b.SpanID)+cap(b.ParentID)+cap(b.Start)+cap(b.Duration))
	n += 4 * (cap(b.Kind) + cap(b.Status) + cap(b.Name) + cap(b.StatusMessage) + cap(b.TraceState) + cap(b.Flags) +
		cap(b.Resource) + cap(b.Scope) + cap(b.DroppedAttrs) + cap(b.DroppedEvents) + cap(b.DroppedLinks) +
		cap(b.HeadWeight) + cap(b.TraceWeight) + cap(b.Notes))
	n += 4*cap(b.Events.Off) + 8*cap(b.Events.Time) + 4*(cap(b.Events.Name)+cap(b.Events.Dropped))
	n += 4*cap(b.Links.Off) + 24*cap(b.Links.TraceID) + 4*(cap(b.Links.TraceState)+cap(b.Links.Flags)+cap(b.Links.Dropped))
	n += 12*cap(b.Resources.Dropped) + 16*cap(b.Scopes.Name)
	return n
}

// AddAttr appends an attribute to the owner that is being built in a, one of b's tables, interning key and value.
func (b *Batch) AddAttr(a *Attrs, key string, v Value) {
	val := v.Num
	if v.Type.InStrings() {
		val = uint64(b.Strings.InternString(v.Str))
	}
	a.Add(b.Strings.InternString(key), v.Type, val)
}

// Value returns the value of attribute row i of a, one of b's tables. It aliases the batch.
func (b *Batch) Value(a *Attrs, i int) Value {
	t := a.Type[i]
	if t.InStrings() {
		return Value{Type: t, Str: b.Strings.String(Code(a.Val[i]))}
	}
	return Value{Type: t, Num: a.Val[i]}
}

// Attr returns the value of an owner's first attribute of the given key in a, one of b's tables, and false if there is
// none. It aliases the batch.
func (b *Batch) Attr(a *Attrs, owner int, key string) (Value, bool) {
	c, ok := b.Strings.Lookup(key)
	if !ok {
		return Value{}, false
	}
	if i := a.Find(owner, c); i >= 0 {
		return b.Value(a, i), true
	}
	return Value{}, false
}

// Service returns the service.name of span i's resource, or "" if it has none. It aliases the batch.
func (b *Batch) Service(i int) string {
	if i >= len(b.Resource) {
		return ""
	}
	v, _ := b.Attr(&b.Resources.Attrs, int(b.Resource[i]), "service.name")
	if v.Type != TypeString {
		return ""
	}
	return v.Str
}
