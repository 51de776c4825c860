// SPDX-License-Identifier: Apache-2.0

package traceql

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"

	"github.com/clew-tracing/clew/match"
)

// maxCompareTopN is how many values of an attribute compare() can be asked for.
const maxCompareTopN = 1000

// Check says what is wrong with a query that Parse read without error: types
// that do not match, arguments out of range, and (with ClassUnsupported) what
// the language has and nobody executes. The errors stand in the order of the
// text.
func Check(q *Query) Errors {
	c := checker{}
	c.pipeline(q.Pipeline)
	c.errs.sort()
	return c.errs
}

type checker struct{ errs Errors }

func (c *checker) fail(n Node, message, hint string) { c.failAt(n.Pos(), ClassCheck, message, hint) }

func (c *checker) unsupported(n Node, message, hint string) {
	c.failAt(n.Pos(), ClassUnsupported, message, hint)
}

func (c *checker) failAt(r Range, class Class, message, hint string) {
	c.errs.add(Error{From: r.From, To: r.To, Class: class, Message: message, Hint: hint})
}

func (c *checker) pipeline(p *Pipeline) {
	compared := false
	for _, s := range p.Stages {
		if compared {
			c.fail(s, "nothing can follow compare()", "compare() gives no plain series")
		}
		c.stage(s)
		if _, ok := s.(*Compare); ok {
			compared = true
		}
	}
}

func (c *checker) stage(s Stage) {
	switch s := s.(type) {
	case *Spanset:
		c.spanset(s)
	case *SpansetOp:
		c.stage(s.Left)
		c.stage(s.Right)
	case *Pipeline:
		c.pipeline(s)
	case *ScalarFilter:
		c.scalarFilter(s)
	case *Scalar:
		c.scalar(s.X)
	case *By:
		c.typeOf(s.Key)
		if !readsSpan(s.Key) {
			c.fail(s.Key, "by() needs a field of the span", "for example by(resource.service.name)")
		}
	case *Select:
		for _, f := range s.Fields {
			c.typeOf(f)
		}
	case *Metrics:
		c.metrics(s)
	case *Compare:
		c.compare(s)
	case *TopK:
		if s.N.Value.Int <= 0 {
			c.fail(s.N, "the number of series must be greater than 0", "")
		}
	case *Math:
		c.mathOperand(s.Left)
		c.mathOperand(s.Right)
	}
}

func (c *checker) spanset(s *Spanset) {
	if s.Filter == nil {
		return
	}
	if t := c.typeOf(s.Filter); t != TypeBool && t != TypeAny {
		c.fail(s.Filter, fmt.Sprintf("{ } needs a condition, and this is %s", t.article()), "compare it: = != < <= > >= =~ !~")
	}
}

func (c *checker) metrics(m *Metrics) {
	if m.Arg != nil {
		if t := c.typeOf(m.Arg); t != TypeAny && !t.Numeric() {
			c.fail(m.Arg, fmt.Sprintf("%s() needs a number, and %s is %s", m.Func, m.Arg.Ref, t.article()), "")
		}
	}
	for _, q := range m.Quantiles {
		if v := q.Value.AsFloat(); v < 0 || v > 1 {
			c.fail(q, "a quantile lies between 0 and 1", "write 0.99 for the 99th percentile")
		}
	}
	for _, f := range m.By {
		c.typeOf(f)
	}
}

func (c *checker) compare(s *Compare) {
	c.spanset(s.Selection)
	if s.TopN != nil && (s.TopN.Value.Int < 1 || s.TopN.Value.Int > maxCompareTopN) {
		c.fail(s.TopN, fmt.Sprintf("the number of values lies between 1 and %d", maxCompareTopN), "")
	}
	if s.Start != nil && s.End != nil && s.End.Value.Int <= s.Start.Value.Int {
		c.fail(s.End, "the window ends before it starts", "start and end are unix ns")
	}
}

func (c *checker) mathOperand(e Expr) {
	switch e := e.(type) {
	case *Pipeline:
		c.pipeline(e)
		Walk(e, func(n Node) bool {
			if cmp, ok := n.(*Compare); ok {
				c.fail(cmp, "compare() cannot be computed with", "")
			}
			return true
		})
	case *Math:
		c.stage(e)
	default:
		c.typeOf(e)
	}
}

