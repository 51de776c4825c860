// SPDX-License-Identifier: Apache-2.0

package query

import (
	"github.com/clew-tracing/clew/base/bitset"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/traceql"
)

// relation is how a right span has to stand to a left one.
type relation uint8

const (
	child      relation = iota // right is a child of left
	descendant                 // right is below left
	parent                     // right is the parent of left
	ancestor                   // right is above left
	sibling                    // both have one parent
)

// inverse is the relation seen from the other side.
func (r relation) inverse() relation {
	return [...]relation{parent, ancestor, child, descendant, sibling}[r]
}

// structure is what an operator between spansets asks for.
type structure struct {
	relation relation
	negated  bool // right spans without such a left one
	union    bool // both sides that take part
}

var structures = map[traceql.Op]structure{
	traceql.OpGreater:         {relation: child},
	traceql.OpDescendant:      {relation: descendant},
	traceql.OpLess:            {relation: parent},
	traceql.OpAncestor:        {relation: ancestor},
	traceql.OpSibling:         {relation: sibling},
	traceql.OpNotChild:        {relation: child, negated: true},
	traceql.OpNotDescendant:   {relation: descendant, negated: true},
	traceql.OpNotParent:       {relation: parent, negated: true},
	traceql.OpNotAncestor:     {relation: ancestor, negated: true},
	traceql.OpNotRegex:        {relation: sibling, negated: true},
	traceql.OpUnionChild:      {relation: child, union: true},
	traceql.OpUnionDescendant: {relation: descendant, union: true},
	traceql.OpUnionParent:     {relation: parent, union: true},
	traceql.OpUnionAncestor:   {relation: ancestor, union: true},
	traceql.OpUnionSibling:    {relation: sibling, union: true},
}

// joiner works structural operators out, one trace at a time.
type joiner struct {
	tree        span.Trace
	left, right []bool // by position
	hit, take   []bool
	count       []int32 // by position: children of the set
	missing     map[span.SpanID]int32
}

// join appends to dst the rows of trace [lo, hi) of b that the operator gives, in ascending order.
func (j *joiner) join(b *span.Batch, lo, hi int, s structure, left, right *bitset.Set, dst []int32) []int32 {
	j.tree.Build(b, lo, hi)
	n := hi - lo
	j.left, j.right = grow(j.left, n), grow(j.right, n)
	j.hit, j.count = grow(j.hit, n), grow(j.count, n)
	anyLeft := false
	for p, row := range j.tree.Rows {
		j.left[p], j.right[p] = left.Test(int(row)), right.Test(int(row))
		anyLeft = anyLeft || j.left[p]
	}
	j.relate(s.relation, j.left)
	j.take = grow(j.take, n)
	take := j.take
	clear(take)
	for p := range n {
		switch {
		case !j.right[p]:
		case s.negated:
			take[p] = !anyLeft || !j.hit[p] && j.known(s.relation, p)
		default:
			take[p] = j.hit[p]
		}
	}
	if s.union {
		j.relate(s.relation.inverse(), j.right)
		for p := range n {
			take[p] = take[p] || j.left[p] && j.hit[p]
		}
	}
	// From positions to rows, in the order of rows.
	clear(j.hit)
	for p, row := range j.tree.Rows {
		j.hit[int(row)-lo] = take[p]
	}
	for i, taken := range j.hit {
		if taken {
			dst = append(dst, int32(lo+i))
		}
	}
	return dst
}

// relate sets hit to the positions that have a span of the set standing in the relation: those that are its children,
// and so on.
func (j *joiner) relate(r relation, set []bool) {
	up := j.tree.Parent[:len(j.tree.Rows)]
	clear(j.hit)
	switch r {
	case child:
		for p, q := range up {
			j.hit[p] = q >= 0 && set[q]
		}
	case descendant:
		for p, q := range up { // parents come first
			j.hit[p] = q >= 0 && (set[q] || j.hit[q])
		}
	case parent:
		for p, q := range up {
			if q >= 0 && set[p] {
				j.hit[q] = true
			}
		}
	case ancestor:
		for p := len(up) - 1; p > 0; p-- {
			if q := up[p]; q >= 0 && (set[p] || j.hit[p]) {
				j.hit[q] = true
			}
		}
	case sibling:
		j.relateSiblings(up, set)
	}
}

// relateSiblings counts the set's spans under each parent. Spans that name one missing parent are siblings too.
func (j *joiner) relateSiblings(up []int32, set []bool) {
	clear(j.count)
	clear(j.missing)
	if j.missing == nil {
		j.missing = map[span.SpanID]int32{}
	}
	b := j.tree.Batch
	for p, q := range up {
		switch {
		case !set[p]:
		case q >= 0:
			j.count[q]++
		case q < span.ParentNone: // unknown, or cut from a cycle
			j.missing[b.ParentID[j.tree.Rows[p]]]++
		}
	}
	for p, q := range up {
		others := int32(0)
		switch {
		case q >= 0:
			others = j.count[q]
		case q < span.ParentNone: // unknown, or cut from a cycle
			others = j.missing[b.ParentID[j.tree.Rows[p]]]
		}
		if set[p] {
			others--
		}
		j.hit[p] = others > 0
	}
}

// known reports whether all that the relation could ask for at position p is there to see.
func (j *joiner) known(r relation, p int) bool {
	up := j.tree.Parent
	switch r {
	case child, sibling:
		return up[p] >= span.ParentNone
	case descendant:
		for up[p] >= 0 {
			p = int(up[p])
		}
		return up[p] >= span.ParentNone
	}
	return true
}
