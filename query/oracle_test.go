// SPDX-License-Identifier: Apache-2.0

package query

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strings"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/traceql"
)

// oracle evaluates queries slowly and obviously: one span at a time, straight from the tree of the query, over relations
// found by looking at every pair of spans. It shares no code with what it judges but the model and the language.
type oracle struct {
	b      *span.Batch // whole traces, in order
	lo, hi int         // the trace at hand
}

// oracleSet is a spanset: rows and what by() and aggregates said.
type oracleSet struct {
	rows  []int
	attrs []string
}

// oracleGroup is the values that one scope has of a field.
type oracleGroup struct {
	values []traceql.Static
	empty  bool
}

func (o *oracle) run(p *traceql.Pipeline, in []oracleSet) []oracleSet {
	for _, s := range p.Stages {
		in = o.stage(s, in)
	}
	return in
}

func (o *oracle) stage(s traceql.Stage, in []oracleSet) []oracleSet {
	var out []oracleSet
	for _, set := range in {
		switch s := s.(type) {
		case *traceql.Spanset:
			var rows []int
			for _, r := range set.rows {
				if s.Filter == nil || o.holds(s.Filter, r, false) {
					rows = append(rows, r)
				}
			}
			out = append(out, oracleSet{rows, set.attrs})
		case *traceql.SpansetOp:
			out = append(out, oracleSet{o.join(s, set.rows), set.attrs})
		case *traceql.Pipeline:
			out = append(out, o.run(s, []oracleSet{set})...)
		case *traceql.By:
			out = append(out, o.by(s, set)...)
		case *traceql.ScalarFilter:
			if kept, ok := o.scalar(s, set); ok {
				out = append(out, kept)
			}
		default:
			out = append(out, set)
		}
	}
	if _, ok := s.(*traceql.Coalesce); ok {
		all := oracleSet{}
		for _, set := range in {
			all.rows = append(all.rows, set.rows...)
		}
		slices.Sort(all.rows)
		all.rows = slices.Compact(all.rows)
		out = []oracleSet{all}
	}
	return slices.DeleteFunc(out, func(s oracleSet) bool { return len(s.rows) == 0 })
}

func (o *oracle) by(s *traceql.By, set oracleSet) []oracleSet {
	var keys []traceql.Static
	groups := map[string][]int{}
	for _, r := range set.rows {
		var key traceql.Static
		for _, g := range o.values(s.Key, r) {
			if len(g.values) > 0 {
				key = g.values[0]
				break
			}
		}
		if key.Type == traceql.TypeFloat && key.Float == 0 {
			key.Float = 0 // -0 is the same
		}
		name := key.Type.String() + key.String()
		if _, ok := groups[name]; !ok {
			keys = append(keys, key)
		}
		groups[name] = append(groups[name], r)
	}
	var out []oracleSet
	for _, k := range keys {
		out = append(out, oracleSet{groups[k.Type.String()+k.String()], append(slices.Clone(set.attrs), fmt.Sprintf("by(%s)=%s", s.Key.AppendText(nil), k.Word()))})
	}
	return out
}

func (o *oracle) scalar(s *traceql.ScalarFilter, set oracleSet) (oracleSet, bool) {
	left, name, ok := o.number(s.Left, set.rows, "")
	if !ok {
		return set, false
	}
	right, name, ok := o.number(s.Right, set.rows, name)
	if !ok || !o.compareValues(s.Op, left, right) {
		return set, false
	}
	value := left
	if _, is := s.Right.(*traceql.Aggregate); is {
		value = right
	}
	set.attrs = append(slices.Clone(set.attrs), name+"="+value.Word())
	return set, true
}

