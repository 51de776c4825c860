// SPDX-License-Identifier: Apache-2.0

package query

import (
	"cmp"
	"slices"
	"strings"

	"github.com/clew-tracing/clew/base/bitset"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
	"github.com/clew-tracing/clew/traceql"
)

// Limits of compare().
const (
	defaultCompareValues = 10
	// maxCompareValues is how many values of one attribute are told apart. One with more is an id of some kind, of which
	// no single value says much.
	maxCompareValues = 10_000
)

// The values of LabelMetaType, by side of compare(), and of LabelMetaErr.
var (
	compareTypes  = [2]string{"baseline", "selection"}
	compareTotals = [2]string{"baseline_total", "selection_total"}
)

const compareTooMany = "__too_many_values__"

// compareTally counts the values of every attribute, those of the spans of the selection and those of all others.
type compareTally struct {
	run      *metricsRun
	top      int
	window   store.Window // of the selection
	where    condition
	selected bitset.Set

	attrs  []*comparedAttr
	byName map[traceql.Ref]*comparedAttr
	counts []float64 // by slot, side and bucket

	// Of the batch at hand: the slot of each value.
	sides     []int // by place in rows: where the counts of its side and bucket are within a slot
	spans     map[attrValue]comparedSlot
	shared    map[attrValue]comparedSlot
	intrinsic []*comparedAttr
	roots     [2]*comparedAttr // rootName and rootServiceName
}

// comparedAttr is one attribute or intrinsic.
type comparedAttr struct {
	ref    traceql.Ref
	total  int // slot
	values map[traceql.Static]int
	list   []traceql.Static
	slots  []int // by place in list
	tooFew bool  // there was no memory for all values, or there are too many
}

// compareStatics is an order of values: by type, then by what they are.
func compareStatics(x, y traceql.Static) int {
	return cmp.Or(cmp.Compare(x.Type, y.Type), strings.Compare(x.Str, y.Str), cmp.Compare(x.Int, y.Int), cmp.Compare(x.Float, y.Float))
}

// comparedSlot is where a value counts; value is -1 for one that is not told apart, and total for what is no value.
type comparedSlot struct{ total, value int }

// attrValue is an attribute as a batch has it.
type attrValue struct {
	key span.Code
	typ span.Type
	val uint64
}

var comparedIntrinsics = [...]traceql.Intrinsic{
	traceql.IntrinsicName, traceql.IntrinsicStatus, traceql.IntrinsicStatusMessage, traceql.IntrinsicKind,
}

func newCompareTally(n *scanNode, r *metricsRun) *compareTally {
	c := &compareTally{
		run: r, top: defaultCompareValues, window: store.AllTime(), where: compiler{n.aliases}.condition(n.compare.Selection.Filter, false),
		byName: map[traceql.Ref]*comparedAttr{}, spans: map[attrValue]comparedSlot{}, shared: map[attrValue]comparedSlot{},
	}
	if l := n.compare.TopN; l != nil {
		c.top = int(l.Value.Int)
	}
	if l := n.compare.Start; l != nil {
		c.window.From = l.Value.Int
	}
	if l := n.compare.End; l != nil {
		c.window.To = l.Value.Int
	}
	for _, i := range comparedIntrinsics {
		c.intrinsic = append(c.intrinsic, c.attr(traceql.IntrinsicRef(i)))
	}
	for i, in := range [...]traceql.Intrinsic{traceql.IntrinsicRootName, traceql.IntrinsicRootService} {
		c.roots[i] = c.attr(traceql.IntrinsicRef(in))
	}
	return c
}

// width is how many counts a slot has.
func (c *compareTally) width() int { return 2 * c.run.clock.times.N }

// slot makes one; false if there is no memory.
func (c *compareTally) slot() (int, bool) {
	if !c.run.grow(int64(8*c.width()) + groupOverhead) {
		return 0, false
	}
	c.counts = append(c.counts, make([]float64, c.width())...)
	return len(c.counts)/c.width() - 1, true
}

// attr is the attribute of that name; nil if there is no memory.
func (c *compareTally) attr(ref traceql.Ref) *comparedAttr {
	if a, ok := c.byName[ref]; ok {
		return a
	}
	slot, ok := c.slot()
	if !ok {
		return nil
	}
	ref.Name = strings.Clone(ref.Name)
	a := &comparedAttr{ref: ref, total: slot, values: map[traceql.Static]int{}}
	c.byName[ref] = a
	c.attrs = append(c.attrs, a)
	return a
}

// value is where a value of the attribute counts.
func (c *compareTally) value(a *comparedAttr, v traceql.Static) comparedSlot {
	if a == nil {
		return comparedSlot{-1, -1}
	}
	if slot, ok := a.values[v]; ok {
		return comparedSlot{a.total, slot}
	}
	if v.Float != v.Float || a.tooFew {
		return comparedSlot{a.total, -1}
	}
	if len(a.list) >= maxCompareValues || !c.run.grow(int64(len(v.Str))) {
		a.tooFew = true
		return comparedSlot{a.total, -1}
	}
	slot, ok := c.slot()
	if !ok {
		a.tooFew = true
		return comparedSlot{a.total, -1}
	}
	v.Str = strings.Clone(v.Str)
	a.values[v] = slot
	a.list, a.slots = append(a.list, v), append(a.slots, slot)
	return comparedSlot{a.total, slot}
}

// count counts one span with a value.
func (c *compareTally) count(s comparedSlot, side int) {
	if s.total >= 0 {
		c.counts[s.total*c.width()+side]++
	}
	if s.value >= 0 {
		c.counts[s.value*c.width()+side]++
	}
}

