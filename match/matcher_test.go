// SPDX-License-Identifier: Apache-2.0

package match_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/clew-tracing/clew/base/bitset"
	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/span/spantest"
)

// values returns what a span has in a field, a group for each scope: the oracle's view of a row.
func values(b *span.Batch, i int, f match.Field) (groups [][]span.Value) {
	attrs := func(a *span.Attrs, owners ...int) {
		var vals []span.Value
		for _, o := range owners {
			for k, hi := a.Range(o); k < hi; k++ {
				if b.Strings.String(a.Key[k]) == f.Key {
					vals = append(vals, b.Value(a, k))
				}
			}
		}
		groups = append(groups, vals)
	}
	rows := func(lo, hi int) (out []int) {
		for ; lo < hi; lo++ {
			out = append(out, lo)
		}
		return out
	}
	events, links := rows(b.Events.Range(i)), rows(b.Links.Range(i))
	for s := match.ScopeSpan; s <= match.ScopeInstrumentation; s++ {
		if f.Scope != match.ScopeAny && f.Scope != s {
			continue
		}
		switch s {
		case match.ScopeSpan:
			attrs(&b.Attrs, i)
		case match.ScopeEvent:
			attrs(&b.Events.Attrs, events...)
		case match.ScopeLink:
			attrs(&b.Links.Attrs, links...)
		case match.ScopeResource:
			attrs(&b.Resources.Attrs, int(b.Resource[i]))
		case match.ScopeInstrumentation:
			attrs(&b.Scopes.Attrs, int(b.Scope[i]))
		}
	}
	if f.Scope != match.ScopeIntrinsic {
		return groups
	}
	str := func(c span.Code) span.Value { return span.StringValue(b.Strings.String(c)) }
	var vals []span.Value
	switch f.Intrinsic {
	case match.Duration:
		vals = append(vals, span.IntValue(max(0, b.Duration[i])))
	case match.Start:
		vals = append(vals, span.IntValue(b.Start[i]))
	case match.Name:
		vals = append(vals, str(b.Name[i]))
	case match.Status:
		vals = append(vals, span.IntValue(int64(b.Status[i])))
	case match.StatusMessage:
		vals = append(vals, str(b.StatusMessage[i]))
	case match.Kind:
		vals = append(vals, span.IntValue(int64(b.Kind[i])))
	case match.SpanID:
		vals = append(vals, span.StringValue(b.SpanID[i].String()))
	case match.ParentID:
		if !b.ParentID[i].IsZero() {
			vals = append(vals, span.StringValue(b.ParentID[i].String()))
		}
	case match.TraceID:
		vals = append(vals, span.StringValue(b.TraceID[i].String()))
	case match.InstrumentationName:
		vals = append(vals, str(b.Scopes.Name[b.Scope[i]]))
	case match.InstrumentationVersion:
		vals = append(vals, str(b.Scopes.Version[b.Scope[i]]))
	case match.EventName:
		for _, e := range events {
			vals = append(vals, str(b.Events.Name[e]))
		}
	case match.EventTimeSinceStart:
		for _, e := range events {
			vals = append(vals, span.IntValue(b.Events.Time[e]-b.Start[i]))
		}
	case match.LinkTraceID:
		for _, l := range links {
			vals = append(vals, span.StringValue(b.Links.TraceID[l].String()))
		}
	case match.LinkSpanID:
		for _, l := range links {
			vals = append(vals, span.StringValue(b.Links.SpanID[l].String()))
		}
	}
	return [][]span.Value{vals}
}