// number is a constant or an aggregate over rows; name is that of the aggregate.
func (o *oracle) number(e traceql.Expr, rows []int, name string) (traceql.Static, string, bool) {
	a, ok := e.(*traceql.Aggregate)
	if !ok {
		g := o.values(e, o.lo)
		if len(g) == 0 {
			return traceql.Static{}, name, false
		}
		return g[0].values[0], name, true
	}
	name = string(a.AppendText(nil))
	if a.Func == traceql.AggregateCount {
		return traceql.NewInt(int64(len(rows))), name, true
	}
	var list []traceql.Static
	for _, r := range rows {
		if g := o.values(a.Arg, r); len(g) > 0 {
			for _, v := range g[0].values {
				if v.Type.Numeric() && v.Float == v.Float {
					list = append(list, v)
				}
			}
		}
	}
	if len(list) == 0 {
		return traceql.Static{}, name, false
	}
	one := list[0].Type
	ints, floats := int64(0), 0.0
	for _, v := range list {
		if v.Type != one {
			one = traceql.TypeFloat
		}
		ints += v.Int
		floats += v.AsFloat()
	}
	switch a.Func {
	case traceql.AggregateMin, traceql.AggregateMax:
		best := list[0]
		for _, v := range list {
			if a.Func == traceql.AggregateMin && o.compareValues(traceql.OpLess, v, best) || a.Func == traceql.AggregateMax && o.compareValues(traceql.OpGreater, v, best) {
				best = v
			}
		}
		return best, name, true
	case traceql.AggregateSum:
		if one == traceql.TypeFloat {
			return traceql.NewFloat(floats), name, true
		}
		return traceql.Static{Type: one, Int: ints}, name, true
	}
	mean := floats / float64(len(list))
	if one == traceql.TypeDuration {
		return traceql.Static{Type: one, Int: int64(math.Round(mean))}, name, true
	}
	return traceql.NewFloat(mean), name, true
}

// holds: e is true of span r, or with negated, !e is.
func (o *oracle) holds(e traceql.Expr, r int, negated bool) bool {
	switch e := e.(type) {
	case *traceql.Literal:
		return e.Value.Type == traceql.TypeBool && e.Value.Bool() != negated
	case *traceql.Field:
		for _, g := range o.field(e.Ref, r) {
			hasTrue, hasFalse := slices.Contains(g.values, traceql.NewBool(true)), slices.Contains(g.values, traceql.NewBool(false))
			if !negated && hasTrue || negated && !hasTrue && (hasFalse || g.empty) {
				return true
			}
		}
		return false
	case *traceql.Unary:
		return e.Op == traceql.OpNot && o.holds(e.X, r, !negated)
	case *traceql.Binary:
		switch {
		case e.Op.IsArithmetic():
			return false
		case e.Op.IsLogical():
			l, right := o.holds(e.Left, r, negated), o.holds(e.Right, r, negated)
			if (e.Op == traceql.OpAnd) != negated {
				return l && right
			}
			return l || right
		}
		return o.comparison(e, r) != negated
	}
	return false
}

func (o *oracle) comparison(e *traceql.Binary, r int) bool {
	isNil := func(x traceql.Expr) bool { l, ok := x.(*traceql.Literal); return ok && l.Value.IsNil() }
	if isNil(e.Left) && isNil(e.Right) {
		return false
	}
	left, right := o.values(e.Left, r), o.values(e.Right, r)
	if isNil(e.Left) {
		return (len(right) > 0) == (e.Op == traceql.OpNotEq)
	}
	if isNil(e.Right) {
		return (len(left) > 0) == (e.Op == traceql.OpNotEq)
	}
	op, inverted := e.Op, false
	switch op {
	case traceql.OpNotEq:
		op, inverted = traceql.OpEq, true
	case traceql.OpNotRegex:
		op, inverted = traceql.OpRegex, true
	}
	for _, l := range left {
		for _, g := range right {
			word := func(v traceql.Static) bool { return v.Type == traceql.TypeStatus || v.Type == traceql.TypeKind }
			comparesEmpty := func(g oracleGroup) bool {
				return g.empty || len(g.values) > 0 && !slices.ContainsFunc(g.values, word)
			}
			holds, comparable := false, l.empty && comparesEmpty(g) || g.empty && comparesEmpty(l)
			for _, x := range l.values {
				for _, y := range g.values {
					comparable = comparable || sameSort(op, x, y)
					holds = holds || sameSort(op, x, y) && o.compareValues(op, x, y)
				}
			}
			if !inverted && holds || inverted && comparable && !holds {
				return true
			}
		}
	}
	return false
}

