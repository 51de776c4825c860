// SPDX-License-Identifier: Apache-2.0

package traceql

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// lex splits text into tokens; the last one is tokEOF. Mistakes go to errs, and
// a token that stands in for the mistaken text keeps the parser going.
func lex(text string, errs *Errors) []token {
	l := lexer{text: text, errs: errs}
	for {
		t := l.next()
		t.text = text[t.from:t.to]
		l.tokens = append(l.tokens, t)
		if t.kind == tokEOF {
			return l.tokens
		}
	}
}

type lexer struct {
	text   string
	pos    int
	errs   *Errors
	tokens []token
}

// operators by spelling, longest first, so that the first prefix found wins.
var operators = [...]struct {
	text string
	op   Op
}{
	{"&>>", OpUnionDescendant},
	{"&<<", OpUnionAncestor},
	{"!>>", OpNotDescendant},
	{"!<<", OpNotAncestor},
	{"&&", OpAnd},
	{"||", OpOr},
	{"=~", OpRegex},
	{"!=", OpNotEq},
	{"!~", OpNotRegex},
	{"!>", OpNotChild},
	{"!<", OpNotParent},
	{"<=", OpLessEq},
	{">=", OpGreaterEq},
	{">>", OpDescendant},
	{"<<", OpAncestor},
	{"&>", OpUnionChild},
	{"&<", OpUnionParent},
	{"&~", OpUnionSibling},
	{"=", OpEq},
	{"<", OpLess},
	{">", OpGreater},
	{"~", OpSibling},
	{"+", OpAdd},
	{"-", OpSub},
	{"*", OpMul},
	{"/", OpDiv},
	{"%", OpMod},
	{"^", OpPow},
	{"!", OpNot},
}

func (l *lexer) fail(from, to int, message, hint string) {
	l.errs.add(Error{From: from, To: to, Message: message, Hint: hint})
}

func (l *lexer) next() token {
	l.skipSpace()
	from := l.pos
	if from >= len(l.text) {
		return token{kind: tokEOF, from: from, to: from}
	}
	rest := l.text[from:]
	c := rest[0]
	switch {
	case c == '"' || c == '`':
		return l.quoted(c)
	case c == '\'':
		return l.otherQuotes("'", "'")
	case strings.HasPrefix(rest, "“"):
		return l.otherQuotes("“", "”")
	case strings.HasPrefix(rest, "‘"):
		return l.otherQuotes("‘", "’")
	case isDigit(c), c == '.' && len(rest) > 1 && isDigit(rest[1]) && l.isNumberWord():
		return l.number()
	case c == '.':
		l.pos++
		return l.attr(from, Ref{Scope: ScopeNone})
	case isWordByte(c):
		return l.word()
	}
	if kind, ok := punctuation(c); ok && !strings.HasPrefix(rest, "||") {
		l.pos++
		return token{kind: kind, from: from, to: l.pos}
	}
	if strings.HasPrefix(rest, "==") {
		l.pos += 2
		l.fail(from, l.pos, "there is no operator ==", "use = to compare")
		return token{kind: tokOp, op: OpEq, from: from, to: l.pos}
	}
	if strings.HasPrefix(rest, "<>") {
		l.pos += 2
		l.fail(from, l.pos, "there is no operator <>", "use != to compare")
		return token{kind: tokOp, op: OpNotEq, from: from, to: l.pos}
	}
	for _, o := range operators {
		if strings.HasPrefix(rest, o.text) {
			l.pos += len(o.text)
			return token{kind: tokOp, op: o.op, from: from, to: l.pos}
		}
	}
	if c == '&' {
		l.pos++
		l.fail(from, l.pos, "unexpected &", "use && for and")
		return token{kind: tokOp, op: OpAnd, from: from, to: l.pos}
	}
	r, size := utf8.DecodeRuneInString(rest)
	l.pos += size
	hint := ""
	switch r {
	case '”', '„', '’':
		hint = `strings stand in straight double quotes: "..."`
	case '≥', '≤', '≠':
		hint = "comparisons are = != < <= > >= =~ !~"
	}
	l.fail(from, l.pos, "unexpected character "+strconv.QuoteRune(r), hint)
	return token{kind: tokBad, from: from, to: l.pos}
}

