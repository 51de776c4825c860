// SPDX-License-Identifier: Apache-2.0

package embed

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
)

// maxValues bounds the distinct values that one goroutine of a request counts; more are left out and the answer is marked
// as truncated.
const maxValues = 1 << 20

// Values implements [store.Engine].
func (e *Engine) Values(ctx context.Context, r store.ValuesRequest) (store.Values, error) {
	if r.Field.Intrinsic.OfTrace() {
		return store.Values{}, fmt.Errorf("values of %s: %w", r.Field, store.ErrUnsupported)
	}
	v, done, err := e.pin(r.Tenant)
	if err != nil {
		return store.Values{}, err
	}
	defer done()
	if v == nil {
		return store.Values{}, nil
	}
	req := store.Request{Tenant: r.Tenant, Window: r.Window, Where: r.Where}
	s := e.newScanner(ctx, v, req)
	counters := make([]*valueCounter, e.cfg.Workers)
	for i := range counters {
		counters[i] = &valueCounter{field: r.Field, prefix: r.Prefix, counts: map[span.Value]*int64{}}
	}
	err = s.eachSpans(store.Projection{Fields: []match.Field{r.Field}}, func(w int, b *span.Batch, sel *bitset.Set, _ bool) error {
		counters[w].count(b, sel)
		return ctx.Err()
	})
	if err != nil && !errors.Is(err, store.ErrCorrupt) {
		return store.Values{}, err
	}
	return mergeValues(counters, r.Limit), nil
}

func mergeValues(counters []*valueCounter, limit int) store.Values {
	all := counters[0]
	for _, c := range counters[1:] {
		all.full = all.full || c.full
		for v, n := range c.counts {
			if sum, ok := all.counts[v]; ok {
				*sum += *n
			} else {
				all.counts[v] = n
			}
		}
	}
	out := store.Values{Truncated: all.full}
	for v, n := range all.counts {
		out.Values = append(out.Values, store.ValueCount{Value: v, Count: *n})
	}
	slices.SortFunc(out.Values, func(x, y store.ValueCount) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count), compareValues(x.Value, y.Value))
	})
	if limit > 0 && len(out.Values) > limit {
		out.Values, out.Truncated = slices.Clone(out.Values[:limit]), true
	}
	return out
}

// compareValues orders by type, then value.
func compareValues(x, y span.Value) int {
	if c := cmp.Compare(x.Type, y.Type); c != 0 {
		return c
	}
	switch x.Type {
	case span.TypeInt:
		return cmp.Compare(x.Int(), y.Int())
	case span.TypeDouble:
		return cmp.Or(cmp.Compare(x.Double(), y.Double()), cmp.Compare(x.Num, y.Num))
	}
	return cmp.Or(cmp.Compare(x.Num, y.Num), cmp.Compare(x.Str, y.Str))
}

// valueCounter counts the spans that have each value of a field. Values in a batch are counted by code and by resource or
// scope first, so that a string is looked at once a batch.
type valueCounter struct {
	field  match.Field
	prefix string
	counts map[span.Value]*int64 // strings are its own
	full   bool

	byCode  []int64
	touched []span.Code
	byOwner []int64
	ofSpan  []span.Value // distinct values of the present span
}

func (v *valueCounter) count(b *span.Batch, sel *bitset.Set) {
	if len(v.byCode) < b.Strings.Len() {
		v.byCode = make([]int64, b.Strings.Len()+b.Strings.Len()/4)
	}
	switch f := v.field; {
	case f.Scope == match.ScopeIntrinsic && f.Intrinsic == match.Name:
		for i := range sel.All() {
			v.code(b.Name[i])
		}
	case f.Scope == match.ScopeResource:
		v.shared(b, &b.Resources.Attrs, b.Resource, sel)
	case f.Scope == match.ScopeInstrumentation:
		v.shared(b, &b.Scopes.Attrs, b.Scope, sel)
	case f.Scope == match.ScopeSpan:
		v.spanAttrs(b, sel)
	default:
		for i := range sel.All() {
			v.ofSpan = v.ofSpan[:0]
			v.rowValues(b, i)
			for _, val := range v.ofSpan {
				v.add(val, 1)
			}
		}
	}
	for _, c := range v.touched {
		v.add(span.StringValue(b.Strings.String(c)), v.byCode[c])
		v.byCode[c] = 0
	}
	v.touched = v.touched[:0]
}

// add counts n spans with a value.
func (v *valueCounter) add(val span.Value, n int64) {
	if v.prefix != "" && (val.Type != span.TypeString || !strings.HasPrefix(val.Str, v.prefix)) {
		return
	}
	if sum, ok := v.counts[val]; ok {
		// Assigning to the entry would also replace its key, by a string that belongs to the batch.
		*sum += n
		return
	}
	if len(v.counts) >= maxValues {
		v.full = true
		return
	}
	val.Str = strings.Clone(val.Str)
	v.counts[val] = &n
}

func (v *valueCounter) code(c span.Code) {
	if v.byCode[c] == 0 {
		v.touched = append(v.touched, c)
	}
	v.byCode[c]++
}

