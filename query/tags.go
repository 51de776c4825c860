// SPDX-License-Identifier: Apache-2.0

package query

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/clew-tracing/clew/base/bitset"
	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
	"github.com/clew-tracing/clew/traceql"
)

// FieldsRequest asks for the attributes that spans in a window have.
type FieldsRequest struct {
	Tenant string
	Window store.Window
	// Scope restricts to one scope; match.ScopeAny means all, match.ScopeIntrinsic the intrinsics only.
	Scope match.Scope
	// Filter is a TraceQL spanset, read leniently: only attributes of spans that match. "" is no filter.
	Filter string
}

// Field is an attribute or an intrinsic.
type Field struct {
	// Ref is how a query names it; Ref.String() is its text.
	Ref traceql.Ref
	// Types are the types of its values: string, int, double, bool, bytes, array, map, empty; for an intrinsic TraceQL's.
	Types []string
}

// maxFilteredSpans bounds how many spans are looked at for the attribute names of a filter. Names repeat themselves, so
// that more would hardly find others.
const maxFilteredSpans = 100_000

// Fields lists attributes by scope and name, and for match.ScopeAny and match.ScopeIntrinsic the intrinsics first.
func (x *Executor) Fields(ctx context.Context, r FieldsRequest) ([]Field, error) {
	var list []Field
	if r.Scope == match.ScopeAny || r.Scope == match.ScopeIntrinsic {
		for _, i := range traceql.Intrinsics() {
			list = append(list, Field{Ref: traceql.IntrinsicRef(i), Types: []string{i.Type().String()}})
		}
		if r.Scope == match.ScopeIntrinsic {
			return list, nil
		}
	}
	infos, err := x.fieldInfos(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("list fields: %w", err)
	}
	for _, info := range infos {
		ref, ok := RefOf(match.Attr(info.Scope, info.Key))
		if !ok || info.Key == "" {
			continue
		}
		f := Field{Ref: ref}
		for t := span.TypeEmpty; t <= span.TypeMap; t++ {
			if info.Types&(1<<t) != 0 {
				f.Types = append(f.Types, t.String())
			}
		}
		list = append(list, f)
	}
	return list, nil
}

func (x *Executor) fieldInfos(ctx context.Context, r FieldsRequest) ([]store.FieldInfo, error) {
	filter := traceql.LenientFilter(r.Filter)
	if filter == nil {
		return x.engine.Fields(ctx, store.FieldsRequest{Tenant: r.Tenant, Window: r.Window, Scope: r.Scope})
	}
	found := map[match.Field]uint16{}
	seen := 0
	err := x.matching(ctx, r.Tenant, r.Window, filter, store.Projection{All: true}, func(t *traces, hits *bitset.Set) bool {
		for row := range hits.All() {
			collectFields(t.b, row, r.Scope, found)
			seen++
		}
		return seen < maxFilteredSpans
	})
	if err != nil {
		return nil, err
	}
	list := make([]store.FieldInfo, 0, len(found))
	for f, types := range found {
		list = append(list, store.FieldInfo{Scope: f.Scope, Key: f.Key, Types: types})
	}
	slices.SortFunc(list, func(a, b store.FieldInfo) int {
		return cmp.Or(cmp.Compare(a.Scope, b.Scope), strings.Compare(a.Key, b.Key))
	})
	return list, nil
}

// collectFields adds the attributes of a span.
func collectFields(b *span.Batch, row int, scope match.Scope, found map[match.Field]uint16) {
	take := func(s match.Scope, a *span.Attrs, owner int) {
		if scope != match.ScopeAny && scope != s {
			return
		}
		lo, hi := a.Range(owner)
		for i := lo; i < hi; i++ {
			f := match.Attr(s, b.Strings.String(a.Key[i]))
			types, ok := found[f]
			if now := types | 1<<a.Type[i]; !ok || now != types {
				// Assigning replaces the key of an entry too, so it must not belong to the batch.
				f.Key = strings.Clone(f.Key)
				found[f] = now
			}
		}
	}
	take(match.ScopeSpan, &b.Attrs, row)
	take(match.ScopeResource, &b.Resources.Attrs, int(at(b.Resource, row)))
	take(match.ScopeInstrumentation, &b.Scopes.Attrs, int(at(b.Scope, row)))
	for e, hi := b.Events.Range(row); e < hi; e++ {
		take(match.ScopeEvent, &b.Events.Attrs, e)
	}
	for l, hi := b.Links.Range(row); l < hi; l++ {
		take(match.ScopeLink, &b.Links.Attrs, l)
	}
}

