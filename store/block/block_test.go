// SPDX-License-Identifier: Apache-2.0

package block

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clew-tracing/clew/base/bitset"
	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/span/spantest"
	"github.com/clew-tracing/clew/store"
)

var everything = store.Projection{All: true}

// write returns a block of b's spans in trace order, with small row groups, and the ordered spans.
func write(t testing.TB, b *span.Batch, maxRows int) ([]byte, *span.Batch) {
	t.Helper()
	ordered := &span.Batch{}
	b.CopyOrdered(ordered)
	var file bytes.Buffer
	w, err := NewWriter(&file, WriterOptions{Tenant: "acme", Signal: span.SignalSpans, MinArrival: 5, MaxArrival: 9, MaxRows: maxRows})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append(ordered); err != nil {
		t.Fatal(err)
	}
	m, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if int(m.Bytes) != file.Len() || int(m.Spans) != ordered.Len() {
		t.Fatalf("meta says %d bytes and %d spans, have %d and %d", m.Bytes, m.Spans, file.Len(), ordered.Len())
	}
	return file.Bytes(), ordered
}

func open(t testing.TB, file []byte) *Reader {
	t.Helper()
	r, err := Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// readAll reads all row groups with a projection into one batch.
func readAll(t testing.TB, r *Reader, p store.Projection) *span.Batch {
	t.Helper()
	all := &span.Batch{}
	c := span.NewCopier(all)
	for g := range r.Groups() {
		b := &span.Batch{}
		if err := r.Read(context.Background(), g, p, b, nil); err != nil {
			t.Fatal(err)
		}
		c.From(b)
		for i := range b.Len() {
			c.Row(i)
		}
	}
	return all
}

func TestRoundTrip(t *testing.T) {
	for seed := range uint64(20) {
		n := 1 + int(seed*seed)
		file, want := write(t, spantest.Random(seed, n), 100)
		r := open(t, file)
		got := readAll(t, r, everything)
		if diff := cmp.Diff(span.DumpString(want), span.DumpString(got)); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
		for name, same := range map[string]bool{
			"order":         slices.Equal(want.SpanID, got.SpanID),
			"notes":         slices.Equal(want.Notes, got.Notes),
			"head weights":  slices.Equal(want.HeadWeight, got.HeadWeight),
			"trace weights": slices.Equal(want.TraceWeight, got.TraceWeight),
		} {
			if !same {
				t.Errorf("seed %d: %s changed", seed, name)
			}
		}
		if m := r.Meta(); m.Tenant != "acme" || m.MinArrival != 5 || m.MaxArrival != 9 || r.Rebuilt() != nil {
			t.Errorf("meta = %+v, rebuilt: %v", m, r.Rebuilt())
		}
	}
}

func TestReadTrace(t *testing.T) {
	file, want := write(t, spantest.Random(3, 2000), 300)
	r := open(t, file)
	for lo, hi := range want.Traces() {
		id := want.FullID(lo, hi)
		groups, err := r.Find(id.Key())
		if err != nil || len(groups) == 0 {
			t.Fatalf("trace %s is in groups %v, error %v", id, groups, err)
		}
		got, sub := &span.Batch{}, &span.Batch{}
		c := span.NewCopier(got)
		for _, g := range groups {
			if err := r.ReadTrace(context.Background(), g, id, c, nil); err != nil {
				t.Fatal(err)
			}
		}
		s := span.NewCopier(sub)
		s.From(want)
		for i := lo; i < hi; i++ {
			s.Row(i)
		}
		if diff := cmp.Diff(span.DumpString(sub), span.DumpString(got)); diff != "" {
			t.Fatalf("trace %s (-want +got):\n%s", id, diff)
		}
	}
	misses := 0
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		if r.MayContain(rng.Uint64()) {
			misses++
		}
	}
	if misses > 5 {
		t.Errorf("%d of 10,000 absent traces seem to be there", misses)
	}
}

// TestGiantTrace has one trace over several row groups.
func TestGiantTrace(t *testing.T) {
	b := spantest.Random(5, 1000)
	for i := range b.TraceID {
		b.TraceID[i] = span.TraceIDFrom(1, 2)
	}
	file, want := write(t, b, 128)
	r := open(t, file)
	if groups, err := r.Find(2); err != nil || len(groups) != 8 {
		t.Fatalf("groups %v, error %v", groups, err)
	}
	if diff := cmp.Diff(span.DumpString(want), span.DumpString(readAll(t, r, everything))); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
}

