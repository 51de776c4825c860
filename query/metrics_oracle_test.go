// SPDX-License-Identifier: Apache-2.0

package query

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/clew-tracing/clew/base/fs"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
	"github.com/clew-tracing/clew/store/embed"
	"github.com/clew-tracing/clew/traceql"
)

// oracleSeries is samples by labels, which are written as text. A label's text begins with its name.
type oracleSeries map[string][]float64

// oracleRange is where spans count: at each of the times those that start after the one before.
type oracleRange struct {
	times   []int64
	step    float64 // s
	instant bool    // one time, and the start of the range counts too
	from    int64
}

// at is the sample that a start belongs to; -1 for none.
func (r oracleRange) at(start int64) int {
	for i, t := range r.times {
		after := start > t-int64(math.Round(r.step*1e9))
		if r.instant {
			after = start >= r.from
		}
		if after && start <= t {
			return i
		}
	}
	return -1
}

// metrics computes the series of a pipeline, one span after the other.
func (o *oracle) metrics(p *traceql.Pipeline, at oracleRange) oracleSeries {
	var out oracleSeries
	var spans []traceql.Stage
	for _, s := range p.Stages {
		switch s := s.(type) {
		case *traceql.Metrics:
			out = o.measure(s, o.starts(spans, at), at)
		case *traceql.Compare:
			out = o.compareSpans(s, o.starts(spans, at), at)
		case *traceql.Math:
			out = o.math(s, at)
		case *traceql.TopK:
			out = out.top(s)
		case *traceql.SeriesFilter:
			out = out.filter(s)
		case *traceql.Pipeline:
			if s.IsMetrics() {
				out = o.metrics(s, at)
			} else {
				spans = append(spans, s)
			}
		default:
			spans = append(spans, s)
		}
	}
	return out.present()
}

// starts are the rows that count, by sample.
func (o *oracle) starts(stages []traceql.Stage, at oracleRange) [][]int {
	rows := make([][]int, len(at.times))
	for lo, hi := range o.b.Traces() {
		o.lo, o.hi = lo, hi
		all := oracleSet{}
		for r := lo; r < hi; r++ {
			all.rows = append(all.rows, r)
		}
		counted := map[int]bool{}
		for _, set := range o.run(&traceql.Pipeline{Stages: stages}, []oracleSet{all}) {
			for _, r := range set.rows {
				counted[r] = true
			}
		}
		for _, r := range slices.Sorted(maps.Keys(counted)) {
			if i := at.at(o.b.Start[r]); i >= 0 {
				rows[i] = append(rows[i], r)
			}
		}
	}
	return rows
}

// in makes the trace of a row the one at hand.
func (o *oracle) in(row int) {
	for lo, hi := range o.b.Traces() {
		if lo <= row && row < hi {
			o.lo, o.hi = lo, hi
		}
	}
}

func (o *oracle) firstValue(f *traceql.Field, row int) traceql.Static {
	for _, g := range o.values(f, row) {
		if len(g.values) > 0 {
			return g.values[0]
		}
	}
	return traceql.Static{}
}

func labelText(name string, v traceql.Static) string {
	if v.IsNil() {
		v = traceql.NewString("nil")
	}
	return fmt.Sprintf("%s=%s %s", name, v.Type, v)
}

