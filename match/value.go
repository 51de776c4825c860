// SPDX-License-Identifier: Apache-2.0

package match

import (
	"cmp"
	"math"

	"github.com/clew-tracing/clew/span"
)

// verdict says how one value relates to a condition's positive form (= for !=, =~ for !~).
type verdict uint8

const (
	unknown verdict = iota
	// alien means that the value is of a type that cannot be compared with the condition's.
	alien
	// no means that it can, and does not satisfy.
	no
	// yes means that it satisfies.
	yes
)

// positive returns the operator that a negated one is decided by, and whether it is negated.
func positive(op Op) (Op, bool) {
	switch op {
	case Neq:
		return Eq, true
	case NotMatch:
		return Match, true
	}
	return op, false
}

// Decide reports whether a single value satisfies a condition, by the rules of the package comment: elements of an array
// any or none, other types never. It does not look at c.Field.
func Decide(c *Cond, v span.Value) bool {
	op, negated := positive(c.Op)
	got := decide(c, op, v)
	if negated {
		return got == no
	}
	return got == yes
}

// decide judges one value; op is positive.
func decide(c *Cond, op Op, v span.Value) verdict {
	if v.Type == span.TypeArray {
		return decideArray(c, op, v)
	}
	switch op {
	case Exists:
		return yes
	case Match:
		if v.Type != span.TypeString {
			return alien
		}
		return verdictOf(c.Regexp.MatchString(v.Str))
	case In:
		best := alien
		for i := range c.Values {
			best = max(best, compare(Eq, v, c.Values[i]))
		}
		return best
	}
	return compare(op, v, c.Value)
}

// decideArray is yes if any element is; an array without elements can be compared with everything and equals nothing.
func decideArray(c *Cond, op Op, v span.Value) verdict {
	if op == Exists {
		return yes
	}
	best, empty := alien, true
	if err := v.Elems(func(e span.Value) bool {
		empty = false
		if e.Type != span.TypeArray { // arrays in arrays compare with nothing
			best = max(best, decide(c, op, e))
		}
		return best != yes
	}); err != nil {
		return alien
	}
	if empty {
		return no
	}
	return best
}

func verdictOf(ok bool) verdict {
	if ok {
		return yes
	}
	return no
}

// compare judges v against w; op is Eq, Lt, Le, Gt or Ge.
func compare(op Op, v, w span.Value) verdict {
	switch {
	case isNumber(v.Type) && isNumber(w.Type):
		return compareNumbers(op, v, w)
	case v.Type == span.TypeString && w.Type == span.TypeString:
		return verdictOf(holds(op, cmp.Compare(v.Str, w.Str)))
	case v.Type == span.TypeBool && w.Type == span.TypeBool:
		if op != Eq {
			return alien
		}
		return verdictOf(v.Num == w.Num)
	}
	return alien
}

func isNumber(t span.Type) bool { return t == span.TypeInt || t == span.TypeDouble }

func compareNumbers(op Op, v, w span.Value) verdict {
	if v.Type == span.TypeInt && w.Type == span.TypeInt {
		return verdictOf(holds(op, cmp.Compare(v.Int(), w.Int())))
	}
	x, y := toDouble(v), toDouble(w)
	if math.IsNaN(x) || math.IsNaN(y) {
		return no
	}
	return verdictOf(holds(op, cmp.Compare(x, y)))
}

func toDouble(v span.Value) float64 {
	if v.Type == span.TypeInt {
		return float64(v.Int())
	}
	return v.Double()
}

// holds turns a three-way comparison into op's answer.
func holds(op Op, c int) bool {
	switch op {
	case Eq:
		return c == 0
	case Lt:
		return c < 0
	case Le:
		return c <= 0
	case Gt:
		return c > 0
	case Ge:
		return c >= 0
	}
	return false
}
