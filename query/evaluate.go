// SPDX-License-Identifier: Apache-2.0

package query

import (
	"regexp"

	"github.com/clew-tracing/clew/base/bitset"
	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/traceql"
)

// condition decides the rows of a batch. out comes empty, of the batch's length.
type condition interface {
	rows(t *traces, out *bitset.Set)
}

// compiler makes conditions and operands of checked expressions.
type compiler struct{ aliases Aliases }

// condition compiles e, or !e when negated.
func (c compiler) condition(e traceql.Expr, negated bool) condition {
	switch e := e.(type) {
	case nil:
		return matched(constant(!negated))
	case *traceql.Literal:
		return matched(constant(e.Value.Type == traceql.TypeBool && e.Value.Bool() != negated))
	case *traceql.Field:
		if e.IsAttr() {
			return matched(c.aliases.isBool(e.Ref, !negated))
		}
	case *traceql.Unary:
		if e.Op == traceql.OpNot {
			return c.condition(e.X, !negated)
		}
	case *traceql.Binary:
		switch {
		case e.Op.IsLogical():
			return c.logical(e, negated)
		case e.Op.IsComparison():
			return c.comparison(e, negated)
		}
	}
	return matched(constant(false)) // a number, which is neither true nor not true
}

// logical joins a chain of conditions; what the engine's matcher can decide is left to it altogether.
func (c compiler) logical(e *traceql.Binary, negated bool) condition {
	and := (e.Op == traceql.OpAnd) != negated
	var exprs []match.Expr
	var others []condition
	for _, x := range chain(e) {
		switch part := c.condition(x, negated).(type) {
		case *matchCondition:
			exprs = append(exprs, part.expr)
		default:
			others = append(others, part)
		}
	}
	first := matched(join(and, exprs))
	if len(others) == 0 {
		return first
	}
	return &logicalCondition{and: and, parts: append([]condition{first}, others...)}
}

func (c compiler) comparison(e *traceql.Binary, negated bool) condition {
	if x, ok := c.aliases.exact(e); ok {
		if negated {
			x = match.Negate(x)
		}
		return matched(x)
	}
	op, inverted := positive(e.Op)
	cond := &compareCondition{op: op, inverted: inverted, left: c.operand(e.Left), right: c.operand(e.Right), negated: negated}
	if isNilLiteral(e.Left) || isNilLiteral(e.Right) {
		// nil = nil and nil != nil are both false.
		if isNilLiteral(e.Left) && isNilLiteral(e.Right) {
			return matched(constant(negated))
		}
		x := cond.left
		if isNilLiteral(e.Left) {
			x = cond.right
		}
		return &nilCondition{x: x, present: (e.Op == traceql.OpNotEq) != negated}
	}
	if op == traceql.OpRegex {
		pattern, _ := e.Right.(*traceql.Literal)
		if pattern == nil {
			return matched(constant(false)) // refused by traceql.Check
		}
		re, err := match.Anchored(pattern.Value.Str)
		if err != nil {
			return matched(constant(false)) // refused by traceql.Check
		}
		cond.re = re
	}
	return cond
}

func isNilLiteral(e traceql.Expr) bool {
	l, ok := e.(*traceql.Literal)
	return ok && l.Value.IsNil()
}

// operand compiles an expression for its value.
func (c compiler) operand(e traceql.Expr) operand {
	if value, ok := fold(e); ok {
		return &constantOperand{value}
	}
	switch e := e.(type) {
	case *traceql.Field:
		names := c.aliases.names(e.Ref)
		if names[0].Intrinsic.OfTrace() {
			return &traceOperand{intrinsic: names[0].Intrinsic}
		}
		return &fieldOperand{names: names}
	case *traceql.Unary:
		if e.Op == traceql.OpSub {
			return &minusOperand{x: c.operand(e.X)}
		}
	case *traceql.Binary:
		if e.Op.IsArithmetic() {
			return &arithmeticOperand{op: e.Op, left: c.operand(e.Left), right: c.operand(e.Right)}
		}
	default:
		return noOperand{}
	}
	return &conditionOperand{holds: c.condition(e, false), fails: c.condition(e, true)}
}

// matchCondition is decided by the engine's matcher.
type matchCondition struct {
	expr    match.Expr
	matcher *match.Matcher
}

func matched(e match.Expr) *matchCondition { return &matchCondition{expr: e} }

func (c *matchCondition) rows(t *traces, out *bitset.Set) {
	if c.matcher == nil {
		c.matcher = match.Compile(c.expr)
	}
	c.matcher.Match(t.b, out)
}

// logicalCondition is a chain of && or ||.
type logicalCondition struct {
	and     bool
	parts   []condition
	scratch bitset.Set
}

func (c *logicalCondition) rows(t *traces, out *bitset.Set) {
	c.parts[0].rows(t, out)
	for _, part := range c.parts[1:] {
		if c.and && !out.Any() {
			return
		}
		c.scratch.Reset(out.Len())
		part.rows(t, &c.scratch)
		if c.and {
			out.And(&c.scratch)
		} else {
			out.Or(&c.scratch)
		}
	}
}

// nilCondition asks whether an expression has a value.
type nilCondition struct {
	x       operand
	present bool
	scratch valueSet
}

func (c *nilCondition) rows(t *traces, out *bitset.Set) {
	c.x.begin(t)
	for row := range t.b.Len() {
		c.x.read(row, &c.scratch)
		if (len(c.scratch.groups) > 0) == c.present {
			out.Set(row)
		}
	}
}

// compareCondition compares two expressions, row by row.
type compareCondition struct {
	op       traceql.Op // in its positive form
	inverted bool       // != or !~
	negated  bool       // under a !
	left     operand
	right    operand
	re       *regexp.Regexp
	l, r     valueSet
}

func (c *compareCondition) rows(t *traces, out *bitset.Set) {
	c.left.begin(t)
	c.right.begin(t)
	if c.left.ofTrace() && c.right.ofTrace() {
		for i := range t.len() {
			if c.row(t.bounds[i]) {
				out.SetRange(t.bounds[i], t.bounds[i+1])
			}
		}
		return
	}
	for row := range t.b.Len() {
		if c.row(row) {
			out.Set(row)
		}
	}
}

func (c *compareCondition) row(row int) bool {
	c.left.read(row, &c.l)
	c.right.read(row, &c.r)
	for _, l := range c.l.groups {
		for _, r := range c.r.groups {
			if c.groups(l, r) {
				return !c.negated
			}
		}
	}
	return c.negated
}

// groups compares every value of one group with every one of the other.
func (c *compareCondition) groups(l, r group) bool {
	best := alien
	if l.empty && differs(r, c.r.values) || r.empty && differs(l, c.l.values) {
		best = no
	}
	for _, x := range c.l.values[l.lo:l.hi] {
		for _, y := range c.r.values[r.lo:r.hi] {
			best = max(best, compare(c.op, x, y, c.re))
		}
	}
	if c.inverted {
		return best == no
	}
	return best == yes
}

// differs reports whether an array without elements can be compared with a group, which it then differs from. A status
// or a kind is nothing that an attribute is compared with.
func differs(g group, values []traceql.Static) bool {
	for _, v := range values[g.lo:g.hi] {
		if v.Type != traceql.TypeStatus && v.Type != traceql.TypeKind {
			return true
		}
	}
	return g.empty
}
