// SPDX-License-Identifier: Apache-2.0

package traceql

import "strings"

// expectation is what the parser wanted where it met the cursor.
type expectation struct {
	what wanted
	// expr is the expression before an operator, or the left side of the
	// comparison whose right side is wanted; nil where there is none.
	expr Expr
	left item
	// first: nothing stands before. grouped: a metrics function has its by().
	first, grouped bool
	// parens is how many parentheses are open in the expression over one span.
	parens int
}

type wanted uint8

const (
	wantStage wanted = iota
	wantSpanset
	wantItemOperator
	wantOperand
	wantOperator
	wantField
	wantHint
	wantAfterMetrics
)

// offerAt notes what is wanted if the cursor is here; the first to say so is
// the closest to it.
func (p *parser) offerAt(e expectation) {
	if p.at(tokCursor) && p.want == nil {
		p.want = &e
	}
}

func (p *parser) expectStage(first bool) { p.offerAt(expectation{what: wantStage, first: first}) }
func (p *parser) expectSpanset()         { p.offerAt(expectation{what: wantSpanset}) }
func (p *parser) expectItemOperator(left item) {
	p.offerAt(expectation{what: wantItemOperator, left: left})
}
func (p *parser) expectOperand(compared Expr) {
	p.offerAt(expectation{what: wantOperand, expr: compared})
}

// expectOperator is for an operator after left. After a comparison it is the
// whole of it that goes on, not its right side.
func (p *parser) expectOperator(left Expr) {
	b, ok := left.(*Binary)
	if ok && !b.Op.IsLogical() && p.want != nil && p.want.what == wantOperator && p.want.parens == p.parens {
		p.want = nil
	}
	p.offerAt(expectation{what: wantOperator, expr: left, parens: p.parens})
}
func (p *parser) expectField() { p.offerAt(expectation{what: wantField}) }
func (p *parser) expectHint()  { p.offerAt(expectation{what: wantHint}) }
func (p *parser) expectAfterMetrics(grouped bool) {
	p.offerAt(expectation{what: wantAfterMetrics, grouped: grouped})
}

// offer fills the items for an expectation.
func (c *completer) offer(e expectation) {
	switch e.what {
	case wantStage:
		c.stages(e.first)
	case wantSpanset:
		c.add(Item{"{ }", ItemKeyword, "spans such that ...", "{ "})
		c.add(Item{"( )", ItemKeyword, "a pipeline", "("})
	case wantItemOperator:
		c.itemOperators(e.left)
	case wantOperand:
		if f, ok := e.expr.(*Field); ok {
			c.values(f.Ref)
			if c.editing.kind == tokAttr {
				c.fields()
			}
			return
		}
		c.fields()
		c.words(ItemKeyword, "", "true", "false")
	case wantOperator:
		c.operators(e.expr, e.parens > 0)
	case wantField:
		c.fields()
	case wantHint:
		c.words(ItemKeyword, "the newest traces, exactly", "most_recent=true")
		c.words(ItemKeyword, "look at a part of the data", "sample=true")
		c.words(ItemKeyword, "count what sampling left out", "extrapolate=true")
		c.words(ItemKeyword, "how many exemplars to give", "exemplars=true")
	case wantAfterMetrics:
		if !e.grouped {
			c.add(Item{"by", ItemKeyword, "group by fields", "by("})
		}
		c.words(ItemOperator, "", "|", ">", ">=", "<", "<=", "=", "!=")
		c.add(Item{"with", ItemKeyword, "hints", "with("})
	}
}

func (c *completer) add(it Item) { c.items = append(c.items, it) }

func (c *completer) words(kind ItemKind, detail string, words ...string) {
	for _, w := range words {
		c.add(Item{w, kind, detail, w})
	}
}

func (c *completer) stages(first bool) {
	c.add(Item{"{ }", ItemKeyword, "spans such that ...", "{ "})
	call := func(name, arguments, detail string) {
		insert := name + "("
		if arguments == "" {
			insert += ")"
		}
		c.add(Item{name + "(" + arguments + ")", ItemFunction, detail, insert})
	}
	call("count", "", "how many spans")
	call("avg", "duration", "mean of a number")
	call("min", "duration", "smallest of a number")
	call("max", "duration", "largest of a number")
	call("sum", "duration", "sum of a number")
	call("by", "field", "split each trace's spans")
	call("select", "field, ...", "fields to give back")
	if first {
		return
	}
	call("coalesce", "", "merge what by() split")
	call("rate", "", "spans a second")
	call("count_over_time", "", "spans a step")
	call("quantile_over_time", "duration, 0.99", "quantiles of a number")
	call("histogram_over_time", "duration", "distribution of a number")
	call("avg_over_time", "field", "mean of a number")
	call("min_over_time", "field", "smallest of a number")
	call("max_over_time", "field", "largest of a number")
	call("sum_over_time", "field", "sum of a number")
	call("compare", "{ }", "what differs from the other spans")
	call("topk", "10", "the largest series")
	call("bottomk", "10", "the smallest series")
}

