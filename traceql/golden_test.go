// SPDX-License-Identifier: Apache-2.0

package traceql

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestGoldens runs testdata/golden. Rewrite them with go test -rewrite.
func TestGoldens(t *testing.T) {
	datadriven.Walk(t, "testdata/golden", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "lex":
				return runLex(d.Input)
			case "parse":
				q, errs := Parse(d.Input)
				return dump(q) + "\n" + caret(errs, d.Input)
			case "errors":
				q, errs := Parse(d.Input)
				if len(errs) == 0 {
					errs = Check(q)
				}
				if len(errs) == 0 {
					return "ok\n"
				}
				return errs.Caret(d.Input)
			case "print":
				q, errs := Parse(d.Input)
				return q.String() + "\n" + caret(errs, d.Input)
			case "warn":
				q, err := Compile(d.Input)
				if err != nil {
					return err.Error() + "\n"
				}
				return Warn(q).Caret(d.Input)
			case "lenient":
				var out strings.Builder
				for line := range strings.SplitSeq(d.Input, "\n") {
					if e := LenientFilter(line); e != nil {
						fmt.Fprintf(&out, "%s -> %s\n", line, e.AppendText(nil))
					} else {
						fmt.Fprintf(&out, "%s -> everything\n", line)
					}
				}
				return out.String()
			case "complete":
				return runComplete(d.Input)
			case "ref":
				var out strings.Builder
				for line := range strings.SplitSeq(d.Input, "\n") {
					r, err := ParseRef(line)
					fmt.Fprintf(&out, "%s -> %s bare=%q type=%s err=%v\n", line, r, r.Bare(), r.Type(), err)
				}
				return out.String()
			}
			t.Fatalf("unknown command %s", d.Cmd)
			return ""
		})
	})
}

func caret(errs Errors, text string) string {
	if len(errs) == 0 {
		return ""
	}
	return errs.Caret(text)
}

func runLex(text string) string {
	var out strings.Builder
	var errs Errors
	for _, tok := range lex(text, &errs) {
		fmt.Fprintf(&out, "%d:%d %s", tok.from, tok.to, tok.kind)
		switch tok.kind {
		case tokLiteral:
			fmt.Fprintf(&out, " %s %s", tok.static.Type, tok.static)
		case tokAttr:
			fmt.Fprintf(&out, " %s", tok.ref)
		case tokOp:
			fmt.Fprintf(&out, " %s", tok.op)
		case tokIdent, tokBad:
			fmt.Fprintf(&out, " %s", tok.text)
		}
		out.WriteByte('\n')
	}
	return out.String() + caret(errs, text)
}

// shopSource is a small Source.
type shopSource struct{}

func (shopSource) Attributes(scope Scope, text string) []Attribute {
	var list []Attribute
	for _, a := range []Attribute{
		{AttrRef(ScopeSpan, "http.request.method"), "string"},
		{AttrRef(ScopeSpan, "http.route"), "string"},
		{AttrRef(ScopeSpan, "http.response.status_code"), "int"},
		{AttrRef(ScopeSpan, "a b"), "string"},
		{AttrRef(ScopeResource, "service.name"), "string"},
		{AttrRef(ScopeResource, "http.host"), "string"},
		{AttrRef(ScopeEvent, "exception.type"), "string"},
	} {
		if (scope == ScopeNone || scope == a.Ref.Scope) && strings.Contains(a.Ref.Name, text) {
			list = append(list, a)
		}
	}
	return list
}

func (shopSource) Values(field Ref, text string) []Value {
	var list []Value
	for _, v := range map[string][]Value{
		"resource.service.name":          {{NewString("checkout"), "1.2k"}, {NewString("cart"), "900"}, {NewString(`od"d`), "1"}},
		"span.http.response.status_code": {{NewInt(200), "10k"}, {NewInt(500), "3"}},
		"name":                           {{NewString("GET /cart"), "3"}, {NewString("POST /checkout"), "2"}},
	}[field.String()] {
		if strings.Contains(v.Value.Word(), text) {
			list = append(list, v)
		}
	}
	return list
}

// runComplete completes at the mark ‸ of each line.
func runComplete(input string) string {
	const mark = "‸"
	var out strings.Builder
	for line := range strings.SplitSeq(input, "\n") {
		before, after, ok := strings.Cut(line, mark)
		if !ok {
			return "no ‸ in " + line + "\n"
		}
		text := before + after
		c := Complete(text, len(before), shopSource{})
		fmt.Fprintf(&out, "%s\n  replaces %q:", line, text[c.From:c.To])
		for i, it := range c.Items {
			if i == 12 {
				fmt.Fprintf(&out, " ... (%d)", len(c.Items))
				break
			}
			fmt.Fprintf(&out, " [%s %s", it.Kind, it.Label)
			if it.Insert != it.Label {
				fmt.Fprintf(&out, " -> %s", it.Insert)
			}
			out.WriteByte(']')
		}
		out.WriteByte('\n')
	}
	return out.String()
}

// corpusLine is one line of testdata/corpus.txt.
type corpusLine struct {
	number      int
	class, text string
}

func corpus(t testing.TB) []corpusLine {
	t.Helper()
	data, err := os.ReadFile("testdata/corpus.txt")
	if err != nil {
		t.Fatal(err)
	}
	var lines []corpusLine
	for i, line := range strings.Split(string(data), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		class, text, ok := strings.Cut(line, " ")
		if !ok {
			t.Fatalf("corpus.txt:%d: no class", i+1)
		}
		lines = append(lines, corpusLine{i + 1, class, text})
	}
	return lines
}

// TestCorpus holds every query of the corpus against its class.
func TestCorpus(t *testing.T) {
	for _, line := range corpus(t) {
		got := "P"
		q, errs := Parse(line.text)
		if len(errs) > 0 {
			got = "PF"
		} else if errs = Check(q); len(errs) > 0 {
			got = "UN"
			for _, e := range errs {
				if e.Class == ClassCheck {
					got = "VF"
				}
			}
		}
		if got != line.class {
			t.Errorf("corpus.txt:%d: %s is %s, want %s\n%s", line.number, line.text, got, line.class, caret(errs, line.text))
		}
		for _, e := range errs {
			if e.From < 0 || e.To < e.From || e.To > len(line.text) {
				t.Errorf("corpus.txt:%d: error at %d:%d of %d bytes", line.number, e.From, e.To, len(line.text))
			}
		}
	}
}
