// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonScanner reads JSON (RFC 8259) from front to back, without building anything of it. Whoever reads an object goes
// from key to key and reads or skips each value, so that the order of keys does not matter.
type jsonScanner struct {
	data []byte
	pos  int
	text []byte // an unescaped string
	open []byte // brackets that are open while a value is skipped
	lone bool   // an escape was half of a surrogate pair since lone was last cleared
}

// reset forgets the data, and the memory if there is much of it.
func (s *jsonScanner) reset(keep int) {
	s.data = nil
	if cap(s.text) > keep {
		s.text = nil
	}
	if cap(s.open) > keep {
		s.open = nil
	}
}

func (s *jsonScanner) fail(reason string) *DecodeError {
	return &DecodeError{Offset: s.pos, Reason: reason}
}

// unexpected is the error for what stands at pos where something else is due.
func (s *jsonScanner) unexpected(want string) *DecodeError {
	if s.pos >= len(s.data) {
		return s.fail("the text ends where " + want + " is due")
	}
	r, _ := utf8.DecodeRune(s.data[s.pos:])
	return s.fail(fmt.Sprintf("%q where %s is due", r, want))
}

// peek returns the first byte after white space; 0 at the end.
func (s *jsonScanner) peek() byte {
	for ; s.pos < len(s.data); s.pos++ {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// literal reads a word such as null if it stands there.
func (s *jsonScanner) literal(word string) bool {
	if len(s.data)-s.pos < len(word) || string(s.data[s.pos:s.pos+len(word)]) != word {
		return false
	}
	s.pos += len(word)
	return true
}

// null reads null if it stands there, which means that the field is absent.
func (s *jsonScanner) null() bool { return s.peek() == 'n' && s.literal("null") }

// begin reads the opening bracket of an object or list. It returns false for null.
func (s *jsonScanner) begin(bracket byte) (bool, *DecodeError) {
	if s.peek() == bracket {
		s.pos++
		return true, nil
	}
	if s.null() {
		return false, nil
	}
	if bracket == '{' {
		return false, s.unexpected("an object")
	}
	return false, s.unexpected("a list")
}

// key reads on to the value of the i-th member of an object and returns its name, which is valid until the next string
// is read; false at the end of the object.
func (s *jsonScanner) key(i int) ([]byte, bool, *DecodeError) {
	switch c := s.peek(); {
	case c == '}':
		s.pos++
		return nil, false, nil
	case i > 0 && c != ',':
		return nil, false, s.unexpected("a comma or }")
	case i > 0:
		s.pos++
		if s.peek() != '"' {
			return nil, false, s.unexpected("a name")
		}
	case c != '"':
		return nil, false, s.unexpected("a name or }")
	}
	name, err := s.string()
	if err != nil {
		return nil, false, err
	}
	if s.peek() != ':' {
		return nil, false, s.unexpected("a colon")
	}
	s.pos++
	return name, true, nil
}

// element reads on to the i-th element of a list; false at its end.
func (s *jsonScanner) element(i int) (bool, *DecodeError) {
	switch c := s.peek(); {
	case c == ']' && i == 0:
		s.pos++
		return false, nil
	case i == 0:
		return true, nil
	case c == ']':
		s.pos++
		return false, nil
	case c != ',':
		return false, s.unexpected("a comma or ]")
	}
	s.pos++
	if s.peek() == ']' {
		return false, s.unexpected("a value")
	}
	return true, nil
}

// string reads a string. The result aliases the data or, if there were escapes, is valid until the next call. It need not
// be UTF-8.
func (s *jsonScanner) string() ([]byte, *DecodeError) {
	if s.peek() != '"' {
		return nil, s.unexpected("a string")
	}
	start := s.pos + 1
	for i := start; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			s.pos = i + 1
			return s.data[start:i], nil
		case c == '\\':
			s.text = append(s.text[:0], s.data[start:i]...)
			s.pos = i
			return s.unescape()
		case c < ' ':
			s.pos = i
			return nil, s.fail("a control character in a string")
		}
	}
	s.pos = len(s.data)
	return nil, s.unexpected("the end of a string")
}

