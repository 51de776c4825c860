// SPDX-License-Identifier: Apache-2.0

package query

import (
	"math"
	"slices"
	"strings"

	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/traceql"
)

// noGroup marks a span whose group did not fit in memory.
const noGroup = math.MaxUint32

// grouper numbers the combinations of values of the by() fields. Values are looked up once for each dictionary entry or
// resource of a batch where the field allows it; combinations are found by number.
type grouper struct {
	names   []string
	columns []*groupColumn
	admit   func() bool // asked before there is a new group
	closed  bool        // there is no memory for more groups

	pairs   []map[uint64]uint32 // by column from the second on: group so far and value -> group so far
	parts   [][]uint64          // by column from the second on: what each group so far is made of
	groups  []uint32            // group so far of the last column -> group, or noGroup; index is made by order of appearance
	members []uint32            // group -> group so far
	scratch []uint32
}

// newGrouper takes memory for values from hold, and for groups from admit.
func newGrouper(c compiler, by []*traceql.Field, admit func() bool, hold func(bytes int64) bool) *grouper {
	g := &grouper{admit: admit}
	for _, f := range by {
		g.names = append(g.names, f.Ref.String())
		g.columns = append(g.columns, newGroupColumn(c, f, func(bytes int64) bool { return !g.closed && hold(bytes) }))
	}
	for range max(0, len(by)-1) {
		g.pairs = append(g.pairs, map[uint64]uint32{})
		g.parts = append(g.parts, nil)
	}
	return g
}

// len is the number of groups.
func (g *grouper) len() int { return len(g.members) }

// number sets the groups of the rows.
func (g *grouper) number(c *counted) {
	c.groups = grow(c.groups, len(c.rows))
	if len(g.columns) == 0 {
		clear(c.groups)
		if !g.only() {
			for i := range c.groups {
				c.groups[i] = noGroup
			}
		}
		return
	}
	g.columns[0].values(c.t, c.rows, c.groups)
	for i, column := range g.columns[1:] {
		g.scratch = grow(g.scratch, len(c.rows))
		column.values(c.t, c.rows, g.scratch)
		g.pair(i, c.groups, g.scratch)
	}
	for i, v := range c.groups {
		if v == noGroup {
			continue
		}
		for int(v) >= len(g.groups) {
			g.groups = append(g.groups, noGroup-1) // not met yet
		}
		id := g.groups[v]
		if id == noGroup-1 {
			id = g.meet(v)
		}
		c.groups[i] = id
	}
}

// only sees to the one group that there is without by(); false if there is no memory.
func (g *grouper) only() bool {
	if len(g.members) == 0 && !g.closed {
		if g.closed = !g.admit(); !g.closed {
			g.members = []uint32{0}
		}
	}
	return !g.closed
}

// pair joins the group so far with the value of one more column.
func (g *grouper) pair(i int, so, more []uint32) {
	known := g.pairs[i]
	last, lastID := uint64(math.MaxUint64), uint32(0)
	for k, v := range so {
		if v == noGroup || more[k] == noGroup {
			so[k] = noGroup
			continue
		}
		key := uint64(v)<<32 | uint64(more[k])
		if key != last {
			id, ok := known[key]
			switch {
			case !ok && g.closed:
				id = noGroup
			case !ok:
				id = uint32(len(g.parts[i]))
				g.parts[i] = append(g.parts[i], key)
				known[key] = id
			}
			last, lastID = key, id
		}
		so[k] = lastID
	}
}

// meet makes a group of a combination. One whose fields are all absent is called nil, like the one whose first field is
// the string nil: to whoever reads the labels these are the same, so they are one group.
func (g *grouper) meet(v uint32) uint32 {
	if twin, ok := g.twin(v); ok && int(twin) < len(g.groups) && g.groups[twin] < noGroup-1 {
		g.groups[v] = g.groups[twin]
		return g.groups[v]
	}
	if g.closed = g.closed || !g.admit(); g.closed {
		g.groups[v] = noGroup
		return noGroup
	}
	g.groups[v] = uint32(len(g.members))
	g.members = append(g.members, v)
	return g.groups[v]
}

// twin is the other combination with the same labels, if it was met.
func (g *grouper) twin(v uint32) (uint32, bool) {
	values := g.combination(v)
	for _, s := range values[1:] {
		if !s.IsNil() {
			return 0, false
		}
	}
	switch values[0] {
	case traceql.Static{}:
		values[0] = traceql.NewString("nil")
	case traceql.NewString("nil"):
		values[0] = traceql.Static{}
	default:
		return 0, false
	}
	id, ok := g.columns[0].ids[values[0]]
	for i := range g.pairs {
		if !ok {
			return 0, false
		}
		none := g.columns[i+1].ids[traceql.Static{}]
		id, ok = g.pairs[i][uint64(id)<<32|uint64(none)]
	}
	return id, ok
}

// combination is the values that a group so far stands for.
func (g *grouper) combination(v uint32) []traceql.Static {
	values := make([]traceql.Static, len(g.columns))
	for i := range slices.Backward(g.pairs) {
		key := g.parts[i][v]
		values[i+1] = g.columns[i+1].list[uint32(key)]
		v = uint32(key >> 32)
	}
	values[0] = g.columns[0].list[v]
	return values
}

