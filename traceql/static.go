// SPDX-License-Identifier: Apache-2.0

package traceql

import (
	"math"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Type is the type of a TraceQL expression.
type Type uint8

// The types. TypeAny is the type of an attribute, known only for a given span.
const (
	TypeNil Type = iota
	TypeInt
	TypeFloat
	TypeString
	TypeBool
	TypeDuration
	TypeStatus
	TypeKind
	TypeAny
)

var typeNames = [...]string{"nil", "int", "float", "string", "bool", "duration", "status", "kind", "any"}

// String is the type's name as messages and APIs spell it.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return "type(" + strconv.Itoa(int(t)) + ")"
}

// article is the type's name with a or an.
func (t Type) article() string {
	if t == TypeInt || t == TypeAny {
		return "an " + t.String()
	}
	return "a " + t.String()
}

// Numeric reports whether values of the type compare and compute as numbers:
// int, float and duration (counted in nanoseconds).
func (t Type) Numeric() bool { return t == TypeInt || t == TypeFloat || t == TypeDuration }

// Status values, numbered as OTLP numbers Status.StatusCode.
const (
	StatusUnset = 0
	StatusOK    = 1
	StatusError = 2
)

// Kind values, numbered as OTLP numbers Span.SpanKind.
const (
	KindUnspecified = 0
	KindInternal    = 1
	KindServer      = 2
	KindClient      = 3
	KindProducer    = 4
	KindConsumer    = 5
)

var (
	statusNames = [...]string{"unset", "ok", "error"}
	kindNames   = [...]string{"unspecified", "internal", "server", "client", "producer", "consumer"}
)

// Static is a constant value. Int holds an int, a duration in nanoseconds, a
// bool as 0 or 1, a status and a kind; Float a float; Str a string. The zero
// Static is nil. Statics are comparable with ==, which is identity and not
// TraceQL's equality.
type Static struct {
	Type  Type
	Int   int64
	Float float64
	Str   string
}

// NewInt is an int constant.
func NewInt(v int64) Static { return Static{Type: TypeInt, Int: v} }

// NewFloat is a float constant.
func NewFloat(v float64) Static { return Static{Type: TypeFloat, Float: v} }

// NewString is a string constant.
func NewString(v string) Static { return Static{Type: TypeString, Str: v} }

// NewDuration is a duration constant.
func NewDuration(v time.Duration) Static { return Static{Type: TypeDuration, Int: int64(v)} }

// NewStatus is a status constant, by its OTLP number.
func NewStatus(v int64) Static { return Static{Type: TypeStatus, Int: v} }

// NewKind is a span kind constant, by its OTLP number.
func NewKind(v int64) Static { return Static{Type: TypeKind, Int: v} }

// NewBool is a bool constant.
func NewBool(v bool) Static {
	s := Static{Type: TypeBool}
	if v {
		s.Int = 1
	}
	return s
}

// IsNil reports whether the constant is nil.
func (s Static) IsNil() bool { return s.Type == TypeNil }

// Bool reports whether the constant is the bool true.
func (s Static) Bool() bool { return s.Type == TypeBool && s.Int != 0 }

// AsFloat is a number's value as a float64; durations count nanoseconds. It is
// NaN for what is not a number.
func (s Static) AsFloat() float64 {
	switch s.Type {
	case TypeInt, TypeDuration:
		return float64(s.Int)
	case TypeFloat:
		return s.Float
	}
	return math.NaN()
}

// String writes the constant as TraceQL reads it.
func (s Static) String() string { return string(s.AppendText(nil)) }

// AppendText appends what String gives.
func (s Static) AppendText(dst []byte) []byte {
	switch s.Type {
	case TypeNil:
		return append(dst, "nil"...)
	case TypeInt:
		switch s.Int {
		case math.MinInt64:
			return append(dst, "minInt"...)
		case math.MaxInt64:
			return append(dst, "maxInt"...)
		}
		return strconv.AppendInt(dst, s.Int, 10)
	case TypeFloat:
		from := len(dst)
		dst = strconv.AppendFloat(dst, s.Float, 'g', -1, 64)
		if !strings.ContainsAny(string(dst[from:]), ".eIN") {
			dst = append(dst, ".0"...)
		}
		return dst
	case TypeString:
		return strconv.AppendQuote(dst, s.Str)
	case TypeBool:
		return strconv.AppendBool(dst, s.Int != 0)
	case TypeDuration:
		return appendDuration(dst, s.Int)
	case TypeStatus, TypeKind:
		return append(dst, s.Word()...)
	}
	return append(dst, s.Type.String()...)
}