// conditions are some that rows of [spantest.Random] satisfy, and some that none does.
func conditions() []match.Expr {
	attr := func(s match.Scope, key string, op match.Op, v span.Value) match.Expr {
		return match.Where(match.Cond{Field: match.Attr(s, key), Op: op, Value: v})
	}
	of := func(i match.Intrinsic, op match.Op, v span.Value) match.Expr {
		return match.Where(match.Cond{Field: match.Of(i), Op: op, Value: v})
	}
	re, _ := match.Anchored("user-1.*")
	return []match.Expr{
		attr(match.ScopeSpan, "http.status", match.Ge, span.IntValue(500)),
		attr(match.ScopeSpan, "http.status", match.Eq, span.IntValue(1<<40)),
		attr(match.ScopeSpan, "big", match.Lt, span.DoubleValue(-1)),
		attr(match.ScopeSpan, "flag", match.Eq, span.BoolValue(true)),
		attr(match.ScopeAny, "mixed", match.Neq, span.StringValue("GET")),
		attr(match.ScopeEvent, "http.route", match.Eq, span.StringValue("/cart")),
		attr(match.ScopeLink, "user.id", match.Exists, span.Value{}),
		attr(match.ScopeInstrumentation, "flag", match.Exists, span.Value{}),
		attr(match.ScopeResource, "service.name", match.Eq, span.StringValue("service-2")),
		attr(match.ScopeResource, "absent", match.Eq, span.StringValue("x")),
		attr(match.ScopeSpan, "absent", match.Absent, span.Value{}),
		match.Where(match.Cond{Field: match.Attr(match.ScopeSpan, "user.id"), Op: match.Match, Regexp: re}),
		of(match.Duration, match.Gt, span.IntValue(1e9)),
		of(match.Duration, match.Lt, span.IntValue(0)),
		of(match.Status, match.Eq, span.IntValue(2)),
		of(match.Kind, match.Eq, span.IntValue(-5)),
		of(match.Name, match.Eq, span.StringValue("SELECT")),
		of(match.EventName, match.Eq, span.StringValue("exception")),
		of(match.EventTimeSinceStart, match.Lt, span.IntValue(0)),
		of(match.LinkSpanID, match.Exists, span.Value{}),
		of(match.ParentID, match.Absent, span.Value{}),
		match.AllOf(of(match.Status, match.Eq, span.IntValue(1)), attr(match.ScopeSpan, "http.route", match.Exists, span.Value{})),
		match.AnyOf(of(match.StatusMessage, match.Eq, span.StringValue("boom")), of(match.InstrumentationName, match.Eq, span.StringValue("lib"))),
		match.Negate(of(match.Kind, match.Eq, span.IntValue(2))),
	}
}

// TestProjection: a predicate decided on the columns that it needs gives the same rows as on all of them, and no group
// with a matching row is ruled out by its statistics.
func TestProjection(t *testing.T) {
	file, _ := write(t, spantest.Random(11, 3000), 100)
	r := open(t, file)
	skipped := 0
	for _, e := range conditions() {
		var p store.Projection
		e.Fields(func(f match.Field) { p.Fields = append(p.Fields, f) })
		m := match.Compile(e)
		for g := range r.Groups() {
			var whole, part span.Batch
			if err := errors.Join(r.Read(context.Background(), g, everything, &whole, nil), r.Read(context.Background(), g, p, &part, nil)); err != nil {
				t.Fatal(err)
			}
			var want, got bitset.Set
			m.Match(&whole, &want)
			m.Match(&part, &got)
			if !slices.Equal(want.Words(), got.Words()) {
				t.Fatalf("%s: %d rows of the projection match, %d of the whole", e, got.Count(), want.Count())
			}
			if r.Skip(g, e) {
				skipped++
				if want.Any() {
					t.Errorf("%s: group %d is skipped and has %d rows", e, g, want.Count())
				}
			}
		}
	}
	if skipped == 0 {
		t.Error("nothing was ever skipped")
	}
}

