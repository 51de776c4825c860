// SPDX-License-Identifier: Apache-2.0

package match

import (
	"github.com/clew-tracing/clew/base/bitset"
	"github.com/clew-tracing/clew/span"
)

// Matcher decides an [Expr] for all rows of a batch at once: every string is judged once per dictionary entry, every
// resource and scope once, and nothing is allocated per span.
//
// Conditions on trace-level intrinsics are true, since a span alone cannot decide them; do not negate them. A Matcher is
// for one goroutine; make one for each.
type Matcher struct {
	expr Expr
	free []*bitset.Set

	memo   []verdict // by string code, for the condition at hand
	memoed []span.Code
	exists Cond // the complement of an Absent condition at hand
	hex    []byte
}

// Compile returns a matcher for e.
func Compile(e Expr) *Matcher { return &Matcher{expr: e} }

// Match sets out to the rows of b for which the expression is true.
func (m *Matcher) Match(b *span.Batch, out *bitset.Set) {
	if n := b.Strings.Len(); len(m.memo) < n {
		m.memo = make([]verdict, n+n/4)
	}
	out.Reset(b.Len())
	m.eval(&m.expr, b, out)
}

func (m *Matcher) get(n int) *bitset.Set {
	if k := len(m.free); k > 0 {
		s := m.free[k-1]
		m.free = m.free[:k-1]
		s.Reset(n)
		return s
	}
	return bitset.New(n)
}

func (m *Matcher) put(s *bitset.Set) { m.free = append(m.free, s) }

// eval sets out, which is empty, to the rows for which e is true.
func (m *Matcher) eval(e *Expr, b *span.Batch, out *bitset.Set) {
	switch e.Kind {
	case All:
		out.SetAll()
	case One:
		m.evalCond(&e.Cond, b, out)
	case Not:
		m.eval(&e.Kids[0], b, out)
		out.Not()
	case And, Or:
		m.eval(&e.Kids[0], b, out)
		for i := range e.Kids[1:] {
			if e.Kind == And && !out.Any() {
				return
			}
			s := m.get(b.Len())
			m.eval(&e.Kids[1+i], b, s)
			if e.Kind == And {
				out.And(s)
			} else {
				out.Or(s)
			}
			m.put(s)
		}
	}
}

// evalCond decides one condition.
func (m *Matcher) evalCond(c *Cond, b *span.Batch, out *bitset.Set) {
	if c.Op == Absent {
		m.exists = Cond{Field: c.Field, Op: Exists}
		m.evalCond(&m.exists, b, out)
		if !c.Field.Intrinsic.OfTrace() {
			out.Not()
		}
		return
	}
	if c.Field.Scope != ScopeAny {
		m.evalScope(c, c.Field.Scope, b, out)
		return
	}
	for s := ScopeSpan; s <= ScopeInstrumentation; s++ {
		part := m.get(b.Len())
		m.evalScope(c, s, b, part)
		out.Or(part)
		m.put(part)
	}
}

// evalScope decides a condition whose attribute is looked for in one scope. A condition is decided in two sets: the
// spans with a value that satisfies its positive form, and those with a value that can be compared at all; a negated
// one is the latter without the former.
func (m *Matcher) evalScope(c *Cond, scope Scope, b *span.Batch, out *bitset.Set) {
	op, negated := positive(c.Op)
	d := decider{m: m, c: c, op: op, b: b, yes: out}
	if negated {
		d.some = m.get(b.Len())
		defer m.put(d.some)
	}
	switch scope {
	case ScopeSpan:
		d.attrs(&b.Attrs, d.row)
	case ScopeEvent:
		d.attrsOfTable(&b.Events.Attrs, b.Events.Off)
	case ScopeLink:
		d.attrsOfTable(&b.Links.Attrs, b.Links.Off)
	case ScopeResource:
		d.attrsOfShared(&b.Resources.Attrs, b.Resource)
	case ScopeInstrumentation:
		d.attrsOfShared(&b.Scopes.Attrs, b.Scope)
	case ScopeIntrinsic:
		d.intrinsic(c.Field.Intrinsic)
	}
	for _, code := range m.memoed {
		m.memo[code] = unknown
	}
	m.memoed = m.memoed[:0]
	if negated {
		d.some.AndNot(out)
		out.CopyFrom(d.some)
	}
}

// decider is the work on one condition over one batch.
type decider struct {
	m  *Matcher
	c  *Cond
	op Op
	b  *span.Batch
	// yes and some are over spans; some is nil where it is not needed.
	yes, some *bitset.Set
}

// row takes a verdict on span i.
func (d *decider) row(i int, v verdict) {
	if v == yes {
		d.yes.Set(i)
	}
	if d.some != nil && v >= no {
		d.some.Set(i)
	}
}

// str judges a string by its code, once for each code.
func (d *decider) str(code span.Code) verdict {
	v := d.m.memo[code]
	if v == unknown {
		v = decide(d.c, d.op, span.Value{Type: span.TypeString, Str: d.b.Strings.String(code)})
		d.m.memo[code] = v
		d.m.memoed = append(d.m.memoed, code)
	}
	return v
}

// attr judges attribute row i of a.
func (d *decider) attr(a *span.Attrs, i int) verdict {
	if a.Type[i] == span.TypeString {
		return d.str(span.Code(a.Val[i]))
	}
	return decide(d.c, d.op, d.b.Value(a, i))
}

// attrs calls take with a verdict for every attribute of the condition's key, by owner.
func (d *decider) attrs(a *span.Attrs, take func(owner int, v verdict)) {
	key, ok := d.b.Strings.Lookup(d.c.Field.Key)
	if !ok || a.Len() == 0 {
		return
	}
	owner := 0
	for i, k := range a.Key {
		if k != key {
			continue
		}
		for int(a.Off[owner+1]) <= i {
			owner++
		}
		take(owner, d.attr(a, i))
	}
}

// attrsOfTable judges the attributes of events or links and brings the verdicts to their spans.
func (d *decider) attrsOfTable(a *span.Attrs, off []uint32) {
	i := 0
	d.attrs(a, func(owner int, v verdict) {
		for int(off[i+1]) <= owner {
			i++
		}
		d.row(i, v)
	})
}

// attrsOfShared judges the attributes of resources or scopes and brings the verdicts to the spans that have them.
func (d *decider) attrsOfShared(a *span.Attrs, column []uint32) {
	n := a.Owners()
	yesSet, someSet := d.m.get(n), d.m.get(n)
	d.attrs(a, func(owner int, v verdict) {
		if v == yes {
			yesSet.Set(owner)
		}
		if v >= no {
			someSet.Set(owner)
		}
	})
	if someSet.Any() {
		for i, r := range column {
			if int(r) >= n || !someSet.Test(int(r)) {
				continue
			}
			if yesSet.Test(int(r)) {
				d.row(i, yes)
			} else {
				d.row(i, no)
			}
		}
	}
	d.m.put(yesSet)
	d.m.put(someSet)
}
