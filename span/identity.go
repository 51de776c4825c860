// SPDX-License-Identifier: Apache-2.0

package span

import (
	"bytes"
	"math/bits"
	"sort"

	"github.com/cespare/xxhash/v2"
)

// Equal reports whether span i of a and span j of b are the same span: equal ids and equal content (DESIGN 4). Notes and
// weights, which are Clew's own, do not count; nor does the order of attributes, which means nothing. Tenants are the
// caller's concern.
func Equal(a *Batch, i int, b *Batch, j int) bool {
	if a.TraceID[i] != b.TraceID[j] || a.SpanID[i] != b.SpanID[j] || a.ParentID[i] != b.ParentID[j] ||
		a.Start[i] != b.Start[j] || a.Duration[i] != b.Duration[j] ||
		at(a.Kind, i) != at(b.Kind, j) || at(a.Status, i) != at(b.Status, j) || at(a.Flags, i) != at(b.Flags, j) ||
		at(a.DroppedAttrs, i) != at(b.DroppedAttrs, j) || at(a.DroppedEvents, i) != at(b.DroppedEvents, j) ||
		at(a.DroppedLinks, i) != at(b.DroppedLinks, j) {
		return false
	}
	p := pair{a, b}
	return p.code(at(a.Name, i), at(b.Name, j)) &&
		p.code(at(a.StatusMessage, i), at(b.StatusMessage, j)) &&
		p.code(at(a.TraceState, i), at(b.TraceState, j)) &&
		p.attrs(&a.Attrs, i, &b.Attrs, j) && p.events(i, j) && p.links(i, j) &&
		p.resource(at(a.Resource, i), at(b.Resource, j)) && p.scope(at(a.Scope, i), at(b.Scope, j))
}

// pair compares parts of two batches.
type pair struct{ a, b *Batch }

func (p pair) code(x, y Code) bool {
	if p.a == p.b {
		return x == y
	}
	return bytes.Equal(p.a.Strings.Bytes(x), p.b.Strings.Bytes(y))
}

func (p pair) attr(a *Attrs, i int, b *Attrs, j int) bool {
	if a.Type[i] != b.Type[j] || !p.code(a.Key[i], b.Key[j]) {
		return false
	}
	if a.Type[i].InStrings() {
		return p.code(Code(a.Val[i]), Code(b.Val[j]))
	}
	return a.Val[i] == b.Val[j]
}

func (p pair) attrs(a *Attrs, i int, b *Attrs, j int) bool {
	alo, ahi := a.Range(i)
	blo, bhi := b.Range(j)
	if ahi-alo != bhi-blo {
		return false
	}
	for k := range ahi - alo {
		if !p.attr(a, alo+k, b, blo+k) {
			return p.attrsAnyOrder(a, alo, ahi, b, blo, bhi)
		}
	}
	return true
}

// attrsAnyOrder is the rare case of equal attributes in another order.
func (p pair) attrsAnyOrder(a *Attrs, alo, ahi int, b *Attrs, blo, bhi int) bool {
	x, y := sortedAttrs(p.a, a, alo, ahi), sortedAttrs(p.b, b, blo, bhi)
	for k := range x {
		if !p.attr(a, x[k], b, y[k]) {
			return false
		}
	}
	return true
}

// sortedAttrs returns the rows [lo, hi) in the order of key, type and value.
func sortedAttrs(b *Batch, a *Attrs, lo, hi int) []int {
	rows := make([]int, hi-lo)
	for k := range rows {
		rows[k] = lo + k
	}
	sort.SliceStable(rows, func(x, y int) bool { return compareAttrs(b, a, rows[x], rows[y]) < 0 })
	return rows
}

func compareAttrs(b *Batch, a *Attrs, i, j int) int {
	if c := bytes.Compare(b.Strings.Bytes(a.Key[i]), b.Strings.Bytes(a.Key[j])); c != 0 {
		return c
	}
	if a.Type[i] != a.Type[j] {
		return int(a.Type[i]) - int(a.Type[j])
	}
	if a.Type[i].InStrings() {
		return bytes.Compare(b.Strings.Bytes(Code(a.Val[i])), b.Strings.Bytes(Code(a.Val[j])))
	}
	switch {
	case a.Val[i] < a.Val[j]:
		return -1
	case a.Val[i] > a.Val[j]:
		return 1
	}
	return 0
}