// scalarFilter checks a comparison of aggregates and constants.
func (c *checker) scalarFilter(s *ScalarFilter) {
	c.scalar(s.Left)
	c.scalar(s.Right)
	left, right := hasAggregate(s.Left), hasAggregate(s.Right)
	switch {
	case left && right:
		c.unsupported(s, "two aggregates cannot be compared with each other yet", "compare an aggregate with a number")
	case left:
		c.plainAggregate(s.Left)
	case right:
		c.plainAggregate(s.Right)
	}
}

func (c *checker) plainAggregate(e Expr) {
	switch e.(type) {
	case *Aggregate:
	case *Pipeline:
		c.unsupported(e, "a pipeline in parentheses cannot be compared with a number yet", "write the comparison inside: { } | count() > 2")
	default:
		c.unsupported(e, "arithmetic with aggregates is not supported yet", "compare one aggregate with a number")
	}
}

func (c *checker) scalar(e Expr) Type {
	switch e := e.(type) {
	case *Aggregate:
		return c.aggregate(e)
	case *Pipeline:
		c.pipeline(e)
		return TypeAny
	case *Unary:
		return c.scalar(e.X)
	case *Binary:
		left, right := c.scalar(e.Left), c.scalar(e.Right)
		c.division(e, left)
		return arithmeticType(left, right)
	case *Literal:
		return e.Value.Type
	}
	return TypeAny
}

func (c *checker) aggregate(a *Aggregate) Type {
	if a.Func == AggregateCount {
		return TypeInt
	}
	t := c.typeOf(a.Arg)
	if t != TypeAny && !t.Numeric() {
		c.fail(a.Arg, fmt.Sprintf("%s() needs a number, and this is %s", a.Func, t.article()), "")
	}
	if !readsSpan(a.Arg) {
		c.fail(a.Arg, a.Func.String()+"() needs a field of the span", "for example "+a.Func.String()+"(duration)")
	}
	return t
}

// readsSpan reports whether the expression has a field in it.
func readsSpan(e Expr) bool {
	found := false
	Walk(e, func(n Node) bool {
		switch n.(type) {
		case *Field, *Bad:
			found = true
		}
		return !found
	})
	return found
}

// typeOf checks an expression over one span and gives its type.
func (c *checker) typeOf(e Expr) Type {
	switch e := e.(type) {
	case *Literal:
		return e.Value.Type
	case *Field:
		if e.Parent || e.Intrinsic == IntrinsicParent {
			c.unsupported(e, "fields of the parent span are not supported yet", "say it with a structural operator: { .a = 1 } > { }")
		}
		return e.Type()
	case *Unary:
		return c.unary(e)
	case *Binary:
		return c.binary(e)
	}
	return TypeAny
}

func (c *checker) unary(e *Unary) Type {
	t := c.typeOf(e.X)
	switch {
	case t == TypeAny:
		if e.Op == OpNot {
			return TypeBool
		}
	case e.Op == OpNot && t != TypeBool:
		c.fail(e.X, fmt.Sprintf("! needs a condition, and this is %s", t.article()), "! binds tighter than = and <: negate a whole condition as !(a = b)")
		return TypeAny
	case e.Op == OpSub && !t.Numeric():
		c.fail(e.X, fmt.Sprintf("- needs a number, and this is %s", t.article()), "")
		return TypeAny
	}
	return t
}

func (c *checker) binary(e *Binary) Type {
	left, right := c.typeOf(e.Left), c.typeOf(e.Right)
	switch {
	case e.Op.IsLogical():
		for _, side := range [...]struct {
			t Type
			x Expr
		}{{left, e.Left}, {right, e.Right}} {
			if side.t != TypeBool && side.t != TypeAny {
				c.fail(side.x, fmt.Sprintf("%s joins conditions, and this is %s", e.Op, side.t.article()), "compare it: = != < <= > >= =~ !~")
			}
		}
		return TypeBool
	case e.Op.IsArithmetic():
		for _, side := range [...]struct {
			t Type
			x Expr
		}{{left, e.Left}, {right, e.Right}} {
			if !side.t.Numeric() && side.t != TypeAny {
				c.fail(side.x, fmt.Sprintf("%s computes with numbers, and this is %s", e.Op, side.t.article()), "")
				return TypeAny
			}
		}
		c.division(e, left)
		return arithmeticType(left, right)
	}
	c.comparison(e, left, right)
	return TypeBool
}

