// SPDX-License-Identifier: Apache-2.0

package traceql

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// genQuery draws a random tree. What it draws reads well but need not check.
func genQuery(t *rapid.T) *Query {
	g := generator{t}
	p := &Pipeline{Stages: []Stage{g.spans(3)}}
	for range rapid.IntRange(0, 2).Draw(t, "stages") {
		p.Stages = append(p.Stages, g.stage())
	}
	if rapid.Bool().Draw(t, "metrics") {
		p.Stages = append(p.Stages, g.series()...)
	}
	q := &Query{Pipeline: p}
	if rapid.Bool().Draw(t, "hints") {
		q.Hints = []Hint{{Name: "sample", Value: g.static()}}
	}
	return q
}

type generator struct{ t *rapid.T }

func (g generator) pick(n int) int { return rapid.IntRange(0, n-1).Draw(g.t, "pick") }

func (g generator) static() Static {
	switch g.pick(9) {
	case 0:
		return NewInt(rapid.SampledFrom([]int64{0, 1, 200, math.MaxInt64, math.MinInt64}).Draw(g.t, "int"))
	case 1:
		return NewFloat(rapid.SampledFrom([]float64{0, 0.5, 1e300, 5e-324, 1e21, 3}).Draw(g.t, "float"))
	case 2:
		return NewString(rapid.String().Draw(g.t, "string"))
	case 3:
		return NewString(string(rapid.SliceOfN(rapid.Byte(), 0, 6).Draw(g.t, "bytes")))
	case 4:
		return NewBool(rapid.Bool().Draw(g.t, "bool"))
	case 5:
		return Static{Type: TypeDuration, Int: rapid.Int64Range(0, math.MaxInt64).Draw(g.t, "ns")}
	case 6:
		return NewStatus(int64(g.pick(3)))
	case 7:
		return NewKind(int64(g.pick(6)))
	}
	return Static{}
}