// matches decides an expression on one row, by the package comment's words.
func matches(e match.Expr, b *span.Batch, i int) bool {
	switch e.Kind {
	case match.All:
		return true
	case match.None:
		return false
	case match.And:
		return !slices.ContainsFunc(e.Kids, func(k match.Expr) bool { return !matches(k, b, i) })
	case match.Or:
		return slices.ContainsFunc(e.Kids, func(k match.Expr) bool { return matches(k, b, i) })
	case match.Not:
		return !matches(e.Kids[0], b, i)
	}
	c := e.Cond
	if c.Field.Intrinsic.OfTrace() {
		return true // a span alone cannot decide
	}
	groups := values(b, i, c.Field)
	if c.Op == match.Absent {
		return !slices.ContainsFunc(groups, func(g []span.Value) bool { return len(g) > 0 })
	}
	positive := c
	switch c.Op {
	case match.Neq:
		positive.Op = match.Eq
	case match.NotMatch:
		positive.Op = match.Match
	}
	return slices.ContainsFunc(groups, func(g []span.Value) bool {
		some := slices.ContainsFunc(g, func(v span.Value) bool { return match.Decide(&c, v) })
		equal := slices.ContainsFunc(g, func(v span.Value) bool { return match.Decide(&positive, v) })
		return some && (positive.Op == c.Op || !equal)
	})
}

func drawField(t *rapid.T) match.Field {
	if rapid.Bool().Draw(t, "intrinsic") {
		return match.Of(match.Intrinsic(rapid.IntRange(int(match.Duration), int(match.NestedSetParent)).Draw(t, "which")))
	}
	keys := []string{"http.route", "http.status", "user.id", "flag", "big", "mixed", "", "service.name", "host.cpus", "absent"}
	return match.Attr(match.Scope(rapid.IntRange(0, int(match.ScopeInstrumentation)).Draw(t, "scope")), rapid.SampledFrom(keys).Draw(t, "key"))
}

// drawOperand is often a value that some span has.
func drawOperand(t *rapid.T, b *span.Batch, f match.Field) span.Value {
	if rapid.IntRange(0, 3).Draw(t, "of a span") > 0 {
		for _, g := range values(b, rapid.IntRange(0, b.Len()-1).Draw(t, "row"), f) {
			if len(g) > 0 {
				return rapid.SampledFrom(g).Draw(t, "value")
			}
		}
	}
	return rapid.SampledFrom([]span.Value{span.StringValue("/cart"), span.StringValue(""), span.IntValue(2), span.IntValue(300), span.DoubleValue(0.5),
		span.DoubleValue(2), span.BoolValue(true), span.BoolValue(false), {}, span.StringValue("user-5")}).Draw(t, "constant")
}

func drawExpr(t *rapid.T, b *span.Batch, depth int) match.Expr {
	kind := rapid.IntRange(0, 9).Draw(t, "kind")
	if depth > 2 {
		kind = 9
	}
	switch kind {
	case 0:
		return match.Expr{Kind: match.ExprKind(rapid.IntRange(int(match.All), int(match.None)).Draw(t, "constant"))}
	case 1, 2, 3:
		var kids []match.Expr
		for range rapid.IntRange(2, 3).Draw(t, "kids") {
			kids = append(kids, drawExpr(t, b, depth+1))
		}
		if kind == 1 {
			return match.AnyOf(kids...)
		}
		return match.AllOf(kids...)
	case 4:
		x := drawExpr(t, b, depth+1)
		negatable := true
		x.Fields(func(f match.Field) { negatable = negatable && !f.Intrinsic.OfTrace() })
		if negatable {
			return match.Negate(x)
		}
		return x
	}
	c := match.Cond{Field: drawField(t), Op: match.Op(rapid.IntRange(0, int(match.In)).Draw(t, "op"))}
	switch c.Op {
	case match.Match, match.NotMatch:
		c.Regexp = anchored(t, rapid.SampledFrom([]string{".*", "/c.*", "user-1.*", "GET", "", "[0-9a-f]*", "boom|timeout"}).Draw(t, "regexp")).Regexp
	case match.In:
		for range rapid.IntRange(0, 3).Draw(t, "values") {
			c.Values = append(c.Values, drawOperand(t, b, c.Field))
		}
	default:
		c.Value = drawOperand(t, b, c.Field)
	}
	return match.Where(c)
}