func sameSort(op traceql.Op, x, y traceql.Static) bool {
	if op == traceql.OpRegex {
		return x.Type == traceql.TypeString
	}
	if x.Type.Numeric() && y.Type.Numeric() {
		return true
	}
	ordered := op != traceql.OpEq
	return x.Type == y.Type && (x.Type == traceql.TypeString || !ordered)
}

func (o *oracle) compareValues(op traceql.Op, x, y traceql.Static) bool {
	if op == traceql.OpRegex {
		return regexp.MustCompile(`\A(?s:` + y.Str + `)\z`).MatchString(x.Str)
	}
	var c int
	switch {
	case x.Type == traceql.TypeString:
		c = strings.Compare(x.Str, y.Str)
	case x.Type == traceql.TypeFloat || y.Type == traceql.TypeFloat:
		a, b := x.AsFloat(), y.AsFloat()
		if a != a || b != b {
			return op == traceql.OpNotEq
		}
		c = cmp.Compare(a, b)
	default:
		c = cmp.Compare(x.Int, y.Int)
	}
	switch op {
	case traceql.OpEq:
		return c == 0
	case traceql.OpNotEq:
		return c != 0
	case traceql.OpLess:
		return c < 0
	case traceql.OpLessEq:
		return c <= 0
	case traceql.OpGreater:
		return c > 0
	}
	return c >= 0
}

// values is what e is for span r.
func (o *oracle) values(e traceql.Expr, r int) []oracleGroup {
	one := func(v traceql.Static) []oracleGroup { return []oracleGroup{{values: []traceql.Static{v}}} }
	single := func(x traceql.Expr) (traceql.Static, bool) {
		g := o.values(x, r)
		if len(g) == 0 || len(g[0].values) != 1 || !g[0].values[0].Type.Numeric() {
			return traceql.Static{}, false
		}
		return g[0].values[0], true
	}
	switch e := e.(type) {
	case *traceql.Literal:
		return one(e.Value)
	case *traceql.Field:
		return o.field(e.Ref, r)
	case *traceql.Unary:
		if e.Op == traceql.OpSub {
			if v, ok := single(e.X); ok {
				if v.Int, v.Float = -v.Int, -v.Float; v.Float-v.Float == 0 {
					return one(v)
				}
			}
			return nil
		}
	case *traceql.Binary:
		if e.Op.IsArithmetic() {
			x, ok := single(e.Left)
			if !ok {
				return nil
			}
			y, ok := single(e.Right)
			if !ok {
				return nil
			}
			if v, ok := o.arithmetic(e.Op, x, y); ok {
				return one(v)
			}
			return nil
		}
	}
	if o.holds(e, r, false) {
		return one(traceql.NewBool(true))
	}
	if o.holds(e, r, true) {
		return one(traceql.NewBool(false))
	}
	return nil
}

func (o *oracle) arithmetic(op traceql.Op, x, y traceql.Static) (traceql.Static, bool) {
	typ := traceql.TypeInt
	switch {
	case x.Type == traceql.TypeFloat || y.Type == traceql.TypeFloat:
		typ = traceql.TypeFloat
	case x.Type == traceql.TypeDuration || y.Type == traceql.TypeDuration:
		typ = traceql.TypeDuration
		if op == traceql.OpDiv || op == traceql.OpPow {
			typ = traceql.TypeFloat
		}
	}
	if typ == traceql.TypeFloat {
		a, b := x.AsFloat(), y.AsFloat()
		v := map[traceql.Op]func() float64{
			traceql.OpAdd: func() float64 { return a + b }, traceql.OpSub: func() float64 { return a - b }, traceql.OpMul: func() float64 { return a * b },
			traceql.OpDiv: func() float64 { return a / b }, traceql.OpMod: func() float64 { return math.Mod(a, b) }, traceql.OpPow: func() float64 { return math.Pow(a, b) },
		}[op]()
		return traceql.NewFloat(v), v-v == 0
	}
	a, b := x.Int, y.Int
	v := int64(0)
	switch op {
	case traceql.OpAdd:
		v = a + b
	case traceql.OpSub:
		v = a - b
	case traceql.OpMul:
		v = a * b
	case traceql.OpDiv, traceql.OpMod:
		if b == 0 {
			return traceql.Static{}, false
		}
		if v = a / b; op == traceql.OpMod {
			v = a % b
		}
	case traceql.OpPow:
		if b < 0 {
			f := math.Pow(float64(a), float64(b))
			return traceql.NewInt(int64(f)), a != 0
		}
		wrapped := new(big.Int).Exp(big.NewInt(a), big.NewInt(b), new(big.Int).Lsh(big.NewInt(1), 64))
		v = int64(wrapped.Uint64())
	}
	return traceql.Static{Type: typ, Int: v}, true
}