// ValuesRequest asks for the values of a field.
type ValuesRequest struct {
	Tenant string
	Window store.Window
	Field  traceql.Ref
	// Filter is a TraceQL spanset, read leniently: only values of spans that match. "" is no filter.
	Filter string
	// Prefix restricts to strings that begin with it.
	Prefix string
	// Limit is how many values to give; 0 means all.
	Limit int
}

// Values is the answer to a ValuesRequest: the most frequent first, then by value.
type Values struct {
	Values []Value
	// Truncated means that there are more than Limit.
	Truncated bool
}

// Value is a value and the number of spans that have it (of traces, for the intrinsics of a trace).
type Value struct {
	// Type is TraceQL's type; TypeStatus and TypeKind are keywords of the language.
	Type traceql.Type
	// Value is the value; a status and a kind are their OTLP numbers.
	Value span.Value
	Count int64
}

// Text is the bare text of the value: a word for status and kind, a string without quotes.
func (v Value) Text() string {
	switch v.Type {
	case traceql.TypeStatus, traceql.TypeKind:
		return traceql.Static{Type: v.Type, Int: v.Value.Int()}.Word()
	case traceql.TypeString:
		return v.Value.Str
	}
	return v.Value.Text()
}

// Values lists the values of a field. Status and kind always have all their words, with a count of 0 where none was
// stored. Durations and the numbers of the nested set have no list.
func (x *Executor) Values(ctx context.Context, r ValuesRequest) (Values, error) {
	out, err := x.values(ctx, r)
	if err != nil {
		return Values{}, fmt.Errorf("list values of %s: %w", r.Field, err)
	}
	return out, nil
}

func (x *Executor) values(ctx context.Context, r ValuesRequest) (Values, error) {
	var root match.Expr
	field := r.Field
	switch field.Intrinsic {
	case traceql.IntrinsicRootName:
		field, root = traceql.IntrinsicRef(traceql.IntrinsicName), isRoot()
	case traceql.IntrinsicRootService:
		field, root = traceql.AttrRef(traceql.ScopeResource, "service.name"), isRoot()
	}
	if !field.IsAttr() && field.Type() != traceql.TypeString && field.Type() != traceql.TypeStatus && field.Type() != traceql.TypeKind {
		return Values{}, nil
	}
	filter := traceql.LenientFilter(r.Filter)
	c := compiler{x.aliases}
	exact, ok := c.condition(filter, false).(*matchCondition)
	if !ok {
		return x.scannedValues(ctx, r, field, root, filter)
	}
	names := x.aliases.names(field)
	counts := valueCounts{}
	out := Values{}
	for i, name := range names {
		got, err := x.engine.Values(ctx, store.ValuesRequest{
			Tenant: r.Tenant, Window: r.Window, Field: name, Prefix: r.Prefix, Limit: r.Limit,
			// A span that has the field by a better name counts under that.
			Where: match.AllOf(exact.expr, root, absent(names[:i])),
		})
		if err != nil {
			return Values{}, err
		}
		out.Truncated = out.Truncated || got.Truncated
		for _, v := range got.Values {
			counts.of(v.Value, v.Count)
		}
	}
	return counts.list(field, r.Limit, out.Truncated), nil
}

func isRoot() match.Expr {
	return match.Where(match.Cond{Field: match.Of(match.ParentID), Op: match.Absent})
}