func (p pair) events(i, j int) bool {
	a, b := &p.a.Events, &p.b.Events
	alo, ahi := a.Range(i)
	blo, bhi := b.Range(j)
	if ahi-alo != bhi-blo {
		return false
	}
	for k := range ahi - alo {
		x, y := alo+k, blo+k
		if a.Time[x] != b.Time[y] || a.Dropped[x] != b.Dropped[y] || !p.code(a.Name[x], b.Name[y]) || !p.attrs(&a.Attrs, x, &b.Attrs, y) {
			return false
		}
	}
	return true
}

func (p pair) links(i, j int) bool {
	a, b := &p.a.Links, &p.b.Links
	alo, ahi := a.Range(i)
	blo, bhi := b.Range(j)
	if ahi-alo != bhi-blo {
		return false
	}
	for k := range ahi - alo {
		x, y := alo+k, blo+k
		if a.TraceID[x] != b.TraceID[y] || a.SpanID[x] != b.SpanID[y] || a.Flags[x] != b.Flags[y] || a.Dropped[x] != b.Dropped[y] ||
			!p.code(a.TraceState[x], b.TraceState[y]) || !p.attrs(&a.Attrs, x, &b.Attrs, y) {
			return false
		}
	}
	return true
}

func (p pair) resource(i, j uint32) bool {
	if p.a == p.b && i == j {
		return true
	}
	a, b := &p.a.Resources, &p.b.Resources
	return at(a.Dropped, int(i)) == at(b.Dropped, int(j)) &&
		p.code(at(a.SchemaURL, int(i)), at(b.SchemaURL, int(j))) &&
		p.code(at(a.EntityRefs, int(i)), at(b.EntityRefs, int(j))) && p.attrs(&a.Attrs, int(i), &b.Attrs, int(j))
}

func (p pair) scope(i, j uint32) bool {
	if p.a == p.b && i == j {
		return true
	}
	a, b := &p.a.Scopes, &p.b.Scopes
	return p.code(at(a.Name, int(i)), at(b.Name, int(j))) && p.code(at(a.Version, int(i)), at(b.Version, int(j))) &&
		at(a.Dropped, int(i)) == at(b.Dropped, int(j)) &&
		p.code(at(a.SchemaURL, int(i)), at(b.SchemaURL, int(j))) && p.attrs(&a.Attrs, int(i), &b.Attrs, int(j))
}

// Hasher computes content hashes of a batch's spans: equal spans (see [Equal]) have equal hashes in any batch. The
// hash is stable over versions. Strings, resources and scopes are hashed once each.
type Hasher struct {
	b                *Batch
	strings          []uint64 // 0: not hashed yet
	resource, scopes []uint64
}

// NewHasher returns a hasher for b, which must not change while the hasher is used.
func NewHasher(b *Batch) *Hasher {
	return &Hasher{
		b:        b,
		strings:  make([]uint64, b.Strings.Len()),
		resource: make([]uint64, b.Resources.Len()),
		scopes:   make([]uint64, b.Scopes.Len()),
	}
}

// Hash returns the content hash of span i.
func (h *Hasher) Hash(i int) uint64 {
	b := h.b
	x := mix(b.TraceID[i].High(), b.TraceID[i].Key())
	x = mix(x, b.SpanID[i].Uint64())
	x = mix(x, b.ParentID[i].Uint64())
	x = mix(x, uint64(b.Start[i]))
	x = mix(x, uint64(b.Duration[i]))
	x = mix(x, uint64(uint32(at(b.Kind, i)))<<32|uint64(uint32(at(b.Status, i))))
	x = mix(x, uint64(at(b.Flags, i))<<32|uint64(at(b.DroppedAttrs, i)))
	x = mix(x, uint64(at(b.DroppedEvents, i))<<32|uint64(at(b.DroppedLinks, i)))
	x = mix(x, h.str(at(b.Name, i)))
	x = mix(x, h.str(at(b.StatusMessage, i)))
	x = mix(x, h.str(at(b.TraceState, i)))
	x = mix(x, h.attrs(&b.Attrs, i))
	lo, hi := b.Events.Range(i)
	for e := lo; e < hi; e++ {
		x = mix(x, uint64(b.Events.Time[e]))
		x = mix(x, h.str(b.Events.Name[e])+uint64(b.Events.Dropped[e]))
		x = mix(x, h.attrs(&b.Events.Attrs, e))
	}
	x = mix(x, uint64(hi-lo))
	lo, hi = b.Links.Range(i)
	for l := lo; l < hi; l++ {
		x = mix(x, mix(b.Links.TraceID[l].High(), b.Links.TraceID[l].Key()))
		x = mix(x, b.Links.SpanID[l].Uint64())
		x = mix(x, h.str(b.Links.TraceState[l]))
		x = mix(x, uint64(b.Links.Flags[l])<<32|uint64(b.Links.Dropped[l]))
		x = mix(x, h.attrs(&b.Links.Attrs, l))
	}
	x = mix(x, h.resourceHash(at(b.Resource, i)))
	return mix(x, h.scopeHash(at(b.Scope, i)))
}