func (o *oracle) field(ref traceql.Ref, r int) []oracleGroup {
	b := o.b
	one := func(v traceql.Static) []oracleGroup { return []oracleGroup{{values: []traceql.Static{v}}} }
	str := func(c span.Code) []oracleGroup { return one(traceql.NewString(b.Strings.String(c))) }
	switch ref.Intrinsic {
	case traceql.IntrinsicNone:
		return o.attr(ref, r)
	case traceql.IntrinsicDuration:
		return one(traceql.Static{Type: traceql.TypeDuration, Int: max(0, b.Duration[r])})
	case traceql.IntrinsicName:
		return str(b.Name[r])
	case traceql.IntrinsicStatus:
		return one(traceql.NewStatus(int64(b.Status[r])))
	case traceql.IntrinsicStatusMessage:
		return str(b.StatusMessage[r])
	case traceql.IntrinsicKind:
		return one(traceql.NewKind(int64(b.Kind[r])))
	case traceql.IntrinsicSpanID:
		return one(traceql.NewString(b.SpanID[r].String()))
	case traceql.IntrinsicParentID:
		if b.ParentID[r].IsZero() {
			return nil
		}
		return one(traceql.NewString(b.ParentID[r].String()))
	case traceql.IntrinsicTraceID:
		return one(traceql.NewString(b.TraceID[r].String()))
	case traceql.IntrinsicScopeName:
		return str(b.Scopes.Name[b.Scope[r]])
	case traceql.IntrinsicScopeVersion:
		return str(b.Scopes.Version[b.Scope[r]])
	case traceql.IntrinsicChildCount:
		n := 0
		for c := o.lo; c < o.hi; c++ {
			if o.parent(c) == r {
				n++
			}
		}
		return one(traceql.NewInt(int64(n)))
	case traceql.IntrinsicTraceDuration:
		start, end := int64(math.MaxInt64), int64(math.MinInt64)
		for c := o.lo; c < o.hi; c++ {
			start, end = min(start, b.Start[c]), max(end, b.Start[c]+max(0, b.Duration[c]))
		}
		return one(traceql.Static{Type: traceql.TypeDuration, Int: end - start})
	case traceql.IntrinsicRootName, traceql.IntrinsicRootService:
		for c := o.lo; c < o.hi; c++ {
			if b.ParentID[c].IsZero() {
				if ref.Intrinsic == traceql.IntrinsicRootName {
					return str(b.Name[c])
				}
				return one(traceql.NewString(b.Service(c)))
			}
		}
		return nil
	case traceql.IntrinsicEventName, traceql.IntrinsicEventTime, traceql.IntrinsicLinkSpanID, traceql.IntrinsicLinkTraceID:
		return o.repeated(ref.Intrinsic, r)
	case traceql.IntrinsicNestedSetLeft, traceql.IntrinsicNestedSetRight, traceql.IntrinsicNestedSetParent:
		return one(traceql.NewInt(o.nested(ref.Intrinsic, r)))
	}
	panic(ref.String())
}

func (o *oracle) repeated(i traceql.Intrinsic, r int) []oracleGroup {
	b := o.b
	var g oracleGroup
	for e, hi := b.Events.Range(r); e < hi; e++ {
		switch i {
		case traceql.IntrinsicEventName:
			g.values = append(g.values, traceql.NewString(b.Strings.String(b.Events.Name[e])))
		case traceql.IntrinsicEventTime:
			g.values = append(g.values, traceql.Static{Type: traceql.TypeDuration, Int: b.Events.Time[e] - b.Start[r]})
		}
	}
	for l, hi := b.Links.Range(r); l < hi; l++ {
		switch i {
		case traceql.IntrinsicLinkSpanID:
			g.values = append(g.values, traceql.NewString(b.Links.SpanID[l].String()))
		case traceql.IntrinsicLinkTraceID:
			g.values = append(g.values, traceql.NewString(b.Links.TraceID[l].String()))
		}
	}
	if len(g.values) == 0 {
		return nil
	}
	return []oracleGroup{g}
}

