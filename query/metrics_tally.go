// SPDX-License-Identifier: Apache-2.0

package query

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"github.com/DataDog/sketches-go/ddsketch/mapping"

	"github.com/clew-tracing/clew/traceql"
)

// groupTally is the series of all functions but compare(): spans are put into groups, and a function makes numbers of
// those of each group and bucket.
type groupTally struct {
	node     *scanNode
	run      *metricsRun
	grouper  *grouper
	measure  *measure // nil for functions that only count
	into     accumulators
	examples *exemplars // nil if none are asked for
}

// accumulators are the numbers of all groups and buckets.
type accumulators interface {
	// add makes room for one more group; false if there is no memory.
	add() bool
	// batch takes spans; m is nil for functions that only count.
	batch(c *counted, m *measure)
	// series appends the series of a group.
	series(dst []*Series, group int, labels []Label) []*Series
}

func newGroupTally(n *scanNode, r *metricsRun) *groupTally {
	c := compiler{n.aliases}
	g := &groupTally{node: n, run: r}
	if n.metrics.Arg != nil {
		g.measure = &measure{arg: c.operand(n.metrics.Arg), isDuration: n.metrics.Arg.Ref == traceql.IntrinsicRef(traceql.IntrinsicDuration)}
	}
	switch f := n.metrics.Func; f {
	case traceql.MetricsQuantileOverTime, traceql.MetricsHistogramOverTime:
		g.into = newSketches(r, n.metrics)
	default:
		g.into = &cells{run: r, function: f}
	}
	g.grouper = newGrouper(c, n.metrics.By, g.into.add, r.grow)
	if r.request.Exemplars > 0 {
		g.examples = newExemplars(r, c.outputs(n.output))
	}
	return g
}

func (g *groupTally) batch(c *counted) {
	g.grouper.number(c)
	if g.measure != nil {
		g.measure.arg.begin(c.t)
	}
	g.into.batch(c, g.measure)
	if g.examples != nil {
		g.examples.batch(c, g.measure)
	}
}

func (g *groupTally) series() []*Series {
	if f := g.node.metrics.Func; len(g.grouper.columns) == 0 && (f == traceql.MetricsRate || f == traceql.MetricsCountOverTime) {
		g.grouper.only() // no span is a count of zero
	}
	var list []*Series
	for group := range g.grouper.len() {
		labels := g.grouper.labels(group)
		from := len(list)
		list = g.into.series(list, group, labels)
		if g.examples != nil && g.run.final {
			g.examples.give(group, list[from:])
		}
	}
	return list
}

// measure reads the numbers of spans that a function works with: durations in ns.
type measure struct {
	arg        operand
	isDuration bool // the argument is the span's own duration
	set        valueSet
}

// numbers are those of one row: every number of the first scope that has the field.
func (m *measure) numbers(row int32) []traceql.Static {
	m.arg.read(int(row), &m.set)
	for _, g := range m.set.groups {
		if g.hi > g.lo {
			return m.set.values[g.lo:g.hi]
		}
	}
	return nil
}

// number reports the value as a number; false for what is none.
func number(v traceql.Static) (float64, bool) {
	if !v.Type.Numeric() || math.IsNaN(v.Float) {
		return 0, false
	}
	return v.AsFloat(), true
}

// scale is what a number is multiplied with to be seen: durations are in seconds.
func scale(v traceql.Static) float64 {
	if v.Type == traceql.TypeDuration {
		return 1e-9
	}
	return 1
}

// cells are dense: numbers for each group and bucket.
type cells struct {
	run      *metricsRun
	function traceql.MetricsFunc
	count    []float64
	value    []float64 // sum, least or greatest
	rest     []float64 // what rounding took off the sums
}

