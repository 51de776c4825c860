// SPDX-License-Identifier: Apache-2.0

package traceql

import "strings"

// functionNames are the words that a stage can begin with.
func functionNames() []string {
	names := []string{"by", "select", "coalesce", "compare", "topk", "bottomk"}
	names = append(names, aggregateNames[:]...)
	return append(names, metricsNames[:]...)
}

// function reads a function with its arguments.
func (p *parser) function() item {
	t := p.advance()
	out := item{Range: t.pos()}
	for i, name := range aggregateNames {
		if t.text == name {
			if a := p.aggregate(t, AggregateFunc(i)); a != nil {
				out.scalar, out.Range = a, a.Range
			}
			return out
		}
	}
	for i, name := range metricsNames {
		if t.text == name {
			if m := p.metrics(t, MetricsFunc(i)); m != nil {
				out.series, out.Range = []Stage{m}, m.Range
			}
			return out
		}
	}
	switch t.text {
	case "by":
		open, ok := p.expect(tokOpenParen, token{})
		if !ok {
			return out
		}
		key := p.field(0)
		out.Range = p.closeArguments(t, open)
		if _, bad := key.(*Bad); !bad {
			out.stage = &By{out.Range, key}
		}
	case "select":
		fields, r := p.fieldList("select()")
		out.Range = t.pos().join(r)
		if len(fields) > 0 {
			out.stage = &Select{out.Range, fields}
		}
	case "coalesce":
		if r, ok := p.noArguments(t); ok {
			out.Range, out.stage = r, &Coalesce{r}
		}
	case "topk", "bottomk":
		if k := p.topK(t); k != nil {
			out.Range, out.series = k.Range, []Stage{k}
		}
	case "compare":
		if c := p.compare(t); c != nil {
			out.Range, out.series = c.Range, []Stage{c}
		}
	default:
		p.unknownFunction(t)
	}
	return out
}

func (p *parser) unknownFunction(t token) {
	hint := "conditions on spans stand in braces: { ... }"
	if near := nearest(t.text, functionNames()); near != "" {
		hint = "did you mean " + near + "()?"
	} else if _, ok := bareIntrinsic(t.text); ok {
		hint = "conditions on spans stand in braces: { " + t.text + " ... }"
	}
	p.fail(t.pos(), "unknown function "+t.text, hint)
	if p.at(tokOpenParen) {
		open := p.advance()
		p.skipTo(tokCloseParen)
		p.expect(tokCloseParen, open)
	}
}

// closeArguments takes the ) of a function's arguments and gives the range of
// the whole call.
func (p *parser) closeArguments(name, open token) Range {
	closing, ok := p.expect(tokCloseParen, open)
	if !ok {
		p.skipTo(tokCloseParen)
		if p.at(tokCloseParen) {
			closing = p.advance()
		} else {
			closing = open
		}
	}
	return Range{name.from, max(name.to, closing.to)}
}

// noArguments takes ( ).
func (p *parser) noArguments(name token) (Range, bool) {
	open, ok := p.expect(tokOpenParen, token{})
	if !ok {
		return name.pos(), false
	}
	if !p.at(tokCloseParen) {
		p.unexpected(")", name.text+"() takes no argument")
		p.skipTo(tokCloseParen)
		if !p.at(tokCloseParen) {
			return name.pos(), false
		}
	}
	return p.closeArguments(name, open), true
}

func (p *parser) aggregate(t token, f AggregateFunc) *Aggregate {
	if f == AggregateCount {
		r, ok := p.noArguments(t)
		if !ok {
			return nil
		}
		return &Aggregate{r, f, nil}
	}
	open, ok := p.expect(tokOpenParen, token{})
	if !ok {
		return nil
	}
	arg := p.field(0)
	r := p.closeArguments(t, open)
	if _, bad := arg.(*Bad); bad {
		return nil
	}
	return &Aggregate{r, f, arg}
}

func (p *parser) metrics(t token, f MetricsFunc) *Metrics {
	m := &Metrics{Func: f}
	if f == MetricsRate || f == MetricsCountOverTime {
		r, ok := p.noArguments(t)
		if !ok {
			return nil
		}
		m.Range = r
	} else {
		open, ok := p.expect(tokOpenParen, token{})
		if !ok {
			return nil
		}
		arg, ok := p.plainField(t.text + "()")
		if !ok {
			p.skipTo(tokCloseParen)
			p.closeArguments(t, open)
			return nil
		}
		m.Arg = arg
		if f == MetricsQuantileOverTime {
			m.Quantiles = p.quantiles()
		}
		m.Range = p.closeArguments(t, open)
	}
	if p.tok().is("by") {
		p.advance()
		fields, r := p.fieldList("by()")
		m.By = fields
		m.Range = m.Range.join(r)
	}
	p.expectAfterMetrics(len(m.By) > 0)
	return m
}

// quantiles reads , number [, number]*
func (p *parser) quantiles() []*Literal {
	var list []*Literal
	for p.at(tokComma) {
		p.advance()
		n, ok := p.numberArgument("a quantile between 0 and 1", false)
		if !ok {
			return list
		}
		list = append(list, n)
	}
	if len(list) == 0 {
		p.unexpected("a quantile", "for example quantile_over_time(duration, 0.5, 0.99)")
	}
	return list
}

// numberArgument reads an unsigned number, or an unsigned int.
func (p *parser) numberArgument(what string, onlyInt bool) (*Literal, bool) {
	t := p.tok()
	if t.kind != tokLiteral || t.static.Type != TypeInt && (onlyInt || t.static.Type != TypeFloat) {
		p.unexpected(what, "")
		return nil, false
	}
	p.advance()
	return &Literal{t.pos(), t.static}, true
}

func (p *parser) topK(t token) *TopK {
	open, ok := p.expect(tokOpenParen, token{})
	if !ok {
		return nil
	}
	n, ok := p.numberArgument("how many series to keep", true)
	r := p.closeArguments(t, open)
	if !ok {
		return nil
	}
	return &TopK{r, strings.HasPrefix(t.text, "bottom"), n}
}

// compare reads compare({...} [, topN [, start, end]]).
func (p *parser) compare(t token) *Compare {
	open, ok := p.expect(tokOpenParen, token{})
	if !ok {
		return nil
	}
	if !p.at(tokOpenBrace) {
		p.unexpected("a spanset", "for example compare({ status = error })")
		p.closeArguments(t, open)
		return nil
	}
	c := &Compare{Selection: p.spanset()}
	for i, slot := range []**Literal{&c.TopN, &c.Start, &c.End} {
		if !p.at(tokComma) {
			if i == 2 {
				p.unexpected(", and the end of the window", "compare() takes both ends of a window, in unix ns")
			}
			break
		}
		p.advance()
		n, ok := p.numberArgument([]string{"how many values to keep", "the start in unix ns", "the end in unix ns"}[i], true)
		if !ok {
			break
		}
		*slot = n
	}
	c.Range = p.closeArguments(t, open)
	return c
}
