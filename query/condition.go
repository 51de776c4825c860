// SPDX-License-Identifier: Apache-2.0

package query

import (
	"slices"

	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/traceql"
)

// This file says conditions of TraceQL in the engine's form: exactly where that is possible, and as a superset always.

var matchOps = map[traceql.Op]match.Op{
	traceql.OpEq:        match.Eq,
	traceql.OpNotEq:     match.Neq,
	traceql.OpLess:      match.Lt,
	traceql.OpLessEq:    match.Le,
	traceql.OpGreater:   match.Gt,
	traceql.OpGreaterEq: match.Ge,
	traceql.OpRegex:     match.Match,
	traceql.OpNotRegex:  match.NotMatch,
}

// flip is the operator that says the same with its sides exchanged.
func flip(op traceql.Op) traceql.Op {
	switch op {
	case traceql.OpLess:
		return traceql.OpGreater
	case traceql.OpLessEq:
		return traceql.OpGreaterEq
	case traceql.OpGreater:
		return traceql.OpLess
	case traceql.OpGreaterEq:
		return traceql.OpLessEq
	}
	return op
}

// fieldAndConstant takes a comparison of a field with a constant apart, the field first.
func fieldAndConstant(e *traceql.Binary) (f *traceql.Field, op traceql.Op, value traceql.Static, ok bool) {
	if f, ok := e.Left.(*traceql.Field); ok {
		value, ok := fold(e.Right)
		return f, e.Op, value, ok
	}
	if f, ok := e.Right.(*traceql.Field); ok {
		value, ok := fold(e.Left)
		return f, flip(e.Op), value, ok
	}
	return nil, 0, traceql.Static{}, false
}

// exact is a comparison as the engine decides it; false where only this package can.
func (a Aliases) exact(e *traceql.Binary) (match.Expr, bool) {
	f, op, value, ok := fieldAndConstant(e)
	if !ok {
		return match.Expr{}, false
	}
	if all, ok := rootTest(f, op, value); ok && all {
		return match.Where(match.Cond{Field: match.Of(match.ParentID), Op: match.Absent}), true
	}
	names := a.names(f.Ref)
	for _, n := range names {
		if n.Intrinsic.OfTrace() {
			return match.Expr{}, false
		}
	}
	if value.IsNil() {
		if op == traceql.OpEq {
			return absent(names), true
		}
		return exists(names), true
	}
	if f.IsAttr() && (value.Type == traceql.TypeStatus || value.Type == traceql.TypeKind) {
		return match.Expr{Kind: match.None}, true // no attribute has such a value
	}
	cond := match.Cond{Op: matchOps[op]}
	if op == traceql.OpRegex || op == traceql.OpNotRegex {
		re, err := match.Anchored(value.Str)
		if err != nil {
			return match.Expr{}, false // refused by traceql.Check
		}
		cond.Regexp = re
	} else if cond.Value, ok = valueOf(value); !ok {
		return match.Expr{}, false
	}
	return onFirst(names, cond), true
}

// isBool is the condition that a field is the given bool.
func (a Aliases) isBool(r traceql.Ref, value bool) match.Expr {
	op := match.Eq
	if !value {
		op = match.Neq
	}
	v, _ := valueOf(traceql.NewBool(true))
	return onFirst(a.names(r), match.Cond{Op: op, Value: v})
}

// onFirst asks the condition of the first of the names that a span has.
func onFirst(names []match.Field, cond match.Cond) match.Expr {
	var any []match.Expr
	for i, n := range names {
		c := cond
		c.Field = n
		any = append(any, match.AllOf(absent(names[:i]), match.Where(c)))
	}
	return match.AnyOf(any...)
}

// absent: none of the names is there.
func absent(names []match.Field) match.Expr {
	var all []match.Expr
	for _, n := range names {
		all = append(all, match.Where(match.Cond{Field: n, Op: match.Absent}))
	}
	return match.AllOf(all...)
}

// exists: any of the names is there.
func exists(names []match.Field) match.Expr {
	var any []match.Expr
	for _, n := range names {
		any = append(any, match.Where(match.Cond{Field: n, Op: match.Exists}))
	}
	return match.AnyOf(any...)
}

// chain is the operands of a run of one logical operator: a, b and c of a || b || c. Runs may be very long.
func chain(e *traceql.Binary) []traceql.Expr {
	var reversed []traceql.Expr
	for {
		reversed = append(reversed, e.Right)
		left, ok := e.Left.(*traceql.Binary)
		if !ok || left.Op != e.Op {
			reversed = append(reversed, e.Left)
			slices.Reverse(reversed)
			return reversed
		}
		e = left
	}
}

