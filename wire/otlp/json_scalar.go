// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"unsafe"

	"github.com/clew-tracing/clew/span"
)

// Scalars as protobuf's JSON mapping has them. A null stands for an absent field: zero.

// jsonStr reads a string and returns its code.
func (d *Decoder) jsonStr() (span.Code, *DecodeError) {
	v, err := d.jsonText()
	if err != nil {
		return 0, err
	}
	return d.str(v), nil
}

// jsonText reads a string; it is valid until the next one is read, and may not be UTF-8.
func (d *Decoder) jsonText() ([]byte, *DecodeError) {
	s := &d.json
	if s.null() {
		return nil, nil
	}
	s.lone = false
	v, err := s.string()
	if s.lone {
		d.notes |= span.NoteUTF8
	}
	return v, err
}

// jsonNumber reads the text of a number, which may stand in a string.
func (d *Decoder) jsonNumber() (text []byte, err *DecodeError) {
	s := &d.json
	switch {
	case s.null():
		return []byte("0"), nil
	case s.peek() != '"':
		return s.number()
	}
	at := s.pos
	if text, err = s.string(); err == nil && (len(text) == 0 || numberLen(text) != len(text)) {
		s.pos = at
		err = s.fail("a string that is no number: " + strconv.Quote(clip(string(text))))
	}
	return text, err
}

// jsonInt reads an integer between lo and hi; unsigned ones above the int64 range with hi = math.MaxUint64.
func (d *Decoder) jsonInt(lo int64, hi uint64) (uint64, *DecodeError) {
	d.json.peek()
	at := d.json.pos
	text, err := d.jsonNumber()
	if err != nil {
		return 0, err
	}
	neg, v, ok := jsonInteger(text)
	switch {
	case !ok, neg && v > uint64(-lo), !neg && v > hi:
		d.json.pos = at
		return 0, d.json.fail("not an integer of this field's range: " + clip(string(text)))
	case neg:
		return -v, nil
	}
	return v, nil
}

func (d *Decoder) jsonUint32() (uint32, *DecodeError) {
	v, err := d.jsonInt(0, math.MaxUint32)
	return uint32(v), err
}

func (d *Decoder) jsonUint64() (uint64, *DecodeError) { return d.jsonInt(0, math.MaxUint64) }

// jsonInteger returns the value of a JSON number if it is an integer of at most 64 bits, as 1e3 and 12.50e1 are.
func jsonInteger(text []byte) (neg bool, v uint64, ok bool) {
	if text[0] == '-' {
		neg, text = true, text[1:]
	}
	exp, digits := 0, text
	if i := slices.IndexFunc(text, func(c byte) bool { return c == 'e' || c == 'E' }); i >= 0 {
		e, err := strconv.Atoi(string(text[i+1:]))
		if err != nil || e < -10_000_000 || e > 10_000_000 {
			// Zero is zero whatever its exponent.
			e = 0
			if slices.ContainsFunc(text[:i], func(c byte) bool { return c >= '1' && c <= '9' }) {
				return neg, 0, false
			}
		}
		exp, digits = e, text[:i]
	}
	// The value is the digits without their point, times ten to the power of exp.
	whole := digits
	var frac []byte
	if i := slices.Index(digits, '.'); i >= 0 {
		whole, frac = digits[:i], digits[i+1:]
	}
	n := len(whole) + len(frac)
	digit := func(i int) uint64 {
		switch {
		case i < len(whole):
			return uint64(whole[i] - '0')
		case i < n:
			return uint64(frac[i-len(whole)] - '0')
		}
		return 0
	}
	integer := len(whole) + exp // how many digits stand before the point
	for i := max(0, integer); i < n; i++ {
		if digit(i) != 0 {
			return neg, 0, false
		}
	}
	for i := range integer {
		if i >= n && v == 0 {
			break
		}
		if v > math.MaxUint64/10 {
			return neg, 0, false
		}
		next := v*10 + digit(i)
		if next < v*10 {
			return neg, 0, false
		}
		v = next
	}
	return neg, v, true
}

