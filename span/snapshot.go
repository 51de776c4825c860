// SPDX-License-Identifier: Apache-2.0

package span

import "slices"

// Snapshot returns a batch with the spans that b has now, for readers on other goroutines while one writer goes on
// appending to b. It shares b's columns, which appending never changes, and copies only the index of the strings (about
// 11 bytes a string). It must be taken while nobody writes, is read only, and ends with the next Truncate or Reset of b.
func (b *Batch) Snapshot() *Batch {
	s := *b
	s.Strings = b.Strings.snapshot()
	s.TraceID, s.SpanID, s.ParentID = full(b.TraceID), full(b.SpanID), full(b.ParentID)
	s.Start, s.Duration, s.Kind, s.Status = full(b.Start), full(b.Duration), full(b.Kind), full(b.Status)
	s.Name, s.StatusMessage, s.TraceState, s.Flags = full(b.Name), full(b.StatusMessage), full(b.TraceState), full(b.Flags)
	s.Resource, s.Scope = full(b.Resource), full(b.Scope)
	s.DroppedAttrs, s.DroppedEvents, s.DroppedLinks = full(b.DroppedAttrs), full(b.DroppedEvents), full(b.DroppedLinks)
	s.HeadWeight, s.TraceWeight, s.Notes = full(b.HeadWeight), full(b.TraceWeight), full(b.Notes)
	s.Attrs = b.Attrs.snapshot()
	s.Events.Off, s.Events.Time, s.Events.Name = full(b.Events.Off), full(b.Events.Time), full(b.Events.Name)
	s.Events.Dropped, s.Events.Attrs = full(b.Events.Dropped), b.Events.Attrs.snapshot()
	s.Links.Off, s.Links.TraceID, s.Links.SpanID = full(b.Links.Off), full(b.Links.TraceID), full(b.Links.SpanID)
	s.Links.TraceState, s.Links.Flags = full(b.Links.TraceState), full(b.Links.Flags)
	s.Links.Dropped, s.Links.Attrs = full(b.Links.Dropped), b.Links.Attrs.snapshot()
	s.Resources.Attrs, s.Resources.Dropped = b.Resources.Attrs.snapshot(), full(b.Resources.Dropped)
	s.Resources.SchemaURL, s.Resources.EntityRefs = full(b.Resources.SchemaURL), full(b.Resources.EntityRefs)
	s.Scopes.Name, s.Scopes.Version, s.Scopes.Attrs = full(b.Scopes.Name), full(b.Scopes.Version), b.Scopes.Attrs.snapshot()
	s.Scopes.Dropped, s.Scopes.SchemaURL = full(b.Scopes.Dropped), full(b.Scopes.SchemaURL)
	return &s
}

func (a *Attrs) snapshot() Attrs {
	return Attrs{Off: full(a.Off), Key: full(a.Key), Type: full(a.Type), Val: full(a.Val)}
}

// snapshot shares the strings and copies their index, which interning changes in place.
func (s *Strings) snapshot() Strings {
	return Strings{arena: full(s.arena), offs: full(s.offs), table: append([]uint64(nil), s.table...)}
}

// full leaves a column no room to grow, so that appending to the copy cannot write into the original.
func full[T any](col []T) []T { return slices.Clip(col) }