func punctuation(c byte) (tokenKind, bool) {
	switch c {
	case '{':
		return tokOpenBrace, true
	case '}':
		return tokCloseBrace, true
	case '(':
		return tokOpenParen, true
	case ')':
		return tokCloseParen, true
	case ',':
		return tokComma, true
	case '|':
		return tokPipe, true
	}
	return tokEOF, false
}

// skipSpace skips white space and comments.
func (l *lexer) skipSpace() {
	for l.pos < len(l.text) {
		rest := l.text[l.pos:]
		switch {
		case strings.HasPrefix(rest, "//"):
			if i := strings.IndexByte(rest, '\n'); i >= 0 {
				l.pos += i + 1
			} else {
				l.pos = len(l.text)
			}
		case strings.HasPrefix(rest, "/*"):
			if i := strings.Index(rest[2:], "*/"); i >= 0 {
				l.pos += i + 4
			} else {
				l.fail(l.pos, len(l.text), "this comment does not end", "close it with */")
				l.pos = len(l.text)
			}
		default:
			r, size := utf8.DecodeRuneInString(rest)
			if !unicode.IsSpace(r) {
				return
			}
			l.pos += size
		}
	}
}

// word reads a bare word, and goes on to an attribute or a scoped intrinsic
// when a scope is followed by . or :
func (l *lexer) word() token {
	from := l.pos
	for l.pos < len(l.text) && (isWordByte(l.text[l.pos]) || isDigit(l.text[l.pos])) {
		l.pos++
	}
	word := l.text[from:l.pos]
	if l.pos < len(l.text) {
		switch l.text[l.pos] {
		case '.':
			if ref, ok := l.attrPrefix(word); ok {
				return l.attr(from, ref)
			}
			return l.noScope(from, word)
		case ':':
			if scope, ok := ParseScope(word); ok && scope != ScopeNone {
				return l.scopedIntrinsic(from, scope)
			}
		}
	}
	if value, ok := constant(word); ok {
		return token{kind: tokLiteral, static: value, from: from, to: l.pos}
	}
	return token{kind: tokIdent, from: from, to: l.pos}
}

// attrPrefix reads what follows the scope word: its dot, and the second scope
// of parent.span. and parent.resource.
func (l *lexer) attrPrefix(word string) (Ref, bool) {
	if word == "parent" {
		l.pos++
		for _, scope := range [...]Scope{ScopeSpan, ScopeResource} {
			prefix := scope.String() + "."
			if strings.HasPrefix(l.text[l.pos:], prefix) {
				l.pos += len(prefix)
				return Ref{Scope: scope, Parent: true}, true
			}
		}
		return Ref{Scope: ScopeNone, Parent: true}, true
	}
	scope, ok := ParseScope(word)
	if !ok || scope == ScopeNone || scope == ScopeTrace {
		return Ref{}, false
	}
	l.pos++
	return Ref{Scope: scope}, true
}

// noScope reads a name with dots that does not begin with a scope, the most
// common of mistakes.
func (l *lexer) noScope(from int, word string) token {
	for l.pos < len(l.text) {
		r, size := utf8.DecodeRuneInString(l.text[l.pos:])
		if endsName(r) || r == utf8.RuneError {
			break
		}
		l.pos += size
	}
	name := l.text[from:l.pos]
	hint := "write span." + name + ", resource." + name + ", or ." + name + " for any scope"
	if near := nearest(word, []string{"span", "resource", "event", "link", "instrumentation", "parent"}); near != "" {
		hint = "did you mean " + near + name[len(word):] + "?"
	}
	l.fail(from, l.pos, name+" has no scope", hint)
	return token{kind: tokBad, from: from, to: l.pos}
}

