// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
)

// testConcurrent appends from several goroutines while others read: a read sees everything that was acknowledged before
// it began, whole traces once.
func testConcurrent(t *testing.T, f *fixture) {
	const writers, batches = 4, 40
	var mu sync.Mutex
	acked := map[span.TraceID]int{}
	var writing, reading sync.WaitGroup
	for w := range uint64(writers) {
		writing.Go(func() {
			for i := range uint64(batches) {
				id := traceID(1 + (w*batches+i)%61)
				b := BatchOf(tenant, Noon,
					Span{Trace: id, ID: 1 + w*1000 + i, Start: Noon + int64(i), Name: "a"},
					Span{Trace: id, ID: 100_000 + w*1000 + i, Start: Noon + int64(i), Name: "b"})
				if err := f.engine.Append(context.Background(), b); err != nil {
					t.Errorf("append: %v", err)
					return
				}
				mu.Lock()
				acked[id] += 2
				f.oracle.Append(b)
				mu.Unlock()
			}
		})
	}
	stop := make(chan struct{})
	for range 2 {
		reading.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				mu.Lock()
				want := maps.Clone(acked)
				mu.Unlock()
				r := store.Request{Tenant: tenant, Window: store.AllTime(), Unit: store.UnitTrace, Order: store.OrderNewest}
				for b, err := range f.engine.Scan(context.Background(), r) {
					if err != nil {
						t.Errorf("scan: %v", err)
						return
					}
					for lo, hi := range b.Traces() {
						if id := b.FullID(lo, hi); hi-lo < want[id] {
							t.Errorf("trace %s has %d spans, %d were acknowledged before", id, hi-lo, want[id])
							return
						}
						delete(want, b.FullID(lo, hi))
					}
				}
				if len(want) > 0 {
					t.Errorf("%d traces are missing that were acknowledged before", len(want))
					return
				}
				if n%5 == 4 {
					f.flush()
				}
				if n%8 == 7 {
					f.merge()
				}
			}
		})
	}
	writing.Wait()
	close(stop)
	reading.Wait()
	f.inAllStates(func(t *testing.T) { all(t, f) })
}

// testCancel cancels before and in the middle of reads.
func testCancel(t *testing.T, f *fixture) {
	g := NewGen(7)
	g.Traces = 500
	for range 10 {
		f.append(g.Batch(tenant, 200))
	}
	f.inAllStates(func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := f.engine.Trace(ctx, tenant, traceID(1)); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, store.ErrNotFound) {
			t.Errorf("trace: %v", err)
		}
		if err := f.engine.Append(ctx, g.Batch(tenant, 1)); !errors.Is(err, context.Canceled) {
			t.Errorf("append: %v, want canceled", err)
		}
		if _, err := f.engine.Values(ctx, store.ValuesRequest{Tenant: tenant, Window: store.AllTime(), Field: match.Of(match.Name)}); !errors.Is(err, context.Canceled) {
			t.Errorf("values: %v, want canceled", err)
		}
		for _, unit := range []store.Unit{store.UnitSpan, store.UnitTrace} {
			for _, after := range []int{0, 1} {
				ctx, cancel := context.WithCancel(context.Background())
				n, last := 0, error(nil)
				if after == 0 {
					cancel()
				}
				for _, err := range f.engine.Scan(ctx, store.Request{Tenant: tenant, Window: store.AllTime(), Unit: unit}) {
					if n++; n == after {
						cancel()
					}
					last = err
				}
				cancel()
				if !errors.Is(last, context.Canceled) && (after == 0 || n > 1) {
					t.Errorf("unit %d canceled after %d: the scan ended with %v after %d batches", unit, after, last, n)
				}
			}
		}
	})
}

// testEarlyStop leaves scans in the middle; nothing must hang or leak.
func testEarlyStop(t *testing.T, f *fixture) {
	g := NewGen(8)
	g.Traces = 500
	for range 10 {
		f.append(g.Batch(tenant, 200))
	}
	f.inAllStates(func(t *testing.T) {
		for _, unit := range []store.Unit{store.UnitSpan, store.UnitTrace} {
			for b, err := range f.engine.Scan(context.Background(), store.Request{Tenant: tenant, Window: store.AllTime(), Unit: unit}) {
				if err != nil || b.Len() == 0 {
					t.Fatal(err)
				}
				break
			}
		}
		all(t, f)
	})
}

