// SPDX-License-Identifier: Apache-2.0

package query

import (
	"fmt"
	"strings"

	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/traceql"
)

// Plan is a query made ready: what to ask of an engine and how to decide what it gives. It is immutable and may serve
// any number of searches at once.
type Plan struct {
	// Query is the checked query.
	Query *traceql.Query
	// Where holds for at least one span of every trace that the query can match.
	Where match.Expr
	// Fields are what the engine has to read.
	Fields []match.Field
	// Output are the attributes and intrinsics that a result shows of each matched span: those of the conditions, of
	// by(), of aggregates and of select(), in the order of the text.
	Output []traceql.Ref

	aliases Aliases
}

// Compile reads, checks and plans a query. An empty text finds every span. The error is a traceql.Errors.
func Compile(text string, aliases Aliases) (*Plan, error) {
	if strings.TrimSpace(text) == "" {
		text = "{ }"
	}
	q, err := traceql.Compile(text)
	if err != nil {
		return nil, err
	}
	errs := executable(q)
	if len(errs) == 0 {
		errs = noSeries(q)
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	p := &Plan{Query: q, aliases: aliases, Where: candidates(aliases, q.Pipeline)}
	p.output()
	p.fields()
	return p, nil
}

// executable refuses what the language has and nobody can do.
func executable(q *traceql.Query) traceql.Errors {
	var errs traceql.Errors
	refuse := func(n traceql.Node, class traceql.Class, message, hint string) {
		r := n.Pos()
		errs = append(errs, &traceql.Error{From: r.From, To: r.To, Class: class, Message: message, Hint: hint})
	}
	if r, n := conditions(q); n > maxConditions {
		errs = append(errs, &traceql.Error{
			From: r.From, To: r.To, Class: traceql.ClassCheck, Message: fmt.Sprintf("more than %d fields and spansets", maxConditions),
			Hint: "a regular expression takes many alternatives at once: =~ \"a|b|c\"",
		})
		return errs
	}
	grouped := false
	for _, s := range q.Pipeline.Stages {
		switch s := s.(type) {
		case *traceql.By:
			grouped = true
		case *traceql.Coalesce:
			grouped = false
		case *traceql.SpansetOp:
			if grouped && s.Op.IsStructural() {
				refuse(s, traceql.ClassCheck, s.Op.String()+" after by() would join the groups of a trace with each other",
					"put | coalesce() before it")
			}
		}
	}
	return errs
}

// noSeries refuses metrics where traces are wanted.
func noSeries(q *traceql.Query) (errs traceql.Errors) {
	traceql.Walk(q, func(n traceql.Node) bool {
		switch n.(type) {
		case *traceql.Metrics, *traceql.Compare, *traceql.TopK, *traceql.SeriesFilter, *traceql.Math:
			if r := n.Pos(); len(errs) == 0 {
				errs = append(errs, &traceql.Error{
					From: r.From, To: r.To, Class: traceql.ClassCheck, Message: "this makes series of the spans, and a search finds traces",
					Hint: "ask for metrics, or leave it out",
				})
			}
			return false
		}
		return true
	})
	return errs
}

// maxConditions bounds the work that a query of a few bytes a condition can ask for.
const maxConditions = 2000

// conditions counts the fields and spansets of a query, and finds the first one too many.
func conditions(q *traceql.Query) (tooMany traceql.Range, n int) {
	traceql.Walk(q, func(node traceql.Node) bool {
		switch node.(type) {
		case *traceql.Field, *traceql.Spanset, *traceql.Aggregate:
			if n++; n == maxConditions+1 {
				tooMany = node.Pos()
			}
		}
		return true
	})
	return tooMany, n
}

// output collects the fields that the query speaks of.
func (p *Plan) output() {
	seen := map[traceql.Ref]bool{}
	traceql.Walk(p.Query, func(n traceql.Node) bool {
		if f, ok := n.(*traceql.Field); ok && !seen[f.Ref] {
			seen[f.Ref] = true
			p.Output = append(p.Output, f.Ref)
		}
		return true
	})
}

// fields collects what is read: what every result shows, and what the query speaks of.
func (p *Plan) fields() {
	seen := map[match.Field]bool{}
	add := func(list ...match.Field) {
		for _, f := range list {
			if !seen[f] {
				seen[f] = true
				p.Fields = append(p.Fields, f)
			}
		}
	}
	add(match.Of(match.Name), match.Of(match.Status), match.Of(match.Kind), match.Attr(match.ScopeResource, "service.name"))
	for _, r := range p.Output {
		add(p.aliases.names(r)...)
	}
}

// Explain says the plan in words, for people.
func (p *Plan) Explain() string {
	var out strings.Builder
	fmt.Fprintf(&out, "query: %s\nscan:  traces with a span such that %s\nread: ", p.Query, p.Where)
	for _, f := range p.Fields {
		fmt.Fprintf(&out, " %s", f)
	}
	out.WriteByte('\n')
	for i, s := range p.Query.Pipeline.Stages {
		fmt.Fprintf(&out, "step %d: %s: %s\n", i+1, stageText(s), s.AppendText(nil))
	}
	return out.String()
}

func stageText(s traceql.Stage) string {
	switch s := s.(type) {
	case *traceql.Spanset:
		return "keep spans"
	case *traceql.SpansetOp:
		if s.Op.IsStructural() {
			return "join by the tree"
		}
		return "join by trace"
	case *traceql.ScalarFilter:
		return "keep spansets"
	case *traceql.By:
		return "split spansets"
	case *traceql.Coalesce:
		return "merge spansets"
	case *traceql.Select:
		return "show also"
	}
	return "pipeline"
}

// candidates is what some span of every trace must satisfy for the pipeline to give any spanset.
func candidates(a Aliases, p *traceql.Pipeline) match.Expr {
	where := constant(true)
	// While the stages so far have only dropped spans, those that the next filter keeps satisfy all filters at once.
	same := true
	for _, s := range p.Stages {
		switch s := s.(type) {
		case *traceql.Spanset:
			next := a.superset(s.Filter, false)
			if same {
				where = match.AllOf(where, next)
			} else {
				where = narrower(where, next)
			}
		case *traceql.SpansetOp, *traceql.Pipeline:
			where = narrower(where, a.stage(s))
			same = false
		}
	}
	return where
}

// stage is candidates for one side of an operator between spansets.
func (a Aliases) stage(s traceql.Stage) match.Expr {
	switch s := s.(type) {
	case *traceql.Spanset:
		return a.superset(s.Filter, false)
	case *traceql.Pipeline:
		return candidates(a, s)
	case *traceql.SpansetOp:
		left, right := a.stage(s.Left), a.stage(s.Right)
		switch {
		case s.Op == traceql.OpOr:
			return match.AnyOf(left, right)
		case structures[s.Op].negated:
			return right
		}
		// Both sides must have spans in the trace, so either alone finds every candidate.
		return narrower(left, right)
	}
	return constant(true)
}

// narrower is the one of two conditions that fewer spans are likely to satisfy.
func narrower(x, y match.Expr) match.Expr {
	if breadth(y) < breadth(x) {
		return y
	}
	return x
}

// breadth guesses how many of a million spans satisfy a condition. Only the order of the guesses matters.
func breadth(e match.Expr) float64 {
	const all = 1e6
	switch e.Kind {
	case match.None:
		return 0
	case match.One:
		return breadthOf(e.Cond)
	case match.And:
		least := float64(all)
		for _, k := range e.Kids {
			least = min(least, breadth(k))
		}
		return least / 2
	case match.Or:
		sum := 0.0
		for _, k := range e.Kids {
			sum += breadth(k)
		}
		return min(sum, all)
	}
	return all
}

func breadthOf(c match.Cond) float64 {
	switch c.Op {
	case match.Eq, match.In:
		if c.Field.Scope == match.ScopeIntrinsic {
			switch c.Field.Intrinsic {
			case match.SpanID, match.TraceID, match.ParentID, match.LinkSpanID, match.LinkTraceID:
				return 1
			case match.Status:
				if c.Value.Int() == traceql.StatusError {
					return 1e4
				}
				return 5e5
			case match.Kind:
				return 2e5
			case match.Name:
				return 5e3
			}
		}
		if c.Field.Scope == match.ScopeResource {
			return 5e4
		}
		return 1e4
	case match.Match:
		return 3e4
	case match.Lt, match.Le, match.Gt, match.Ge:
		return 1e5
	case match.Absent:
		if c.Field == match.Of(match.ParentID) {
			return 4e4
		}
		return 8e5
	case match.Exists:
		return 3e5
	}
	return 7e5
}
