// SPDX-License-Identifier: Apache-2.0

package traceql

import "slices"

// item is what stands between two bars of a pipeline while it is put together:
// exactly one of its fields is set, or none when it could not be read.
type item struct {
	Range
	// spans makes spansets: *Spanset, *SpansetOp or *Pipeline in parentheses.
	spans Stage
	// scalar is a number for each spanset, in the end or not: constants,
	// aggregates, and a *Pipeline in parentheses that ends in one.
	scalar Expr
	// stage is a step that can stand only between bars: a scalar filter, by(),
	// select(), coalesce().
	stage Stage
	// series makes time series: a metrics function, topk, math, each perhaps
	// followed by filters.
	series []Stage

	parens bool
}

func (i item) bad() bool {
	return i.spans == nil && i.scalar == nil && i.stage == nil && i.series == nil
}

// isSeriesExpr reports whether the item can be an operand of metrics math: a
// metrics query in parentheses, or math itself.
func (i item) isSeriesExpr() bool {
	if len(i.series) != 1 {
		return false
	}
	switch i.series[0].(type) {
	case *Pipeline, *Math:
		return true
	}
	return false
}

// pipeline reads items between bars. In parentheses it may end in a bare
// aggregate, which outside makes no sense.
func (p *parser) pipeline(parens bool) *Pipeline {
	first := p.item(0)
	items := []item{first}
	for p.at(tokPipe) {
		p.advance()
		items = append(items, p.item(0))
	}
	return p.assemble(items, parens)
}

// assemble makes the pipeline of the items, and says which of them stand where
// they cannot.
func (p *parser) assemble(items []item, parens bool) *Pipeline {
	out := &Pipeline{Range: items[0].Range.join(items[len(items)-1].Range)}
	series := false
	for n, it := range items {
		first, last := n == 0, n == len(items)-1
		switch {
		case it.bad():
		case it.spans != nil:
			if series {
				p.fail(it.Range, "a spanset cannot follow a metrics function", "what follows makes series: topk(), bottomk() or a comparison")
				continue
			}
			out.Stages = append(out.Stages, it.spans)
		case it.stage != nil:
			if _, ok := it.stage.(*Coalesce); ok && first {
				p.fail(it.Range, "coalesce() has nothing before it", "it merges what by() has split: { } | by(name) | coalesce()")
			}
			if series {
				p.fail(it.Range, "this stage cannot follow a metrics function", "what follows makes series: topk(), bottomk() or a comparison")
				continue
			}
			out.Stages = append(out.Stages, it.stage)
		case it.series != nil:
			series = p.seriesItem(it, first, series)
			out.Stages = append(out.Stages, it.series...)
		case parens && last && !series:
			out.Stages = append(out.Stages, &Scalar{it.Range, it.scalar})
		default:
			p.bareScalar(it)
		}
	}
	return out
}

// seriesItem checks the place of an item that makes series.
func (p *parser) seriesItem(it item, first, series bool) bool {
	switch it.series[0].(type) {
	case *TopK:
		if !series {
			p.fail(it.Range, "topk() and bottomk() take series", "put a metrics function before it: { } | rate() by(name) | topk(10)")
		}
	case *Metrics, *Compare:
		if series {
			p.fail(it.Range, "a second metrics function", "compute with two of them as ({ } | rate()) / ({ } | count_over_time())")
		}
		if first {
			p.fail(it.Range, "a metrics function needs spans", "put a spanset before it: { } | rate()")
		}
	default:
		if !first {
			p.fail(it.Range, "a metrics query in parentheses cannot follow |", "")
		}
	}
	return true
}

// bareScalar says what is missing to a number that stands alone.
func (p *parser) bareScalar(it item) {
	if !hasAggregate(it.scalar) {
		p.fail(it.Range, "a value is not a query", "conditions stand in braces: { true }")
		return
	}
	p.fail(it.Range, "an aggregate needs a comparison", "for example count() > 2")
}

// hasAggregate reports whether the scalar depends on a spanset.
func hasAggregate(e Expr) bool {
	found := false
	Walk(e, func(n Node) bool {
		switch n.(type) {
		case *Aggregate, *Pipeline:
			found = true
		}
		return !found
	})
	return found
}

