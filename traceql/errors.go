// SPDX-License-Identifier: Apache-2.0

package traceql

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"
)

// Class says what kind of mistake an Error is.
type Class uint8

// The classes of mistakes.
const (
	// ClassSyntax: the text is not TraceQL.
	ClassSyntax Class = iota
	// ClassCheck: the text reads well and means nothing, for example because
	// its types do not match.
	ClassCheck
	// ClassUnsupported: the query is good TraceQL that is not executed.
	ClassUnsupported
)

var classNames = [...]string{"syntax", "check", "unsupported"}

// String is the class's name in goldens and logs.
func (c Class) String() string { return classNames[c] }

// Error is one mistake in a query. From and To are byte offsets into the text,
// From <= To; an empty range points between two characters. Hint says what to
// do instead and may be empty.
type Error struct {
	From, To int
	Class    Class
	Message  string
	Hint     string
}

// Error is the message with its hint.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + "; " + e.Hint
}

// Errors are all the mistakes of one query in the order of their positions.
type Errors []*Error

// Error gives the first mistake, and how many others there are.
func (e Errors) Error() string {
	switch len(e) {
	case 0:
		return "no error"
	case 1:
		return fmt.Sprintf("traceql: at %d: %s", e[0].From, e[0].Error())
	}
	return fmt.Sprintf("traceql: at %d: %s (and %d more)", e[0].From, e[0].Error(), len(e)-1)
}

// Err is e as an error: nil when there is none.
func (e Errors) Err() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

// maxErrors bounds the mistakes reported for one query.
const maxErrors = 20

func (e *Errors) add(err Error) {
	if len(*e) >= maxErrors {
		return
	}
	for _, old := range *e {
		if old.From == err.From && old.Class == err.Class {
			return // what follows from the first mistake at a place is noise
		}
	}
	*e = append(*e, &err)
}

func (e Errors) sort() {
	sort.SliceStable(e, func(i, j int) bool { return e[i].From < e[j].From })
}

// Caret shows each mistake under the line of text that it is in, for people:
//
//	{ .a == 1 }
//	     ^^ there is no operator ==
//	        use = to compare
func (e Errors) Caret(text string) string {
	var out strings.Builder
	for _, err := range e {
		from := min(max(err.From, 0), len(text))
		to := min(max(err.To, from), len(text))
		begin := strings.LastIndexByte(text[:from], '\n') + 1
		end := len(text)
		if i := strings.IndexByte(text[from:], '\n'); i >= 0 {
			end = from + i
		}
		to = max(min(to, end), from)
		pad := strings.Map(func(c rune) rune {
			if c == '\t' {
				return c
			}
			return ' '
		}, text[begin:from])
		width := max(1, utf8.RuneCountInString(text[from:to]))
		fmt.Fprintf(&out, "%s\n%s%s %s\n", text[begin:end], pad, strings.Repeat("^", width), err.Message)
		if err.Hint != "" {
			fmt.Fprintf(&out, "%s%s %s\n", pad, strings.Repeat(" ", width), err.Hint)
		}
	}
	return out.String()
}

// nearest is the word of candidates closest to word by edit distance, or ""
// when none is close enough to be what was meant.
func nearest(word string, candidates []string) string {
	best, bestDistance := "", min(3, len(word)/3+1)
	for _, candidate := range candidates {
		d := editDistance(strings.ToLower(word), strings.ToLower(candidate), bestDistance)
		if d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// editDistance is the Damerau-Levenshtein distance (optimal string alignment)
// of two short words, or limit when it is not less than that.
func editDistance(a, b string, limit int) int {
	if diff := len(a) - len(b); diff >= limit || -diff >= limit {
		return limit
	}
	before := make([]int, len(b)+1)
	last := make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], limit)
}