// join is the conjunction or the disjunction of conditions. Alternatives for the value of one field become one In.
func join(and bool, parts []match.Expr) match.Expr {
	if and {
		return match.AllOf(parts...)
	}
	return match.AnyOf(alternatives(parts)...)
}

func alternatives(parts []match.Expr) []match.Expr {
	at := map[match.Field]int{} // where the equalities on a field stand in out
	out := make([]match.Expr, 0, len(parts))
	for _, p := range parts {
		if p.Kind != match.One || p.Cond.Op != match.Eq {
			out = append(out, p)
			continue
		}
		i, ok := at[p.Cond.Field]
		if !ok {
			at[p.Cond.Field] = len(out)
			out = append(out, p)
			continue
		}
		c := &out[i].Cond
		if c.Op == match.Eq {
			*c = match.Cond{Field: c.Field, Op: match.In, Values: []span.Value{c.Value}}
		}
		c.Values = append(c.Values, p.Cond.Value)
	}
	return out
}

// superset is a condition that holds for every span for which e is true (or, with negated, for which !e is).
func (a Aliases) superset(e traceql.Expr, negated bool) match.Expr {
	switch e := e.(type) {
	case nil:
		return constant(!negated)
	case *traceql.Literal:
		return constant(e.Value.Type == traceql.TypeBool && e.Value.Bool() != negated)
	case *traceql.Field:
		if e.IsAttr() {
			return a.isBool(e.Ref, !negated)
		}
	case *traceql.Unary:
		if e.Op == traceql.OpNot {
			return a.superset(e.X, !negated)
		}
		return constant(false)
	case *traceql.Binary:
		if e.Op.IsLogical() {
			var parts []match.Expr
			for _, x := range chain(e) {
				parts = append(parts, a.superset(x, negated))
			}
			return join((e.Op == traceql.OpAnd) != negated, parts)
		}
		if e.Op.IsArithmetic() {
			return constant(false)
		}
		return a.comparison(e, negated)
	}
	return constant(true)
}

func (a Aliases) comparison(e *traceql.Binary, negated bool) match.Expr {
	if x, ok := a.exact(e); ok {
		if negated {
			return match.Negate(x)
		}
		return x
	}
	if negated {
		return constant(true)
	}
	if f, op, value, ok := fieldAndConstant(e); ok && onlyRoots(f, op, value) {
		return match.Where(match.Cond{Field: match.Of(match.ParentID), Op: match.Absent})
	}
	// Whatever is compared has to be there, unless with nil.
	all := []match.Expr{}
	for _, side := range [...]traceql.Expr{e.Left, e.Right} {
		if v, ok := fold(side); ok && v.IsNil() {
			return constant(true)
		}
	}
	for _, side := range [...]traceql.Expr{e.Left, e.Right} {
		all = append(all, a.present(side))
	}
	return match.AllOf(all...)
}

// present: the attributes that the value of e is computed from are there.
func (a Aliases) present(e traceql.Expr) match.Expr {
	switch e := e.(type) {
	case *traceql.Field:
		if e.IsAttr() {
			return exists(a.names(e.Ref))
		}
	case *traceql.Unary:
		if e.Op == traceql.OpSub {
			return a.present(e.X)
		}
	case *traceql.Binary:
		if e.Op.IsArithmetic() {
			return match.AllOf(a.present(e.Left), a.present(e.Right))
		}
	}
	return constant(true)
}

// rootTest reports whether a comparison of a field with a constant holds for root spans only, by the nested set, and
// whether it holds for each of them: a root's parent is -1, that of every other span is not negative.
func rootTest(f *traceql.Field, op traceql.Op, value traceql.Static) (all, ok bool) {
	if f.Parent || f.Intrinsic != traceql.IntrinsicNestedSetParent || value.Type != traceql.TypeInt {
		return false, false
	}
	switch op {
	case traceql.OpLess:
		return value.Int == 0, value.Int <= 0
	case traceql.OpLessEq:
		return value.Int == -1, value.Int < 0
	case traceql.OpEq:
		return value.Int == -1, value.Int == -1
	}
	return false, false
}

func onlyRoots(f *traceql.Field, op traceql.Op, value traceql.Static) bool {
	_, ok := rootTest(f, op, value)
	return ok
}

func constant(v bool) match.Expr {
	if v {
		return match.Expr{Kind: match.All}
	}
	return match.Expr{Kind: match.None}
}
