// SPDX-License-Identifier: Apache-2.0

package query

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
	"github.com/clew-tracing/clew/traceql"
)

// MetricsRequest asks for time series.
type MetricsRequest struct {
	Tenant string
	// Query is TraceQL that ends in metrics: { } | rate().
	Query string
	// Start and End are unix ns, Start < End. Spans count by their start.
	Start, End int64
	// Step is the time between two samples, ns; 0 means [DefaultStep].
	Step int64
	// Instant asks for one sample of each series over [Start, End]; Step is not looked at.
	Instant bool
	// Exemplars is how many examples of spans to give at most, all series together. The hint exemplars overrides it.
	Exemplars int
	// MaxSeries is how many series to give at most; 0 means DefaultMaxSeries.
	MaxSeries int
	// OnWindow, if set, gets the series of one part of the time after the other, the latest first, each as soon as it is
	// complete; every sample comes once. An error ends the query. It is not called for an instant query.
	OnWindow func(*MetricsResult) error
}

// MetricsResult is the answer to a MetricsRequest.
type MetricsResult struct {
	// Times are those of the samples.
	Times Times
	// Series are in the order of their labels. Those without any sample are left out.
	Series []*Series
	// Partial means that the answer is not all there is; Reason says why.
	Partial bool
	Reason  string
	// Scanned is the work that it took.
	Scanned store.Counters
	// Done of Parts parts of the time are complete.
	Done, Parts int
}

// Times are evenly spaced moments, unix ns: sample i, at First + i·Step, is about the spans that started after the moment
// before it and not after itself.
type Times struct {
	First, Step int64
	N           int
}

// At is the time of sample i, unix ns.
func (t Times) At(i int) int64 { return t.First + int64(i)*t.Step }

// Series is one line of a graph.
type Series struct {
	// Labels tell it from the others of the answer.
	Labels []Label
	// Values are its samples by time; NaN where there is none.
	Values []float64
	// Exemplars are some of the spans that it is made of, in the order of time.
	Exemplars []Exemplar
}

// Label is a name and what it stands for; a status, a kind and a duration keep their type.
type Label struct {
	Name  string
	Value traceql.Static
}

// Readable is the value as Tempo's API shows it; see [Attribute.Readable].
func (l Label) Readable() span.Value {
	a := constantAttribute(l.Name, l.Value)
	return a.Readable()
}

// Exemplar is one span of a series.
type Exemplar struct {
	TraceID span.TraceID
	// Time is the start of the span, unix ns.
	Time int64
	// Value is what was measured of the span, in seconds for durations, or, where spans are only counted, the sample
	// that it is part of.
	Value float64
	// Attributes are those that the query speaks of.
	Attributes []Attribute
}

// The names of labels that no field has.
const (
	LabelName     = "__name__"    // the function, where nothing else tells a series
	LabelQuantile = "p"           // of quantile_over_time
	LabelBucket   = "__bucket"    // upper bound of a bucket of histogram_over_time
	LabelMetaType = "__meta_type" // of compare()
	LabelMetaErr  = "__meta_error"
)

// Limits and defaults.
const (
	// DefaultMaxSeries is how many series an answer has at most when the request does not say.
	DefaultMaxSeries = 1000
	// MaxSamples is how many samples a series may have.
	MaxSamples = 10_000
	// MaxExemplars is how many exemplars an answer may have.
	MaxExemplars = 100
	// defaultMetricsBytes bounds what one query keeps of series while it runs.
	defaultMetricsBytes = 128 << 20
)

// ErrRange is the class of errors about the time range or the step of a request.
var ErrRange = errors.New("bad time range")

// Metrics computes time series. Errors are a traceql.Errors for the query, of class ErrRange, or the engine's or the
// context's.
func (x *Executor) Metrics(ctx context.Context, r MetricsRequest) (*MetricsResult, error) {
	plan, err := CompileMetrics(r.Query, x.aliases)
	if err != nil {
		return nil, err
	}
	clock, err := newClock(r)
	if err != nil {
		return nil, err
	}
	if r.MaxSeries <= 0 {
		r.MaxSeries = DefaultMaxSeries
	}
	r.Exemplars = exemplarsAsked(plan.Query.Hints, r.Exemplars)
	run := &metricsRun{x: x, request: r, clock: clock, sent: map[string]int{}}
	if n, ok := plan.root.(*scanNode); ok {
		run.comparison = n.compare != nil
	}
	if err := run.all(ctx, plan); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return run.result, nil
}

// exemplarsAsked applies the hint exemplars=true|false|n.
func exemplarsAsked(hints []traceql.Hint, n int) int {
	for _, h := range hints {
		if h.Name != "exemplars" {
			continue
		}
		switch v := h.Value; {
		case v.Type == traceql.TypeInt:
			n = int(max(0, min(v.Int, MaxExemplars)))
		case v.Type == traceql.TypeBool && !v.Bool():
			n = 0
		case v.Bool() && n == 0:
			n = MaxExemplars
		}
	}
	return max(0, min(n, MaxExemplars))
}

// metricsRun is one metrics query under way.
type metricsRun struct {
	x       *Executor
	request MetricsRequest
	clock   clock
	tallies map[*scanNode]tally
	result  *MetricsResult
	held    int64 // bytes of accumulated series
	lost    bool  // groups were left out for want of memory
	damage  error
	final   bool // everything was scanned

	comparison bool // the series are those of compare(), which its own limit bounds

	sent map[string]int // by labels, the first sample that OnWindow got
}