// attr reads an attribute's name; the scope and its dot have been read.
func (l *lexer) attr(from int, ref Ref) token {
	var name strings.Builder
	open := false
	for l.pos < len(l.text) {
		if l.text[l.pos] == '"' {
			if !l.quotedName(&name) {
				open = true
				break
			}
			continue
		}
		r, size := utf8.DecodeRuneInString(l.text[l.pos:])
		if endsName(r) || (r == utf8.RuneError && size == 1) {
			break
		}
		name.WriteString(l.text[l.pos : l.pos+size])
		l.pos += size
	}
	ref.Name = name.String()
	t := token{kind: tokAttr, ref: ref, from: from, to: l.pos, open: open}
	switch {
	case open:
		l.fail(from, l.pos, "this quoted attribute name does not end", `close it with "`)
	case ref.Name == "":
		l.fail(from, l.pos, "an attribute name is missing after "+l.text[from:l.pos], "write for example "+l.text[from:l.pos]+"http.method")
	}
	return t
}

// quotedName reads a quoted part of a name; false when it does not end.
func (l *lexer) quotedName(name *strings.Builder) bool {
	for i := l.pos + 1; i < len(l.text); i++ {
		switch c := l.text[i]; c {
		case '"':
			l.pos = i + 1
			return true
		case '\\':
			if i+1 < len(l.text) && (l.text[i+1] == '"' || l.text[i+1] == '\\') {
				i++
				name.WriteByte(l.text[i])
				continue
			}
			l.fail(i, min(i+2, len(l.text)), `unknown escape in a quoted attribute name`, `only \" and \\ are escapes there`)
			name.WriteByte(c)
		default:
			name.WriteByte(c)
		}
	}
	l.pos = len(l.text)
	return false
}

func (l *lexer) scopedIntrinsic(from int, scope Scope) token {
	l.pos++ // the colon
	for l.pos < len(l.text) && (isWordByte(l.text[l.pos]) || isDigit(l.text[l.pos])) {
		l.pos++
	}
	word := l.text[from:l.pos]
	if i, ok := scopedIntrinsic(word); ok {
		return token{kind: tokAttr, ref: IntrinsicRef(i), from: from, to: l.pos}
	}
	var candidates []string
	for _, info := range intrinsics {
		if info.scoped != "" {
			candidates = append(candidates, info.scoped)
		}
	}
	hint := "attributes are written with a dot: " + scope.String() + ".name"
	if scope == ScopeTrace {
		hint = "the intrinsics of a trace are trace:id, trace:duration, trace:rootName and trace:rootService"
	}
	if near := nearest(word, candidates); near != "" {
		hint = "did you mean " + near + "?"
	}
	l.fail(from, l.pos, "there is no intrinsic "+word, hint)
	return token{kind: tokBad, from: from, to: l.pos}
}

func (l *lexer) quoted(quote byte) token {
	from := l.pos
	for i := from + 1; i < len(l.text); i++ {
		c := l.text[i]
		switch {
		case c == quote:
			l.pos = i + 1
			return l.unquote(from)
		case quote == '"' && c == '\\':
			i++
		case quote == '"' && c == '\n':
			return l.unclosed(from, i, "close it with \"; a string over several lines stands in `...`")
		}
	}
	return l.unclosed(from, len(l.text), "close it with "+string(quote))
}

func (l *lexer) unclosed(from, to int, hint string) token {
	l.pos = to
	l.fail(from, to, "this string does not end", hint)
	return token{kind: tokLiteral, static: NewString(l.text[from+1 : to]), from: from, to: to, open: true}
}

func (l *lexer) unquote(from int) token {
	spelling := l.text[from:l.pos]
	t := token{kind: tokLiteral, from: from, to: l.pos}
	if spelling[0] == '`' {
		t.static = NewString(spelling[1 : len(spelling)-1])
		return t
	}
	value, err := strconv.Unquote(spelling)
	if err != nil {
		l.fail(from, l.pos, "bad escape in this string", "write \\\\ for a backslash, or put the string in `...`")
		value = spelling[1 : len(spelling)-1]
	}
	t.static = NewString(value)
	return t
}