// jsonDouble reads a double: a number, a number in a string, or one of the words that JSON has no numbers for.
func (d *Decoder) jsonDouble() (float64, *DecodeError) {
	s := &d.json
	s.peek()
	at := s.pos
	if s.peek() == '"' {
		text, err := s.string()
		if err != nil {
			return 0, err
		}
		switch string(text) {
		case "NaN":
			return math.NaN(), nil
		case "Infinity":
			return math.Inf(1), nil
		case "-Infinity":
			return math.Inf(-1), nil
		}
		s.pos = at
	}
	text, err := d.jsonNumber()
	if err != nil {
		return 0, err
	}
	// The only error left is that of a number too large, which is infinite then.
	v, _ := strconv.ParseFloat(unsafe.String(unsafe.SliceData(text), len(text)), 64)
	return v, nil
}

func (d *Decoder) jsonBool() (bool, *DecodeError) {
	s := &d.json
	switch {
	case s.null():
		return false, nil
	case s.literal("true"):
		return true, nil
	case s.literal("false"):
		return false, nil
	}
	return false, s.unexpected("true or false")
}

// jsonBase64 reads bytes in either alphabet of base64, padded or not. The result is valid until the next call.
func (d *Decoder) jsonBase64() ([]byte, *DecodeError) {
	d.json.peek()
	at := d.json.pos
	text, err := d.jsonText()
	if err != nil {
		return nil, err
	}
	v, ok := decodeBase64(d.text[:0], text)
	if !ok {
		d.json.pos = at
		return nil, d.json.fail("not base64: " + strconv.Quote(clip(string(text))))
	}
	d.text = v
	return v, nil
}

// decodeBase64 appends what text says in base64 to dst.
func decodeBase64(dst, text []byte) ([]byte, bool) {
	enc := base64.StdEncoding
	if slices.ContainsFunc(text, func(c byte) bool { return c == '-' || c == '_' }) {
		enc = base64.URLEncoding
	}
	if len(text)%4 != 0 {
		enc = enc.WithPadding(base64.NoPadding)
	}
	dst, err := enc.AppendDecode(dst, text)
	return dst, err == nil
}

// jsonEnum reads an enum: its number or, as many send it, its name in full. Names that nobody knows are zero, noted.
func (d *Decoder) jsonEnum(names []string) (int32, *DecodeError) {
	if d.json.peek() == '"' {
		text, err := d.json.string()
		for i, n := range names {
			if string(text) == n {
				return int32(i), err
			}
		}
		d.notes |= span.NoteUnknownEnum
		return 0, err
	}
	v, err := d.jsonInt(math.MinInt32, math.MaxInt32)
	return int32(v), err
}

// jsonID reads an id into buf and returns the part of buf, or any slice of another length, that stands for it; false if
// it is neither hex nor, with a note, base64.
func (d *Decoder) jsonID(buf []byte) (id []byte, ok bool, err *DecodeError) {
	text, err := d.jsonText()
	if err != nil || len(text) == 0 {
		return nil, true, err
	}
	hex := len(text)%2 == 0
	for i, c := range text {
		x := hexDigit(c)
		if x > 15 {
			hex = false
			break
		}
		if i/2 < len(buf) {
			buf[i/2] = buf[i/2]<<4 | x
		}
	}
	if hex && len(text) == 2*len(buf) {
		return buf, true, nil
	}
	if n := len(buf); len(text) <= 24 { // 16 bytes in base64, the longest
		if raw, ok := decodeBase64(d.text[:0], text); ok && len(raw) == n {
			copy(buf, raw)
			d.notes |= span.NoteIDSpelling
			return buf, true, nil
		}
	}
	if hex {
		return text[:len(text)/2], true, nil
	}
	return nil, false, nil
}