func (c *completer) itemOperators(left item) {
	switch {
	case left.spans != nil:
		c.words(ItemOperator, "then", "|")
		c.words(ItemOperator, "both in the trace", "&&")
		c.words(ItemOperator, "either in the trace", "||")
		for _, o := range [...]struct{ op, detail string }{
			{">>", "right is a descendant of left"},
			{">", "right is a child of left"},
			{"<<", "right is an ancestor of left"},
			{"<", "right is the parent of left"},
			{"~", "right is a sibling of left"},
			{"&>>", "descendants and their ancestors"},
			{"&>", "children and their parents"},
			{"&<<", "ancestors and their descendants"},
			{"&<", "parents and their children"},
			{"&~", "siblings, both sides"},
			{"!>>", "right is no descendant of left"},
			{"!>", "right is no child of left"},
			{"!<<", "right is no ancestor of left"},
			{"!<", "right is no parent of left"},
			{"!~", "right is no sibling of left"},
		} {
			c.words(ItemOperator, o.detail, o.op)
		}
	case left.scalar != nil:
		c.words(ItemOperator, "", ">", ">=", "<", "<=", "=", "!=")
	case left.series != nil:
		c.words(ItemOperator, "", "|", ">", ">=", "<", "<=", "=", "!=")
		if left.isSeriesExpr() {
			c.words(ItemOperator, "", "+", "-", "*", "/")
		}
	default:
		c.words(ItemOperator, "then", "|")
	}
	c.add(Item{"with", ItemKeyword, "hints", "with("})
}

// operators offers what can follow an expression over one span.
func (c *completer) operators(left Expr, parens bool) {
	t := (&checker{}).typeOf(left)
	_, bare := left.(*Field)
	switch {
	case t == TypeBool && !bare:
	case t == TypeStatus, t == TypeKind, t == TypeBool:
		c.words(ItemOperator, "equal", "=")
		c.words(ItemOperator, "not equal", "!=")
	case t == TypeNil:
		c.words(ItemOperator, "", "=", "!=")
	default:
		c.words(ItemOperator, "equal", "=")
		c.words(ItemOperator, "not equal", "!=")
		c.words(ItemOperator, "greater", ">")
		c.words(ItemOperator, "greater or equal", ">=")
		c.words(ItemOperator, "less", "<")
		c.words(ItemOperator, "less or equal", "<=")
		if t == TypeString || t == TypeAny {
			c.words(ItemOperator, "matches the regular expression", "=~")
			c.words(ItemOperator, "does not match the regular expression", "!~")
		}
		if t.Numeric() {
			c.words(ItemOperator, "", "+", "-", "*", "/", "%", "^")
		}
	}
	if t == TypeBool || t == TypeAny {
		c.words(ItemOperator, "and", "&&")
		c.words(ItemOperator, "or", "||")
		if parens {
			c.words(ItemKeyword, "end of the parentheses", ")")
		} else {
			c.words(ItemKeyword, "end of the condition", "}")
		}
	}
}

// fields offers scopes, intrinsics and attributes.
func (c *completer) fields() {
	scope, text := ScopeNone, c.typed
	switch {
	case c.editing.kind == tokAttr && c.editing.ref.IsAttr():
		scope, text = c.editing.ref.Scope, c.editing.ref.Name
	case c.editing.kind == tokLiteral && strings.ContainsAny(c.typed, "\"`'"):
		return // a string is no field
	}
	colon := strings.Contains(c.typed, ":")
	for _, i := range Intrinsics() {
		label := i.String()
		if colon {
			label = i.Scoped()
		}
		c.add(Item{label, ItemIntrinsic, i.Type().String(), label})
	}
	if c.source != nil && !colon {
		for _, a := range c.source.Attributes(scope, text) {
			name := a.Ref.String()
			if c.editing.kind == tokAttr && scope == ScopeNone {
				// What was begun as .name goes on as .name of any scope.
				a.Ref.Scope = ScopeNone
			}
			c.add(Item{a.Ref.String(), ItemAttribute, a.Detail, a.Ref.String()})
			if scope == ScopeNone && a.Ref.Scope == ScopeNone {
				c.add(Item{name, ItemAttribute, a.Detail, name})
			}
		}
	}
	if c.editing.kind != tokAttr {
		for _, s := range [...]Scope{ScopeSpan, ScopeResource, ScopeEvent, ScopeLink, ScopeInstrumentation} {
			c.add(Item{s.String() + ".", ItemScope, "attributes of the " + s.String(), s.String() + "."})
		}
	}
}

// values offers what a field can be compared with.
func (c *completer) values(f Ref) {
	switch f.Type() {
	case TypeStatus:
		c.words(ItemKeyword, "", "error", "ok", "unset")
		return
	case TypeKind:
		c.words(ItemKeyword, "", "server", "client", "producer", "consumer", "internal", "unspecified")
		return
	case TypeDuration:
		c.words(ItemValue, "", "10ms", "100ms", "500ms", "1s", "5s", "30s", "1m")
		return
	}
	if c.source != nil {
		text := strings.TrimLeft(c.typed, "\"`'")
		if c.editing.kind == tokLiteral && c.editing.static.Type == TypeString {
			text = c.editing.static.Str
		}
		for _, v := range c.source.Values(f, text) {
			c.add(Item{v.Value.Word(), ItemValue, v.Detail, v.Value.String()})
		}
	}
	if f.IsAttr() {
		c.words(ItemKeyword, "absent, or with != present", "nil")
	}
}