func (a *cells) add() bool {
	n := a.run.clock.times.N
	columns := 1
	switch a.function {
	case traceql.MetricsMinOverTime, traceql.MetricsMaxOverTime:
		columns = 2
	case traceql.MetricsAvgOverTime, traceql.MetricsSumOverTime:
		columns = 3
	}
	if !a.run.grow(int64(8*columns*n) + groupOverhead) {
		return false
	}
	a.count = append(a.count, make([]float64, n)...)
	if columns > 1 {
		a.value = append(a.value, make([]float64, n)...)
	}
	if columns > 2 {
		a.rest = append(a.rest, make([]float64, n)...)
	}
	return true
}

// groupOverhead is about what a group takes besides its numbers: values, maps and labels.
const groupOverhead = 400

func (a *cells) batch(c *counted, m *measure) {
	n := a.run.clock.times.N
	switch {
	case m == nil:
		for i, group := range c.groups {
			if group != noGroup {
				a.count[int(group)*n+int(c.buckets[i])]++
			}
		}
	case m.isDuration:
		for i, group := range c.groups {
			if group != noGroup {
				a.put(int(group)*n+int(c.buckets[i]), float64(c.t.b.Dur(int(c.rows[i])))/1e9)
			}
		}
	default:
		for i, group := range c.groups {
			if group == noGroup {
				continue
			}
			for _, v := range m.numbers(c.rows[i]) {
				if x, ok := number(v); ok {
					a.put(int(group)*n+int(c.buckets[i]), x*scale(v))
				}
			}
		}
	}
}

func (a *cells) put(cell int, x float64) {
	first := a.count[cell] == 0
	a.count[cell]++
	switch a.function {
	case traceql.MetricsMinOverTime:
		if first || x < a.value[cell] {
			a.value[cell] = x
		}
	case traceql.MetricsMaxOverTime:
		if first || x > a.value[cell] {
			a.value[cell] = x
		}
	default: // Neumaier's sum: the order of the spans must not show
		sum := a.value[cell] + x
		if math.Abs(a.value[cell]) >= math.Abs(x) {
			a.rest[cell] += a.value[cell] - sum + x
		} else {
			a.rest[cell] += x - sum + a.value[cell]
		}
		a.value[cell] = sum
	}
}

func (a *cells) series(dst []*Series, group int, labels []Label) []*Series {
	n := a.run.clock.times.N
	if labels == nil {
		labels = []Label{{LabelName, traceql.NewString(a.function.String())}}
	}
	s := &Series{Labels: labels, Values: make([]float64, n)}
	for i := range n {
		s.Values[i] = a.sample(group*n + i)
	}
	return append(dst, s)
}

func (a *cells) sample(cell int) float64 {
	count := a.count[cell]
	switch a.function {
	case traceql.MetricsRate:
		return count / a.run.clock.seconds()
	case traceql.MetricsCountOverTime:
		return count
	}
	if count == 0 {
		return math.NaN()
	}
	switch a.function {
	case traceql.MetricsSumOverTime:
		return a.sum(cell)
	case traceql.MetricsAvgOverTime:
		return a.sum(cell) / count
	}
	return a.value[cell]
}

// sum is the sum with what rounding took off; an infinite one has no such rest.
func (a *cells) sum(cell int) float64 {
	if sum := a.value[cell] + a.rest[cell]; !math.IsNaN(sum) {
		return sum
	}
	return a.value[cell]
}

// quantileAccuracy is the relative error of quantiles.
const quantileAccuracy = 0.005

// sketches are sparse: for each group and bucket, how many spans have a number in each of many small ranges. For
// quantiles the ranges are those of DDSketch, which keep the relative error below quantileAccuracy whatever the numbers
// are; Tempo's are a power of two wide. For histograms they are the powers of two.
type sketches struct {
	run       *metricsRun
	quantiles []*traceql.Literal // nil for a histogram
	ranges    mapping.IndexMapping
	counts    cellTable
	groups    int
}

// A key of counts has the cell (group and bucket) in its high bits and the range in the low ones, in the order of the
// numbers: zero in the middle, larger ones above.
const (
	rangeBits = 20
	rangeZero = 1 << (rangeBits - 1)
	rangeHalf = rangeZero / 2
)

