// SPDX-License-Identifier: Apache-2.0

package traceql

// Range is a part of the text: byte offsets, From <= To.
type Range struct{ From, To int }

// Pos is the part of the text that a node was read from.
func (r Range) Pos() Range { return r }

func (r Range) join(other Range) Range {
	return Range{min(r.From, other.From), max(r.To, other.To)}
}

// Node is anything in the tree.
type Node interface {
	Pos() Range
	// AppendText appends the canonical spelling.
	AppendText(dst []byte) []byte
}

// Expr computes a value. Inside { }, by() and the functions that is *Literal,
// *Field, *Unary, *Binary and *Bad, from one span; in a scalar filter it is
// those without *Field, and *Aggregate or *Pipeline (one that ends in an
// aggregate), from one spanset; in metrics math it is *Literal, *Unary,
// *Binary, *Pipeline and *Math.
type Expr interface {
	Node
	expr()
}

// Stage is one step of a pipeline: *Spanset, *SpansetOp, *ScalarFilter, *By,
// *Select, *Coalesce, *Metrics, *Compare, *TopK, *SeriesFilter, *Math, *Scalar,
// or *Pipeline, which stands in parentheses.
type Stage interface {
	Node
	stage()
}

// Query is a whole text.
type Query struct {
	Range
	Pipeline *Pipeline
	Hints    []Hint
}

// Hint is one name = value of with(...). Hints that nobody knows do nothing.
type Hint struct {
	Range
	Name  string
	Value Static
}

// Pipeline is its stages from left to right, each taking what the one before it
// gives. It is empty only when the text is.
type Pipeline struct {
	Range
	Stages []Stage
}

// Spanset is { Filter }: the spans for which Filter is true. A nil Filter takes
// every span.
type Spanset struct {
	Range
	Filter Expr
}

// SpansetOp joins two spansets: && and || by trace, the structural operators by
// the tree of spans. Left and Right are *Spanset, *SpansetOp or *Pipeline.
type SpansetOp struct {
	Range
	Op          Op
	OpPos       Range
	Left, Right Stage
}

// ScalarFilter keeps the spansets for which the comparison holds.
type ScalarFilter struct {
	Range
	Op          Op
	OpPos       Range
	Left, Right Expr
}

// Scalar is the number that a pipeline in parentheses ends in, as in
// ({ .a } | count()) > 2. It stands nowhere else.
type Scalar struct {
	Range
	X Expr
}

// AggregateFunc is the function of an Aggregate.
type AggregateFunc uint8

// The aggregates.
const (
	AggregateCount AggregateFunc = iota
	AggregateMin
	AggregateMax
	AggregateAvg
	AggregateSum
)

var aggregateNames = [...]string{"count", "min", "max", "avg", "sum"}

// String is the function's name.
func (f AggregateFunc) String() string { return aggregateNames[f] }

// Aggregate is a number made from the spans of a spanset. Arg is nil for
// count().
type Aggregate struct {
	Range
	Func AggregateFunc
	Arg  Expr
}

// By splits each spanset by the value of Key.
type By struct {
	Range
	Key Expr
}

// Select asks for fields to be given back with each span.
type Select struct {
	Range
	Fields []*Field
}

// Coalesce merges the spansets that by() made back into one a trace.
type Coalesce struct{ Range }

// MetricsFunc is the function of Metrics.
type MetricsFunc uint8

// The metrics functions.
const (
	MetricsRate MetricsFunc = iota
	MetricsCountOverTime
	MetricsMinOverTime
	MetricsMaxOverTime
	MetricsAvgOverTime
	MetricsSumOverTime
	MetricsQuantileOverTime
	MetricsHistogramOverTime
)

var metricsNames = [...]string{
	"rate", "count_over_time", "min_over_time", "max_over_time", "avg_over_time", "sum_over_time",
	"quantile_over_time", "histogram_over_time",
}

// String is the function's name.
func (f MetricsFunc) String() string { return metricsNames[f] }

// Metrics turns spans into time series. Arg is nil for rate() and
// count_over_time(); Quantiles are the numbers of quantile_over_time.
type Metrics struct {
	Range
	Func      MetricsFunc
	Arg       *Field
	Quantiles []*Literal
	By        []*Field
}

