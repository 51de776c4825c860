// SPDX-License-Identifier: Apache-2.0

package query

import (
	"bytes"
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/clew-tracing/clew/base/bitset"
	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
)

// memEngine is the smallest engine: it keeps all spans in one batch and filters exactly. perBatch is how many traces a
// scan yields at a time.
type memEngine struct {
	store.Engine // what is not written below panics
	all          span.Batch
	perBatch     int
	scans        []store.Request
}

func (e *memEngine) Append(_ context.Context, b *span.Batch) error {
	c := span.NewCopier(&e.all)
	c.From(b)
	for i := range b.Len() {
		c.Row(i)
	}
	return nil
}

func (e *memEngine) Scan(ctx context.Context, r store.Request) iter.Seq2[*span.Batch, error] {
	e.scans = append(e.scans, r)
	if r.Unit == store.UnitSpan {
		return e.scanSpans(ctx, r)
	}
	return func(yield func(*span.Batch, error) bool) {
		var b span.Batch
		e.all.CopyOrdered(&b)
		var hits bitset.Set
		match.Compile(r.Where).Match(&b, &hits)
		type trace struct {
			lo, hi int
			at     rank
		}
		var list []trace
		for lo, hi := range b.Traces() {
			start, end := b.Extent(lo, hi)
			if row := hits.NextSet(lo); row < 0 || row >= hi || !r.Window.Overlaps(start, end) {
				continue
			}
			t := trace{lo, hi, Newest.rankOf(&b, lo, hi)}
			if r.After == nil || (rank{r.After.Start, r.After.Start, r.After.TraceID}).before(t.at) {
				list = append(list, t)
			}
		}
		slices.SortFunc(list, func(x, y trace) int { return x.at.compare(y.at) })
		for len(list) > 0 {
			n := min(len(list), max(1, e.perBatch))
			var out span.Batch
			c := span.NewCopier(&out)
			c.From(&b)
			for _, t := range list[:n] {
				for row := t.lo; row < t.hi; row++ {
					c.Row(row)
				}
			}
			list = list[n:]
			if r.Counters != nil {
				r.Counters.Traces += int64(n)
				r.Counters.Spans += int64(out.Len())
			}
			project(&out, r.Fields)
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			if !yield(&out, nil) {
				return
			}
		}
	}
}

// scanSpans yields the spans that match last first, a few at a time.
func (e *memEngine) scanSpans(ctx context.Context, r store.Request) iter.Seq2[*span.Batch, error] {
	return func(yield func(*span.Batch, error) bool) {
		var b, out span.Batch
		e.all.CopyOrdered(&b)
		var hits bitset.Set
		match.Compile(r.Where).Match(&b, &hits)
		for row := b.Len() - 1; row >= 0; row-- {
			if hits.Test(row) && r.Window.Contains(b.Start[row]) {
				c := span.NewCopier(&out)
				c.From(&b)
				c.Row(row)
			}
			if out.Len() == 0 || out.Len() < 2*max(1, e.perBatch) && row > 0 {
				continue
			}
			if r.Counters != nil {
				r.Counters.Spans += int64(out.Len())
			}
			project(&out, r.Fields)
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			if !yield(&out, nil) {
				return
			}
			out = span.Batch{}
		}
	}
}

// project takes away all that was not asked for, so that a query that forgets to ask fails its test.
func project(b *span.Batch, p store.Projection) {
	if p.All {
		return
	}
	intrinsic := map[match.Intrinsic]bool{}
	keys := map[match.Scope]map[string]bool{}
	for s := match.ScopeAny; s <= match.ScopeInstrumentation; s++ {
		keys[s] = map[string]bool{}
	}
	for _, f := range p.Fields {
		intrinsic[f.Intrinsic] = true
		if f.Scope == match.ScopeAny {
			for s := range keys {
				keys[s][f.Key] = true
			}
		} else if f.Scope != match.ScopeIntrinsic {
			keys[f.Scope][f.Key] = true
		}
	}
	if !intrinsic[match.Name] && !intrinsic[match.RootName] {
		b.Name = nil
	}
	if !intrinsic[match.Status] {
		b.Status = nil
	}
	if !intrinsic[match.Kind] {
		b.Kind = nil
	}
	if !intrinsic[match.StatusMessage] {
		b.StatusMessage = nil
	}
	keys[match.ScopeResource]["service.name"] = keys[match.ScopeResource]["service.name"] || intrinsic[match.RootService]
	only := func(a *span.Attrs, keep map[string]bool) {
		var out span.Attrs
		for o := range a.Owners() {
			lo, hi := a.Range(o)
			for i := lo; i < hi; i++ {
				if keep[b.Strings.String(a.Key[i])] {
					out.Add(a.Key[i], a.Type[i], a.Val[i])
				}
			}
			out.EndOwner()
		}
		*a = out
	}
	only(&b.Attrs, keys[match.ScopeSpan])
	only(&b.Resources.Attrs, keys[match.ScopeResource])
	only(&b.Scopes.Attrs, keys[match.ScopeInstrumentation])
	only(&b.Events.Attrs, keys[match.ScopeEvent])
	only(&b.Links.Attrs, keys[match.ScopeLink])
	if !intrinsic[match.EventName] && !intrinsic[match.EventTimeSinceStart] && len(keys[match.ScopeEvent]) == 0 {
		b.Events = span.Events{}
	}
	if !intrinsic[match.LinkSpanID] && !intrinsic[match.LinkTraceID] && len(keys[match.ScopeLink]) == 0 {
		b.Links = span.Links{}
	}
}

func (e *memEngine) Fields(_ context.Context, r store.FieldsRequest) ([]store.FieldInfo, error) {
	found := map[match.Field]uint16{}
	for row := range e.all.Len() {
		if r.Window.Contains(e.all.Start[row]) {
			collectFields(&e.all, row, r.Scope, found)
		}
	}
	var list []store.FieldInfo
	for f, types := range found {
		list = append(list, store.FieldInfo{Scope: f.Scope, Key: f.Key, Types: types})
	}
	slices.SortFunc(list, func(a, b store.FieldInfo) int {
		return cmp.Or(cmp.Compare(a.Scope, b.Scope), strings.Compare(a.Key, b.Key))
	})
	return list, nil
}

func (e *memEngine) Values(_ context.Context, r store.ValuesRequest) (store.Values, error) {
	var b span.Batch
	e.all.CopyOrdered(&b)
	var hits bitset.Set
	match.Compile(r.Where).Match(&b, &hits)
	var t traces
	t.reset(&b)
	read := fieldOperand{names: []match.Field{r.Field}}
	read.begin(&t)
	var set valueSet
	counts := map[span.Value]int64{}
	for row := range hits.All() {
		if !r.Window.Contains(b.Start[row]) {
			continue
		}
		read.read(row, &set)
		seen := map[span.Value]bool{}
		for _, s := range set.values {
			v, _ := valueOf(s)
			if strings.HasPrefix(v.Str, r.Prefix) && !seen[v] {
				seen[v] = true
				v.Str = strings.Clone(v.Str)
				counts[v]++
			}
		}
	}
	var out store.Values
	for v, n := range counts {
		out.Values = append(out.Values, store.ValueCount{Value: v, Count: n})
	}
	slices.SortFunc(out.Values, func(a, b store.ValueCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value.Type, b.Value.Type), bytes.Compare([]byte(a.Value.Text()), []byte(b.Value.Text())))
	})
	if r.Limit > 0 && len(out.Values) > r.Limit {
		out.Values, out.Truncated = out.Values[:r.Limit], true
	}
	return out, nil
}