// Word is the bare text of the constant: a string without quotes, everything
// else as String has it. It is what tables and APIs show.
func (s Static) Word() string {
	switch s.Type {
	case TypeString:
		return s.Str
	case TypeStatus:
		if s.Int >= 0 && int(s.Int) < len(statusNames) {
			return statusNames[s.Int]
		}
		return "status(" + strconv.FormatInt(s.Int, 10) + ")"
	case TypeKind:
		if s.Int >= 0 && int(s.Int) < len(kindNames) {
			return kindNames[s.Int]
		}
		return "kind(" + strconv.FormatInt(s.Int, 10) + ")"
	}
	return s.String()
}

// appendDuration writes ns as time.Duration does, without the zero units at
// its end: 1h30m rather than 1h30m0s.
func appendDuration(dst []byte, ns int64) []byte {
	text := time.Duration(ns).String()
	if strings.HasSuffix(text, "m0s") {
		text = text[:len(text)-2]
	}
	if strings.HasSuffix(text, "h0m") {
		text = text[:len(text)-2]
	}
	return append(dst, text...)
}

// durationUnits are the units of a duration literal, longest spelling first.
var durationUnits = [...]struct {
	name string
	ns   uint64
}{
	{"ns", 1},
	{"us", uint64(time.Microsecond)},
	{"µs", uint64(time.Microsecond)}, // U+00B5, micro sign
	{"μs", uint64(time.Microsecond)}, // U+03BC, Greek mu
	{"ms", uint64(time.Millisecond)},
	{"s", uint64(time.Second)},
	{"m", uint64(time.Minute)},
	{"h", uint64(time.Hour)},
	{"d", 24 * uint64(time.Hour)},
	{"w", 7 * 24 * uint64(time.Hour)},
	{"y", 365 * 24 * uint64(time.Hour)},
}

// ParseDuration reads an unsigned duration literal: numbers with the units y,
// w, d, h, m, s, ms, us (or µs) and ns, one after the other, such as 1h30m or
// 1.5s. ok is false when text is something else or does not fit 64 bits of ns.
func ParseDuration(text string) (ns int64, ok bool) {
	if text == "" {
		return 0, false
	}
	var total uint64
	for text != "" {
		number, rest := scanDecimal(text)
		if number == "" {
			return 0, false
		}
		unit, after := durationUnit(rest)
		if unit == 0 {
			return 0, false
		}
		part, fits := scaleDecimal(number, unit)
		if !fits || total+part > math.MaxInt64 {
			return 0, false
		}
		total += part
		text = after
	}
	return int64(total), true
}

// scanDecimal splits digits[.digits] (or .digits) off the front of text.
func scanDecimal(text string) (number, rest string) {
	i, digits := 0, 0
	for i < len(text) && isDigit(text[i]) {
		i++
		digits++
	}
	if i < len(text) && text[i] == '.' {
		j := i + 1
		for j < len(text) && isDigit(text[j]) {
			j++
			digits++
		}
		if j > i+1 || digits > 0 {
			i = j
		}
	}
	if digits == 0 {
		return "", text
	}
	return text[:i], text[i:]
}

func durationUnit(text string) (ns uint64, rest string) {
	for _, unit := range durationUnits {
		if strings.HasPrefix(text, unit.name) {
			return unit.ns, text[len(unit.name):]
		}
	}
	return 0, text
}

// scaleDecimal is number*unit in whole nanoseconds, cut off below one.
func scaleDecimal(number string, unit uint64) (uint64, bool) {
	whole, fraction, _ := strings.Cut(number, ".")
	var value uint64
	if whole != "" {
		parsed, err := strconv.ParseUint(whole, 10, 63)
		if err != nil || parsed > math.MaxInt64/unit {
			return 0, false
		}
		value = parsed * unit
	}
	const keep = 18 // decimals; any more are far below a nanosecond
	fraction = fraction[:min(len(fraction), keep)]
	var decimals, scale uint64 = 0, 1
	for i := range len(fraction) {
		decimals = decimals*10 + uint64(fraction[i]-'0')
		scale *= 10
	}
	hi, lo := bits.Mul64(decimals, unit)
	part, _ := bits.Div64(hi, lo, scale) // decimals < scale, so it fits
	value += part
	return value, value <= math.MaxInt64
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