// TestMatch holds the matcher against the oracle, row by row, one matcher over several batches.
func TestMatch(t *testing.T) {
	batches := []*span.Batch{spantest.Random(1, 90), spantest.Random(2, 30), spantest.Random(3, 130)}
	hits, total := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		e := drawExpr(t, rapid.SampledFrom(batches).Draw(t, "batch"), 0)
		m := match.Compile(e)
		var out bitset.Set
		for n, b := range batches {
			m.Match(b, &out)
			if out.Len() != b.Len() {
				t.Fatalf("%d rows decided of %d", out.Len(), b.Len())
			}
			for i := range b.Len() {
				total++
				want := matches(e, b, i)
				if want {
					hits++
				}
				if out.Test(i) != want {
					t.Fatalf("%s: batch %d, row %d: %v, want %v\n%s", e, n, i, out.Test(i), want, span.AppendSpanText(nil, b, i))
				}
			}
		}
	})
	if hits < total/50 || hits > total-total/50 {
		t.Errorf("%d of %d rows match: the property says little", hits, total)
	}
}

// TestMatchEmpty: a batch of nothing, and spans with nothing.
func TestMatchEmpty(t *testing.T) {
	bare := &span.Batch{}
	for range 3 {
		bare.AddSpan()
		bare.EndSpan()
	}
	for i := match.Duration; i <= match.NestedSetParent; i++ {
		for o := match.Exists; o <= match.Ge; o++ {
			m := match.Compile(cond(match.Of(i), o, span.IntValue(0)))
			var out bitset.Set
			m.Match(&span.Batch{}, &out)
			if out.Len() != 0 {
				t.Errorf("%v %v: %d rows", i, o, out.Len())
			}
			m.Match(bare, &out)
			if n := out.Count(); n != 0 && n != 3 {
				t.Errorf("%v %v: %d of three equal rows", i, o, n)
			}
		}
	}
}

// warm are expressions of every way through the matcher.
func warm(t testing.TB) map[string]match.Expr {
	re := anchored(t, "/c.*")
	re.Field = match.Attr(match.ScopeAny, "http.route")
	any := match.Attr(match.ScopeAny, "mixed")
	return map[string]match.Expr{
		"name":       cond(match.Of(match.Name), match.Eq, span.StringValue("SELECT")),
		"duration":   cond(match.Of(match.Duration), match.Gt, span.IntValue(1e6)),
		"status":     cond(match.Of(match.Status), match.Eq, span.IntValue(2)),
		"service":    cond(match.Attr(match.ScopeResource, "service.name"), match.Eq, span.StringValue("service-2")),
		"attribute":  cond(match.Attr(match.ScopeSpan, "http.route"), match.Eq, span.StringValue("/cart")),
		"absent key": cond(match.Attr(match.ScopeSpan, "no such key"), match.Eq, span.StringValue("/cart")),
		"unscoped":   cond(any, match.Neq, span.IntValue(2)),
		"regexp":     match.Where(re),
		"span id":    cond(match.Of(match.SpanID), match.Eq, span.StringValue("00f067aa0ba902b7")),
		"and or not": match.AllOf(cond(any, match.Exists, span.Value{}), match.Negate(match.AnyOf(cond(any, match.Absent, span.Value{}), cond(match.Of(match.EventName), match.Neq, span.StringValue("exception"))))),
	}
}

// TestMatchAllocs: a matcher that is warm allocates nothing, whatever it decides.
func TestMatchAllocs(t *testing.T) {
	b := spantest.Random(7, 2000)
	for name, e := range warm(t) {
		m := match.Compile(e)
		var out bitset.Set
		m.Match(b, &out)
		if n := testing.AllocsPerRun(5, func() { m.Match(b, &out) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	batch := spantest.Random(7, 32<<10)
	for name, e := range warm(b) {
		b.Run(name, func(b *testing.B) {
			m := match.Compile(e)
			var out bitset.Set
			for b.Loop() {
				m.Match(batch, &out)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch.Len()), "ns/span")
		})
	}
}
