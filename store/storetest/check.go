// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
)

// helper is what checks report to: a *testing.T or a *rapid.T.
type helper interface {
	Helper()
	Fatalf(format string, args ...any)
}

// trace returns the dump of a trace by the engine, "" if there is none.
func engineTrace(t helper, e store.Engine, tenant string, id span.TraceID) string {
	t.Helper()
	b, err := e.Trace(context.Background(), tenant, id)
	if errors.Is(err, store.ErrNotFound) {
		return ""
	}
	if err != nil {
		t.Fatalf("trace %s: %v", id, err)
	}
	if b.Tenant != tenant {
		t.Fatalf("trace %s: tenant %q, want %q", id, b.Tenant, tenant)
	}
	return dump(b, 0, b.Len())
}

// engineTraces returns what a scan by trace yields and really matches, in the order in which it comes, at most limit
// traces if that is not 0. It checks what must hold of every scan by trace.
func engineTraces(t helper, e store.Engine, r store.Request, limit int) []Trace {
	t.Helper()
	r.Unit = store.UnitTrace
	var list []Trace
	seen := map[span.TraceID]bool{}
	for b, err := range e.Scan(context.Background(), r) {
		if err != nil {
			t.Fatalf("scan: %v", err)
		}
		if b.Len() == 0 {
			t.Fatalf("scan yielded an empty batch")
		}
		sel := matching(r.Where, b)
		for lo, hi := range b.Traces() {
			tr := Trace{ID: b.FullID(lo, hi), Spans: hi - lo, Dump: dump(b, lo, hi)}
			tr.Start, tr.End = b.Extent(lo, hi)
			if seen[tr.ID] {
				t.Fatalf("trace %s came twice", tr.ID)
			}
			seen[tr.ID] = true
			for i := lo + 1; i < hi; i++ {
				if b.Start[i-1] > b.Start[i] || b.Start[i-1] == b.Start[i] && b.SpanID[i-1].Uint64() > b.SpanID[i].Uint64() {
					t.Fatalf("trace %s: rows are not in the order of (start, span id)", tr.ID)
				}
			}
			if next := sel.NextSet(lo); next < 0 || next >= hi {
				continue
			}
			if list = append(list, tr); len(list) == limit {
				return list
			}
		}
		// The consumer may do as it likes with the batch.
		b.Reset()
	}
	return list
}

// engineSpans returns the texts of what a scan by span yields and really matches, sorted.
func engineSpans(t helper, e store.Engine, r store.Request) []string {
	t.Helper()
	r.Unit = store.UnitSpan
	var list []string
	for b, err := range e.Scan(context.Background(), r) {
		if err != nil {
			t.Fatalf("scan: %v", err)
		}
		sel := matching(r.Where, b)
		for i := range b.Len() {
			if !r.Window.Contains(b.Start[i]) {
				t.Fatalf("span %s of trace %s starts outside of the window", b.SpanID[i], b.TraceID[i])
			}
		}
		list = append(list, spanTexts(b, sel, r.Window)...)
	}
	slices.Sort(list)
	return list
}

func diff(t helper, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

// checkTraces compares every trace by id.
func checkTraces(t helper, e store.Engine, o *Oracle) {
	t.Helper()
	for _, tenant := range o.Tenants() {
		for _, id := range o.IDs(tenant) {
			diff(t, "trace "+id.String(), o.Trace(tenant, id), engineTrace(t, e, tenant, id))
			short := span.TraceIDFrom(0, id.Key())
			diff(t, "trace "+short.String(), o.Trace(tenant, short), engineTrace(t, e, tenant, short))
		}
	}
}

// checkScan compares a request in both units and orders.
func checkScan(t helper, e store.Engine, o *Oracle, r store.Request) {
	t.Helper()
	r.Fields.All = true
	r.Order = store.OrderNewest
	want := o.Traces(r)
	diff(t, "newest traces", want, engineTraces(t, e, r, 0))
	if r.After == nil {
		r.Order = store.OrderAny
		got := engineTraces(t, e, r, 0)
		slices.SortFunc(got, compareTraces)
		diff(t, "traces", want, got)
		diff(t, "spans", o.Spans(r), engineSpans(t, e, r))
	}
}

// checkAll compares all data with the oracle's.
func checkAll(t helper, e store.Engine, o *Oracle) {
	t.Helper()
	checkTraces(t, e, o)
	for _, tenant := range o.Tenants() {
		checkScan(t, e, o, store.Request{Tenant: tenant, Window: store.AllTime()})
	}
}

func all(t *testing.T, f *fixture) { checkAll(t, f.engine, f.oracle) }

// eq is the condition that an attribute equals a value.
func eq(s match.Scope, key string, v span.Value) match.Expr {
	return match.Where(match.Cond{Field: match.Attr(s, key), Op: match.Eq, Value: v})
}