// otherQuotes reads a string in quotes that TraceQL does not have.
func (l *lexer) otherQuotes(opening, closing string) token {
	from := l.pos
	inner := l.text[from+len(opening):]
	if i := strings.IndexByte(inner, '\n'); i >= 0 {
		inner = inner[:i]
	}
	l.pos = from + len(opening) + len(inner)
	if i := strings.Index(inner, closing); i >= 0 {
		inner = inner[:i]
		l.pos = from + len(opening) + i + len(closing)
	}
	l.fail(from, l.pos, "strings do not stand in "+opening+" "+closing, "write "+strconv.Quote(inner))
	return token{kind: tokLiteral, static: NewString(inner), from: from, to: l.pos}
}

// isNumberWord reports whether the text at the position, which begins with a
// dot and a digit, reads as a number or a duration (.5, .5s) rather than as an
// attribute (.5xx).
func (l *lexer) isNumberWord() bool {
	end := l.pos + 1
	for end < len(l.text) {
		r, size := utf8.DecodeRuneInString(l.text[end:])
		if endsName(r) {
			break
		}
		end += size
	}
	word := l.text[l.pos:end]
	if _, ok := ParseDuration(word); ok {
		return true
	}
	number, rest := scanDecimal(word)
	return number != "" && rest == ""
}

// number reads an int, a float or a duration.
func (l *lexer) number() token {
	from := l.pos
	number, rest := scanDecimal(l.text[from:])
	isFloat := strings.Contains(number, ".")
	end := from + len(number)
	if n := exponentLength(rest); n > 0 {
		isFloat = true
		end += n
	}
	// Whatever word stands against the number belongs to it: a unit, or a
	// mistake.
	stop := end
	for stop < len(l.text) {
		r, size := utf8.DecodeRuneInString(l.text[stop:])
		if r != '_' && r != '.' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			break
		}
		stop += size
	}
	l.pos = stop
	spelling := l.text[from:stop]
	t := token{kind: tokLiteral, from: from, to: stop, static: NewInt(0)}
	if stop > end {
		ns, ok := ParseDuration(spelling)
		if !ok {
			l.fail(from, stop, fmt.Sprintf("%s is no number and no duration", spelling), "the units of a duration are y w d h m s ms us ns, as in 1h30m or 250ms")
			return t
		}
		t.static = Static{Type: TypeDuration, Int: ns}
		return t
	}
	if isFloat {
		value, err := strconv.ParseFloat(spelling, 64)
		if err != nil || math.IsInf(value, 0) {
			l.fail(from, stop, fmt.Sprintf("%s does not fit a 64-bit float", spelling), "")
			return t
		}
		t.static = NewFloat(value)
		return t
	}
	value, err := strconv.ParseInt(spelling, 10, 64)
	if err != nil {
		l.fail(from, stop, fmt.Sprintf("%s does not fit a 64-bit integer", spelling), "the limits are minInt and maxInt; write 1e19 for a float")
		return t
	}
	t.static = NewInt(value)
	return t
}

// exponentLength is the length of an exponent such as e-7 at the front of text.
func exponentLength(text string) int {
	if text == "" || (text[0] != 'e' && text[0] != 'E') {
		return 0
	}
	i := 1
	if i < len(text) && (text[i] == '+' || text[i] == '-') {
		i++
	}
	begin := i
	for i < len(text) && isDigit(text[i]) {
		i++
	}
	if i == begin {
		return 0
	}
	return i
}

// constant is the value of a word that is a literal.
func constant(word string) (Static, bool) {
	switch word {
	case "true":
		return NewBool(true), true
	case "false":
		return NewBool(false), true
	case "nil":
		return Static{}, true
	case "minInt":
		return NewInt(math.MinInt64), true
	case "maxInt":
		return NewInt(math.MaxInt64), true
	}
	for i, name := range statusNames {
		if name == word {
			return NewStatus(int64(i)), true
		}
	}
	for i, name := range kindNames {
		if name == word {
			return NewKind(int64(i)), true
		}
	}
	return Static{}, false
}

func isWordByte(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
