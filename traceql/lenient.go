// SPDX-License-Identifier: Apache-2.0

package traceql

// LenientFilter reads the q of a request for tag values, which an editor sends
// while its user is still typing. It gives the condition of the one spanset in
// text, in which every comparison that is incomplete or makes no sense counts
// as true. It is nil, which means no condition, when there is nothing usable:
// no spanset, more than one, or a pipeline.
func LenientFilter(text string) Expr {
	if len(text) > MaxQueryBytes {
		return nil
	}
	q, _ := Parse(text)
	if len(q.Pipeline.Stages) != 1 {
		return nil
	}
	s, ok := q.Pipeline.Stages[0].(*Spanset)
	if !ok || s.Filter == nil {
		return nil
	}
	e := lenient(s.Filter)
	if lit, ok := e.(*Literal); ok && lit.Value.Bool() {
		return nil
	}
	return e
}

// lenient is e with every condition that cannot be decided replaced by true.
func lenient(e Expr) Expr {
	b, ok := e.(*Binary)
	if ok && b.Op.IsLogical() {
		left, right := lenient(b.Left), lenient(b.Right)
		return &Binary{b.Range, b.Op, b.OpPos, left, right}
	}
	var c checker
	t := c.typeOf(e)
	usable := len(c.errs) == 0 && (t == TypeBool || t == TypeAny)
	Walk(e, func(n Node) bool {
		if _, bad := n.(*Bad); bad {
			usable = false
		}
		return usable
	})
	if usable {
		return e
	}
	return &Literal{e.Pos(), NewBool(true)}
}