func (c *checker) comparison(e *Binary, left, right Type) {
	if isNil(e.Left) || isNil(e.Right) {
		c.nilComparison(e)
		return
	}
	if e.Op == OpRegex || e.Op == OpNotRegex {
		c.regex(e, left)
		return
	}
	same := left == right || left == TypeAny || right == TypeAny || left.Numeric() && right.Numeric()
	if !same {
		hint := ""
		switch {
		case left == TypeStatus || right == TypeStatus:
			hint = "the values of status are ok, error and unset, without quotes"
		case left == TypeKind || right == TypeKind:
			hint = "the values of kind are server, client, producer, consumer, internal and unspecified, without quotes"
		case left == TypeDuration || right == TypeDuration:
			hint = "a duration is written without quotes: 100ms, 1.5s, 1h30m"
		}
		c.fail(e, fmt.Sprintf("%s and %s cannot be compared", left.article(), right.article()), hint)
		return
	}
	for _, t := range [...]Type{left, right} {
		if (t == TypeStatus || t == TypeKind || t == TypeBool) && e.Op != OpEq && e.Op != OpNotEq {
			c.failAt(e.OpPos, ClassCheck, fmt.Sprintf("a %s has no order", t), "use = or !=")
			return
		}
	}
}

func (c *checker) nilComparison(e *Binary) {
	if e.Op != OpEq && e.Op != OpNotEq {
		c.failAt(e.OpPos, ClassCheck, "nil has no order", "use = nil for absent, != nil for present")
		return
	}
	if e.Op == OpNotEq {
		return
	}
	for _, side := range [...]Expr{e.Left, e.Right} {
		f, ok := side.(*Field)
		if !ok {
			continue
		}
		if !f.IsAttr() || f.Ref == AttrRef(ScopeResource, "service.name") {
			c.fail(e, f.Ref.String()+" is always there and never nil", "")
		}
	}
}

func (c *checker) regex(e *Binary, left Type) {
	if left != TypeString && left != TypeAny {
		c.fail(e.Left, fmt.Sprintf("%s matches strings, and this is %s", e.Op, left.article()), "")
	}
	lit, ok := e.Right.(*Literal)
	if !ok || lit.Value.Type != TypeString {
		c.fail(e.Right, "the right side of "+e.Op.String()+" must be a string", `for example =~ "5.."`)
		return
	}
	// Compiled alone first: anchoring must not make sense of what has none,
	// such as an unmatched ).
	if _, err := regexp.Compile(lit.Value.Str); err != nil {
		c.fail(lit, "bad regular expression: "+regexReason(err), "the syntax is RE2, https://github.com/google/re2/wiki/Syntax")
		return
	}
	if _, err := match.Anchored(lit.Value.Str); err != nil {
		c.fail(lit, "bad regular expression: "+regexReason(err), "")
	}
}

func isNil(e Expr) bool {
	lit, ok := e.(*Literal)
	return ok && lit.Value.IsNil()
}

// division refuses an int divided by the constant zero, which has no value.
func (c *checker) division(e *Binary, left Type) {
	if e.Op != OpDiv && e.Op != OpMod {
		return
	}
	if lit, ok := e.Right.(*Literal); ok && lit.Value == NewInt(0) && left == TypeInt {
		c.fail(e, "division by zero", "")
	}
}

// arithmeticType is the type of what + - * / % ^ give.
func arithmeticType(left, right Type) Type {
	switch {
	case left == TypeAny || right == TypeAny:
		return TypeAny
	case left == TypeFloat || right == TypeFloat:
		return TypeFloat
	case left == TypeDuration || right == TypeDuration:
		return TypeDuration
	}
	return TypeInt
}

// regexReason is what package regexp found, without its own prefix.
func regexReason(err error) string {
	if syntaxErr, ok := errors.AsType[*syntax.Error](err); ok {
		return fmt.Sprintf("%s: %q", syntaxErr.Code, syntaxErr.Expr)
	}
	return err.Error()
}