// shared counts the attributes of resources or scopes by how many selected spans have them.
func (v *valueCounter) shared(b *span.Batch, a *span.Attrs, column []uint32, sel *bitset.Set) {
	key, ok := b.Strings.Lookup(v.field.Key)
	if !ok || len(column) == 0 {
		return
	}
	v.byOwner = append(v.byOwner[:0], make([]int64, a.Owners())...)
	for i := range sel.All() {
		if o := int(column[i]); o < len(v.byOwner) {
			v.byOwner[o]++
		}
	}
	for o, n := range v.byOwner {
		if n == 0 {
			continue
		}
		v.ofSpan = v.ofSpan[:0]
		v.owner(b, a, o, key)
		for _, val := range v.ofSpan {
			v.add(val, n)
		}
	}
}

// spanAttrs counts the spans' own attributes.
func (v *valueCounter) spanAttrs(b *span.Batch, sel *bitset.Set) {
	key, ok := b.Strings.Lookup(v.field.Key)
	if !ok {
		return
	}
	a := &b.Attrs
	for i := range sel.All() {
		at, more := -1, false
		lo, hi := a.Range(i)
		for k := lo; k < hi; k++ {
			if a.Key[k] == key {
				more = at >= 0
				at = k
			}
		}
		switch {
		case at < 0:
		case more:
			v.ofSpan = v.ofSpan[:0]
			v.owner(b, a, i, key)
			for _, val := range v.ofSpan {
				v.add(val, 1)
			}
		case a.Type[at] == span.TypeString:
			v.code(span.Code(a.Val[at]))
		default:
			v.add(b.Value(a, at), 1)
		}
	}
}

// owner gathers an owner's values of the key.
func (v *valueCounter) owner(b *span.Batch, a *span.Attrs, owner int, key span.Code) {
	lo, hi := a.Range(owner)
	for k := lo; k < hi; k++ {
		if a.Key[k] == key {
			v.gather(b.Value(a, k))
		}
	}
}

// gather notes a value of the present span, unless it has it already.
func (v *valueCounter) gather(val span.Value) {
	if !slices.Contains(v.ofSpan, val) {
		v.ofSpan = append(v.ofSpan, val)
	}
}

// rowValues gathers the values of the field that span i has.
func (v *valueCounter) rowValues(b *span.Batch, i int) {
	f := v.field
	if f.Scope == match.ScopeIntrinsic {
		v.intrinsic(b, i)
		return
	}
	key, ok := b.Strings.Lookup(f.Key)
	if !ok {
		return
	}
	in := func(s match.Scope) bool { return f.Scope == match.ScopeAny || f.Scope == s }
	if in(match.ScopeSpan) {
		v.owner(b, &b.Attrs, i, key)
	}
	if in(match.ScopeResource) && len(b.Resource) > 0 {
		v.owner(b, &b.Resources.Attrs, int(b.Resource[i]), key)
	}
	if in(match.ScopeEvent) {
		lo, hi := b.Events.Range(i)
		for k := lo; k < hi; k++ {
			v.owner(b, &b.Events.Attrs, k, key)
		}
	}
	if in(match.ScopeLink) {
		lo, hi := b.Links.Range(i)
		for k := lo; k < hi; k++ {
			v.owner(b, &b.Links.Attrs, k, key)
		}
	}
	if in(match.ScopeInstrumentation) && len(b.Scope) > 0 {
		v.owner(b, &b.Scopes.Attrs, int(b.Scope[i]), key)
	}
}

// intrinsic gathers an intrinsic's values.
func (v *valueCounter) intrinsic(b *span.Batch, i int) {
	str := func(c span.Code) { v.gather(span.StringValue(b.Strings.String(c))) }
	switch v.field.Intrinsic {
	case match.Duration:
		v.gather(span.IntValue(b.Dur(i)))
	case match.Start:
		v.gather(span.IntValue(b.Start[i]))
	case match.Status:
		v.gather(span.IntValue(int64(b.Status[i])))
	case match.Kind:
		v.gather(span.IntValue(int64(b.Kind[i])))
	case match.StatusMessage:
		str(b.StatusMessage[i])
	case match.SpanID:
		v.gather(span.StringValue(b.SpanID[i].String()))
	case match.ParentID:
		if !b.ParentID[i].IsZero() {
			v.gather(span.StringValue(b.ParentID[i].String()))
		}
	case match.TraceID:
		v.gather(span.StringValue(b.TraceID[i].String()))
	case match.InstrumentationName:
		if s := int(b.Scope[i]); s < b.Scopes.Len() {
			str(b.Scopes.Name[s])
		}
	case match.InstrumentationVersion:
		if s := int(b.Scope[i]); s < b.Scopes.Len() {
			str(b.Scopes.Version[s])
		}
	case match.EventName, match.EventTimeSinceStart:
		lo, hi := b.Events.Range(i)
		for k := lo; k < hi; k++ {
			if v.field.Intrinsic == match.EventName {
				str(b.Events.Name[k])
			} else {
				v.gather(span.IntValue(b.Events.Time[k] - b.Start[i]))
			}
		}
	case match.LinkTraceID, match.LinkSpanID:
		lo, hi := b.Links.Range(i)
		for k := lo; k < hi; k++ {
			if v.field.Intrinsic == match.LinkTraceID {
				v.gather(span.StringValue(b.Links.TraceID[k].String()))
			} else {
				v.gather(span.StringValue(b.Links.SpanID[k].String()))
			}
		}
	}
}