// all computes the answer.
func (r *metricsRun) all(ctx context.Context, plan *MetricsPlan) error {
	r.result = &MetricsResult{Times: r.clock.times}
	r.tallies = map[*scanNode]tally{}
	for _, n := range plan.scans {
		r.tallies[n] = n.newTally(r)
	}
	windows := r.windows(plan)
	for i, from := range windows {
		window := r.clock.window
		if i > 0 {
			window.To = r.clock.after(windows[i-1]) - 1
		}
		if from > 0 {
			window.From = r.clock.after(from)
		}
		for _, n := range plan.scans {
			if err := n.scan(ctx, r, window); err != nil {
				return err
			}
		}
		r.final = i == len(windows)-1
		r.result.Done, r.result.Parts = i+1, len(windows)
		r.result.Series = present(plan.root.series(r))
		if r.final {
			r.explainPartial()
		}
		if err := r.give(from); err != nil {
			return err
		}
	}
	return nil
}

// cut leaves out what exceeds the limit of series: those with the least in them.
func (r *metricsRun) cut(list []*Series) []*Series {
	if limit := r.request.MaxSeries; len(list) > limit && !r.comparison {
		r.tooMany()
		slices.SortStableFunc(list, func(a, b *Series) int { return compareFloats(b.total(), a.total()) })
		list = list[:limit]
	}
	slices.SortFunc(list, func(a, b *Series) int { return compareLabels(a.Labels, b.Labels) })
	return list
}

// streamedWindows is in how many parts an answer is streamed.
const streamedWindows = 8

// windows are the first samples of the parts of time to scan, the latest part first.
func (r *metricsRun) windows(plan *MetricsPlan) []int {
	n := r.clock.times.N
	if r.request.OnWindow == nil || !plan.byMoment || n < 2*streamedWindows {
		return []int{0}
	}
	var list []int
	for i := streamedWindows - 1; i >= 0; i-- {
		list = append(list, i*n/streamedWindows)
	}
	return list
}

// give cuts the result to its limit, and sends what is complete from sample from on and was not sent before.
func (r *metricsRun) give(from int) error {
	if r.request.OnWindow == nil {
		r.result.Series = r.cut(r.result.Series)
		return nil
	}
	part := *r.result
	part.Series = nil
	var all []*Series
	over := false
	for _, s := range r.result.Series {
		key := labelsKey(s.Labels)
		to, known := r.sent[key]
		if !known {
			if over = over || len(r.sent) >= r.request.MaxSeries && !r.comparison; over {
				continue
			}
			to = r.clock.times.N
		}
		all = append(all, s)
		fresh := &Series{Labels: s.Labels, Values: make([]float64, len(s.Values))}
		for i, v := range s.Values {
			fresh.Values[i] = math.NaN()
			if i >= from && i < to {
				fresh.Values[i] = v
			}
		}
		if r.final {
			fresh.Exemplars = s.Exemplars
		}
		if len(fresh.Exemplars) > 0 || len(present([]*Series{fresh})) > 0 {
			part.Series = append(part.Series, fresh)
			r.sent[key] = from
		}
	}
	if over && r.final {
		r.tooMany()
	}
	r.result.Series = all
	part.Partial, part.Reason = r.result.Partial, r.result.Reason
	slices.SortFunc(part.Series, func(a, b *Series) int { return compareLabels(a.Labels, b.Labels) })
	slices.SortFunc(r.result.Series, func(a, b *Series) int { return compareLabels(a.Labels, b.Labels) })
	return r.request.OnWindow(&part)
}

// tooMany says that the limit of series was met.
func (r *metricsRun) tooMany() {
	r.partial(fmt.Sprintf("Response exceeds maximum series limit of %d, a partial response is returned. Narrow the query, group by fewer fields, or end it in | topk(10).",
		r.request.MaxSeries))
}

func (r *metricsRun) partial(reason string) {
	r.result.Partial = true
	if r.result.Reason != "" {
		reason = r.result.Reason + " " + reason
	}
	r.result.Reason = reason
}

// explainPartial says what the scans met.
func (r *metricsRun) explainPartial() {
	if r.lost {
		r.partial(fmt.Sprintf("There are more groups than fit in %d MiB, those met last are missing. Group by fewer fields or take a longer step.", r.budget()>>20))
	}
	if r.damage != nil {
		r.partial(r.damage.Error())
	}
}

func (r *metricsRun) budget() int64 { return r.x.metricsBytes }

// grow asks for memory to accumulate in.
func (r *metricsRun) grow(bytes int64) bool {
	if r.held+bytes > r.budget() {
		r.lost = true
		return false
	}
	r.held += bytes
	return true
}

// present leaves out series without samples.
func present(list []*Series) []*Series {
	return slices.DeleteFunc(list, func(s *Series) bool {
		return !slices.ContainsFunc(s.Values, func(v float64) bool { return !math.IsNaN(v) })
	})
}

// total is the sum of the magnitudes of all samples.
func (s *Series) total() float64 {
	sum := 0.0
	for _, v := range s.Values {
		if !math.IsNaN(v) {
			sum += math.Abs(v)
		}
	}
	return sum
}

func compareFloats(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// compareLabels orders series: by name and value of one label after the other.
func compareLabels(a, b []Label) int {
	return slices.CompareFunc(a, b, func(x, y Label) int {
		if c := strings.Compare(x.Name, y.Name); c != 0 {
			return c
		}
		if x.Value.Type.Numeric() && y.Value.Type.Numeric() {
			if c := compareFloats(x.Value.AsFloat(), y.Value.AsFloat()); c != 0 {
				return c
			}
		}
		if c := strings.Compare(x.Value.Word(), y.Value.Word()); c != 0 {
			return c
		}
		return int(x.Value.Type) - int(y.Value.Type)
	})
}
