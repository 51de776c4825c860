// SPDX-License-Identifier: Apache-2.0

package query

import (
	"cmp"
	"math"
	"regexp"

	"github.com/clew-tracing/clew/traceql"
)

// fold is the value of an expression without fields; false when it has fields, or no value.
func fold(e traceql.Expr) (traceql.Static, bool) {
	switch e := e.(type) {
	case *traceql.Literal:
		return e.Value, true
	case *traceql.Unary:
		x, ok := fold(e.X)
		if !ok {
			return x, false
		}
		if e.Op == traceql.OpNot {
			return traceql.NewBool(!x.Bool()), x.Type == traceql.TypeBool
		}
		return negate(x)
	case *traceql.Binary:
		if !e.Op.IsArithmetic() {
			return traceql.Static{}, false
		}
		left, ok := fold(e.Left)
		if !ok {
			return left, false
		}
		right, ok := fold(e.Right)
		if !ok {
			return right, false
		}
		return compute(e.Op, left, right)
	}
	return traceql.Static{}, false
}

func negate(x traceql.Static) (traceql.Static, bool) {
	if !x.Type.Numeric() {
		return traceql.Static{}, false
	}
	x.Int, x.Float = -x.Int, -x.Float
	return x, finite(x.Float)
}

// compute is left op right; false when it has no value. Ints stay ints, with truncating division; durations added,
// subtracted or multiplied stay durations; everything else is a float. Floats that are not finite are no value.
func compute(op traceql.Op, left, right traceql.Static) (traceql.Static, bool) {
	if !left.Type.Numeric() || !right.Type.Numeric() {
		return traceql.Static{}, false
	}
	if left.Type != traceql.TypeFloat && right.Type != traceql.TypeFloat {
		typ := traceql.TypeInt
		if left.Type == traceql.TypeDuration || right.Type == traceql.TypeDuration {
			typ = traceql.TypeDuration
		}
		if typ == traceql.TypeInt || op != traceql.OpDiv && op != traceql.OpPow {
			n, ok := computeInt(op, left.Int, right.Int)
			return traceql.Static{Type: typ, Int: n}, ok
		}
	}
	x, y := left.AsFloat(), right.AsFloat()
	switch op {
	case traceql.OpAdd:
		x += y
	case traceql.OpSub:
		x -= y
	case traceql.OpMul:
		x *= y
	case traceql.OpDiv:
		x /= y
	case traceql.OpMod:
		x = math.Mod(x, y)
	case traceql.OpPow:
		x = math.Pow(x, y)
	}
	return traceql.NewFloat(x), finite(x)
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

func computeInt(op traceql.Op, x, y int64) (int64, bool) {
	switch op {
	case traceql.OpAdd:
		return x + y, true
	case traceql.OpSub:
		return x - y, true
	case traceql.OpMul:
		return x * y, true
	case traceql.OpDiv:
		if y == 0 {
			return 0, false
		}
		return x / y, true
	case traceql.OpMod:
		if y == 0 {
			return 0, false
		}
		return x % y, true
	}
	return powInt(x, y)
}

// powInt is x to the y, wrapping like the other operators; a negative y truncates the fraction.
func powInt(x, y int64) (int64, bool) {
	if y < 0 {
		switch x {
		case 0:
			return 0, false
		case 1:
			return 1, true
		case -1:
			return 1 - 2*(y&1), true
		}
		return 0, true
	}
	result := int64(1)
	for ; y > 0; y >>= 1 {
		if y&1 == 1 {
			result *= x
		}
		x *= x
	}
	return result, true
}

// verdict is how two values relate by a comparison in its positive form.
type verdict uint8

const (
	alien verdict = iota // of types that do not compare
	no
	yes
)

// positive is the operator that decides op, and whether op is its negation.
func positive(op traceql.Op) (traceql.Op, bool) {
	switch op {
	case traceql.OpNotEq:
		return traceql.OpEq, true
	case traceql.OpNotRegex:
		return traceql.OpRegex, true
	}
	return op, false
}

// compare relates two values; op is positive, re is for OpRegex.
func compare(op traceql.Op, x, y traceql.Static, re *regexp.Regexp) verdict {
	switch {
	case op == traceql.OpRegex:
		if x.Type != traceql.TypeString {
			return alien
		}
		return verdictOf(re.MatchString(x.Str))
	case x.Type.Numeric() && y.Type.Numeric():
		if x.Type != traceql.TypeFloat && y.Type != traceql.TypeFloat {
			return verdictOf(holds(op, cmp.Compare(x.Int, y.Int)))
		}
		a, b := x.AsFloat(), y.AsFloat()
		if math.IsNaN(a) || math.IsNaN(b) {
			return no
		}
		return verdictOf(holds(op, cmp.Compare(a, b)))
	case x.Type != y.Type:
		return alien
	case x.Type == traceql.TypeString:
		return verdictOf(holds(op, cmp.Compare(x.Str, y.Str)))
	case x.Type == traceql.TypeNil || op != traceql.OpEq:
		return alien
	}
	return verdictOf(x.Int == y.Int) // bool, status, kind
}

func verdictOf(ok bool) verdict {
	if ok {
		return yes
	}
	return no
}

// holds turns a three-way comparison into op's answer.
func holds(op traceql.Op, c int) bool {
	switch op {
	case traceql.OpEq:
		return c == 0
	case traceql.OpLess:
		return c < 0
	case traceql.OpLessEq:
		return c <= 0
	case traceql.OpGreater:
		return c > 0
	case traceql.OpGreaterEq:
		return c >= 0
	}
	return false
}
