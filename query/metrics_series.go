// SPDX-License-Identifier: Apache-2.0

package query

import (
	"math"
	"slices"

	"github.com/clew-tracing/clew/traceql"
)

// seriesNode is a step of a metrics query: what was scanned, or what is computed from other series. Each call makes
// series of its own, which the caller may change.
type seriesNode interface {
	series(r *metricsRun) []*Series
}

// filterNode keeps the samples for which a comparison with a number holds.
type filterNode struct {
	of    seriesNode
	op    traceql.Op
	value float64
}

func (n *filterNode) series(r *metricsRun) []*Series {
	list := n.of.series(r)
	for _, s := range list {
		for i, v := range s.Values {
			if !n.holds(v) {
				s.Values[i] = math.NaN()
			}
		}
		s.keepExemplars(r.clock)
	}
	return present(list)
}

func (n *filterNode) holds(v float64) bool {
	switch {
	case math.IsNaN(v):
		return false
	case n.op == traceql.OpNotEq:
		return v != n.value
	}
	return holds(n.op, compareFloats(v, n.value))
}

// keepExemplars drops those of samples that are no more.
func (s *Series) keepExemplars(c clock) {
	s.Exemplars = slices.DeleteFunc(s.Exemplars, func(e Exemplar) bool { return math.IsNaN(s.Values[c.bucket(e.Time)]) })
}

// topNode keeps, of each moment, the n largest or smallest samples.
type topNode struct {
	of     seriesNode
	n      int
	bottom bool
}

func (n *topNode) series(r *metricsRun) []*Series {
	list := n.of.series(r)
	if len(list) <= n.n {
		return list
	}
	// Equal samples are decided by the labels, so that the answer does not depend on the order of the scan.
	slices.SortFunc(list, func(a, b *Series) int { return compareLabels(a.Labels, b.Labels) })
	at := make([]int, 0, len(list))
	for i := range r.clock.times.N {
		at = at[:0]
		for s := range list {
			if !math.IsNaN(list[s].Values[i]) {
				at = append(at, s)
			}
		}
		if len(at) <= n.n {
			continue
		}
		slices.SortStableFunc(at, func(a, b int) int {
			c := compareFloats(list[b].Values[i], list[a].Values[i])
			if n.bottom {
				return -c
			}
			return c
		})
		for _, s := range at[n.n:] {
			list[s].Values[i] = math.NaN()
		}
	}
	for _, s := range list {
		s.keepExemplars(r.clock)
	}
	return present(list)
}

// numberNode is a constant operand.
type numberNode float64

func (n numberNode) series(r *metricsRun) []*Series {
	s := &Series{Values: make([]float64, r.clock.times.N)}
	for i := range s.Values {
		s.Values[i] = float64(n)
	}
	return []*Series{s}
}

// mathNode joins the series of two sides that have the same labels; a side without labels goes with all of the other.
type mathNode struct {
	op          traceql.Op
	left, right seriesNode
	name        string
}

func (n *mathNode) series(r *metricsRun) []*Series {
	left, right := n.left.series(r), n.right.series(r)
	var out []*Series
	leftAll, rightAll := unlabelled(left), unlabelled(right)
	switch {
	case rightAll != nil:
		for _, l := range left {
			out = append(out, n.join(l, rightAll, l.Labels))
		}
	case leftAll != nil:
		for _, s := range right {
			out = append(out, n.join(leftAll, s, s.Labels))
		}
	default:
		by := map[string]*Series{}
		for _, s := range right {
			by[labelsKey(s.Labels)] = s
		}
		for _, l := range left {
			if s := by[labelsKey(l.Labels)]; s != nil {
				out = append(out, n.join(l, s, l.Labels))
			}
		}
	}
	return present(out)
}

// join computes one series. Its name is that of the computation where it has no other label.
func (n *mathNode) join(l, r *Series, labels []Label) *Series {
	out := &Series{Labels: labels, Values: make([]float64, len(l.Values)), Exemplars: slices.Concat(l.Exemplars, r.Exemplars)}
	if isUnlabelled(labels) {
		out.Labels = []Label{{LabelName, traceql.NewString(n.name)}}
	}
	for i, x := range l.Values {
		y := r.Values[i]
		switch n.op {
		case traceql.OpAdd:
			x += y
		case traceql.OpSub:
			x -= y
		case traceql.OpMul:
			x *= y
		case traceql.OpDiv:
			if y == 0 {
				x = math.NaN()
			}
			x /= y
		}
		out.Values[i] = x
	}
	slices.SortFunc(out.Exemplars, compareExemplars)
	return out
}

// unlabelled is the series of a side that has but one, without labels.
func unlabelled(list []*Series) *Series {
	if len(list) == 1 && isUnlabelled(list[0].Labels) {
		return list[0]
	}
	return nil
}

func isUnlabelled(labels []Label) bool {
	return len(labels) == 0 || len(labels) == 1 && labels[0].Name == LabelName
}

// labelsKey is a text that only equal labels share.
func labelsKey(labels []Label) string {
	var key []byte
	for _, l := range labels {
		key = append(key, l.Name...)
		key = append(key, 0, byte(l.Value.Type))
		key = l.Value.AppendText(key)
		key = append(key, 0)
	}
	return string(key)
}
