// SPDX-License-Identifier: Apache-2.0

// Package match is predicates over spans: the form in which queries, the store, sampling and retention say "spans such
// that …". An [Expr] is plain data that an engine may look into (to prune by statistics, to translate it to another
// engine's language); a [Matcher] is one compiled for deciding the rows of a span.Batch.
//
// Semantics are those of TraceQL's spanset filters: a comparison with something that is absent is false, also != and
// the negated regular expression; what a span has several of (events, links, array elements, attributes of one key)
// satisfies a comparison if any one does, and a negated one (!=, !~) only if some can be compared and none is equal. An
// unscoped attribute is decided in each scope by itself, and any scope may satisfy the condition.
//
// Ints and doubles are compared as doubles, two ints exactly. NaN equals nothing. Elements of arrays within arrays
// compare with nothing, and an array without elements equals nothing, whatever it is compared with.
package match

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/clew-tracing/clew/span"
)

// Op is what a condition asks of its field.
type Op uint8

// The operators.
const (
	// Exists is true where the field is there.
	Exists Op = iota
	// Absent is true where it is not.
	Absent
	// Eq, Neq, Lt, Le, Gt and Ge compare: numbers (int, double) with each other, strings with strings, bools with
	// bools; values of other types are never equal, less or greater.
	Eq
	Neq
	Lt
	Le
	Gt
	Ge
	// Match and NotMatch ask for a regular expression, anchored at both ends.
	Match
	NotMatch
	// In is Eq to any of several values.
	In
)

// String returns TraceQL's spelling, or a word where it has none.
func (o Op) String() string {
	return [...]string{"exists", "absent", "=", "!=", "<", "<=", ">", ">=", "=~", "!~", "in"}[o]
}

// Cond is one condition on a field. Status and kind compare as ints.
type Cond struct {
	Field Field
	Op    Op
	// Value is compared with; unused for Exists, Absent, In, Match and NotMatch.
	Value span.Value
	// Values is for In.
	Values []span.Value
	// Regexp is for Match and NotMatch; make it with [Anchored].
	Regexp *regexp.Regexp
}

// What Anchored puts around an expression.
const anchorStart, anchorEnd = `(?s)\A(?:`, `)\z`

// Anchored compiles a regular expression as TraceQL means it: anchored at both ends, the dot matching newlines.
func Anchored(expr string) (*regexp.Regexp, error) {
	// By itself first: a bracket too many must not close the one that anchors the whole.
	if _, err := regexp.Compile(expr); err != nil {
		return nil, err
	}
	return regexp.Compile(anchorStart + expr + anchorEnd)
}

// String returns the condition in TraceQL's spelling, for explain output.
func (c Cond) String() string {
	switch c.Op {
	case Exists:
		return c.Field.String() + " != nil"
	case Absent:
		return c.Field.String() + " = nil"
	case Match, NotMatch:
		expr := strings.TrimSuffix(strings.TrimPrefix(c.Regexp.String(), anchorStart), anchorEnd)
		return fmt.Sprintf("%s %s %q", c.Field, c.Op, expr)
	case In:
		var vals []string
		for _, v := range c.Values {
			vals = append(vals, v.Text())
		}
		return fmt.Sprintf("%s in (%s)", c.Field, strings.Join(vals, ", "))
	}
	return fmt.Sprintf("%s %s %s", c.Field, c.Op, c.Value.Text())
}

// ExprKind says what an [Expr] is.
type ExprKind uint8

// The kinds of expressions.
const (
	// All is true for every span. The zero Expr is All.
	All ExprKind = iota
	// None is false for every span.
	None
	// One is a single condition, Cond.
	One
	// And is true where all of Kids are.
	And
	// Or is true where any of Kids is.
	Or
	// Not is true where Kids[0] is not.
	Not
)

// Expr is a predicate over single spans. It is immutable once made.
type Expr struct {
	Kind ExprKind
	Cond Cond
	Kids []Expr
}

// Where returns the expression of one condition.
func Where(c Cond) Expr { return Expr{Kind: One, Cond: c} }

// AllOf returns the conjunction, simplified.
func AllOf(kids ...Expr) Expr { return combine(And, All, None, kids) }

// AnyOf returns the disjunction, simplified. The disjunction of nothing is None.
func AnyOf(kids ...Expr) Expr { return combine(Or, None, All, kids) }

// combine flattens kids of the same kind, drops neutral ones and gives up at a dominant one.
func combine(kind, neutral, dominant ExprKind, kids []Expr) Expr {
	var flat []Expr
	for _, k := range kids {
		switch k.Kind {
		case neutral:
		case dominant:
			return Expr{Kind: dominant}
		case kind:
			flat = append(flat, k.Kids...)
		default:
			flat = append(flat, k)
		}
	}
	switch len(flat) {
	case 0:
		return Expr{Kind: neutral}
	case 1:
		return flat[0]
	}
	return Expr{Kind: kind, Kids: flat}
}

// Negate returns the complement.
func Negate(e Expr) Expr {
	switch e.Kind {
	case All:
		return Expr{Kind: None}
	case None:
		return Expr{Kind: All}
	case Not:
		return e.Kids[0]
	}
	return Expr{Kind: Not, Kids: []Expr{e}}
}

// Fields calls f for the field of every condition in e, with repetitions.
func (e Expr) Fields(f func(Field)) {
	if e.Kind == One {
		f(e.Cond.Field)
	}
	for _, k := range e.Kids {
		k.Fields(f)
	}
}

// String returns the expression in TraceQL's spelling, fully bracketed, for explain output.
func (e Expr) String() string {
	switch e.Kind {
	case All:
		return "true"
	case None:
		return "false"
	case One:
		return e.Cond.String()
	case Not:
		return "!(" + e.Kids[0].String() + ")"
	}
	sep := " && "
	if e.Kind == Or {
		sep = " || "
	}
	parts := make([]string, len(e.Kids))
	for i, k := range e.Kids {
		parts[i] = k.String()
		if k.Kind == And || k.Kind == Or {
			parts[i] = "(" + parts[i] + ")"
		}
	}
	return strings.Join(parts, sep)
}
