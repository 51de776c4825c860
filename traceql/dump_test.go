// SPDX-License-Identifier: Apache-2.0

package traceql

import (
	"fmt"
	"strings"
)

// dump writes a tree as S-expressions with byte positions, for goldens.
func dump(n Node) string {
	var d dumper
	d.node(n)
	return strings.TrimPrefix(d.out.String(), "\n")
}

type dumper struct {
	out   strings.Builder
	depth int
}

func (d *dumper) open(n Node, format string, args ...any) {
	r := n.Pos()
	fmt.Fprintf(&d.out, "\n%s(%s %d:%d", strings.Repeat("  ", d.depth), fmt.Sprintf(format, args...), r.From, r.To)
	d.depth++
}

func (d *dumper) close() { d.depth--; d.out.WriteString(")") }

func (d *dumper) node(n Node) {
	switch n := n.(type) {
	case *Query:
		d.open(n, "query")
		d.node(n.Pipeline)
		for _, h := range n.Hints {
			d.open(&Bad{h.Range}, "hint %s %s", h.Name, h.Value)
			d.close()
		}
	case *Pipeline:
		d.open(n, "pipeline")
		for _, s := range n.Stages {
			d.node(s)
		}
	case *Spanset:
		d.open(n, "spanset")
		if n.Filter != nil {
			d.node(n.Filter)
		}
	case *SpansetOp:
		d.open(n, "spans %s", n.Op)
		d.node(n.Left)
		d.node(n.Right)
	case *ScalarFilter:
		d.open(n, "filter %s", n.Op)
		d.node(n.Left)
		d.node(n.Right)
	case *Scalar:
		d.open(n, "scalar")
		d.node(n.X)
	case *Aggregate:
		d.open(n, "%s", n.Func)
		if n.Arg != nil {
			d.node(n.Arg)
		}
	case *By:
		d.open(n, "by")
		d.node(n.Key)
	case *Select:
		d.open(n, "select")
		for _, f := range n.Fields {
			d.node(f)
		}
	case *Coalesce:
		d.open(n, "coalesce")
	case *Metrics:
		d.open(n, "%s", n.Func)
		if n.Arg != nil {
			d.node(n.Arg)
		}
		for _, q := range n.Quantiles {
			d.node(q)
		}
		for _, f := range n.By {
			d.open(f, "by")
			d.node(f)
			d.close()
		}
	case *Compare:
		d.open(n, "compare")
		d.node(n.Selection)
		for _, l := range []*Literal{n.TopN, n.Start, n.End} {
			if l != nil {
				d.node(l)
			}
		}
	case *TopK:
		d.open(n, "topk bottom=%t %s", n.Bottom, n.N.Value)
	case *SeriesFilter:
		d.open(n, "series %s %s", n.Op, n.Value.Value)
	case *Math:
		d.open(n, "math %s", n.Op)
		d.node(n.Left)
		d.node(n.Right)
	case *Literal:
		d.open(n, "%s %s", n.Value.Type, n.Value)
	case *Field:
		if n.IsAttr() {
			d.open(n, "attr parent=%t %q %q", n.Parent, n.Scope, n.Name)
		} else {
			d.open(n, "intrinsic %s", n.Intrinsic.Scoped())
		}
	case *Unary:
		d.open(n, "%s", n.Op)
		d.node(n.X)
	case *Binary:
		d.open(n, "%s", n.Op)
		d.node(n.Left)
		d.node(n.Right)
	case *Bad:
		d.open(n, "bad")
	default:
		panic(fmt.Sprintf("%T", n))
	}
	d.close()
}

// shape is dump without positions.
func shape(n Node) string {
	var out strings.Builder
	for line := range strings.SplitSeq(dump(n), "\n") {
		head := strings.TrimRight(line, ")")
		closing := line[len(head):]
		if i := strings.LastIndexByte(head, ' '); i >= 0 {
			head = head[:i]
		}
		out.WriteString(head + closing + "\n")
	}
	return out.String()
}