// item reads operands joined by operators that bind at least as strongly as
// power.
func (p *parser) item(power int) item {
	if !p.enter() {
		return item{Range: p.tok().pos()}
	}
	defer p.leave()
	left := p.itemOperand()
	for {
		t := p.tok()
		p.expectItemOperator(left)
		if t.kind != tokOp || t.op.power() == 0 || t.op.power() < power {
			return left
		}
		p.advance()
		if left.spans != nil {
			p.expectSpanset()
		}
		right := p.item(t.op.rightPower())
		left = p.combine(t, left, right)
	}
}

// combine joins two items by an operator, or says why that cannot be.
func (p *parser) combine(t token, left, right item) item {
	r := left.Range.join(right.Range)
	out := item{Range: r}
	if left.bad() || right.bad() {
		return out // said already
	}
	op := t.op
	switch {
	case left.spans != nil && right.spans != nil:
		if op.IsLogical() || op.IsStructural() {
			out.spans = &SpansetOp{r, op, t.pos(), left.spans, right.spans}
			return out
		}
		p.fail(t.pos(), op.String()+" does not join spansets", "between spansets stand && || > >> < << ~ and their forms with ! and &")
	case left.series != nil && op.IsComparison():
		p.compareSeries(&out, t, left, right)
	case op.IsArithmetic() && (left.series != nil || right.series != nil):
		p.computeSeries(&out, t, left, right)
	case left.scalar != nil && right.scalar != nil:
		p.combineScalars(&out, t, left, right)
	case op.IsLogical() || op.IsStructural() && (left.stage != nil || right.stage != nil):
		side := left
		if side.spans != nil {
			side = right
		}
		p.fail(side.Range, op.String()+" joins spansets, and this is none", "put a pipeline in parentheses: ({ } | count() > 3) && { }")
	case left.spans != nil || right.spans != nil:
		p.fail(t.pos(), op.String()+" needs a spanset on both sides", "compare how many spans there are with { } | count() "+op.String()+" 10")
	default:
		p.fail(t.pos(), op.String()+" cannot stand between these", "")
	}
	return out
}

func (p *parser) combineScalars(out *item, t token, left, right item) {
	switch op := t.op; {
	case op.IsArithmetic():
		out.scalar = &Binary{out.Range, op, t.pos(), left.scalar, right.scalar}
	case op == OpRegex || op == OpNotRegex || !op.IsComparison():
		p.fail(t.pos(), op.String()+" does not compare numbers", "use = != < <= > or >=")
	case !hasAggregate(left.scalar) && !hasAggregate(right.scalar):
		p.fail(out.Range, "this compares two constants", "compare an aggregate, such as count() > 2; conditions on spans stand in braces")
	default:
		out.stage = &ScalarFilter{out.Range, op, t.pos(), left.scalar, right.scalar}
	}
}

// compareSeries makes the filter on series: its right side is a number, with a
// sign or not.
func (p *parser) compareSeries(out *item, t token, left, right item) {
	value, ok := signedNumber(right)
	switch {
	case t.op == OpRegex || t.op == OpNotRegex:
		p.fail(t.pos(), t.op.String()+" does not compare numbers", "use = != < <= > or >=")
	case !ok:
		p.fail(right.Range, "series are compared with a plain number or duration", "for example { } | rate() > 10")
	default:
		out.series = append(slices.Clip(left.series), &SeriesFilter{
			Range: Range{t.from, right.To}, Op: t.op, OpPos: t.pos(), Value: value,
		})
	}
}

// signedNumber is the number or duration that the item is, if it is one.
func signedNumber(it item) (*Literal, bool) {
	if it.parens || it.scalar == nil {
		return nil, false
	}
	switch x := it.scalar.(type) {
	case *Literal:
		return x, x.Value.Type.Numeric()
	case *Unary:
		lit, ok := x.X.(*Literal)
		if !ok || !lit.Value.Type.Numeric() {
			return nil, false
		}
		value := lit.Value
		value.Int, value.Float = -value.Int, -value.Float
		return &Literal{x.Range, value}, true
	}
	return nil, false
}

