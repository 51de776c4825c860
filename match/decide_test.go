// SPDX-License-Identifier: Apache-2.0

package match_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
)

func anchored(t rapid.TB, expr string) match.Cond {
	t.Helper()
	re, err := match.Anchored(expr)
	if err != nil {
		t.Fatal(err)
	}
	return match.Cond{Op: match.Match, Regexp: re}
}

// TestDecide has every operator with every type of value. A row lists the operators that are true of value and operand;
// all the others must be false.
func TestDecide(t *testing.T) {
	str, num, dbl, bl := span.StringValue, span.IntValue, span.DoubleValue, span.BoolValue
	arr := span.ArrayValue
	nan, inf := dbl(math.NaN()), dbl(math.Inf(1))
	ops := []match.Op{match.Exists, match.Absent, match.Eq, match.Neq, match.Lt, match.Le, match.Gt, match.Ge, match.In}
	for _, c := range []struct {
		name  string
		value span.Value // what the span has
		with  span.Value // what it is compared with
		want  string
	}{
		{"string =", str("b"), str("b"), "exists = <= >= in"},
		{"string <", str("a"), str("b"), "exists != < <="},
		{"string >", str("c"), str("b"), "exists != > >="},
		{"empty string", str(""), str(""), "exists = <= >= in"},
		{"string and int", str("1"), num(1), "exists"},
		{"string and bool", str("true"), bl(true), "exists"},
		{"int =", num(5), num(5), "exists = <= >= in"},
		{"int <", num(-5), num(5), "exists != < <="},
		{"int >", num(6), num(5), "exists != > >="},
		{"large ints are exact", num(math.MaxInt64), num(math.MaxInt64 - 1), "exists != > >="},
		{"smallest int", num(math.MinInt64), num(math.MaxInt64), "exists != < <="},
		{"int and double =", num(5), dbl(5), "exists = <= >= in"},
		{"int and double <", num(5), dbl(5.5), "exists != < <="},
		{"double and int >", dbl(5.5), num(5), "exists != > >="},
		{"int and double beyond 2^53", num(1<<53 + 1), dbl(1 << 53), "exists = <= >= in"},
		{"negative zero", dbl(math.Copysign(0, -1)), num(0), "exists = <= >= in"},
		{"infinity", inf, num(math.MaxInt64), "exists != > >="},
		{"NaN", nan, nan, "exists !="},
		{"NaN and int", nan, num(0), "exists !="},
		{"int and NaN", num(0), nan, "exists !="},
		{"int and string", num(1), str("1"), "exists"},
		{"bool =", bl(true), bl(true), "exists = in"},
		{"bool !=", bl(true), bl(false), "exists !="},
		{"bool and int", bl(true), num(1), "exists"},
		{"bytes", span.BytesValue([]byte("b")), str("b"), "exists"},
		{"empty value", span.Value{}, str(""), "exists"},
		{"empty value and itself", span.Value{}, span.Value{}, "exists"},
		{"map", span.MapValue(span.Entry{Key: "b", Value: str("b")}), str("b"), "exists"},
		{"array with the value", arr(str("a"), str("b")), str("b"), "exists = < <= >= in"},
		{"array without the value", arr(str("a"), str("c")), str("b"), "exists != < <= > >="},
		{"array of other types", arr(num(1), bl(true)), str("b"), "exists"},
		{"array of mixed types", arr(num(1), str("a")), str("b"), "exists != < <="},
		{"array of ints and doubles", arr(num(1), dbl(2.5)), dbl(2.5), "exists = < <= >= in"},
		{"array of bools", arr(bl(true), bl(false)), bl(true), "exists = in"},
		{"empty array", arr(), str("b"), "exists !="},
		{"array in an array", arr(arr(str("b"))), str("b"), "exists"},
		{"array beside an array", arr(arr(str("b")), str("a")), str("b"), "exists != < <="},
		{"malformed array", span.Value{Type: span.TypeArray, Str: "\x02\x01\x01"}, str("b"), "exists"},
	} {
		got := ""
		for _, op := range ops {
			cond := match.Cond{Op: op, Value: c.with}
			if op == match.In {
				cond = match.Cond{Op: op, Values: []span.Value{str("no such"), c.with, num(-77)}}
				// In with a number among the values is =, and a value that cannot be compared is not in.
			}
			if op == match.Absent {
				continue // is of a span, not of a value
			}
			if match.Decide(&cond, c.value) {
				if got != "" {
					got += " "
				}
				got += op.String()
			}
		}
		if got != c.want {
			t.Errorf("%s: %s and %s: true are %q, want %q", c.name, c.value.Text(), c.with.Text(), got, c.want)
		}
	}
}

func TestDecideRegexp(t *testing.T) {
	arr, str := span.ArrayValue, span.StringValue
	for _, c := range []struct {
		expr     string
		value    span.Value
		yes, not bool
	}{
		{"GET", str("GET"), true, false},
		{"GET", str("GET /"), false, true},
		{"GET", str(" GET"), false, true},
		{"GET.*", str("GET /\n/x"), true, false}, // the dot matches newlines
		{"a|b", str("ab"), false, true},          // anchored as a whole
		{"(?i)get", str("GeT"), true, false},
		{"", str(""), true, false},
		{".*", span.IntValue(5), false, false},
		{".*", span.Value{}, false, false},
		{".*", span.BytesValue([]byte("x")), false, false},
		{"a", arr(str("x"), str("a")), true, false},
		{"a", arr(str("x"), str("y")), false, true},
		{"a", arr(), false, true},
		{"a", arr(span.IntValue(1)), false, false},
	} {
		cond := anchored(t, c.expr)
		yes := match.Decide(&cond, c.value)
		cond.Op = match.NotMatch
		if not := match.Decide(&cond, c.value); yes != c.yes || not != c.not {
			t.Errorf("%q and %s: =~ %v, !~ %v; want %v and %v", c.expr, c.value.Text(), yes, not, c.yes, c.not)
		}
	}
	if _, err := match.Anchored("("); err == nil {
		t.Error("a broken expression compiles")
	}
	if _, err := match.Anchored("a)|(b"); err == nil {
		t.Error("an expression that escapes its anchors compiles")
	}
}
