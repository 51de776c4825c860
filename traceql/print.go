// SPDX-License-Identifier: Apache-2.0

package traceql

// String is the canonical spelling of the query: one space between words, no
// parentheses but those needed, bare names of intrinsics. Parsing it gives the
// same tree.
func (q *Query) String() string { return string(q.AppendText(nil)) }

// AppendText appends what String gives.
func (q *Query) AppendText(dst []byte) []byte {
	dst = q.Pipeline.AppendText(dst)
	for i, h := range q.Hints {
		if i == 0 {
			dst = append(dst, " with("...)
		} else {
			dst = append(dst, ", "...)
		}
		dst = append(dst, h.Name...)
		dst = append(dst, '=')
		dst = h.Value.AppendText(dst)
	}
	if len(q.Hints) > 0 {
		dst = append(dst, ')')
	}
	return dst
}

// AppendText appends the stages, without parentheses round them.
func (p *Pipeline) AppendText(dst []byte) []byte {
	for i, s := range p.Stages {
		_, filter := s.(*SeriesFilter)
		if i > 0 {
			dst = append(dst, ' ')
			if !filter {
				dst = append(dst, "| "...)
			}
		}
		dst = appendOperand(dst, s)
	}
	return dst
}

// appendOperand appends n, a pipeline in parentheses.
func appendOperand(dst []byte, n Node) []byte {
	p, ok := n.(*Pipeline)
	if !ok {
		return n.AppendText(dst)
	}
	dst = append(dst, '(')
	dst = p.AppendText(dst)
	return append(dst, ')')
}

// AppendText appends { filter }.
func (s *Spanset) AppendText(dst []byte) []byte {
	if s.Filter == nil {
		return append(dst, "{ }"...)
	}
	dst = append(dst, "{ "...)
	dst = s.Filter.AppendText(dst)
	return append(dst, " }"...)
}

// AppendText appends both sides with the operator between.
func (s *SpansetOp) AppendText(dst []byte) []byte {
	return appendBinary(dst, s.Op, s.Left, s.Right)
}

// AppendText appends both sides with the operator between.
func (s *ScalarFilter) AppendText(dst []byte) []byte {
	return appendBinary(dst, s.Op, s.Left, s.Right)
}

// AppendText appends the expression.
func (s *Scalar) AppendText(dst []byte) []byte { return s.X.AppendText(dst) }

// AppendText appends the call.
func (a *Aggregate) AppendText(dst []byte) []byte {
	dst = append(dst, a.Func.String()...)
	dst = append(dst, '(')
	if a.Arg != nil {
		dst = a.Arg.AppendText(dst)
	}
	return append(dst, ')')
}

// AppendText appends the call.
func (b *By) AppendText(dst []byte) []byte {
	dst = append(dst, "by("...)
	dst = b.Key.AppendText(dst)
	return append(dst, ')')
}

// AppendText appends the call.
func (s *Select) AppendText(dst []byte) []byte {
	dst = append(dst, "select("...)
	dst = appendFields(dst, s.Fields)
	return append(dst, ')')
}

// AppendText appends the call.
func (*Coalesce) AppendText(dst []byte) []byte { return append(dst, "coalesce()"...) }

// AppendText appends the call with its grouping.
func (m *Metrics) AppendText(dst []byte) []byte {
	dst = append(dst, m.Func.String()...)
	dst = append(dst, '(')
	if m.Arg != nil {
		dst = m.Arg.AppendText(dst)
	}
	for _, q := range m.Quantiles {
		dst = append(dst, ", "...)
		dst = q.AppendText(dst)
	}
	dst = append(dst, ')')
	if len(m.By) > 0 {
		dst = append(dst, " by("...)
		dst = appendFields(dst, m.By)
		dst = append(dst, ')')
	}
	return dst
}

// AppendText appends the call.
func (c *Compare) AppendText(dst []byte) []byte {
	dst = append(dst, "compare("...)
	dst = c.Selection.AppendText(dst)
	for _, n := range [...]*Literal{c.TopN, c.Start, c.End} {
		if n != nil {
			dst = append(dst, ", "...)
			dst = n.AppendText(dst)
		}
	}
	return append(dst, ')')
}

// AppendText appends the call.
func (k *TopK) AppendText(dst []byte) []byte {
	if k.Bottom {
		dst = append(dst, "bottomk("...)
	} else {
		dst = append(dst, "topk("...)
	}
	dst = k.N.AppendText(dst)
	return append(dst, ')')
}

// AppendText appends the operator and the number.
func (f *SeriesFilter) AppendText(dst []byte) []byte {
	dst = append(dst, f.Op.String()...)
	dst = append(dst, ' ')
	return f.Value.AppendText(dst)
}

// AppendText appends both sides with the operator between.
func (m *Math) AppendText(dst []byte) []byte {
	return appendBinary(dst, m.Op, m.Left, m.Right)
}

// AppendText appends the constant.
func (l *Literal) AppendText(dst []byte) []byte { return l.Value.AppendText(dst) }

// AppendText appends the operator and its operand.
func (u *Unary) AppendText(dst []byte) []byte {
	power := powerMinus
	if u.Op == OpNot {
		power = powerNot
	}
	dst = append(dst, u.Op.String()...)
	return appendAt(dst, u.X, power)
}

// AppendText appends both sides with the operator between.
func (b *Binary) AppendText(dst []byte) []byte {
	return appendBinary(dst, b.Op, b.Left, b.Right)
}

// AppendText appends a mark that no parser reads.
func (*Bad) AppendText(dst []byte) []byte { return append(dst, "<?>"...) }

func appendFields(dst []byte, fields []*Field) []byte {
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = f.AppendText(dst)
	}
	return dst
}

func appendBinary(dst []byte, op Op, left, right Node) []byte {
	leftPower := op.power()
	if op == OpPow {
		leftPower++ // it groups to the right
	}
	dst = appendAt(dst, left, leftPower)
	dst = append(dst, ' ')
	dst = append(dst, op.String()...)
	dst = append(dst, ' ')
	return appendAt(dst, right, op.rightPower())
}

// appendAt appends an operand, in parentheses if it would not stay one where
// only operators of at least the given power are read.
func appendAt(dst []byte, n Node, power int) []byte {
	if nodePower(n) >= power {
		return n.AppendText(dst)
	}
	dst = append(dst, '(')
	dst = n.AppendText(dst)
	return append(dst, ')')
}

// nodePower is the power of the weakest operator in the open at the top of n.
func nodePower(n Node) int {
	switch n := n.(type) {
	case *Binary:
		return n.Op.power()
	case *SpansetOp:
		return n.Op.power()
	case *ScalarFilter:
		return n.Op.power()
	case *Math:
		return n.Op.power()
	case *Unary:
		if n.Op == OpNot {
			return powerNot
		}
	case *Pipeline:
		return 0
	}
	return powerMinus
}