func (o *oracle) measure(m *traceql.Metrics, rows [][]int, at oracleRange) oracleSeries {
	groups := map[string][][]traceql.Static{} // by labels and sample, what was measured
	n := len(at.times)
	if m.Arg == nil && len(m.By) == 0 {
		groups[""] = make([][]traceql.Static, n)
	}
	for i, list := range rows {
		for _, row := range list {
			o.in(row)
			var labels []string
			for _, f := range m.By {
				if v := o.firstValue(f, row); !v.IsNil() {
					labels = append(labels, labelText(f.Ref.String(), v))
				}
			}
			if len(m.By) > 0 && len(labels) == 0 {
				labels = []string{labelText(m.By[0].Ref.String(), traceql.Static{})}
			}
			key := strings.Join(labels, ", ")
			if groups[key] == nil {
				groups[key] = make([][]traceql.Static, n)
			}
			if m.Arg == nil {
				groups[key][i] = append(groups[key][i], traceql.NewInt(1))
				continue
			}
			for _, g := range o.values(m.Arg, row) {
				if len(g.values) > 0 {
					for _, v := range g.values {
						if v.Type.Numeric() && !math.IsNaN(v.Float) {
							groups[key][i] = append(groups[key][i], v)
						}
					}
					break
				}
			}
		}
	}
	out := oracleSeries{}
	join := func(labels, more string) string {
		if labels == "" {
			return more
		}
		return labels + ", " + more
	}
	for labels, samples := range groups {
		switch m.Func {
		case traceql.MetricsQuantileOverTime:
			for _, q := range m.Quantiles {
				out[join(labels, labelText("p", traceql.NewFloat(q.Value.AsFloat())))] = each(samples, func(vs []float64) float64 {
					slices.Sort(vs)
					return vs[max(0, int(math.Ceil(q.Value.AsFloat()*float64(len(vs))-1e-9))-1)]
				})
			}
		case traceql.MetricsHistogramOverTime:
			for i, vs := range samples {
				for _, v := range vs {
					bound, ok := powerBound(v)
					if !ok {
						continue
					}
					key := join(labels, labelText("__bucket", traceql.NewFloat(bound)))
					if out[key] == nil {
						out[key] = make([]float64, n)
					}
					out[key][i]++
				}
			}
		default:
			if labels == "" {
				labels = labelText("__name__", traceql.NewString(m.Func.String()))
			}
			if m.Arg == nil {
				out[labels] = make([]float64, n)
				for i, vs := range samples {
					if out[labels][i] = float64(len(vs)); m.Func == traceql.MetricsRate {
						out[labels][i] /= at.step
					}
				}
				continue
			}
			out[labels] = each(samples, func(vs []float64) float64 {
				sum := 0.0
				for _, v := range vs {
					sum += v
				}
				switch m.Func {
				case traceql.MetricsMinOverTime:
					return slices.Min(vs)
				case traceql.MetricsMaxOverTime:
					return slices.Max(vs)
				case traceql.MetricsAvgOverTime:
					return sum / float64(len(vs))
				}
				return sum
			})
		}
	}
	return out
}

// each makes samples of what was measured, in seconds for durations; NaN of nothing.
func each(samples [][]traceql.Static, f func([]float64) float64) []float64 {
	var out []float64
	for _, list := range samples {
		var vs []float64
		for _, v := range list {
			x := v.AsFloat()
			if v.Type == traceql.TypeDuration {
				x /= 1e9
			}
			vs = append(vs, x)
		}
		if len(vs) == 0 {
			out = append(out, math.NaN())
		} else {
			out = append(out, f(vs))
		}
	}
	return out
}

// powerBound is the power of two that a value is not above, found by going up or down.
func powerBound(v traceql.Static) (float64, bool) {
	x := v.AsFloat()
	if v.Type == traceql.TypeFloat && (x <= 0 || math.IsInf(x, 0)) || v.Type != traceql.TypeFloat && v.Int < 2 {
		return 0, false
	}
	bound := 1.0
	for bound/2 >= x {
		bound /= 2
	}
	for bound < x || v.Type != traceql.TypeFloat && bound < 1<<62 && int64(bound) < v.Int {
		bound *= 2
	}
	if v.Type == traceql.TypeDuration {
		bound /= 1e9
	}
	return bound, true
}

func (o *oracle) compareSpans(c *traceql.Compare, rows [][]int, at oracleRange) oracleSeries {
	out := oracleSeries{}
	count := func(kind, attr string, v traceql.Static, i int) {
		key := labelText("__meta_type", traceql.NewString(kind)) + ", " + labelText(attr, v)
		if out[key] == nil {
			out[key] = make([]float64, len(at.times))
		}
		out[key][i]++
	}
	for i, list := range rows {
		for _, row := range list {
			o.in(row)
			kind := "baseline"
			if c.Selection.Filter == nil || o.holds(c.Selection.Filter, row, false) {
				kind = "selection"
			}
			add := func(ref traceql.Ref, v traceql.Static) {
				count(kind+"_total", ref.String(), traceql.Static{}, i)
				if !math.IsNaN(v.Float) {
					count(kind, ref.String(), v, i)
				}
			}
			for _, in := range []traceql.Intrinsic{traceql.IntrinsicName, traceql.IntrinsicStatus, traceql.IntrinsicStatusMessage, traceql.IntrinsicKind,
				traceql.IntrinsicRootName, traceql.IntrinsicRootService} {
				if v := o.firstValue(&traceql.Field{Ref: traceql.IntrinsicRef(in)}, row); !v.IsNil() && (v.Type != traceql.TypeString || v.Str != "") {
					add(traceql.IntrinsicRef(in), v)
				}
			}
			for _, scope := range []traceql.Scope{traceql.ScopeSpan, traceql.ScopeResource} {
				a, owner := &o.b.Attrs, row
				if scope == traceql.ScopeResource {
					a, owner = &o.b.Resources.Attrs, int(o.b.Resource[row])
				}
				seen := map[string]bool{}
				for k, hi := a.Range(owner); k < hi; k++ {
					key := o.b.Strings.String(a.Key[k])
					if v := o.b.Value(a, k); !seen[key] {
						switch v.Type {
						case span.TypeString:
							add(traceql.AttrRef(scope, key), traceql.NewString(v.Str))
						case span.TypeInt:
							add(traceql.AttrRef(scope, key), traceql.NewInt(v.Int()))
						case span.TypeDouble:
							add(traceql.AttrRef(scope, key), traceql.NewFloat(v.Double()))
						case span.TypeBool:
							add(traceql.AttrRef(scope, key), traceql.NewBool(v.Bool()))
						}
					}
					seen[key] = true
				}
			}
		}
	}
	return out
}

