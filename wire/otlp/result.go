// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrMalformed is the class of errors for bytes that are not what they claim to be; the whole request is refused.
var ErrMalformed = errors.New("malformed OTLP")

// ErrTooLarge is the class of errors for requests that are well-formed as far as they were read and take too much memory.
var ErrTooLarge = errors.New("OTLP request too large")

// DecodeError says what was wrong with a request and where. It is of class [ErrMalformed] or [ErrTooLarge].
type DecodeError struct {
	// Format is protobuf or JSON.
	Format string
	// Offset is the byte of the (decompressed) request at which the decoder gave up.
	Offset int
	// Path leads to the field, such as resource_spans[0].scope_spans[1].spans[7].attributes[2].value.
	Path string
	// Reason says what is wrong there.
	Reason string

	tooLarge bool
}

// Error returns one line with all of it.
func (e *DecodeError) Error() string {
	at := ""
	if e.Path != "" {
		at = " in " + e.Path
	}
	if e.tooLarge {
		return fmt.Sprintf("OTLP %s too large at byte %d%s: %s", e.Format, e.Offset, at, e.Reason)
	}
	return fmt.Sprintf("malformed OTLP %s at byte %d%s: %s", e.Format, e.Offset, at, e.Reason)
}

// Unwrap returns the error's class.
func (e *DecodeError) Unwrap() error {
	if e.tooLarge {
		return ErrTooLarge
	}
	return ErrMalformed
}

// in puts the name of the message's field before the path, while the error climbs out of the messages.
func (e *DecodeError) in(field string) *DecodeError {
	if e == nil {
		return nil
	}
	switch {
	case len(e.Path) > 400: // deeply nested values: the outer part and the innermost one say enough
		if !strings.HasPrefix(e.Path, "…") {
			e.Path = "…" + e.Path
		}
		if strings.HasPrefix(field, "resource_spans") || strings.HasPrefix(field, "scope_spans") || strings.HasPrefix(field, "spans") {
			e.Path = field + "." + e.Path
		}
	case e.Path == "":
		e.Path = field
	default:
		e.Path = field + "." + e.Path
	}
	return e
}

// at is in for an element of a repeated field.
func (e *DecodeError) at(field string, i int) *DecodeError {
	if e == nil {
		return nil
	}
	return e.in(field + "[" + strconv.Itoa(i) + "]")
}

// Result says what became of the spans of a well-formed request.
type Result struct {
	// Spans were appended to the batch.
	Spans int
	// Rejected were left out, because their ids are unusable.
	Rejected int

	causes [causeEnd]int
	first  [causeEnd]string // where the first of each cause stands
}

// cause is why a span is rejected.
type cause uint8

const (
	causeTraceIDLength cause = iota
	causeTraceIDZero
	causeTraceIDText
	causeSpanIDLength
	causeSpanIDZero
	causeSpanIDText
	causeEnd
)

var causeText = [causeEnd]string{
	causeTraceIDLength: "trace id is not 16 bytes long",
	causeTraceIDZero:   "trace id is zero",
	causeTraceIDText:   "trace id is not hex",
	causeSpanIDLength:  "span id is not 8 bytes long",
	causeSpanIDZero:    "span id is zero",
	causeSpanIDText:    "span id is not hex",
}

// Message says why spans were rejected, for partial_success.error_message: each cause once, with its number and the
// place of its first span, at most about 1 KiB in all. It is empty if none was.
func (r *Result) Message() string {
	if r.Rejected == 0 {
		return ""
	}
	var s strings.Builder
	fmt.Fprintf(&s, "%d of %d spans rejected", r.Rejected, r.Rejected+r.Spans)
	sep := ": "
	for c, n := range r.causes {
		if n > 0 {
			fmt.Fprintf(&s, "%s%s (%d, first at %s)", sep, causeText[c], n, r.first[c])
			sep = "; "
		}
	}
	return s.String()
}

// clip bounds what messages repeat of hostile input.
func clip(s string) string {
	const limit = 48
	if len(s) <= limit {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.ToValidUTF8(s[:limit], "\uFFFD") + "…"
}