func newSketches(r *metricsRun, m *traceql.Metrics) *sketches {
	// The error is for an accuracy that is not between 0 and 1.
	ranges, _ := mapping.NewCubicallyInterpolatedMapping(quantileAccuracy)
	return &sketches{run: r, quantiles: m.Quantiles, ranges: ranges, counts: cellTable{grow: r.grow}}
}

func (a *sketches) add() bool {
	if (a.groups+1)*a.run.clock.times.N >= 1<<(63-rangeBits) || !a.run.grow(groupOverhead) {
		a.run.lost = true
		return false
	}
	a.groups++
	return true
}

func (a *sketches) batch(c *counted, m *measure) {
	n := a.run.clock.times.N
	for i, group := range c.groups {
		if group == noGroup {
			continue
		}
		cell := uint64(int(group)*n + int(c.buckets[i]))
		if m.isDuration {
			a.put(cell, traceql.Static{Type: traceql.TypeDuration, Int: c.t.b.Dur(int(c.rows[i]))})
			continue
		}
		for _, v := range m.numbers(c.rows[i]) {
			a.put(cell, v)
		}
	}
}

func (a *sketches) put(cell uint64, v traceql.Static) {
	x, ok := number(v)
	if !ok {
		return
	}
	if a.quantiles != nil {
		a.counts.add(cell<<rangeBits|a.rangeOf(x*scale(v)), 1)
		return
	}
	if exponent, ok := histogramExponent(v); ok {
		a.counts.add(cell<<rangeBits|uint64(exponent+rangeHalf), 1)
	}
}

// rangeOf is the range of a number for quantiles.
func (a *sketches) rangeOf(x float64) uint64 {
	switch {
	case x >= a.ranges.MinIndexableValue():
		return uint64(rangeZero + 1 + rangeHalf + a.ranges.Index(min(x, a.ranges.MaxIndexableValue())))
	case x <= -a.ranges.MinIndexableValue():
		return uint64(rangeZero - 1 - rangeHalf - a.ranges.Index(min(-x, a.ranges.MaxIndexableValue())))
	}
	return rangeZero
}

// valueOf is the number that stands for a range.
func (a *sketches) valueOf(r uint64) float64 {
	switch r := int(r); {
	case r > rangeZero:
		return a.ranges.Value(r - rangeZero - 1 - rangeHalf)
	case r < rangeZero:
		return -a.ranges.Value(rangeZero - 1 - rangeHalf - r)
	}
	return 0
}

// durationExponents sets the buckets of durations, seen as seconds, apart from those of plain numbers.
const durationExponents = 4096

// histogramExponent is the exponent of the power of two that a number goes up to, plus durationExponents for durations.
// Ints and durations below two, as in Tempo, and floats that are not positive, have none.
func histogramExponent(v traceql.Static) (int, bool) {
	if v.Type == traceql.TypeFloat {
		if v.Float <= 0 || math.IsInf(v.Float, 0) {
			return 0, false
		}
		fraction, exponent := math.Frexp(v.Float)
		if fraction == 0.5 {
			exponent--
		}
		return exponent, true
	}
	if v.Int < 2 {
		return 0, false
	}
	exponent := bits.Len64(uint64(v.Int - 1))
	if v.Type == traceql.TypeDuration {
		exponent += durationExponents
	}
	return exponent, true
}

// bucketBound is the label of an exponent.
func bucketBound(exponent int) float64 {
	if exponent > durationExponents/2 {
		return math.Ldexp(1, exponent-durationExponents) / 1e9
	}
	return math.Ldexp(1, exponent)
}

