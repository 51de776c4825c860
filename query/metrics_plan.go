// SPDX-License-Identifier: Apache-2.0

package query

import (
	"math"

	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/store"
	"github.com/clew-tracing/clew/traceql"
)

// MetricsPlan is a metrics query made ready. It is immutable and may serve any number of queries at once.
type MetricsPlan struct {
	// Query is the checked query.
	Query *traceql.Query

	root  seriesNode
	scans []*scanNode
	// byMoment: a sample does not change when later or earlier spans are counted, and no other series take its place.
	byMoment bool
}

// CompileMetrics reads, checks and plans a query that ends in metrics. The error is a traceql.Errors.
func CompileMetrics(text string, aliases Aliases) (*MetricsPlan, error) {
	q, err := traceql.Compile(text)
	if err != nil {
		return nil, err
	}
	if err := executable(q).Err(); err != nil {
		return nil, err
	}
	if !q.Pipeline.IsMetrics() {
		r := q.Pos()
		return nil, traceql.Errors{{From: r.From, To: r.To, Class: traceql.ClassCheck, Message: "this query gives traces and no series", Hint: "add | rate() to it, or search for it"}}
	}
	p := &MetricsPlan{Query: q, byMoment: true}
	c := metricsCompiler{aliases: aliases, plan: p}
	p.root = c.pipeline(q.Pipeline)
	return p, nil
}

type metricsCompiler struct {
	aliases Aliases
	plan    *MetricsPlan
}

// pipeline makes the series of a pipeline that ends in metrics; Check has seen to its form.
func (c metricsCompiler) pipeline(p *traceql.Pipeline) seriesNode {
	var node seriesNode
	spans := &traceql.Pipeline{Range: p.Range}
	for _, s := range p.Stages {
		switch s := s.(type) {
		case *traceql.Metrics:
			node = c.leaf(spans, s, s.By)
		case *traceql.Compare:
			node = c.compare(spans, s)
		case *traceql.Math:
			node = c.math(s)
		case *traceql.TopK:
			c.plan.byMoment = false
			node = &topNode{of: node, n: int(min(s.N.Value.Int, 1<<20)), bottom: s.Bottom}
		case *traceql.SeriesFilter:
			node = &filterNode{of: node, op: s.Op, value: secondsOf(s.Value.Value)}
		case *traceql.Pipeline:
			if s.IsMetrics() {
				node = c.pipeline(s)
				continue
			}
			spans.Stages = append(spans.Stages, s)
		default:
			spans.Stages = append(spans.Stages, s)
		}
	}
	return node
}

func (c metricsCompiler) math(m *traceql.Math) seriesNode {
	left, leftName := c.mathOperand(m.Left)
	right, rightName := c.mathOperand(m.Right)
	return &mathNode{op: m.Op, left: left, right: right, name: "(" + leftName + " " + m.Op.String() + " " + rightName + ")"}
}

func (c metricsCompiler) mathOperand(e traceql.Expr) (seriesNode, string) {
	switch e := e.(type) {
	case *traceql.Pipeline:
		n := c.pipeline(e)
		return n, nameOf(n)
	case *traceql.Math:
		n := c.math(e)
		return n, nameOf(n)
	}
	v, ok := fold(e)
	if !ok {
		v = traceql.NewFloat(math.NaN())
	}
	return numberNode(v.AsFloat()), v.Word()
}

// nameOf is how the name of a computation calls its operand.
func nameOf(n seriesNode) string {
	switch n := n.(type) {
	case *scanNode:
		return n.name
	case *mathNode:
		return n.name
	case *topNode:
		return nameOf(n.of)
	case *filterNode:
		return nameOf(n.of)
	}
	return "series"
}

// secondsOf is a number as series have it: durations in seconds.
func secondsOf(v traceql.Static) float64 {
	if v.Type == traceql.TypeDuration {
		return float64(v.Int) / 1e9
	}
	return v.AsFloat()
}

// scanNode is series made from spans by one scan.
type scanNode struct {
	name    string
	aliases Aliases
	spans   *traceql.Pipeline // which spans count
	unit    store.Unit
	where   match.Expr
	fields  store.Projection
	output  []traceql.Ref // what an exemplar shows
	metrics *traceql.Metrics
	compare *traceql.Compare
}