// scannedValues is for filters that no engine can decide.
func (x *Executor) scannedValues(ctx context.Context, r ValuesRequest, field traceql.Ref, root match.Expr, filter traceql.Expr) (Values, error) {
	read := fieldOperand{names: x.aliases.names(field)}
	var set valueSet
	counts := valueCounts{}
	onlyRoots := root.Kind != match.All
	err := x.matching(ctx, r.Tenant, r.Window, filter, store.Projection{Fields: read.names}, func(t *traces, hits *bitset.Set) bool {
		read.begin(t)
		for row := range hits.All() {
			if onlyRoots && !t.b.ParentID[row].IsZero() {
				continue
			}
			read.read(row, &set)
			counts.add(&set, r.Prefix)
		}
		return true
	})
	if err != nil {
		return Values{}, err
	}
	return counts.list(field, r.Limit, false), nil
}

// valueCounts counts spans by value.
type valueCounts map[span.Value]*int64

// add counts one span's values, each once.
func (c valueCounts) add(set *valueSet, prefix string) {
	for i, s := range set.values {
		if slices.Contains(set.values[:i], s) || !strings.HasPrefix(s.Str, prefix) {
			continue
		}
		v, _ := valueOf(s)
		if n, ok := c[v]; ok {
			// Assigning would also replace the entry's key, by a string that belongs to the batch.
			*n++
			continue
		}
		v.Str = strings.Clone(v.Str)
		one := int64(1)
		c[v] = &one
	}
}

// of counts n spans with a value that the caller owns.
func (c valueCounts) of(v span.Value, n int64) {
	if sum, ok := c[v]; ok {
		*sum += n
		return
	}
	c[v] = &n
}

func (c valueCounts) list(field traceql.Ref, limit int, truncated bool) Values {
	typ := field.Type()
	if typ == traceql.TypeStatus || typ == traceql.TypeKind {
		last := traceql.StatusError
		if typ == traceql.TypeKind {
			last = traceql.KindConsumer
		}
		for n := range last + 1 {
			c.of(span.IntValue(int64(n)), 0)
		}
	}
	out := Values{Truncated: truncated}
	for v, n := range c {
		t := typ
		if t == traceql.TypeAny {
			if s, ok := staticOf(v); ok {
				t = s.Type
			}
		}
		out.Values = append(out.Values, Value{Type: t, Value: v, Count: *n})
	}
	slices.SortFunc(out.Values, func(a, b Value) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value.Type, b.Value.Type), strings.Compare(a.Value.Str, b.Value.Str), cmp.Compare(a.Value.Int(), b.Value.Int()))
	})
	if limit > 0 && len(out.Values) > limit {
		out.Values, out.Truncated = out.Values[:limit], true
	}
	return out
}

// matching calls take for every batch of whole traces in the window with the rows that satisfy a filter, until it says
// false.
func (x *Executor) matching(ctx context.Context, tenant string, w store.Window, filter traceql.Expr, fields store.Projection, take func(*traces, *bitset.Set) bool) error {
	if filter != nil {
		traceql.Walk(filter, func(n traceql.Node) bool {
			if f, ok := n.(*traceql.Field); ok {
				fields.Fields = append(fields.Fields, x.aliases.names(f.Ref)...)
			}
			return true
		})
	}
	where := x.aliases.superset(filter, false)
	if where.Kind == match.None {
		return nil
	}
	cond := compiler{x.aliases}.condition(filter, false)
	var t traces
	var hits bitset.Set
	for b, err := range x.engine.Scan(ctx, store.Request{Tenant: tenant, Window: w, Where: where, Fields: fields, Unit: store.UnitTrace}) {
		if errors.Is(err, store.ErrCorrupt) {
			return nil // what can be read was read
		}
		if err != nil {
			return err
		}
		t.reset(b)
		hits.Reset(b.Len())
		cond.rows(&t, &hits)
		if !take(&t, &hits) {
			return nil
		}
	}
	return ctx.Err()
}
