// SPDX-License-Identifier: Apache-2.0

package traceql

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// ItemKind says what an Item is, for its icon.
type ItemKind string

// The kinds of items.
const (
	ItemAttribute ItemKind = "attribute"
	ItemIntrinsic ItemKind = "intrinsic"
	ItemValue     ItemKind = "value"
	ItemKeyword   ItemKind = "keyword"
	ItemOperator  ItemKind = "operator"
	ItemFunction  ItemKind = "function"
	ItemScope     ItemKind = "scope"
)

// Item is one thing that can stand at the cursor. Label is what to show, Insert
// what to write, Detail a word about it.
type Item struct {
	Label  string
	Kind   ItemKind
	Detail string
	Insert string
}

// Completion is what can stand at the cursor: the best item first. Choosing one
// replaces the bytes From to To of the text by its Insert.
type Completion struct {
	From, To int
	Items    []Item
}

// Attribute is an attribute that stored spans have.
type Attribute struct {
	Ref    Ref
	Detail string
}

// Value is a value that a field has in stored spans.
type Value struct {
	Value  Static
	Detail string
}

// Source knows the names and values in the stored data. Both methods may give
// more than what was asked for, in the order of their usefulness, and should
// bound how much they give.
type Source interface {
	// Attributes are the attributes of the scope (of all for ScopeNone) whose
	// name has the text in it.
	Attributes(scope Scope, text string) []Attribute
	// Values are the values of the field that have the text in them.
	Values(field Ref, text string) []Value
}

// maxItems bounds a completion.
const maxItems = 100

// Complete says what can stand in text at the cursor, a byte offset. What
// stands after the word at the cursor plays no part. A nil source knows no
// attributes and no values.
func Complete(text string, cursor int, source Source) Completion {
	cursor = min(max(cursor, 0), len(text))
	if len(text) > MaxQueryBytes {
		return Completion{From: cursor, To: cursor}
	}
	c := completer{cursor: cursor, source: source}
	tokens := lex(text, &Errors{})
	n := 0
	for n < len(tokens)-1 && tokens[n].to < cursor {
		n++
	}
	t := tokens[n]
	c.from, c.to = cursor, cursor
	editing := t.from < cursor && cursor <= t.to
	switch {
	case !editing && inComment(text, tokens, n, cursor):
		return Completion{From: cursor, To: cursor}
	case !editing:
	case isWord(t), t.kind == tokLiteral && cursor < t.to:
		c.edit(text, t)
	case cursor == t.to && (t.op == OpNot || t.text == "&"):
		// The first half of an operator that the rest is missing of.
		c.from, c.to, c.typed = t.from, t.to, t.text
	default:
		n++ // the token is complete, what follows it is asked for
	}
	c.run(text, tokens[:n])
	if len(c.items) == 0 && c.typed == "!" {
		c.from, c.typed = cursor, ""
		c.run(text, tokens[:n+1])
	}
	return Completion{From: c.from, To: c.to, Items: c.items}
}

// inComment reports whether the cursor stands in the comment before token n.
func inComment(text string, tokens []token, n, cursor int) bool {
	from := 0
	if n > 0 {
		from = tokens[n-1].to
	}
	between := text[min(from, cursor):cursor]
	for {
		line, block := strings.Index(between, "//"), strings.Index(between, "/*")
		switch {
		case line < 0 && block < 0:
			return false
		case block < 0 || line >= 0 && line < block:
			end := strings.IndexByte(between[line:], '\n')
			if end < 0 {
				return true
			}
			between = between[line+end+1:]
		default:
			end := strings.Index(between[block+2:], "*/")
			if end < 0 {
				return true
			}
			between = between[block+2+end+2:]
		}
	}
}

// isWord reports whether the token goes on when one types after it.
func isWord(t token) bool {
	switch t.kind {
	case tokIdent, tokAttr:
		return true
	case tokLiteral:
		last := t.text[len(t.text)-1]
		return t.open || (last != '"' && last != '`' && last != '\'')
	case tokBad:
		return isWordByte(t.text[0])
	}
	return false
}

type completer struct {
	cursor   int
	from, to int
	source   Source
	typed    string // what stands between from and the cursor
	editing  token  // the word at the cursor, cut at it
	items    []Item
}

// edit makes the word at the cursor what is replaced.
func (c *completer) edit(text string, t token) {
	c.from, c.to = t.from, t.to
	if t.open {
		// A string that does not end swallows what follows it on its line.
		c.to = c.cursor
	}
	c.typed = text[t.from:c.cursor]
	c.editing = lex(c.typed, &Errors{})[0]
}

// run parses what stands before the cursor, with the cursor as the last token,
// and offers what the parser wanted there.
func (c *completer) run(text string, before []token) {
	tokens := append(slices.Clone(before), token{kind: tokCursor, from: c.from, to: c.from})
	p := parser{text: text, tokens: tokens, errs: &Errors{}}
	p.query()
	if p.want != nil {
		c.offer(*p.want)
	}
	c.rank()
}

// rank drops what does not fit what was typed and puts the best first.
func (c *completer) rank() {
	type ranked struct {
		Item
		rank int
	}
	typed := strings.ToLower(strings.TrimLeft(c.typed, "\"`'"))
	list := make([]ranked, 0, len(c.items))
	seen := make(map[string]bool, len(c.items))
	for _, it := range c.items {
		if seen[it.Insert] {
			continue
		}
		seen[it.Insert] = true
		if r := fit(strings.ToLower(it.Label), typed); r >= 0 {
			list = append(list, ranked{it, r})
		}
	}
	slices.SortStableFunc(list, func(a, b ranked) int { return a.rank - b.rank })
	c.items = c.items[:0]
	for _, r := range list[:min(len(list), maxItems)] {
		c.items = append(c.items, r.Item)
	}
}

// fit says how well a label fits what was typed: 0 when it begins with it, 1
// when a part of it does, 2 when it has it somewhere, -1 when it does not.
func fit(label, typed string) int {
	i := strings.Index(label, typed)
	switch {
	case i == 0:
		return 0
	case i < 0:
		return -1
	}
	if c, _ := utf8.DecodeLastRuneInString(label[:i]); strings.ContainsRune(".:_-/ ", c) {
		return 1
	}
	return 2
}

// UTF16Offset is the position, in UTF-16 code units as editors count, of a byte
// offset of text.
func UTF16Offset(text string, offset int) int {
	units := 0
	for i, r := range text {
		if i >= offset {
			break
		}
		units++
		if r > 0xFFFF {
			units++
		}
	}
	return units
}

// ByteOffset is the byte offset of a position in UTF-16 code units, clipped to
// the text.
func ByteOffset(text string, units int) int {
	n := 0
	for i, r := range text {
		if n >= units {
			return i
		}
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return len(text)
}
