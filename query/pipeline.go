// SPDX-License-Identifier: Apache-2.0

package query

import (
	"math"
	"slices"
	"strings"

	"github.com/clew-tracing/clew/base/bitset"
	"github.com/clew-tracing/clew/traceql"
)

// spanset is a set of spans of one trace on its way through the pipeline.
type spanset struct {
	rows  []int32 // ascending
	attrs []Attribute
}

// stage turns the spansets of one trace into others. begin is called for each batch, then apply for its traces.
type stage interface {
	begin(t *traces)
	apply(trace int, in []spanset) []spanset
}

// stages compiles a pipeline. What it does not know was refused by Compile.
func (c compiler) stages(p *traceql.Pipeline) []stage {
	list := make([]stage, 0, len(p.Stages))
	for _, s := range p.Stages {
		if st := c.stage(s); st != nil {
			list = append(list, st)
		}
	}
	return list
}

func (c compiler) stage(s traceql.Stage) stage {
	switch s := s.(type) {
	case *traceql.Spanset:
		return &filterStage{where: c.condition(s.Filter, false)}
	case *traceql.SpansetOp:
		return &joinStage{op: s.Op, left: c.stage(s.Left), right: c.stage(s.Right)}
	case *traceql.Pipeline:
		return &nestedStage{c.stages(s)}
	case *traceql.ScalarFilter:
		return c.scalarFilter(s)
	case *traceql.By:
		return &byStage{name: "by(" + string(s.Key.AppendText(nil)) + ")", key: c.operand(s.Key)}
	case *traceql.Coalesce:
		return coalesceStage{}
	}
	return nil
}

func runStages(stages []stage, trace int, in []spanset) []spanset {
	for _, s := range stages {
		if in = s.apply(trace, in); len(in) == 0 {
			return nil
		}
	}
	return in
}

// filterStage is { where }.
type filterStage struct {
	where condition
	hits  bitset.Set
}

func (s *filterStage) begin(t *traces) {
	s.hits.Reset(t.b.Len())
	s.where.rows(t, &s.hits)
}

func (s *filterStage) apply(_ int, in []spanset) []spanset {
	out := in[:0]
	for _, set := range in {
		kept := set.rows[:0]
		for _, row := range set.rows {
			if s.hits.Test(int(row)) {
				kept = append(kept, row)
			}
		}
		if set.rows = kept; len(kept) > 0 {
			out = append(out, set)
		}
	}
	return out
}

// joinStage is left op right, of && || and the structural operators.
type joinStage struct {
	op          traceql.Op
	left, right stage
	t           *traces
	joiner      joiner
	l, r        bitset.Set
}

func (s *joinStage) begin(t *traces) {
	s.t = t
	s.left.begin(t)
	s.right.begin(t)
	s.l.Reset(t.b.Len())
	s.r.Reset(t.b.Len())
}

func (s *joinStage) apply(trace int, in []spanset) []spanset {
	var out []spanset
	for _, set := range in {
		right := side(s.right, trace, set.rows)
		if len(right) == 0 && s.op != traceql.OpOr {
			continue
		}
		left := side(s.left, trace, set.rows)
		if len(left) == 0 && s.op != traceql.OpOr && !structures[s.op].negated {
			continue
		}
		if set.rows = s.join(trace, left, right); len(set.rows) > 0 {
			out = append(out, set)
		}
	}
	return out
}

// side is the rows that one side of the operator gives. It leaves rows alone.
func side(s stage, trace int, rows []int32) []int32 {
	f, ok := s.(*filterStage)
	if !ok {
		return union(s.apply(trace, []spanset{{rows: slices.Clone(rows)}}))
	}
	var kept []int32
	for _, row := range rows {
		if f.hits.Test(int(row)) {
			kept = append(kept, row)
		}
	}
	return kept
}

// join works the operator out; of && both sides have spans.
func (s *joinStage) join(trace int, left, right []int32) []int32 {
	if s.op.IsLogical() {
		return merge(left, right)
	}
	for _, row := range left {
		s.l.Set(int(row))
	}
	for _, row := range right {
		s.r.Set(int(row))
	}
	rows := s.joiner.join(s.t.b, s.t.bounds[trace], s.t.bounds[trace+1], structures[s.op], &s.l, &s.r, nil)
	for _, row := range left {
		s.l.Clear(int(row))
	}
	for _, row := range right {
		s.r.Clear(int(row))
	}
	return rows
}

// union is all rows of the spansets.
func union(sets []spanset) []int32 {
	var rows []int32
	for _, set := range sets {
		rows = merge(rows, set.rows)
	}
	return rows
}

// merge is the union of two ascending lists.
func merge(x, y []int32) []int32 {
	if len(x) == 0 {
		return y
	}
	if len(y) == 0 {
		return x
	}
	out := make([]int32, 0, len(x)+len(y))
	for len(x) > 0 && len(y) > 0 {
		switch {
		case x[0] < y[0]:
			out, x = append(out, x[0]), x[1:]
		case x[0] > y[0]:
			out, y = append(out, y[0]), y[1:]
		default:
			out, x, y = append(out, x[0]), x[1:], y[1:]
		}
	}
	return append(append(out, x...), y...)
}

// nestedStage is a pipeline in parentheses.
type nestedStage struct{ stages []stage }

func (s *nestedStage) begin(t *traces) {
	for _, st := range s.stages {
		st.begin(t)
	}
}

