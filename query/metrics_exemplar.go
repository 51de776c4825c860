// SPDX-License-Identifier: Apache-2.0

package query

import (
	"cmp"
	"math"
	"slices"
)

// exemplarsPerBucket is how many examples there are of one moment at most.
const exemplarsPerBucket = 2

// exemplars keeps some of the spans that series are made of: of each bucket of time those of the traces with the lowest
// hash, so that the same ones are shown whatever order the spans come in, one a trace.
type exemplars struct {
	run     *metricsRun
	outputs []*outputField
	buckets [][]example
	chosen  bool
}

// example is an exemplar that may be shown.
type example struct {
	hash  uint64
	group uint32
	bound float64 // of the bucket of a histogram that it belongs to
	Exemplar
}

func newExemplars(r *metricsRun, outputs []*outputField) *exemplars {
	return &exemplars{run: r, outputs: outputs, buckets: make([][]example, r.clock.times.N)}
}

// batch offers the spans of a batch.
func (e *exemplars) batch(c *counted, m *measure) {
	begun := false
	for i, row := range c.rows {
		id := c.t.b.TraceID[row]
		hash := id.Key() * 0x9E3779B97F4A7C15 // trace ids may be anything but random
		hash ^= hash >> 32
		kept := e.buckets[c.buckets[i]]
		if c.groups[i] == noGroup || len(kept) == exemplarsPerBucket && hash >= kept[len(kept)-1].hash ||
			slices.ContainsFunc(kept, func(x example) bool { return x.TraceID.SameTrace(id) }) {
			continue
		}
		x := example{hash: hash, group: c.groups[i], bound: math.NaN(), Exemplar: Exemplar{TraceID: id, Time: c.t.b.Start[row], Value: math.NaN()}}
		if m != nil && !e.measured(&x, m, row) {
			continue
		}
		if !begun {
			begun = true
			for _, f := range e.outputs {
				f.begin(c.t)
			}
		}
		for _, f := range e.outputs {
			if a, ok := f.read(int(row)); ok {
				x.Attributes = append(x.Attributes, a)
			}
		}
		at, _ := slices.BinarySearchFunc(kept, hash, func(x example, hash uint64) int { return cmp.Compare(x.hash, hash) })
		kept = slices.Insert(kept, at, x)
		e.buckets[c.buckets[i]] = kept[:min(len(kept), exemplarsPerBucket)]
	}
}

// measured sets the example's value; false if the span has none, so that it is in no series.
func (e *exemplars) measured(x *example, m *measure, row int32) bool {
	for _, v := range m.numbers(row) {
		if n, ok := number(v); ok {
			x.Value = n * scale(v)
			if exponent, ok := histogramExponent(v); ok {
				x.bound = bucketBound(exponent)
			}
			return true
		}
	}
	return false
}

// choose leaves as many as were asked for.
func (e *exemplars) choose() {
	if e.chosen {
		return
	}
	e.chosen = true
	var hashes []uint64
	for _, kept := range e.buckets {
		for _, x := range kept {
			hashes = append(hashes, x.hash)
		}
	}
	limit := e.run.request.Exemplars
	if len(hashes) <= limit {
		return
	}
	slices.Sort(hashes)
	for i, kept := range e.buckets {
		e.buckets[i] = slices.DeleteFunc(kept, func(x example) bool { return x.hash >= hashes[limit] })
	}
}

// give puts the examples of a group on its series: on that of its range of a histogram, else on the first.
func (e *exemplars) give(group int, list []*Series) {
	e.choose()
	if len(list) == 0 {
		return
	}
	for bucket, kept := range e.buckets {
		for _, x := range kept {
			if int(x.group) != group {
				continue
			}
			s := list[0]
			for _, other := range list[1:] {
				if last := other.Labels[len(other.Labels)-1]; last.Name == LabelBucket && last.Value.Float == x.bound {
					s = other
				}
			}
			if math.IsNaN(x.Value) {
				x.Value = s.Values[bucket]
			}
			s.Exemplars = append(s.Exemplars, x.Exemplar)
		}
	}
	for _, s := range list {
		slices.SortFunc(s.Exemplars, compareExemplars)
	}
}

func compareExemplars(a, b Exemplar) int {
	return cmp.Or(cmp.Compare(a.Time, b.Time), slices.Compare(a.TraceID[:], b.TraceID[:]))
}