func (g generator) field() *Field {
	if g.pick(3) == 0 {
		list := Intrinsics()
		return &Field{Ref: IntrinsicRef(list[g.pick(len(list))])}
	}
	name := rapid.OneOf(
		rapid.SampledFrom([]string{"a", "http.status", "5", ".x", "a+b", "a b", "span.x", `q"\`, "5s", "日本", "\xff"}),
		rapid.StringN(1, 5, -1),
	).Draw(g.t, "name")
	r := AttrRef(Scope(g.pick(6)), name)
	if (r.Scope == ScopeNone || r.Scope == ScopeSpan || r.Scope == ScopeResource) && g.pick(5) == 0 {
		r.Parent = true
	}
	return &Field{Ref: r}
}

func (g generator) expr(depth int) Expr {
	if depth == 0 {
		if g.pick(2) == 0 {
			return &Literal{Value: g.static()}
		}
		return g.field()
	}
	switch g.pick(5) {
	case 0:
		return &Unary{Op: OpNot, X: g.expr(depth - 1)}
	case 1:
		return &Unary{Op: OpSub, X: g.expr(depth - 1)}
	}
	ops := []Op{OpAnd, OpOr, OpEq, OpNotEq, OpLess, OpLessEq, OpGreater, OpGreaterEq, OpRegex, OpNotRegex, OpAdd, OpSub, OpMul, OpDiv, OpMod, OpPow}
	return &Binary{Op: ops[g.pick(len(ops))], Left: g.expr(depth - 1), Right: g.expr(depth - 1)}
}

func (g generator) spans(depth int) Stage {
	if depth == 0 || g.pick(3) == 0 {
		s := &Spanset{}
		if g.pick(4) > 0 {
			s.Filter = g.expr(g.pick(4))
		}
		return s
	}
	if g.pick(4) == 0 {
		return &Pipeline{Stages: []Stage{g.spans(depth - 1), g.stage()}}
	}
	ops := []Op{OpAnd, OpOr, OpGreater, OpLess, OpDescendant, OpAncestor, OpSibling, OpNotChild, OpNotParent, OpNotDescendant,
		OpNotAncestor, OpNotRegex, OpUnionChild, OpUnionParent, OpUnionDescendant, OpUnionAncestor, OpUnionSibling}
	return &SpansetOp{Op: ops[g.pick(len(ops))], Left: g.spans(depth - 1), Right: g.spans(depth - 1)}
}

func (g generator) scalar(depth int) Expr {
	switch n := g.pick(3); {
	case depth == 0 || n == 0:
		if f := AggregateFunc(g.pick(5)); f != AggregateCount {
			return &Aggregate{Func: f, Arg: g.expr(1)}
		}
		return &Aggregate{Func: AggregateCount}
	case n == 1:
		return &Unary{Op: OpSub, X: g.scalar(depth - 1)}
	}
	ops := []Op{OpAdd, OpSub, OpMul, OpDiv, OpMod, OpPow}
	return &Binary{Op: ops[g.pick(len(ops))], Left: g.scalar(depth - 1), Right: &Literal{Value: NewInt(7)}}
}

func (g generator) stage() Stage {
	switch g.pick(5) {
	case 0:
		return &By{Key: g.expr(1)}
	case 1:
		return &Select{Fields: []*Field{g.field(), g.field()}}
	case 2:
		return &Coalesce{}
	case 3:
		ops := []Op{OpEq, OpNotEq, OpLess, OpGreaterEq}
		return &ScalarFilter{Op: ops[g.pick(4)], Left: g.scalar(2), Right: &Literal{Value: NewFloat(1.5)}}
	}
	return g.spans(1)
}

func (g generator) series() []Stage {
	var stages []Stage
	switch f := MetricsFunc(g.pick(9)); f {
	case 8:
		return []Stage{&Compare{Selection: &Spanset{Filter: g.expr(1)}, TopN: &Literal{Value: NewInt(3)}}}
	case MetricsRate, MetricsCountOverTime:
		stages = append(stages, &Metrics{Func: f, By: []*Field{g.field()}})
	case MetricsQuantileOverTime:
		stages = append(stages, &Metrics{Func: f, Arg: g.field(), Quantiles: []*Literal{{Value: NewFloat(0.5)}, {Value: NewInt(1)}}})
	default:
		stages = append(stages, &Metrics{Func: f, Arg: g.field()})
	}
	stages = append(stages, &TopK{Bottom: rapid.Bool().Draw(g.t, "bottom"), N: &Literal{Value: NewInt(4)}})
	return append(stages, &SeriesFilter{Op: OpGreater, Value: &Literal{Value: NewInt(-3)}})
}

// TestPrintParses: what the printer writes reads back as the same tree, and
// prints the same again.
func TestPrintParses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := genQuery(t)
		text := q.String()
		back, errs := Parse(text)
		if len(errs) > 0 {
			t.Fatalf("%s\n%s", text, errs.Caret(text))
		}
		if got := back.String(); got != text {
			t.Fatalf("printed %s\nagain   %s", text, got)
		}
		if want, got := shape(q), shape(back); want != got {
			t.Fatalf("%s\nwant %s\ngot %s", text, want, got)
		}
	})
}

// TestAnyTextParses: words of the language in any order never break anything,
// and every position lies in the text.
func TestAnyTextParses(t *testing.T) {
	words := []string{
		"{", "}", "(", ")", "|", "||", "&&", ">>", "=", "==", "!", "-", ",", ".a", "span.", "span.b", "name", "status", "error", "1", "2h", `"x"`, `"`,
		"`", "count()", "by(", "select(", "rate()", "avg(", "topk(3)", "with(", "compare(", "nil", "true", "=~", "'", "/*", "//", "\n", "foo", "x.y", "\xff",
	}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 0, 14).Draw(t, "words"), " ")
		checkAnyText(t, text, rapid.IntRange(0, len(text)).Draw(t, "cursor"))
	})
}