func (o *oracle) math(m *traceql.Math, at oracleRange) oracleSeries {
	side := func(e traceql.Expr) (oracleSeries, string) {
		switch e := e.(type) {
		case *traceql.Pipeline:
			s := o.metrics(e, at)
			name := ""
			traceql.Walk(e, func(n traceql.Node) bool {
				if m, ok := n.(*traceql.Metrics); ok && name == "" {
					name = m.Func.String()
				}
				return true
			})
			return s, name
		case *traceql.Math:
			panic("not drawn")
		}
		v := o.values(e, 0)[0].values[0]
		all := make([]float64, len(at.times))
		for i := range all {
			all[i] = v.AsFloat()
		}
		return oracleSeries{"": all}, v.String()
	}
	left, leftName := side(m.Left)
	right, rightName := side(m.Right)
	name := labelText("__name__", traceql.NewString("("+leftName+" "+m.Op.String()+" "+rightName+")"))
	out := oracleSeries{}
	bare := func(labels string) bool { return labels == "" || strings.HasPrefix(labels, "__name__=") }
	for l, x := range left {
		for r, y := range right {
			labels := l
			switch {
			case bare(l) && bare(r):
				labels = name
			case bare(l):
				labels = r
			case bare(r), l == r:
			default:
				continue
			}
			z := make([]float64, len(x))
			for i := range x {
				switch m.Op {
				case traceql.OpAdd:
					z[i] = x[i] + y[i]
				case traceql.OpSub:
					z[i] = x[i] - y[i]
				case traceql.OpMul:
					z[i] = x[i] * y[i]
				case traceql.OpDiv:
					if z[i] = x[i] / y[i]; y[i] == 0 {
						z[i] = math.NaN()
					}
				}
			}
			out[labels] = z
		}
	}
	return out
}

func (s oracleSeries) filter(f *traceql.SeriesFilter) oracleSeries {
	limit := f.Value.Value.AsFloat()
	if f.Value.Value.Type == traceql.TypeDuration {
		limit /= 1e9
	}
	for _, vs := range s {
		for i, v := range vs {
			ok := map[traceql.Op]bool{
				traceql.OpEq: v == limit, traceql.OpNotEq: v != limit, traceql.OpLess: v < limit, traceql.OpLessEq: v <= limit,
				traceql.OpGreater: v > limit, traceql.OpGreaterEq: v >= limit,
			}[f.Op]
			if !ok {
				vs[i] = math.NaN()
			}
		}
	}
	return s.present()
}

// top keeps a sample if fewer than n others are larger, or smaller.
func (s oracleSeries) top(k *traceql.TopK) oracleSeries {
	out := oracleSeries{}
	for labels, vs := range s {
		out[labels] = slices.Clone(vs)
		for i, v := range vs {
			better := 0
			for other, ws := range s {
				if w := ws[i]; (w > v) != k.Bottom && w != v && !math.IsNaN(w) || w == v && other < labels {
					better++
				}
			}
			if better >= int(k.N.Value.Int) {
				out[labels][i] = math.NaN()
			}
		}
	}
	return out.present()
}

func (s oracleSeries) present() oracleSeries {
	out := oracleSeries{}
	for labels, vs := range s {
		if slices.ContainsFunc(vs, func(v float64) bool { return !math.IsNaN(v) }) {
			out[labels] = vs
		}
	}
	return out
}