func (s *nestedStage) apply(trace int, in []spanset) []spanset { return runStages(s.stages, trace, in) }

// byStage splits spansets by a value.
type byStage struct {
	name    string
	key     operand
	scratch valueSet
}

func (s *byStage) begin(t *traces) { s.key.begin(t) }

func (s *byStage) apply(_ int, in []spanset) []spanset {
	var out []spanset
	for _, set := range in {
		groups := map[traceql.Static]int{}
		for _, row := range set.rows {
			s.key.read(int(row), &s.scratch)
			value, _ := s.scratch.first() // nil when there is none
			if value.Type == traceql.TypeFloat && value.Float == 0 {
				value.Float = 0 // -0 and 0 are one group
			}
			key := value
			if math.IsNaN(key.Float) {
				value.Float = math.NaN() // and so are all NaNs
				key.Int, key.Float = 1, 0
			}
			n, ok := groups[key]
			if !ok {
				n = len(out)
				value.Str = strings.Clone(value.Str)
				key.Str = value.Str
				groups[key] = n
				attrs := append(slices.Clip(set.attrs), constantAttribute(s.name, value))
				out = append(out, spanset{attrs: attrs})
			}
			out[n].rows = append(out[n].rows, row)
		}
	}
	return out
}

// coalesceStage merges the spansets of a trace.
type coalesceStage struct{}

func (coalesceStage) begin(*traces) {}
func (coalesceStage) apply(_ int, in []spanset) []spanset {
	return []spanset{{rows: union(in)}}
}

// scalarFilterStage compares an aggregate with a constant.
type scalarFilterStage struct {
	op       traceql.Op // positive
	inverted bool
	value    traceql.Static
	name     string
	function traceql.AggregateFunc
	arg      operand // nil for count()
	scratch  valueSet
}

// scalarFilter compiles the comparison; Compile has seen to it that one side is an aggregate and the other a constant.
func (c compiler) scalarFilter(s *traceql.ScalarFilter) stage {
	aggregate, ok := s.Left.(*traceql.Aggregate)
	other, op := s.Right, s.Op
	if !ok {
		aggregate, _ = s.Right.(*traceql.Aggregate)
		other, op = s.Left, flip(s.Op)
	}
	value, _ := fold(other)
	out := &scalarFilterStage{value: value, name: string(aggregate.AppendText(nil)), function: aggregate.Func}
	out.op, out.inverted = positive(op)
	if aggregate.Arg != nil {
		out.arg = c.operand(aggregate.Arg)
	}
	return out
}

func (s *scalarFilterStage) begin(t *traces) {
	if s.arg != nil {
		s.arg.begin(t)
	}
}

func (s *scalarFilterStage) apply(_ int, in []spanset) []spanset {
	out := in[:0]
	for _, set := range in {
		value, ok := s.aggregate(set.rows)
		if !ok {
			continue
		}
		v := compare(s.op, value, s.value, nil)
		if s.inverted && v == no || !s.inverted && v == yes {
			set.attrs = append(slices.Clip(set.attrs), constantAttribute(s.name, value))
			out = append(out, set)
		}
	}
	return out
}

// aggregate is the number of a spanset; false when none of its spans has a value.
func (s *scalarFilterStage) aggregate(rows []int32) (traceql.Static, bool) {
	if s.function == traceql.AggregateCount {
		return traceql.NewInt(int64(len(rows))), true
	}
	var acc accumulator
	for _, row := range rows {
		s.arg.read(int(row), &s.scratch)
		if len(s.scratch.groups) == 0 {
			continue
		}
		g := s.scratch.groups[0]
		for _, v := range s.scratch.values[g.lo:g.hi] {
			if v.Type.Numeric() && !math.IsNaN(v.Float) { // one NaN shall not spoil the number of all others
				acc.add(v)
			}
		}
	}
	return acc.result(s.function)
}

// accumulator collects numbers.
type accumulator struct {
	n          int64
	typ        traceql.Type // of all, as long as it is one
	mixed      bool
	intSum     int64
	floatSum   float64
	least, top traceql.Static
}

func (a *accumulator) add(v traceql.Static) {
	if a.n == 0 {
		a.typ, a.least, a.top = v.Type, v, v
	}
	a.n++
	a.mixed = a.mixed || v.Type != a.typ
	a.intSum += v.Int
	a.floatSum += v.AsFloat()
	if compare(traceql.OpLess, v, a.least, nil) == yes {
		a.least = v
	}
	if compare(traceql.OpGreater, v, a.top, nil) == yes {
		a.top = v
	}
}

func (a *accumulator) result(f traceql.AggregateFunc) (traceql.Static, bool) {
	if a.n == 0 {
		return traceql.Static{}, false
	}
	isInt := !a.mixed && a.typ != traceql.TypeFloat
	switch f {
	case traceql.AggregateMin:
		return a.least, true
	case traceql.AggregateMax:
		return a.top, true
	case traceql.AggregateSum:
		if isInt {
			return traceql.Static{Type: a.typ, Int: a.intSum}, true
		}
		return traceql.NewFloat(a.floatSum), true
	}
	mean := a.floatSum / float64(a.n)
	if isInt && a.typ == traceql.TypeDuration {
		return traceql.Static{Type: a.typ, Int: int64(math.Round(mean))}, true
	}
	return traceql.NewFloat(mean), true
}