func checkAnyText(t interface{ Fatalf(string, ...any) }, text string, cursor int) {
	q, errs := Parse(text)
	Walk(q, func(n Node) bool {
		if r := n.Pos(); r.From < 0 || r.To < r.From || r.To > len(text) {
			t.Fatalf("%q: %T at %d:%d of %d bytes", text, n, r.From, r.To, len(text))
		}
		return true
	})
	if len(errs) == 0 {
		printed := q.String()
		back, again := Parse(printed)
		if len(again) > 0 || back.String() != printed {
			t.Fatalf("%q prints as %q, which reads as %q %v", text, printed, back, again)
		}
	}
	errs = append(errs, Check(q)...)
	for _, e := range errs {
		if e.From < 0 || e.To < e.From || e.To > len(text) || e.Message == "" {
			t.Fatalf("%q: error %q at %d:%d of %d bytes", text, e.Message, e.From, e.To, len(text))
		}
	}
	_ = errs.Caret(text)
	c := Complete(text, cursor, shopSource{})
	if c.From < 0 || c.From > cursor || c.To < cursor || c.To > len(text) {
		t.Fatalf("%q: completion at %d replaces %d:%d", text, cursor, c.From, c.To)
	}
	if _, err := ParseRef(text); err == nil {
		_ = err
	}
	LenientFilter(text)
}

// FuzzParse: no text panics, loops, or has positions outside of it.
func FuzzParse(f *testing.F) {
	for _, line := range corpus(f) {
		f.Add(line.text, len(line.text)/2)
	}
	f.Fuzz(func(t *testing.T, text string, cursor int) {
		if len(text) > 2048 {
			return
		}
		checkAnyText(t, text, min(max(cursor, 0), len(text)))
	})
}

// TestLimits: a query can be neither too long nor too deep.
func TestLimits(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"parentheses", "{ " + strings.Repeat("(", 100_000) + ".a", "nested more than 256 deep"},
		{"not", "{ " + strings.Repeat("!", 100_000) + ".a }", "nested more than 256 deep"},
		{"minus", "{ " + strings.Repeat("-", 100_000) + ".a = 1 }", "nested more than 256 deep"},
		{"power", "{ 1" + strings.Repeat("^1", 50_000) + " = 1 }", "nested more than 256 deep"},
		{"spansets", strings.Repeat("(", 100_000) + "{}", "nested more than 256 deep"},
		{"bytes", "{ .a = \"" + strings.Repeat("x", MaxQueryBytes) + "\" }", "at most 131072 are read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, errs := Parse(test.text)
			found := false
			for _, e := range errs {
				found = found || strings.Contains(e.Message, test.want)
			}
			if !found {
				t.Errorf("errors are %v, want one with %q", errs, test.want)
			}
			Complete(test.text, len(test.text)/2, nil)
		})
	}
	t.Run("long chains are no nesting", func(t *testing.T) {
		text := "{ .a" + strings.Repeat("||.a", 30_000) + " }"
		q, err := Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		if back, errs := Parse(q.String()); len(errs) > 0 && len(q.String()) <= MaxQueryBytes {
			t.Fatal(back, errs)
		}
	})
}

func TestUTF16(t *testing.T) {
	text := `{ name = "日本𝄞x" }`
	for offset := range len(text) {
		if !isBoundary(text, offset) {
			continue
		}
		if got := ByteOffset(text, UTF16Offset(text, offset)); got != offset {
			t.Errorf("byte %d is unit %d is byte %d", offset, UTF16Offset(text, offset), got)
		}
	}
	if got := UTF16Offset(text, len(text)); got != 18 {
		t.Errorf("the text has %d units, want 18", got)
	}
}

func isBoundary(text string, offset int) bool { return offset == 0 || text[offset]&0xC0 != 0x80 }
