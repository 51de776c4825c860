// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/clew-tracing/clew/base/bitset"
	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
)

// Oracle answers like an engine, slowly: it keeps every span and looks at all of them each time.
type Oracle struct {
	tenants map[string]*span.Batch
	ordered map[string]*span.Batch // what all returned, until the next Append
}

// NewOracle returns an empty oracle.
func NewOracle() *Oracle {
	return &Oracle{tenants: map[string]*span.Batch{}, ordered: map[string]*span.Batch{}}
}

// Append keeps a copy of b.
func (o *Oracle) Append(b *span.Batch) {
	delete(o.ordered, b.Tenant)
	all := o.tenants[b.Tenant]
	if all == nil {
		all = &span.Batch{Tenant: b.Tenant}
		o.tenants[b.Tenant] = all
	}
	c := span.NewCopier(all)
	c.From(b)
	for i := range b.Len() {
		c.Row(i)
	}
}

// Tenants returns the names of all tenants, sorted.
func (o *Oracle) Tenants() []string { return slices.Sorted(maps.Keys(o.tenants)) }

// Trace is one trace as text.
type Trace struct {
	ID         span.TraceID
	Start, End int64
	Spans      int
	Dump       string
}

// all returns the tenant's spans, collapsed, in trace order.
func (o *Oracle) all(tenant string) *span.Batch {
	if out := o.ordered[tenant]; out != nil {
		return out
	}
	out := &span.Batch{}
	if b := o.tenants[tenant]; b != nil {
		b.CopyOrdered(out)
	}
	o.ordered[tenant] = out
	return out
}

// tracesOf returns the traces that stand together in b.
func tracesOf(b *span.Batch) []Trace {
	var list []Trace
	for lo, hi := range b.Traces() {
		t := Trace{ID: b.FullID(lo, hi), Spans: hi - lo, Dump: dump(b, lo, hi)}
		t.Start, t.End = b.Extent(lo, hi)
		list = append(list, t)
	}
	return list
}

// IDs returns the ids of all traces of a tenant, sorted.
func (o *Oracle) IDs(tenant string) []span.TraceID {
	var ids []span.TraceID
	for _, t := range tracesOf(o.all(tenant)) {
		ids = append(ids, t.ID)
	}
	slices.SortFunc(ids, func(x, y span.TraceID) int { return bytes.Compare(x[:], y[:]) })
	return ids
}

// Trace returns the dump of a trace, "" if there is none.
func (o *Oracle) Trace(tenant string, id span.TraceID) string {
	all := o.all(tenant)
	picked := &span.Batch{}
	c := span.NewCopier(picked)
	c.From(all)
	for i := range all.Len() {
		if all.TraceID[i].SameTrace(id) {
			c.Row(i)
		}
	}
	return dump(picked, 0, picked.Len())
}

// Traces returns what a scan by trace yields, newest first.
func (o *Oracle) Traces(r store.Request) []Trace {
	all := o.all(r.Tenant)
	sel := matching(r.Where, all)
	var list []Trace
	if r.Window.From > r.Window.To {
		return nil
	}
	for lo, hi := range all.Traces() {
		next := sel.NextSet(lo)
		if next < 0 || next >= hi {
			continue
		}
		t := Trace{ID: all.FullID(lo, hi), Spans: hi - lo, Dump: dump(all, lo, hi)}
		t.Start, t.End = all.Extent(lo, hi)
		if !r.Window.Overlaps(t.Start, t.End) {
			continue
		}
		if r.After != nil && compareTraces(t, Trace{ID: r.After.TraceID, Start: r.After.Start}) <= 0 {
			continue
		}
		list = append(list, t)
	}
	slices.SortFunc(list, compareTraces)
	return list
}

func compareTraces(x, y Trace) int {
	return cmp.Or(cmp.Compare(y.Start, x.Start), bytes.Compare(x.ID[:], y.ID[:]))
}

// Spans returns the text of every span that a scan by span yields, sorted.
func (o *Oracle) Spans(r store.Request) []string {
	all := o.all(r.Tenant)
	return spanTexts(all, matching(r.Where, all), r.Window)
}

func spanTexts(b *span.Batch, sel *bitset.Set, w store.Window) []string {
	var list []string
	for i := range sel.All() {
		if w.Contains(b.Start[i]) {
			list = append(list, b.TraceID[i].String()+" "+string(span.AppendSpanText(nil, b, i)))
		}
	}
	slices.Sort(list)
	return list
}

func matching(e match.Expr, b *span.Batch) *bitset.Set {
	sel := bitset.New(b.Len())
	match.Compile(e).Match(b, sel)
	return sel
}