func (c metricsCompiler) leaf(spans *traceql.Pipeline, m *traceql.Metrics, by []*traceql.Field) seriesNode {
	n := &scanNode{name: m.Func.String(), aliases: c.aliases, spans: spans, metrics: m}
	alone := m.Arg == nil || ofSpan(c.aliases, m.Arg)
	for _, f := range by {
		alone = alone && ofSpan(c.aliases, f)
	}
	n.plan(alone)
	n.fields.Fields = n.read(m)
	c.plan.scans = append(c.plan.scans, n)
	return n
}

func (c metricsCompiler) compare(spans *traceql.Pipeline, s *traceql.Compare) seriesNode {
	n := &scanNode{name: "compare", aliases: c.aliases, spans: spans, compare: s}
	n.plan(false) // the names of root spans are compared too
	n.read(s)
	n.fields.All = true
	c.plan.scans = append(c.plan.scans, n)
	c.plan.byMoment = false
	return n
}

// plan decides how to scan. alone: what is made of the spans needs nothing else of their traces.
func (n *scanNode) plan(alone bool) {
	if where, ok := spansWhere(n.aliases, n.spans); ok && alone {
		n.unit, n.where = store.UnitSpan, where
		return
	}
	n.unit, n.where = store.UnitTrace, candidates(n.aliases, n.spans)
}

// read collects the fields that the query speaks of, and remembers them for exemplars.
func (n *scanNode) read(more traceql.Node) []match.Field {
	var fields []match.Field
	refs, seen := map[traceql.Ref]bool{}, map[match.Field]bool{}
	visit := func(node traceql.Node) bool {
		f, ok := node.(*traceql.Field)
		if !ok || refs[f.Ref] {
			return true
		}
		refs[f.Ref] = true
		if n.unit == store.UnitSpan && FieldOf(f.Ref).Intrinsic.OfTrace() {
			return true // decided without
		}
		n.output = append(n.output, f.Ref)
		for _, name := range n.aliases.names(f.Ref) {
			if !seen[name] {
				seen[name] = true
				fields = append(fields, name)
			}
		}
		return true
	}
	traceql.Walk(n.spans, visit)
	traceql.Walk(more, visit)
	return fields
}

// spansWhere is a superset of the spans that a pipeline gives, if each span can be decided alone: filters, and
// alternatives of filters.
func spansWhere(a Aliases, s traceql.Stage) (match.Expr, bool) {
	switch s := s.(type) {
	case *traceql.Spanset:
		return a.superset(s.Filter, false), s.Filter == nil || ofSpan(a, s.Filter)
	case *traceql.Select:
		return constant(true), true
	case *traceql.SpansetOp:
		left, leftOK := spansWhere(a, s.Left)
		right, rightOK := spansWhere(a, s.Right)
		return match.AnyOf(left, right), s.Op == traceql.OpOr && leftOK && rightOK
	case *traceql.Pipeline:
		where := constant(true)
		for _, st := range s.Stages {
			w, ok := spansWhere(a, st)
			if !ok {
				return w, false
			}
			where = match.AllOf(where, w)
		}
		return where, true
	}
	return constant(true), false
}

// spansCondition decides what spansWhere is a superset of.
func (c compiler) spansCondition(s traceql.Stage) condition {
	switch s := s.(type) {
	case *traceql.Spanset:
		return c.condition(s.Filter, false)
	case *traceql.SpansetOp:
		return &logicalCondition{parts: []condition{c.spansCondition(s.Left), c.spansCondition(s.Right)}}
	case *traceql.Pipeline:
		all := &logicalCondition{and: true}
		for _, st := range s.Stages {
			if _, ok := st.(*traceql.Select); !ok {
				all.parts = append(all.parts, c.spansCondition(st))
			}
		}
		switch len(all.parts) {
		case 0:
			return matched(constant(true))
		case 1:
			return all.parts[0]
		}
		return all
	}
	return matched(constant(true)) // select()
}

// ofSpan reports whether an expression can be decided on a span alone.
func ofSpan(a Aliases, e traceql.Expr) bool {
	alone := true
	traceql.Walk(e, func(node traceql.Node) bool {
		switch node := node.(type) {
		case *traceql.Binary:
			if node.Op.IsComparison() {
				if _, ok := a.exact(node); ok {
					return false
				}
			}
		case *traceql.Field:
			alone = alone && !node.Parent && !FieldOf(node.Ref).Intrinsic.OfTrace()
		}
		return alone
	})
	return alone
}
