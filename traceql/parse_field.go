// SPDX-License-Identifier: Apache-2.0

package traceql

import "strings"

// spanset reads { [field] }.
func (p *parser) spanset() *Spanset {
	open := p.advance()
	s := &Spanset{Range: open.pos()}
	if p.at(tokCloseBrace) {
		s.To = p.advance().to
		return s
	}
	s.Filter = p.field(0)
	for !p.at(tokCloseBrace) && !p.atEnd() {
		if t := p.tok(); t.kind != tokOp || !t.op.IsLogical() {
			p.missingOperator()
		}
		if !p.skipToLogical() {
			break
		}
		op := p.advance()
		right := p.field(op.op.rightPower())
		s.Filter = &Binary{Range: s.Filter.Pos().join(right.Pos()), Op: op.op, OpPos: op.pos(), Left: s.Filter, Right: right}
	}
	closing, ok := p.expect(tokCloseBrace, open)
	s.To = closing.to
	if !ok {
		s.To = max(s.From+1, p.tokens[max(0, p.pos-1)].to)
	}
	return s
}

// missingOperator says what is wrong with a token that stands where an operator
// has to.
func (p *parser) missingOperator() {
	switch t := p.tok(); {
	case t.kind == tokPipe:
		p.unexpected("an operator or }", "use || for or; a stage of a pipeline stands after the }")
	case t.kind == tokCloseParen:
		p.unexpected("an operator or }", "no ( is open here")
	case t.kind == tokComma:
		p.unexpected("an operator or }", "conditions are joined with && or ||")
	case t.kind == tokIdent && (strings.EqualFold(t.text, "in") || strings.EqualFold(t.text, "like") || strings.EqualFold(t.text, "contains")):
		p.unexpected("an operator or }", `use a regular expression: =~ "a|b", =~ ".*part.*"`)
	default:
		p.unexpected("an operator or }", "conditions are joined with && or ||")
	}
}

// skipToLogical skips to the next && or || of the same spanset.
func (p *parser) skipToLogical() bool {
	depth := 0
	for !p.atEnd() {
		switch t := p.tok(); {
		case t.kind == tokOpenParen:
			depth++
		case t.kind == tokCloseParen:
			depth = max(0, depth-1)
		case t.kind == tokCloseBrace, t.kind == tokOpenBrace:
			return false
		case depth == 0 && t.kind == tokOp && t.op.IsLogical():
			return true
		}
		p.advance()
	}
	return false
}

// field reads an expression over one span whose operators bind at least as
// strongly as power.
func (p *parser) field(power int) Expr {
	if !p.enter() {
		return &Bad{p.tok().pos()}
	}
	defer p.leave()
	left := p.fieldOperand()
	for {
		t, ok := p.fieldOperator(left)
		if !ok || t.op.power() < power || t.op.power() == 0 {
			return left
		}
		p.advance()
		if t.op.IsComparison() {
			p.compared = left
		}
		right := p.field(t.op.rightPower())
		p.compared = nil
		left = &Binary{Range: left.Pos().join(right.Pos()), Op: t.op, OpPos: t.pos(), Left: left, Right: right}
	}
}

// fieldOperator looks at the current token as a binary operator of a field.
func (p *parser) fieldOperator(left Expr) (token, bool) {
	t := p.tok()
	switch t.kind {
	case tokCursor:
		p.expectOperator(left)
	case tokIdent:
		switch {
		case strings.EqualFold(t.text, "and"):
			t.op = OpAnd
		case strings.EqualFold(t.text, "or"):
			t.op = OpOr
		default:
			return t, false
		}
		p.fail(t.pos(), "there is no operator "+t.text, "use "+t.op.String())
		return t, true
	case tokOp:
		if t.op.IsLogical() || t.op.IsComparison() || t.op.IsArithmetic() {
			return t, true
		}
		if t.op != OpNot {
			p.fail(t.pos(), t.op.String()+" is no operator on fields", "structural operators stand between spansets: { } "+t.op.String()+" { }")
			t.op = OpAnd // whatever follows is read as a condition of its own
			return t, true
		}
	}
	return t, false
}