// Compare is compare({Selection}, TopN, Start, End): how the attributes of the
// selected spans differ from those of the others. TopN, Start and End (unix ns)
// are nil when left out.
type Compare struct {
	Range
	Selection        *Spanset
	TopN, Start, End *Literal
}

// TopK keeps, at each moment, the N largest series (Bottom: the smallest).
type TopK struct {
	Range
	Bottom bool
	N      *Literal
}

// SeriesFilter keeps the points of series for which the comparison holds.
type SeriesFilter struct {
	Range
	Op    Op
	OpPos Range
	Value *Literal // a number; it may be negative
}

// Math computes one set of series from two, or from one and a number.
type Math struct {
	Range
	Op          Op
	OpPos       Range
	Left, Right Expr
}

// Literal is a constant.
type Literal struct {
	Range
	Value Static
}

// Field is an attribute or an intrinsic.
type Field struct {
	Range
	Ref
}

// Unary is -X or !X.
type Unary struct {
	Range
	Op Op
	X  Expr
}

// Binary is Left Op Right: comparison, arithmetic, && or ||.
type Binary struct {
	Range
	Op          Op
	OpPos       Range
	Left, Right Expr
}

// Bad stands where an expression could not be read. A tree with one has an
// error at the same place.
type Bad struct{ Range }

func (*Literal) expr()   {}
func (*Field) expr()     {}
func (*Unary) expr()     {}
func (*Binary) expr()    {}
func (*Bad) expr()       {}
func (*Aggregate) expr() {}
func (*Pipeline) expr()  {}
func (*Math) expr()      {}

func (*Spanset) stage()      {}
func (*SpansetOp) stage()    {}
func (*ScalarFilter) stage() {}
func (*By) stage()           {}
func (*Select) stage()       {}
func (*Coalesce) stage()     {}
func (*Metrics) stage()      {}
func (*Compare) stage()      {}
func (*TopK) stage()         {}
func (*SeriesFilter) stage() {}
func (*Math) stage()         {}
func (*Scalar) stage()       {}
func (*Pipeline) stage()     {}

// IsMetrics reports whether the pipeline makes time series rather than
// spansets.
func (p *Pipeline) IsMetrics() bool {
	for _, s := range p.Stages {
		switch s := s.(type) {
		case *Metrics, *Compare, *Math, *TopK, *SeriesFilter:
			return true
		case *Pipeline:
			if s.IsMetrics() {
				return true
			}
		}
	}
	return false
}

// Walk calls visit for n and everything below it, parents first, and skips what
// is below a node for which visit says false.
func Walk(n Node, visit func(Node) bool) {
	if !visit(n) {
		return
	}
	switch n := n.(type) {
	case *Query:
		Walk(n.Pipeline, visit)
	case *Pipeline:
		for _, s := range n.Stages {
			Walk(s, visit)
		}
	case *Spanset:
		walkExpr(n.Filter, visit)
	case *SpansetOp:
		Walk(n.Left, visit)
		Walk(n.Right, visit)
	case *ScalarFilter:
		Walk(n.Left, visit)
		Walk(n.Right, visit)
	case *Scalar:
		Walk(n.X, visit)
	case *Aggregate:
		walkExpr(n.Arg, visit)
	case *By:
		Walk(n.Key, visit)
	case *Select:
		walkFields(n.Fields, visit)
	case *Metrics:
		if n.Arg != nil {
			Walk(n.Arg, visit)
		}
		walkFields(n.By, visit)
	case *Compare:
		Walk(n.Selection, visit)
	case *Math:
		Walk(n.Left, visit)
		Walk(n.Right, visit)
	case *Unary:
		Walk(n.X, visit)
	case *Binary:
		Walk(n.Left, visit)
		Walk(n.Right, visit)
	}
}

func walkExpr(e Expr, visit func(Node) bool) {
	if e != nil {
		Walk(e, visit)
	}
}

func walkFields(fields []*Field, visit func(Node) bool) {
	for _, f := range fields {
		Walk(f, visit)
	}
}