// mix folds the 128-bit product, which spreads every bit of both over the result.
func mix(x, y uint64) uint64 {
	hi, lo := bits.Mul64(x^0x9e3779b97f4a7c15, y^0xd6e8feb86659fd93)
	return hi ^ lo ^ x
}

func (h *Hasher) str(c Code) uint64 {
	if c == 0 {
		return 1
	}
	if h.strings[c] == 0 {
		h.strings[c] = xxhash.Sum64(h.b.Strings.Bytes(c)) | 1
	}
	return h.strings[c]
}

// attrs adds up the attributes' hashes, since their order means nothing.
func (h *Hasher) attrs(a *Attrs, owner int) (sum uint64) {
	lo, hi := a.Range(owner)
	for i := lo; i < hi; i++ {
		val := a.Val[i]
		if a.Type[i].InStrings() {
			val = h.str(Code(val))
		}
		sum += mix(mix(h.str(a.Key[i]), uint64(a.Type[i])), val)
	}
	return sum + uint64(hi-lo)
}

func (h *Hasher) resourceHash(i uint32) uint64 {
	if int(i) >= len(h.resource) { // no resource is equal to an empty one
		return mix(mix(mix(h.str(0), h.str(0)), 0), 0) | 1
	}
	if h.resource[i] == 0 {
		r := &h.b.Resources
		x := mix(h.str(r.SchemaURL[i]), h.str(r.EntityRefs[i]))
		h.resource[i] = mix(mix(x, uint64(r.Dropped[i])), h.attrs(&r.Attrs, int(i))) | 1
	}
	return h.resource[i]
}

func (h *Hasher) scopeHash(i uint32) uint64 {
	if int(i) >= len(h.scopes) { // no scope is equal to an empty one
		return mix(mix(mix(h.str(0), h.str(0)), h.str(0)), 0) | 1
	}
	if h.scopes[i] == 0 {
		s := &h.b.Scopes
		x := mix(h.str(s.Name[i]), h.str(s.Version[i]))
		h.scopes[i] = mix(mix(x, h.str(s.SchemaURL[i])+uint64(s.Dropped[i])), h.attrs(&s.Attrs, int(i))) | 1
	}
	return h.scopes[i]
}

// Collapse returns rows without those that are equal to an earlier one. The rows must stand in an order in which equal
// spans have the same (trace id, start, span id) next to each other, as [Batch.TraceOrder] gives them. It works in place.
func (b *Batch) Collapse(rows []int32) []int32 {
	same := func(i, j int32) bool {
		return b.SpanID[i] == b.SpanID[j] && b.Start[i] == b.Start[j] && b.TraceID[i].Key() == b.TraceID[j].Key()
	}
	out := rows[:0]
	var h *Hasher
	for lo := 0; lo < len(rows); {
		hi := lo + 1
		for hi < len(rows) && same(rows[lo], rows[hi]) {
			hi++
		}
		if hi == lo+1 {
			out = append(out, rows[lo])
			lo = hi
			continue
		}
		if h == nil {
			h = NewHasher(b)
		}
		out = b.collapseRun(out, rows[lo:hi], h)
		lo = hi
	}
	return out
}

// collapseRun appends the distinct ones of a run of spans with the same ids and start; a run of many is hashed first,
// so that hostile repetition costs no more than linear time.
func (b *Batch) collapseRun(out, run []int32, h *Hasher) []int32 {
	seen := make(map[uint64][]int32, len(run))
next:
	for _, r := range run {
		x := h.Hash(int(r))
		for _, s := range seen[x] {
			if Equal(b, int(r), b, int(s)) {
				continue next
			}
		}
		seen[x] = append(seen[x], r)
		out = append(out, r)
	}
	return out
}

// MarkSameIDs gives [NoteSameIDs] to the spans of a collapsed batch whose ids another span of the batch has too.
func (b *Batch) MarkSameIDs() {
	type ids struct {
		trace uint64
		span  SpanID
	}
	first := make(map[ids]int32, b.Len())
	for i := range b.Len() {
		k := ids{b.TraceID[i].Key(), b.SpanID[i]}
		if j, ok := first[k]; ok {
			b.Notes[i] |= NoteSameIDs
			b.Notes[j] |= NoteSameIDs
			continue
		}
		first[k] = int32(i)
	}
}