func (a *sketches) series(dst []*Series, group int, labels []Label) []*Series {
	n, sorted := uint64(a.run.clock.times.N), a.counts.sorted()
	lo, _ := slices.BinarySearchFunc(sorted, uint64(group)*n<<rangeBits, compareCells)
	hi, _ := slices.BinarySearchFunc(sorted, uint64(group+1)*n<<rangeBits, compareCells)
	mine := sorted[lo:hi]
	if a.quantiles == nil {
		return a.histogram(dst, uint64(group)*n, mine, labels)
	}
	for _, q := range a.quantiles {
		s := &Series{Labels: append(slices.Clip(labels), Label{LabelQuantile, traceql.NewFloat(q.Value.AsFloat())}), Values: make([]float64, n)}
		for i := range s.Values {
			s.Values[i] = math.NaN()
		}
		for from := 0; from < len(mine); {
			cell, to := mine[from].key>>rangeBits, from
			for to < len(mine) && mine[to].key>>rangeBits == cell {
				to++
			}
			s.Values[cell-uint64(group)*n] = a.quantile(mine[from:to], q.Value.AsFloat())
			from = to
		}
		dst = append(dst, s)
	}
	return dst
}

// quantile is the number of nearest rank.
func (a *sketches) quantile(counts []cellCount, q float64) float64 {
	total := 0.0
	for _, c := range counts {
		total += c.count
	}
	rank := max(1, math.Ceil(q*total-1e-9))
	for _, c := range counts {
		if rank -= c.count; rank <= 0 {
			return a.valueOf(c.key & (1<<rangeBits - 1))
		}
	}
	return a.valueOf(counts[len(counts)-1].key & (1<<rangeBits - 1))
}

// histogram makes a series of each power of two that a span of the group has.
func (a *sketches) histogram(dst []*Series, first uint64, mine []cellCount, labels []Label) []*Series {
	by := map[uint64]*Series{}
	for _, c := range mine {
		r := c.key & (1<<rangeBits - 1)
		s := by[r]
		if s == nil {
			s = &Series{
				Labels: append(slices.Clip(labels), Label{LabelBucket, traceql.NewFloat(bucketBound(int(r) - rangeHalf))}),
				Values: make([]float64, a.run.clock.times.N),
			}
			by[r] = s
			dst = append(dst, s)
		}
		s.Values[c.key>>rangeBits-first] = c.count
	}
	return dst
}

// cellTable counts by key: a hash table with linear probing.
type cellTable struct {
	slots []cellCount // a count of 0 is a free slot
	list  []cellCount // what sorted gave
	n     int
	full  bool
	grow  func(bytes int64) bool
}

type cellCount struct {
	key   uint64
	count float64
}

func compareCells(c cellCount, key uint64) int { return cmp.Compare(c.key, key) }

func (t *cellTable) add(key uint64, count float64) {
	t.list = nil
	if 4*t.n >= 3*len(t.slots) && !t.resize() {
		return
	}
	if s := t.slot(key); s.count > 0 {
		s.count += count
	} else {
		*s = cellCount{key, count}
		t.n++
	}
}

// slot is where a key is, or a free one.
func (t *cellTable) slot(key uint64) *cellCount {
	mask := uint64(len(t.slots) - 1)
	for i := (key * 0x9E3779B97F4A7C15 >> 20) & mask; ; i = (i + 1) & mask {
		if s := &t.slots[i]; s.count == 0 || s.key == key {
			return s
		}
	}
}

// resize makes the table larger; false if there is no memory.
func (t *cellTable) resize() bool {
	size := max(1024, 2*len(t.slots))
	if t.full || !t.grow(int64(16*(size-len(t.slots)))) {
		// What was counted stays, and so do counts of keys that are known.
		t.full = true
		return t.n < len(t.slots)-1
	}
	old := t.slots
	t.slots = make([]cellCount, size)
	for _, s := range old {
		if s.count > 0 {
			*t.slot(s.key) = s
		}
	}
	return true
}

// sorted gives the counts by key, until more are added.
func (t *cellTable) sorted() []cellCount {
	if t.list == nil {
		t.list = make([]cellCount, 0, t.n)
		for _, s := range t.slots {
			if s.count > 0 {
				t.list = append(t.list, s)
			}
		}
		slices.SortFunc(t.list, func(a, b cellCount) int { return cmp.Compare(a.key, b.key) })
	}
	return t.list
}