func (o *oracle) attr(ref traceql.Ref, r int) []oracleGroup {
	b := o.b
	var out []oracleGroup
	for s := traceql.ScopeSpan; s <= traceql.ScopeInstrumentation; s++ {
		if ref.Scope != traceql.ScopeNone && ref.Scope != s {
			continue
		}
		var g oracleGroup
		found := false
		take := func(a *span.Attrs, owner int) {
			lo, hi := a.Range(owner)
			for i := lo; i < hi; i++ {
				if b.Strings.String(a.Key[i]) != ref.Name {
					continue
				}
				found = true
				v := b.Value(a, i)
				list := []span.Value{v}
				if v.Type == span.TypeArray {
					list = nil
					_ = v.Elems(func(e span.Value) bool { list = append(list, e); return true })
					g.empty = g.empty || len(list) == 0
				}
				for _, v := range list {
					switch v.Type {
					case span.TypeString:
						g.values = append(g.values, traceql.NewString(v.Str))
					case span.TypeInt:
						g.values = append(g.values, traceql.NewInt(v.Int()))
					case span.TypeDouble:
						g.values = append(g.values, traceql.NewFloat(v.Double()))
					case span.TypeBool:
						g.values = append(g.values, traceql.NewBool(v.Bool()))
					}
				}
			}
		}
		switch s {
		case traceql.ScopeSpan:
			take(&b.Attrs, r)
		case traceql.ScopeResource:
			take(&b.Resources.Attrs, int(b.Resource[r]))
		case traceql.ScopeInstrumentation:
			take(&b.Scopes.Attrs, int(b.Scope[r]))
		case traceql.ScopeEvent:
			for e, hi := b.Events.Range(r); e < hi; e++ {
				take(&b.Events.Attrs, e)
			}
		case traceql.ScopeLink:
			for l, hi := b.Links.Range(r); l < hi; l++ {
				take(&b.Links.Attrs, l)
			}
		}
		if found {
			out = append(out, g)
		}
	}
	return out
}

// named is the row of the first span with the id, or -1.
func (o *oracle) named(id span.SpanID) int {
	for r := o.lo; r < o.hi; r++ {
		if o.b.SpanID[r] == id {
			return r
		}
	}
	return -1
}

// parent is the row of r's parent, -1 for a root, -2 when it is missing or would close a cycle.
func (o *oracle) parent(r int) int {
	id := o.b.ParentID[r]
	if id.IsZero() {
		return -1
	}
	p := o.named(id)
	if p < 0 {
		return -2
	}
	// r is cut off if it lies on a cycle and is its first span.
	first := r
	for q, n := p, 0; n <= o.hi-o.lo; n++ {
		if q == r {
			if first == r {
				return -2
			}
			return p
		}
		first = min(first, q)
		if o.b.ParentID[q].IsZero() {
			return p
		}
		if q = o.named(o.b.ParentID[q]); q < 0 {
			return p
		}
	}
	return p
}

// nested is the nested set by walking the tree.
func (o *oracle) nested(i traceql.Intrinsic, want int) int64 {
	number, result := int64(0), int64(0)
	var walk func(r int, parentLeft int64)
	walk = func(r int, parentLeft int64) {
		number++
		left := number
		for c := o.lo; c < o.hi; c++ {
			if o.parent(c) == r {
				walk(c, left)
			}
		}
		number++
		if r == want {
			switch i {
			case traceql.IntrinsicNestedSetLeft:
				result = left
			case traceql.IntrinsicNestedSetRight:
				result = number
			default:
				result = parentLeft
			}
		}
	}
	for r := o.lo; r < o.hi; r++ {
		if o.parent(r) == -1 {
			walk(r, -1)
		}
	}
	return result
}