// labels tells a group: the fields that it has, or of none, that the first is nil. Without by() there are none.
func (g *grouper) labels(group int) []Label {
	if len(g.columns) == 0 {
		return nil
	}
	var labels []Label
	for i, v := range g.combination(g.members[group]) {
		if !v.IsNil() {
			labels = append(labels, Label{g.names[i], v})
		}
	}
	if len(labels) == 0 {
		labels = []Label{{g.names[0], traceql.NewString("nil")}}
	}
	return labels
}

// groupColumn numbers the values of one field.
type groupColumn struct {
	read  operand
	names []match.Field
	ids   map[traceql.Static]uint32
	list  []traceql.Static
	hold  func(bytes int64) bool

	set   valueSet
	cache []uint32 // one more than the number, by string code, resource or scope of the batch at hand; 0 is not known
}

func newGroupColumn(c compiler, f *traceql.Field, hold func(bytes int64) bool) *groupColumn {
	// Absent is 0.
	return &groupColumn{
		read: c.operand(f), names: c.aliases.names(f.Ref), hold: hold, list: []traceql.Static{{}}, ids: map[traceql.Static]uint32{{}: 0},
	}
}

// shared is the table that the value is the same for all spans of, if all names of the field stand in it.
func (g *groupColumn) shared(b *span.Batch) []uint32 {
	var column []uint32
	for i, n := range g.names {
		switch {
		case n.Scope == match.ScopeResource && (i == 0 || g.names[0].Scope == n.Scope):
			column = b.Resource
		case n.Scope == match.ScopeInstrumentation && (i == 0 || g.names[0].Scope == n.Scope),
			n == match.Of(match.InstrumentationName), n == match.Of(match.InstrumentationVersion):
			column = b.Scope
		default:
			return nil
		}
	}
	return column
}

// values sets the numbers of the rows' values.
func (g *groupColumn) values(t *traces, rows []int32, out []uint32) {
	b := t.b
	g.read.begin(t)
	if column := g.shared(b); column != nil {
		g.forget(max(b.Resources.Attrs.Owners(), b.Scopes.Len(), 1))
		for i, row := range rows {
			at := column[row]
			if int(at) >= len(g.cache) {
				out[i] = g.slow(row)
				continue
			}
			if g.cache[at] == 0 {
				g.cache[at] = 1 + g.slow(row)
			}
			out[i] = g.cache[at] - 1
		}
		return
	}
	if len(g.names) == 1 {
		switch n := g.names[0]; {
		case n == match.Of(match.Name) && b.Name != nil:
			g.codes(b, b.Name, rows, out)
			return
		case n == match.Of(match.StatusMessage) && b.StatusMessage != nil:
			g.codes(b, b.StatusMessage, rows, out)
			return
		case n.Scope == match.ScopeSpan:
			g.attrs(b, n.Key, rows, out)
			return
		}
	}
	for i, row := range rows {
		out[i] = g.slow(row)
	}
}

// codes numbers a column of strings.
func (g *groupColumn) codes(b *span.Batch, column []span.Code, rows []int32, out []uint32) {
	g.forget(b.Strings.Len())
	for i, row := range rows {
		out[i] = g.code(b, column[row])
	}
}

func (g *groupColumn) code(b *span.Batch, code span.Code) uint32 {
	if g.cache[code] == 0 {
		g.cache[code] = 1 + g.number(traceql.NewString(b.Strings.String(code)))
	}
	return g.cache[code] - 1
}

// attrs numbers the values of an attribute of spans.
func (g *groupColumn) attrs(b *span.Batch, key string, rows []int32, out []uint32) {
	code, ok := b.Strings.Lookup(key)
	if !ok {
		clear(out[:len(rows)])
		return
	}
	g.forget(b.Strings.Len())
	for i, row := range rows {
		at := b.Attrs.Find(int(row), code)
		switch {
		case at < 0:
			out[i] = 0
		case b.Attrs.Type[at] == span.TypeString:
			out[i] = g.code(b, span.Code(b.Attrs.Val[at]))
		default:
			out[i] = g.slow(row)
		}
	}
}

func (g *groupColumn) forget(n int) {
	g.cache = grow(g.cache, n)
	clear(g.cache)
}

// slow reads the value of one row.
func (g *groupColumn) slow(row int32) uint32 {
	g.read.read(int(row), &g.set)
	v, _ := g.set.first() // nil when there is none
	return g.number(v)
}

// number is the number of a value, or noGroup for a new one that there is no memory for.
func (g *groupColumn) number(v traceql.Static) uint32 {
	if v.Type == traceql.TypeFloat && v.Float == 0 {
		v.Float = 0 // -0 and 0 are one group
	}
	key := v
	if math.IsNaN(v.Float) {
		key.Int, key.Float = 1, 0 // and so are all NaNs
	}
	id, ok := g.ids[key]
	if !ok {
		if !g.hold(int64(len(v.Str)) + 100) {
			return noGroup
		}
		id = uint32(len(g.list))
		v.Str = strings.Clone(v.Str)
		key.Str = v.Str
		g.ids[key] = id
		g.list = append(g.list, v)
	}
	return id
}