// testRandom does random things to an engine and compares it with the oracle after each.
func testRandom(t *testing.T, open Factory) {
	rapid.Check(t, func(rt *rapid.T) {
		f := &fixture{t: t, open: open, opt: Options{Dir: t.TempDir()}, oracle: NewOracle()}
		f.engine = open(t, f.opt)
		defer func() {
			if err := f.engine.Close(); err != nil {
				rt.Fatalf("close: %v", err)
			}
		}()
		g := NewGen(rapid.Uint64().Draw(rt, "seed"))
		g.Traces = rapid.IntRange(1, 40).Draw(rt, "traces")
		var sent []*span.Batch
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			switch rapid.IntRange(0, 9).Draw(rt, "step") {
			case 0:
				f.flush()
			case 1:
				f.reopen()
			case 2:
				g.Now += int64(rapid.IntRange(1, 30).Draw(rt, "hours")) * hour
			case 3:
				f.merge()
			case 4:
				if len(sent) > 0 {
					f.append(sent[rapid.IntRange(0, len(sent)-1).Draw(rt, "again")])
				}
			default:
				b := g.Batch([]string{tenant, "other"}[rapid.IntRange(0, 4).Draw(rt, "tenant")/4], rapid.IntRange(1, 40).Draw(rt, "spans"))
				f.append(b)
				sent = append(sent, b)
			}
			if rapid.IntRange(0, 3).Draw(rt, "check") == 0 {
				randomReads(rt, f)
			}
		}
		checkAll(rt, f.engine, f.oracle)
		randomReads(rt, f)
	})
}

func randomReads(rt *rapid.T, f *fixture) {
	at := func(name string) int64 { return Noon + int64(rapid.IntRange(-3, 50).Draw(rt, name))*second }
	window := store.AllTime()
	if rapid.Bool().Draw(rt, "bounded") {
		window.From = at("from")
		window.To = window.From + int64(rapid.IntRange(0, 20).Draw(rt, "length"))*second
	}
	wheres := []match.Expr{
		{},
		eq(match.ScopeAny, "http.route", span.StringValue("/cart")),
		eq(match.ScopeSpan, "http.response.status_code", span.IntValue(500)),
		eq(match.ScopeSpan, "user.id", span.StringValue("u3")),
		match.AllOf(
			eq(match.ScopeResource, "service.name", span.StringValue("cart")),
			match.Where(match.Cond{Field: match.Of(match.Status), Op: match.Eq, Value: span.IntValue(2)})),
		match.AnyOf(
			match.Where(match.Cond{Field: match.Of(match.Duration), Op: match.Gt, Value: span.IntValue(millisecond)}),
			match.Where(match.Cond{Field: match.Of(match.Name), Op: match.Eq, Value: span.StringValue("SELECT")})),
		match.Where(match.Cond{Field: match.Attr(match.ScopeSpan, "weird"), Op: match.Absent}),
		match.Where(match.Cond{Field: match.Attr(match.ScopeEvent, "user.id"), Op: match.Exists}),
		match.Negate(eq(match.ScopeResource, "service.name", span.StringValue("cart"))),
	}
	r := store.Request{Tenant: tenant, Window: window, Where: wheres[rapid.IntRange(0, len(wheres)-1).Draw(rt, "where")]}
	if rapid.Bool().Draw(rt, "paged") {
		r.After = &store.Position{Start: at("after"), TraceID: traceID(uint64(rapid.IntRange(0, 40).Draw(rt, "id")))}
	}
	checkScan(rt, f.engine, f.oracle, r)
	v := store.ValuesRequest{Tenant: tenant, Window: window, Where: r.Where, Field: match.Attr(match.ScopeAny, "http.route")}
	got, err := f.engine.Values(context.Background(), v)
	if err != nil {
		rt.Fatalf("values: %v", err)
	}
	diff(rt, fmt.Sprintf("values %+v", v), f.oracle.Values(v), got)
}