func (o *oracle) ancestors(r int) (list []int, connected bool) {
	for p := o.parent(r); ; p = o.parent(p) {
		if p < 0 {
			return list, p == -1
		}
		list = append(list, p)
	}
}

// related: right stands to left as the operator asks.
func (o *oracle) related(op traceql.Op, left, right int) bool {
	up := func(r int) []int { list, _ := o.ancestors(r); return list }
	switch op {
	case traceql.OpGreater, traceql.OpNotChild, traceql.OpUnionChild:
		return o.parent(right) == left
	case traceql.OpDescendant, traceql.OpNotDescendant, traceql.OpUnionDescendant:
		return slices.Contains(up(right), left)
	case traceql.OpLess, traceql.OpNotParent, traceql.OpUnionParent:
		return o.parent(left) == right
	case traceql.OpAncestor, traceql.OpNotAncestor, traceql.OpUnionAncestor:
		return slices.Contains(up(left), right)
	}
	p, q := o.parent(left), o.parent(right)
	return left != right && p == q && (p >= 0 || p == -2 && o.b.ParentID[left] == o.b.ParentID[right])
}

func (o *oracle) join(s *traceql.SpansetOp, rows []int) []int {
	collect := func(st traceql.Stage) []int {
		var all []int
		for _, set := range o.stage(st, []oracleSet{{rows: rows}}) {
			all = append(all, set.rows...)
		}
		return all
	}
	left, right := collect(s.Left), collect(s.Right)
	var out []int
	switch op := s.Op; op {
	case traceql.OpAnd:
		if len(left) > 0 && len(right) > 0 {
			out = append(left, right...)
		}
	case traceql.OpOr:
		out = append(left, right...)
	case traceql.OpNotChild, traceql.OpNotDescendant, traceql.OpNotParent, traceql.OpNotAncestor, traceql.OpNotRegex:
		for _, r := range right {
			found := false
			for _, l := range left {
				found = found || o.related(op, l, r)
			}
			_, connected := o.ancestors(r)
			unknown := (op == traceql.OpNotChild || op == traceql.OpNotRegex) && o.parent(r) == -2 || op == traceql.OpNotDescendant && !connected
			if len(left) == 0 || !found && !unknown {
				out = append(out, r)
			}
		}
	default:
		union := op >= traceql.OpUnionChild
		for _, r := range right {
			for _, l := range left {
				if o.related(op, l, r) {
					out = append(out, r)
					if union {
						out = append(out, l)
					}
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// oracleTrace is a trace of the answer as text, with what orders it.
type oracleTrace struct {
	id              span.TraceID
	start, duration int64
	spans, errors   int
	text            string
}

// search is the whole answer in the given order.
func (o *oracle) search(q *traceql.Query, order Order) []oracleTrace {
	var out []oracleTrace
	for lo, hi := range o.b.Traces() {
		o.lo, o.hi = lo, hi
		all := oracleSet{}
		for r := lo; r < hi; r++ {
			all.rows = append(all.rows, r)
		}
		sets := o.run(q.Pipeline, []oracleSet{all})
		if len(sets) == 0 {
			continue
		}
		t := oracleTrace{id: o.b.FullID(lo, hi), start: o.b.Start[lo], spans: hi - lo}
		for r := lo; r < hi; r++ {
			t.duration = max(t.duration, o.b.Start[r]+max(0, o.b.Duration[r])-t.start)
			if o.b.Status[r] == span.StatusError {
				t.errors++
			}
		}
		for _, s := range sets {
			t.text += fmt.Sprintf("%v:", s.attrs)
			for _, r := range s.rows {
				t.text += " " + o.b.SpanID[r].String()
			}
			t.text += "; "
		}
		out = append(out, t)
	}
	key := func(t oracleTrace) int64 {
		return map[Order]int64{Newest: t.start, Oldest: -t.start, Longest: t.duration, MostErrors: int64(t.errors), MostSpans: int64(t.spans)}[order]
	}
	slices.SortFunc(out, func(x, y oracleTrace) int {
		return cmp.Or(cmp.Compare(key(y), key(x)), cmp.Compare(y.start, x.start), bytes.Compare(x.id[:], y.id[:]))
	})
	return out
}