// Fields returns the attributes of all spans, whatever the window.
func (o *Oracle) Fields(r store.FieldsRequest) []store.FieldInfo {
	all := o.all(r.Tenant)
	types := map[match.Field]uint16{}
	add := func(s match.Scope, a *span.Attrs) {
		for i, k := range a.Key {
			if r.Scope == match.ScopeAny || r.Scope == s {
				types[match.Attr(s, strings.Clone(all.Strings.String(k)))] |= 1 << a.Type[i]
			}
		}
	}
	add(match.ScopeSpan, &all.Attrs)
	add(match.ScopeResource, &all.Resources.Attrs)
	add(match.ScopeEvent, &all.Events.Attrs)
	add(match.ScopeLink, &all.Links.Attrs)
	add(match.ScopeInstrumentation, &all.Scopes.Attrs)
	var list []store.FieldInfo
	for f, t := range types {
		list = append(list, store.FieldInfo{Scope: f.Scope, Key: f.Key, Types: t})
	}
	slices.SortFunc(list, func(x, y store.FieldInfo) int {
		return cmp.Or(cmp.Compare(x.Scope, y.Scope), cmp.Compare(x.Key, y.Key))
	})
	return list
}

// Values counts the values of an attribute or of the span's name, status or kind.
func (o *Oracle) Values(r store.ValuesRequest) store.Values {
	all := o.all(r.Tenant)
	counts := map[span.Value]int64{}
	for i := range matching(r.Where, all).All() {
		if !r.Window.Contains(all.Start[i]) {
			continue
		}
		seen := map[span.Value]bool{}
		for _, v := range valuesOf(all, i, r.Field) {
			if r.Prefix != "" && (v.Type != span.TypeString || !strings.HasPrefix(v.Str, r.Prefix)) {
				continue
			}
			seen[v] = true
		}
		for v := range seen {
			counts[v]++
		}
	}
	var out store.Values
	for v, n := range counts {
		out.Values = append(out.Values, store.ValueCount{Value: v, Count: n})
	}
	slices.SortFunc(out.Values, func(x, y store.ValueCount) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count), cmp.Compare(x.Value.Type, y.Value.Type), compareValues(x.Value, y.Value))
	})
	if r.Limit > 0 && len(out.Values) > r.Limit {
		out.Values, out.Truncated = out.Values[:r.Limit], true
	}
	return out
}

func compareValues(x, y span.Value) int {
	switch x.Type {
	case span.TypeInt:
		return cmp.Compare(x.Int(), y.Int())
	case span.TypeDouble:
		return cmp.Compare(x.Double(), y.Double())
	}
	return cmp.Or(cmp.Compare(x.Num, y.Num), cmp.Compare(x.Str, y.Str))
}

func valuesOf(b *span.Batch, i int, f match.Field) (vals []span.Value) {
	if f.Scope == match.ScopeIntrinsic {
		switch f.Intrinsic {
		case match.Name:
			return []span.Value{span.StringValue(b.Strings.String(b.Name[i]))}
		case match.Status:
			return []span.Value{span.IntValue(int64(b.Status[i]))}
		case match.Kind:
			return []span.Value{span.IntValue(int64(b.Kind[i]))}
		case match.EventName:
			lo, hi := b.Events.Range(i)
			for k := lo; k < hi; k++ {
				vals = append(vals, span.StringValue(b.Strings.String(b.Events.Name[k])))
			}
			return vals
		}
		panic("the oracle does not know " + f.String())
	}
	of := func(s match.Scope, a *span.Attrs, lo, hi int) {
		if f.Scope != match.ScopeAny && f.Scope != s {
			return
		}
		for owner := lo; owner < hi; owner++ {
			alo, ahi := a.Range(owner)
			for k := alo; k < ahi; k++ {
				if b.Strings.String(a.Key[k]) == f.Key {
					vals = append(vals, b.Value(a, k))
				}
			}
		}
	}
	of(match.ScopeSpan, &b.Attrs, i, i+1)
	of(match.ScopeResource, &b.Resources.Attrs, int(b.Resource[i]), int(b.Resource[i])+1)
	lo, hi := b.Events.Range(i)
	of(match.ScopeEvent, &b.Events.Attrs, lo, hi)
	lo, hi = b.Links.Range(i)
	of(match.ScopeLink, &b.Links.Attrs, lo, hi)
	of(match.ScopeInstrumentation, &b.Scopes.Attrs, int(b.Scope[i]), int(b.Scope[i])+1)
	return vals
}

// dump returns the dump of rows [lo, hi).
func dump(b *span.Batch, lo, hi int) string {
	part := &span.Batch{}
	c := span.NewCopier(part)
	c.From(b)
	for i := lo; i < hi; i++ {
		c.Row(i)
	}
	var buf bytes.Buffer
	if err := span.Dump(&buf, part); err != nil {
		panic(err) // a buffer takes everything
	}
	return buf.String()
}