// computeSeries makes metrics math.
func (p *parser) computeSeries(out *item, t token, left, right item) {
	operand := func(it item) (Expr, bool) {
		switch {
		case it.isSeriesExpr():
			return it.series[0].(Expr), true
		case it.series != nil:
			p.fail(it.Range, "arithmetic with a metrics query needs parentheses round it", "for example ({ } | rate()) * 100")
		case it.scalar == nil:
			p.fail(it.Range, "this is no number and no metrics query", "for example ({ } | rate()) * 100")
		case hasAggregate(it.scalar):
			p.fail(it.Range, "an aggregate of spansets cannot be joined with series", "")
		case !plainNumbers(it.scalar):
			p.fail(it.Range, "metrics math takes plain numbers", "write a duration as seconds: 10 rather than 10s")
		default:
			return it.scalar, true
		}
		return nil, false
	}
	l, leftOK := operand(left)
	r, rightOK := operand(right)
	if !leftOK || !rightOK {
		return
	}
	if t.op == OpMod || t.op == OpPow {
		p.fail(t.pos(), t.op.String()+" does not compute with series", "use + - * or /")
		return
	}
	out.series = []Stage{&Math{out.Range, t.op, t.pos(), l, r}}
}

// plainNumbers reports whether a constant is made of ints and floats alone.
func plainNumbers(e Expr) bool {
	ok := true
	Walk(e, func(n Node) bool {
		if lit, is := n.(*Literal); is && lit.Value.Type != TypeInt && lit.Value.Type != TypeFloat {
			ok = false
		}
		return ok
	})
	return ok
}

// itemOperand reads a spanset, a number, a function, or any of them in
// parentheses.
func (p *parser) itemOperand() item {
	t := p.tok()
	switch t.kind {
	case tokCursor:
		p.expectStage(p.pos == 0)
		return item{Range: t.pos()}
	case tokOpenBrace:
		s := p.spanset()
		return item{Range: s.Range, spans: s}
	case tokOpenParen:
		return p.parenthesised()
	case tokLiteral:
		p.advance()
		if !t.static.Type.Numeric() {
			p.fail(t.pos(), t.text+" stands outside of braces", "conditions on spans stand in braces: { .foo = "+t.text+" }")
			return item{Range: t.pos()}
		}
		return item{Range: t.pos(), scalar: &Literal{t.pos(), t.static}}
	case tokAttr:
		p.advance()
		p.fail(t.pos(), t.text+" stands outside of braces", "conditions on spans stand in braces: { "+t.text+" != nil }")
		return item{Range: t.pos()}
	case tokBad:
		p.advance()
		return item{Range: t.pos()}
	case tokIdent:
		return p.function()
	case tokOp:
		if t.op == OpSub {
			p.advance()
			x := p.item(powerMinus)
			out := item{Range: t.pos().join(x.Range)}
			if x.scalar != nil {
				out.scalar = &Unary{out.Range, OpSub, x.scalar}
			} else if !x.bad() {
				p.fail(x.Range, "- needs a number", "")
			}
			return out
		}
	}
	p.unexpected("a spanset or a function", "for example { status = error }")
	if !p.atEnd() && t.kind != tokCloseParen && t.kind != tokPipe {
		p.advance()
	}
	return item{Range: t.pos()}
}

// parenthesised reads ( pipeline ).
func (p *parser) parenthesised() item {
	open := p.advance()
	inner := p.pipeline(true)
	closing, ok := p.expect(tokCloseParen, open)
	if !ok {
		p.skipTo(tokCloseParen)
		if p.at(tokCloseParen) {
			closing = p.advance()
		}
	}
	r := Range{open.from, max(open.to, closing.to)}
	out := item{Range: r, parens: true}
	if len(inner.Stages) == 0 {
		return out
	}
	inner.Range = r
	last := inner.Stages[len(inner.Stages)-1]
	switch s := last.(type) {
	case *Scalar:
		if len(inner.Stages) == 1 {
			out.scalar = s.X
		} else {
			out.scalar = inner
		}
		return out
	case *Spanset, *SpansetOp:
		if len(inner.Stages) == 1 {
			out.spans = s
			return out
		}
	case *Pipeline, *Math:
		if inner.IsMetrics() && len(inner.Stages) == 1 {
			out.series = inner.Stages
			return out
		}
	}
	if inner.IsMetrics() {
		out.series = []Stage{inner}
	} else {
		out.spans = inner
	}
	return out
}
