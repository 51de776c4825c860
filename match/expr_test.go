// SPDX-License-Identifier: Apache-2.0

package match_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
)

func cond(f match.Field, op match.Op, v span.Value) match.Expr {
	return match.Where(match.Cond{Field: f, Op: op, Value: v})
}

func TestExprString(t *testing.T) {
	re := anchored(t, "a.*")
	re.Field = match.Of(match.Name)
	notRe := re
	notRe.Op = match.NotMatch
	a := cond(match.Attr(match.ScopeSpan, "http.route"), match.Eq, span.StringValue("/cart"))
	b := cond(match.Of(match.Duration), match.Gt, span.IntValue(5))
	in := match.Where(match.Cond{Field: match.Attr(match.ScopeAny, "x"), Op: match.In, Values: []span.Value{span.IntValue(1), span.BoolValue(true)}})
	for _, c := range []struct {
		e    match.Expr
		want string
	}{
		{match.Expr{}, "true"},
		{match.Expr{Kind: match.None}, "false"},
		{a, `span.http.route = "/cart"`},
		{match.AllOf(a, b), `span.http.route = "/cart" && duration > 5`},
		{match.AnyOf(match.AllOf(a, b), in), `(span.http.route = "/cart" && duration > 5) || .x in (1, true)`},
		{match.Negate(match.AnyOf(a, b)), `!(span.http.route = "/cart" || duration > 5)`},
		{match.Where(re), `name =~ "a.*"`},
		{match.Where(notRe), `name !~ "a.*"`},
		{cond(match.Attr(match.ScopeEvent, "k"), match.Absent, span.Value{}), "event.k = nil"},
		{cond(match.Attr(match.ScopeLink, "k"), match.Exists, span.Value{}), "link.k != nil"},
		{cond(match.Attr(match.ScopeInstrumentation, "k"), match.Neq, span.DoubleValue(2)), "instrumentation.k != 2.0"},
	} {
		if got := c.e.String(); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

// TestNames: every operator, scope and intrinsic has a name of its own.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	take := func(name string) {
		if name == "" || seen[name] {
			t.Errorf("name %q", name)
		}
		seen[name] = true
	}
	for o := match.Exists; o <= match.In; o++ {
		take(o.String())
	}
	for s := match.ScopeSpan; s <= match.ScopeIntrinsic; s++ {
		take(s.String())
	}
	for i := match.Duration; i <= match.NestedSetParent; i++ {
		take(i.String())
		if len(i.String()) > 9 && i.String()[:9] == "intrinsic" {
			t.Errorf("intrinsic %d has no name", i)
		}
		if i.OfTrace() != (i >= match.RootName) {
			t.Errorf("%s: OfTrace is %v", i, i.OfTrace())
		}
	}
	if match.ScopeAny.String() != "" || match.Scope(99).String() != "scope99" || match.Intrinsic(99).String() != "intrinsic99" {
		t.Error("names of what is unknown")
	}
}

func TestSimplify(t *testing.T) {
	all, none := match.Expr{}, match.Expr{Kind: match.None}
	a := cond(match.Of(match.Name), match.Eq, span.StringValue("a"))
	b := cond(match.Of(match.Name), match.Eq, span.StringValue("b"))
	c := cond(match.Of(match.Name), match.Eq, span.StringValue("c"))
	for _, x := range []struct {
		name      string
		got, want match.Expr
	}{
		{"all of nothing", match.AllOf(), all},
		{"any of nothing", match.AnyOf(), none},
		{"all of one", match.AllOf(a), a},
		{"all with true", match.AllOf(all, a, all), a},
		{"all with false", match.AllOf(a, none, b), none},
		{"any with true", match.AnyOf(a, all, b), all},
		{"any with false", match.AnyOf(none, a), a},
		{"flat all", match.AllOf(match.AllOf(a, b), c), match.Expr{Kind: match.And, Kids: []match.Expr{a, b, c}}},
		{"flat any", match.AnyOf(a, match.AnyOf(b, c)), match.Expr{Kind: match.Or, Kids: []match.Expr{a, b, c}}},
		{"mixed", match.AllOf(a, match.AnyOf(b, c)), match.Expr{Kind: match.And, Kids: []match.Expr{a, {Kind: match.Or, Kids: []match.Expr{b, c}}}}},
		{"not true", match.Negate(all), none},
		{"not false", match.Negate(none), all},
		{"not not", match.Negate(match.Negate(a)), a},
	} {
		if diff := cmp.Diff(x.want, x.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", x.name, diff)
		}
	}
	var fields []match.Field
	match.AllOf(a, match.Negate(match.AnyOf(b, cond(match.Attr(match.ScopeAny, "k"), match.Exists, span.Value{})))).Fields(func(f match.Field) { fields = append(fields, f) })
	if diff := cmp.Diff([]match.Field{match.Of(match.Name), match.Of(match.Name), match.Attr(match.ScopeAny, "k")}, fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}
