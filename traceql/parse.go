// SPDX-License-Identifier: Apache-2.0

package traceql

import (
	"fmt"
	"strings"
)

// Limits of a query.
const (
	// MaxQueryBytes is the longest text that is parsed.
	MaxQueryBytes = 128 << 10
	// MaxDepth is how deep parentheses, functions and unary operators may be
	// nested.
	MaxDepth = 256
)

// Parse reads a query. The tree is never nil: what could not be read is *Bad in
// it, or left out, and said in the errors, which stand in the order of the
// text.
func Parse(text string) (*Query, Errors) {
	var errs Errors
	if len(text) > MaxQueryBytes {
		errs.add(Error{
			From: MaxQueryBytes, To: len(text),
			Message: fmt.Sprintf("the query is %d bytes long, and at most %d are read", len(text), MaxQueryBytes),
			Hint:    "a long list of alternatives is shorter as a regular expression: =~ \"a|b|c\"",
		})
		return &Query{Pipeline: &Pipeline{}}, errs
	}
	p := parser{text: text, errs: &errs}
	p.tokens = lex(text, &errs)
	q := p.query()
	errs.sort()
	return q, errs
}

// Compile is Parse and Check: a query that reads well and makes sense. The
// error is an Errors.
func Compile(text string) (*Query, error) {
	q, errs := Parse(text)
	if len(errs) == 0 {
		errs = Check(q)
	}
	return q, errs.Err()
}

// parser is a Pratt parser over the tokens of one text. Methods called after a
// thing of the grammar read that thing; they always return something and always
// leave the parser at a token that they did not take.
type parser struct {
	text   string
	tokens []token
	pos    int
	depth  int
	errs   *Errors
	// want is set when tokCursor was met; see complete.go.
	want *expectation
	// compared is the left side of the comparison whose right side begins at
	// the current token.
	compared Expr
	// parens counts the parentheses that are open in the expression over one
	// span that is being read.
	parens int
}

func (p *parser) tok() token { return p.tokens[p.pos] }

// advance takes the current token; the last one stays for ever.
func (p *parser) advance() token {
	t := p.tokens[p.pos]
	if p.pos < len(p.tokens)-1 {
		p.pos++
	}
	return t
}

func (p *parser) at(k tokenKind) bool { return p.tokens[p.pos].kind == k }

// atEnd reports whether nothing readable is left. The cursor ends the text for
// completion.
func (p *parser) atEnd() bool { return p.at(tokEOF) || p.at(tokCursor) }

func (p *parser) fail(r Range, message, hint string) {
	p.errs.add(Error{From: r.From, To: r.To, Message: message, Hint: hint})
}

// unexpected says that the current token is not what has to stand there.
func (p *parser) unexpected(want, hint string) {
	t := p.tok()
	switch t.kind {
	case tokBad, tokCursor:
		// The lexer has said it, or there is nothing to say yet.
		if t.kind == tokBad && len(*p.errs) > 0 {
			return
		}
	case tokEOF:
		p.fail(t.pos(), "the query ends here, but "+want+" is missing", hint)
		return
	}
	p.fail(t.pos(), fmt.Sprintf("unexpected %s, want %s", t.text, want), hint)
}

// enter counts the depth of nesting. When it is exceeded the rest of the text
// is skipped.
func (p *parser) enter() bool {
	p.depth++
	if p.depth <= MaxDepth {
		return true
	}
	p.fail(p.tok().pos(), fmt.Sprintf("nested more than %d deep", MaxDepth), "")
	p.pos = len(p.tokens) - 1
	return false
}

func (p *parser) leave() { p.depth-- }

// expect takes a token of kind k, or says that it is missing.
func (p *parser) expect(k tokenKind, open token) (token, bool) {
	if p.at(k) {
		return p.advance(), true
	}
	hint := ""
	if open.to > open.from {
		line := 1 + strings.Count(p.text[:open.from], "\n")
		hint = fmt.Sprintf("it closes the %s at column %d", open.text, open.from-strings.LastIndexByte(p.text[:open.from], '\n'))
		if line > 1 {
			hint += fmt.Sprintf(" of line %d", line)
		}
	}
	p.unexpected(k.String(), hint)
	return p.tok(), false
}

func (p *parser) query() *Query {
	q := &Query{}
	if p.atEnd() {
		p.expectStage(true)
		if !p.at(tokCursor) {
			p.fail(p.tok().pos(), "the query is empty", "{ } finds every span")
		}
		q.Pipeline = &Pipeline{Range: p.tok().pos()}
		return q
	}
	q.Pipeline = p.pipeline(false)
	if p.tok().is("with") {
		q.Hints = p.hints()
	}
	q.Range = Range{q.Pipeline.From, p.tokens[max(0, p.pos-1)].to}
	if !p.atEnd() {
		hint := ""
		switch t := p.tok(); {
		case t.kind == tokOpenBrace:
			hint = "join spansets with &&, || or a structural operator such as >>, and stages with |"
		case t.kind == tokCloseParen, t.kind == tokCloseBrace:
			hint = "nothing before it is open"
		case t.is("by"):
			hint = "by() stands after |, or right after a metrics function"
		}
		p.unexpected("| or the end of the query", hint)
	}
	return q
}

// hints reads with(name=value, ...).
func (p *parser) hints() []Hint {
	p.advance()
	open, ok := p.expect(tokOpenParen, token{})
	if !ok {
		return nil
	}
	var hints []Hint
	for {
		name := p.tok()
		if name.kind != tokIdent {
			p.expectHint()
			p.unexpected("the name of a hint", "for example with(most_recent=true)")
			break
		}
		p.advance()
		h := Hint{Range: name.pos(), Name: name.text}
		if p.at(tokOp) && p.tok().op == OpEq {
			p.advance()
		} else {
			p.unexpected("=", "a hint is a name and a value: most_recent=true")
			break
		}
		negative := p.at(tokOp) && p.tok().op == OpSub
		if negative {
			p.advance()
		}
		if !p.at(tokLiteral) {
			p.unexpected("a value", "a number, a string, true or false")
			break
		}
		value := p.advance()
		h.Value = value.static
		if negative {
			h.Value.Int, h.Value.Float = -h.Value.Int, -h.Value.Float
		}
		h.To = value.to
		hints = append(hints, h)
		if !p.at(tokComma) {
			break
		}
		p.advance()
	}
	if _, ok := p.expect(tokCloseParen, open); !ok {
		p.skipTo(tokCloseParen)
		if p.at(tokCloseParen) {
			p.advance()
		}
	}
	return hints
}

// skipTo skips tokens until one of kind k at the same depth of brackets, or one
// that closes what is outside, or the end.
func (p *parser) skipTo(k tokenKind) {
	depth := 0
	for !p.atEnd() {
		switch t := p.tok(); {
		case depth == 0 && t.kind == k:
			return
		case t.kind == tokOpenBrace, t.kind == tokOpenParen:
			depth++
		case t.kind == tokCloseBrace, t.kind == tokCloseParen:
			if depth == 0 {
				return
			}
			depth--
		}
		p.advance()
	}
}