// unescape reads the rest of a string, from its first backslash on, into text.
func (s *jsonScanner) unescape() ([]byte, *DecodeError) {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return s.text, nil
		case c < ' ':
			return nil, s.fail("a control character in a string")
		case c != '\\':
			s.text = append(s.text, c)
			s.pos++
		default:
			if err := s.escape(); err != nil {
				return nil, err
			}
		}
	}
	return nil, s.unexpected("the end of a string")
}

func (s *jsonScanner) escape() *DecodeError {
	if s.pos+1 >= len(s.data) {
		return s.fail("the text ends within an escape")
	}
	c := s.data[s.pos+1]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		r, ok := s.hex4(s.pos)
		if !ok {
			return s.fail(`\u without four hex digits`)
		}
		s.pos += 6
		if utf16.IsSurrogate(r) {
			low, ok := s.hex4(s.pos)
			if full := utf16.DecodeRune(r, low); ok && full != utf8.RuneError {
				r = full
				s.pos += 6
			} else {
				r, s.lone = utf8.RuneError, true
			}
		}
		s.text = utf8.AppendRune(s.text, r)
		return nil
	default:
		return s.fail("an unknown escape in a string")
	}
	s.text = append(s.text, c)
	s.pos += 2
	return nil
}

// hex4 reads \uXXXX at i.
func (s *jsonScanner) hex4(i int) (r rune, ok bool) {
	if i+6 > len(s.data) || s.data[i] != '\\' || s.data[i+1] != 'u' {
		return 0, false
	}
	for _, c := range s.data[i+2 : i+6] {
		d := hexDigit(c)
		if d > 15 {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}

// hexDigit returns the value of a hex digit, 255 for anything else.
func hexDigit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

// number reads a number and returns its text.
func (s *jsonScanner) number() ([]byte, *DecodeError) {
	s.peek()
	n := numberLen(s.data[s.pos:])
	if n == 0 {
		return nil, s.unexpected("a number")
	}
	tok := s.data[s.pos : s.pos+n]
	s.pos += n
	return tok, nil
}

// numberLen returns the length of the number that b begins with, 0 if it begins with none.
func numberLen(b []byte) int {
	i := 0
	digits := func() bool {
		start := i
		for i < len(b) && b[i] >= '0' && b[i] <= '9' {
			i++
		}
		return i > start
	}
	if i < len(b) && b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if !digits() {
		return 0
	}
	if i < len(b) && b[i] == '.' {
		i++
		if !digits() {
			return 0
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return 0
		}
	}
	return i
}

// skip reads over a value of any kind, however deep it is nested.
func (s *jsonScanner) skip() *DecodeError {
	s.open = s.open[:0]
	for first := true; ; {
		if n := len(s.open); n > 0 && !first { // after a value within a bracket
			switch c := s.peek(); {
			case c == s.open[n-1]:
				s.pos++
				s.open = s.open[:n-1]
				if n == 1 {
					return nil
				}
				continue
			case c != ',':
				return s.unexpected("a comma or the end of a list or object")
			}
			s.pos++
		}
		if n := len(s.open); n > 0 && s.open[n-1] == '}' {
			if _, err := s.string(); err != nil {
				return err
			}
			if s.peek() != ':' {
				return s.unexpected("a colon")
			}
			s.pos++
		}
		first = false
		var err *DecodeError
		switch c := s.peek(); c {
		case '{', '[':
			s.pos++
			end := c + 2 // the closing bracket, in ASCII
			if s.peek() == end {
				s.pos++
				break
			}
			s.open = append(s.open, end)
			first = true
			continue
		case '"':
			_, err = s.string()
		case 't', 'f', 'n':
			if !s.literal("true") && !s.literal("false") && !s.literal("null") {
				err = s.unexpected("a value")
			}
		default:
			if _, err = s.number(); err != nil {
				err = s.unexpected("a value")
			}
		}
		if err != nil {
			return err
		}
		if len(s.open) == 0 {
			return nil
		}
	}
}

// raw reads over a value and returns its text.
func (s *jsonScanner) raw() ([]byte, *DecodeError) {
	s.peek()
	start := s.pos
	if err := s.skip(); err != nil {
		return nil, err
	}
	return s.data[start:s.pos], nil
}