// text writes the samples, a series a line.
func (s oracleSeries) text() string {
	var out strings.Builder
	for _, labels := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(&out, "%s: %v\n", labels, s[labels])
	}
	return out.String()
}

// near reports whether two answers say the same, up to the error of quantiles and of rounding.
func (s oracleSeries) near(other oracleSeries, tolerance float64) bool {
	return maps.EqualFunc(s, other, func(x, y []float64) bool {
		return slices.EqualFunc(x, y, func(a, b float64) bool {
			if math.IsNaN(a) || math.IsNaN(b) {
				return math.IsNaN(a) && math.IsNaN(b)
			}
			if math.Abs(a) > 1e300 && math.Abs(b) > 1e300 { // there is no range for infinity
				return a > 0 == (b > 0)
			}
			return a == b || math.Abs(a-b) <= tolerance*max(math.Abs(a), math.Abs(b))
		})
	})
}

// moments are the samples of each moment in order, whosever they are.
func (s oracleSeries) moments() oracleSeries {
	out := oracleSeries{}
	for _, vs := range s {
		for i, v := range vs {
			if !math.IsNaN(v) {
				out[fmt.Sprint(i)] = append(out[fmt.Sprint(i)], v)
			}
		}
	}
	for _, vs := range out {
		slices.Sort(vs)
	}
	return out
}

func seriesByLabels(list []*Series) oracleSeries {
	out := oracleSeries{}
	for _, s := range list {
		var labels []string
		for _, l := range s.Labels {
			labels = append(labels, labelText(l.Name, l.Value))
		}
		out[strings.Join(labels, ", ")] = s.Values
	}
	return out
}

// metrics draws the text of a metrics query.
func (g *generator) metrics() string {
	switch g.pick(8) {
	case 0:
		return g.spans(1) + " | compare({ " + g.cond(0) + " }, 1000)"
	case 1:
		number := pickOf(g, "2", "-1.5", "0")
		op := pickOf(g, " + ", " - ", " * ", " / ")
		sides := []string{"(" + g.leaf() + ")", pickOf(g, "("+g.leaf()+")", number)}
		if g.pick(2) == 0 {
			sides[0], sides[1] = sides[1], sides[0]
		}
		return sides[0] + op + sides[1]
	}
	out := g.leaf()
	if g.pick(3) == 0 {
		out += pickOf(g, " | topk(1)", " | bottomk(2)", " > 1", " <= 2", " != 1", " = 1", " >= 2ns", " > 0 | topk(2)")
	}
	return out
}

func (g *generator) leaf() string {
	out := g.spans(g.pick(3))
	if g.pick(4) == 0 {
		out += " | " + g.stage()
	}
	arg := "(" + pickOf(g, "duration", "duration", g.attr(), "traceDuration", "span:childCount", "event:timeSinceStart") + ")"
	out += " | " + pickOf(g, "rate()", "count_over_time()", "min_over_time"+arg, "max_over_time"+arg, "avg_over_time"+arg, "sum_over_time"+arg,
		"histogram_over_time"+arg, "quantile_over_time("+arg[1:len(arg)-1]+", .5, 0, .9, 1)")
	if n := g.pick(4); n > 0 {
		var by []string
		for range n {
			by = append(by, pickOf(g, g.attr(), g.text(), "status", "kind", "name", "duration", "nestedSetParent"))
		}
		out += " by (" + strings.Join(by, ", ") + ")"
	}
	return out
}

