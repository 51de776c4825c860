// SPDX-License-Identifier: Apache-2.0

package query

import (
	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
)

// evaluator decides the traces of one batch after the other. It is for one goroutine.
type evaluator struct {
	traces  traces
	stages  []stage
	outputs []*outputField
	rows    []int32
	sets    []spanset
}

func (p *Plan) evaluator() *evaluator {
	c := compiler{p.aliases}
	return &evaluator{stages: c.stages(p.Query.Pipeline), outputs: c.outputs(p.Output)}
}

// impossible: no span can match.
func (p *Plan) impossible() bool { return p.Where.Kind == match.None }

// batch calls take for every trace of b that matches, with its rows and its spansets, which are valid until take
// returns. An error from take ends the batch and is returned.
func (e *evaluator) batch(b *span.Batch, take func(lo, hi int, sets []spanset) error) error {
	t := &e.traces
	t.reset(b)
	for _, s := range e.stages {
		s.begin(t)
	}
	begun := false
	for i := range t.len() {
		lo, hi := t.bounds[i], t.bounds[i+1]
		first, filters := e.first()
		if filters && !anyIn(first, lo, hi) {
			continue
		}
		e.rows = e.rows[:0]
		for row := lo; row < hi; row++ {
			e.rows = append(e.rows, int32(row))
		}
		e.sets = append(e.sets[:0], spanset{rows: e.rows})
		sets := runStages(e.stages, i, e.sets)
		if len(sets) == 0 {
			continue
		}
		if !begun {
			begun = true
			for _, f := range e.outputs {
				f.begin(t)
			}
		}
		if err := take(lo, hi, sets); err != nil {
			return err
		}
	}
	return nil
}

// first is the pipeline's first stage if that is a filter, which decides most traces at a glance.
func (e *evaluator) first() (*filterStage, bool) {
	if len(e.stages) == 0 {
		return nil, false
	}
	f, ok := e.stages[0].(*filterStage)
	return f, ok
}

func anyIn(f *filterStage, lo, hi int) bool {
	row := f.hits.NextSet(lo)
	return row >= 0 && row < hi
}