func (c *compareTally) batch(in *counted) {
	t, b := in.t, in.t.b
	c.selected.Reset(b.Len())
	c.where.rows(t, &c.selected)
	c.sides = grow(c.sides, len(in.rows))
	for i, row := range in.rows {
		c.sides[i] = int(in.buckets[i])
		if c.selected.Test(int(row)) && c.window.Contains(b.Start[row]) {
			c.sides[i] += c.run.clock.times.N
		}
	}
	c.intrinsics(in)
	clear(c.spans)
	for i, row := range in.rows {
		c.table(b, &b.Attrs, int(row), traceql.ScopeSpan, c.spans, c.sides[i])
	}
	clear(c.shared)
	for i, row := range in.rows {
		c.table(b, &b.Resources.Attrs, int(at(b.Resource, int(row))), traceql.ScopeResource, c.shared, c.sides[i])
	}
}

// table counts the attributes of one owner.
func (c *compareTally) table(b *span.Batch, a *span.Attrs, owner int, scope traceql.Scope, known map[attrValue]comparedSlot, side int) {
	lo, hi := a.Range(owner)
	for k := lo; k < hi; k++ {
		if slices.Contains(a.Key[lo:k], a.Key[k]) {
			continue // a second one of the key, which comparisons by first value do not see
		}
		key := attrValue{a.Key[k], a.Type[k], a.Val[k]}
		slot, ok := known[key]
		if !ok {
			slot = comparedSlot{-1, -1}
			if v, plain := staticOf(b.Value(a, k)); plain {
				slot = c.value(c.attr(traceql.AttrRef(scope, b.Strings.String(a.Key[k]))), v)
			}
			known[key] = slot
		}
		c.count(slot, side)
	}
}

// intrinsics counts what is no attribute. An empty text is none.
func (c *compareTally) intrinsics(in *counted) {
	b := in.t.b
	texts := map[attrValue]comparedSlot{}
	text := func(a *comparedAttr, code span.Code, side int) {
		if code == 0 || a == nil {
			return
		}
		key := attrValue{key: uint32(a.total), val: uint64(code)}
		slot, ok := texts[key]
		if !ok {
			slot = c.value(a, traceql.NewString(b.Strings.String(code)))
			texts[key] = slot
		}
		c.count(slot, side)
	}
	for i, row := range in.rows {
		side := c.sides[i]
		text(c.intrinsic[0], at(b.Name, int(row)), side)
		c.count(c.value(c.intrinsic[1], traceql.NewStatus(int64(at(b.Status, int(row))))), side)
		text(c.intrinsic[2], at(b.StatusMessage, int(row)), side)
		c.count(c.value(c.intrinsic[3], traceql.NewKind(int64(at(b.Kind, int(row))))), side)
	}
	c.rootsOf(in)
}

// rootsOf counts name and service of the roots of the spans' traces.
func (c *compareTally) rootsOf(in *counted) {
	t := in.t
	t.roots()
	trace := 0
	for i, row := range in.rows {
		for t.bounds[trace+1] <= int(row) {
			trace++
		}
		root := t.rootRow[trace]
		if root < 0 {
			continue
		}
		if name := t.b.Strings.String(at(t.b.Name, root)); name != "" {
			c.count(c.value(c.roots[0], traceql.NewString(name)), c.sides[i])
		}
		if service := t.b.Service(root); service != "" {
			c.count(c.value(c.roots[1], traceql.NewString(service)), c.sides[i])
		}
	}
}

// series gives, of each attribute, the most frequent values of either side, both sides of each, and the totals.
func (c *compareTally) series() []*Series {
	var list []*Series
	add := func(kind string, a *comparedAttr, v traceql.Static, slot, side int, more ...Label) {
		n := c.run.clock.times.N
		from := slot*c.width() + side*n
		s := &Series{Values: slices.Clone(c.counts[from : from+n])}
		if s.total() == 0 && len(more) == 0 {
			return
		}
		s.Labels = append([]Label{{LabelMetaType, traceql.NewString(kind)}, {a.ref.String(), v}}, more...)
		list = append(list, s)
	}
	for _, a := range c.attrs {
		for side := range 2 {
			if a.tooFew {
				add(compareTypes[side], a, traceql.Static{}, a.total, side, Label{LabelMetaErr, traceql.NewString(compareTooMany)})
			}
			add(compareTotals[side], a, traceql.Static{}, a.total, side)
		}
		if a.tooFew {
			continue
		}
		for _, i := range c.frequent(a) {
			for side := range 2 {
				add(compareTypes[side], a, a.list[i], a.slots[i], side)
			}
		}
	}
	return list
}

// frequent are the values among the most frequent ones of either side.
func (c *compareTally) frequent(a *comparedAttr) []int {
	n := c.run.clock.times.N
	var chosen []int
	for side := range 2 {
		totals := make([]float64, len(a.list))
		places := make([]int, len(a.list))
		for i, slot := range a.slots {
			places[i] = i
			for _, v := range c.counts[slot*c.width()+side*n:][:n] {
				totals[i] += v
			}
		}
		slices.SortFunc(places, func(x, y int) int {
			if c := cmp.Compare(totals[y], totals[x]); c != 0 {
				return c
			}
			return compareStatics(a.list[x], a.list[y])
		})
		for _, i := range places[:min(c.top, len(places))] {
			if totals[i] > 0 {
				chosen = append(chosen, i)
			}
		}
	}
	slices.Sort(chosen)
	return slices.Compact(chosen)
}