// checkMetrics holds one query against the oracle and returns how many series it found.
func checkMetrics(t *rapid.T, engine store.Engine, whole *span.Batch, text string) int {
	q, errs := traceql.Parse(text)
	if len(errs) > 0 {
		t.Fatalf("%s\n%s", text, errs.Caret(text))
	}
	if len(traceql.Check(q)) > 0 || len(executable(q)) > 0 {
		return 0 // what was drawn makes no sense
	}
	r := MetricsRequest{
		Tenant: span.DefaultTenant, Query: text, Start: base - 2 + int64(rapid.IntRange(0, 3).Draw(t, "start")), MaxSeries: 1e6,
		Step: int64(rapid.IntRange(1, 3).Draw(t, "step")), Instant: rapid.IntRange(0, 4).Draw(t, "instant") == 0,
	}
	r.End = r.Start + int64(rapid.IntRange(1, 20).Draw(t, "length"))
	at := oracleRange{times: []int64{r.End}, step: float64(r.End-r.Start) / 1e9, instant: true, from: r.Start}
	if !r.Instant {
		at = oracleRange{step: float64(r.Step) / 1e9}
		for ts := int64(0); ; ts += r.Step {
			// Begin near the range: multiples of the step are multiples of the step anywhere.
			if ts == 0 {
				ts = (r.Start/r.Step - 1) * r.Step
			}
			if ts+r.Step > r.Start {
				at.times = append(at.times, ts)
			}
			if ts >= r.End {
				break
			}
		}
	}
	// Windows may come in any request, and say the same.
	sent := oracleSeries{}
	if rapid.Bool().Draw(t, "windows") && !r.Instant {
		r.OnWindow = func(part *MetricsResult) error {
			for labels, vs := range seriesByLabels(part.Series) {
				if sent[labels] == nil {
					sent[labels] = make([]float64, len(vs))
					for i := range vs {
						sent[labels][i] = math.NaN()
					}
				}
				for i, v := range vs {
					if !math.IsNaN(v) && !math.IsNaN(sent[labels][i]) {
						t.Fatalf("%s: sample %d of %s sent twice", text, i, labels)
					}
					if !math.IsNaN(v) {
						sent[labels][i] = v
					}
				}
			}
			return nil
		}
	}
	o := oracle{b: whole}
	want := o.metrics(q.Pipeline, at)
	res, err := New(Config{Engine: engine}).Metrics(t.Context(), r)
	if err != nil || res.Partial {
		t.Fatalf("%s: %v %s", text, err, cmp.Or(res, &MetricsResult{}).Reason)
	}
	got, tolerance := seriesByLabels(res.Series), 1e-9
	if strings.Contains(text, "quantile") {
		tolerance = quantileAccuracy * 1.001
		if _, plain := q.Pipeline.Stages[len(q.Pipeline.Stages)-1].(*traceql.Metrics); !plain {
			return len(want) // what is computed with a number that is nearly right may be anything
		}
	}
	if len(got) != len(res.Series) {
		t.Fatalf("%s: series with the same labels\n%s", text, got.text())
	}
	if strings.Contains(text, "topk(") || strings.Contains(text, "bottomk(") {
		got, want, sent = got.moments(), want.moments(), sent.moments() // which of equal series is kept is not told
	}
	if !got.near(want, tolerance) {
		t.Fatalf("%s from %d to %d step %d instant %t\ngot\n%swant\n%s%s", text, r.Start, r.End, r.Step, r.Instant, got.text(), want.text(), span.DumpString(whole))
	}
	if r.OnWindow != nil && !sent.near(want, tolerance) {
		t.Fatalf("%s in windows\ngot\n%swant\n%s", text, sent.text(), want.text())
	}
	return len(want)
}

// TestMetricsAgainstOracle: on random traces, random metrics queries give what the oracle computes.
func TestMetricsAgainstOracle(t *testing.T) {
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		g := &generator{t: t}
		engine := &memEngine{perBatch: rapid.IntRange(1, 4).Draw(t, "traces in a batch")}
		if err := engine.Append(t.Context(), g.batch()); err != nil {
			t.Fatal(err)
		}
		var whole span.Batch
		engine.all.CopyOrdered(&whole)
		for range 8 {
			found += checkMetrics(t, engine, &whole, g.metrics())
		}
	})
	if found == 0 {
		t.Error("no random query ever gave a series")
	}
}

// TestMetricsAgainstOracleEmbedded is the same over the embedded store, whose head and blocks hold the traces in pieces.
func TestMetricsAgainstOracleEmbedded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &generator{t: t, distinct: true}
		engine, err := embed.Open(embed.Config{Dir: "data", FS: fs.NewMem(), RowGroupRows: rapid.IntRange(1, 9).Draw(t, "row group")})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := engine.Close(); err != nil {
				t.Error(err)
			}
		}()
		var all, whole span.Batch
		copyAll := span.NewCopier(&all)
		for range rapid.IntRange(1, 4).Draw(t, "batches") {
			b := g.batch()
			copyAll.From(b)
			for row := range b.Len() {
				copyAll.Row(row)
			}
			if err := engine.Append(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			if rapid.Bool().Draw(t, "flush") {
				if err := engine.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		all.CopyOrdered(&whole)
		for range 4 {
			checkMetrics(t, engine, &whole, g.metrics())
		}
	})
}