// fieldOperand reads a literal, a field, a unary operator with what it is for,
// or an expression in parentheses.
func (p *parser) fieldOperand() Expr {
	t := p.tok()
	compared := p.compared
	p.compared = nil
	switch t.kind {
	case tokCursor:
		p.expectOperand(compared)
		return &Bad{t.pos()}
	case tokLiteral:
		p.advance()
		return &Literal{t.pos(), t.static}
	case tokAttr:
		p.advance()
		return &Field{t.pos(), t.ref}
	case tokBad:
		p.advance()
		return &Bad{t.pos()}
	case tokIdent:
		return p.fieldWord()
	case tokOpenParen:
		p.advance()
		p.parens++
		x := p.field(0)
		p.parens--
		if !p.at(tokCloseParen) && !p.atEnd() && !p.at(tokCloseBrace) {
			p.missingOperator()
			p.skipTo(tokCloseParen)
		}
		if _, ok := p.expect(tokCloseParen, t); !ok {
			p.skipTo(tokCloseParen)
			if p.at(tokCloseParen) {
				p.advance()
			}
		}
		return x
	case tokOp:
		switch t.op {
		case OpSub:
			p.advance()
			x := p.field(powerMinus)
			return &Unary{t.pos().join(x.Pos()), OpSub, x}
		case OpNot:
			p.advance()
			x := p.field(powerNot)
			return &Unary{t.pos().join(x.Pos()), OpNot, x}
		}
	}
	p.unexpected("a field or a value", "for example span.http.method, duration, 200, \"GET\"")
	return &Bad{Range{t.from, t.from}}
}

// fieldWord reads a bare word: an intrinsic, or a mistake.
func (p *parser) fieldWord() Expr {
	t := p.advance()
	if i, ok := bareIntrinsic(t.text); ok {
		return &Field{t.pos(), IntrinsicRef(i)}
	}
	if strings.EqualFold(t.text, "not") {
		p.fail(t.pos(), "there is no operator "+t.text, "use !")
		x := p.field(powerNot)
		return &Unary{t.pos().join(x.Pos()), OpNot, x}
	}
	words := []string{"true", "false", "nil"}
	words = append(append(words, statusNames[:]...), kindNames[:]...)
	for _, info := range intrinsics {
		if info.bare != "" {
			words = append(words, info.bare)
		}
	}
	hint := "an attribute has a scope: span." + t.text + ", resource." + t.text + ", or ." + t.text + " for any; a string stands in double quotes"
	if near := nearest(t.text, words); near != "" {
		hint = "did you mean " + near + "? " + strings.ToUpper(hint[:1]) + hint[1:]
	}
	p.fail(t.pos(), "unknown word "+t.text, hint)
	if p.at(tokOpenParen) {
		open := p.advance()
		p.skipTo(tokCloseParen)
		p.expect(tokCloseParen, open)
	}
	return &Bad{t.pos()}
}

// fieldList reads ( field, field, ... ) of nothing but attributes and
// intrinsics. what names the function for messages.
func (p *parser) fieldList(what string) ([]*Field, Range) {
	open, ok := p.expect(tokOpenParen, token{})
	if !ok {
		return nil, open.pos()
	}
	var fields []*Field
	for {
		f, ok := p.plainField(what)
		if !ok {
			p.skipTo(tokCloseParen)
			break
		}
		fields = append(fields, f)
		if !p.at(tokComma) {
			break
		}
		p.advance()
	}
	closing, ok := p.expect(tokCloseParen, open)
	if !ok {
		p.skipTo(tokCloseParen)
		if p.at(tokCloseParen) {
			closing = p.advance()
		}
	}
	return fields, Range{open.from, max(open.to, closing.to)}
}

// plainField reads one attribute or intrinsic.
func (p *parser) plainField(what string) (*Field, bool) {
	t := p.tok()
	switch t.kind {
	case tokCursor:
		p.expectField()
		return nil, false
	case tokAttr:
		p.advance()
		return &Field{t.pos(), t.ref}, true
	case tokIdent:
		f, ok := p.fieldWord().(*Field)
		return f, ok
	}
	p.unexpected("an attribute or an intrinsic", what+" takes fields such as resource.service.name or duration, not expressions")
	return nil, false
}