// TestFlips: any flipped bit is noticed or harmless, names its place, and costs no other row group.
func TestFlips(t *testing.T) {
	file, want := write(t, spantest.Random(17, 600), 100)
	clean := open(t, file)
	dumps := make([]string, len(clean.Groups()))
	for g := range dumps {
		var b span.Batch
		if err := clean.Read(context.Background(), g, everything, &b, nil); err != nil {
			t.Fatal(err)
		}
		dumps[g] = span.DumpString(&b)
	}
	_ = want
	noticed := 0
	for off := 0; off < len(file); off += 41 {
		bad := bytes.Clone(file)
		bad[off] ^= 1 << (off % 8)
		r, err := Open(bytes.NewReader(bad), int64(len(bad)))
		if err != nil {
			if !errors.Is(err, store.ErrCorrupt) {
				t.Fatalf("flip at %d: %v is not of class ErrCorrupt", off, err)
			}
			noticed++
			continue
		}
		lost := 0
		byOffset := map[int64]string{}
		for g, info := range r.Groups() {
			var b span.Batch
			if err := r.Read(context.Background(), g, everything, &b, nil); err != nil {
				if !errors.Is(err, store.ErrCorrupt) {
					t.Fatalf("flip at %d: %v is not of class ErrCorrupt", off, err)
				}
				continue
			}
			byOffset[info.Offset] = span.DumpString(&b)
		}
		for g, info := range clean.Groups() {
			if got, ok := byOffset[info.Offset]; !ok {
				lost++
			} else if got != dumps[g] {
				t.Fatalf("flip at %d changed row group %d and nobody noticed", off, g)
			}
		}
		if lost > 1 && r.Rebuilt() == nil {
			t.Errorf("flip at %d cost %d row groups", off, lost)
		}
		if lost > 0 || r.Rebuilt() != nil {
			noticed++
		}
		if id := (span.TraceIDFrom(9, 9)); r.MayContain(id.Key()) && lost == 0 && r.Rebuilt() == nil {
			continue // a false positive is allowed
		}
	}
	if noticed < len(file)/41/2 {
		t.Errorf("only %d of %d flips were noticed", noticed, len(file)/41)
	}
}

// TestDamagedFooter: everything is found again by walking over the row groups.
func TestDamagedFooter(t *testing.T) {
	file, want := write(t, spantest.Random(23, 900), 100)
	for _, cut := range []int{1, 30, 200} {
		r := open(t, file[:len(file)-cut])
		if r.Rebuilt() == nil {
			t.Fatalf("cut by %d: footer is not rebuilt", cut)
		}
		if diff := cmp.Diff(span.DumpString(want), span.DumpString(readAll(t, r, everything))); diff != "" {
			t.Fatalf("cut by %d (-want +got):\n%s", cut, diff)
		}
		if groups, err := r.Find(want.TraceID[0].Key()); err != nil || len(groups) == 0 {
			t.Errorf("cut by %d: trace is in groups %v, error %v", cut, groups, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	file, _ := write(t, spantest.Random(29, 100), 100)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var b span.Batch
	if err := open(t, file).Read(ctx, 0, everything, &b, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
}

func BenchmarkWrite(b *testing.B) {
	in := &span.Batch{}
	spantest.Random(1, 32<<10).CopyOrdered(in)
	b.ReportAllocs()
	for b.Loop() {
		var file bytes.Buffer
		w, err := NewWriter(&file, WriterOptions{Signal: span.SignalSpans})
		if err != nil {
			b.Fatal(err)
		}
		if err := w.Append(in); err != nil {
			b.Fatal(err)
		}
		if _, err := w.Finish(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*in.Len()), "ns/span")
}

// BenchmarkReadTrace reads single traces out of full row groups.
func BenchmarkReadTrace(b *testing.B) {
	file, in := write(b, spantest.Random(1, 64<<10), 0)
	r := open(b, file)
	var ids []span.TraceID
	for lo, hi := range in.Traces() {
		ids = append(ids, in.FullID(lo, hi))
	}
	var out span.Batch
	c := span.NewCopier(&out)
	n := 0
	for b.Loop() {
		out.Reset()
		c.Reset(&out)
		id := ids[n*7919%len(ids)]
		n++
		groups, err := r.Find(id.Key())
		if err != nil || len(groups) == 0 {
			b.Fatal(groups, err)
		}
		for _, g := range groups {
			if err := r.ReadTrace(context.Background(), g, id, c, nil); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkRead(b *testing.B) {
	file, in := write(b, spantest.Random(1, 32<<10), 0)
	r := open(b, file)
	for _, c := range []struct {
		name string
		p    store.Projection
	}{
		{"all", everything},
		{"name", store.Projection{Fields: []match.Field{match.Of(match.Name)}}},
		{"attribute", store.Projection{Fields: []match.Field{match.Attr(match.ScopeSpan, "http.route")}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var dst span.Batch
			for b.Loop() {
				dst.Reset()
				if err := r.Read(context.Background(), 0, c.p, &dst, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*in.Len()), "ns/span")
		})
	}
}
