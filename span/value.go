// SPDX-License-Identifier: Apache-2.0

package span

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// Type is the type of an attribute value: the cases of OTLP's AnyValue.
type Type uint8

// The types. Values are stored in WAL and blocks: append, never renumber.
const (
	// TypeEmpty is an AnyValue with no case set; Val is 0.
	TypeEmpty Type = iota
	// TypeString has the string's [Code] as Val.
	TypeString
	// TypeBool has 0 or 1 as Val.
	TypeBool
	// TypeInt has the two's complement of an int64 as Val.
	TypeInt
	// TypeDouble has the IEEE 754 bits of a float64 as Val.
	TypeDouble
	// TypeBytes has the [Code] of the bytes as Val.
	TypeBytes
	// TypeArray has the [Code] of the encoded elements as Val; see [Value.AppendTo].
	TypeArray
	// TypeMap has the [Code] of the encoded entries as Val; see [Value.AppendTo].
	TypeMap
	typeEnd
)

// String returns string, bool, int, double, bytes, array, map or empty.
func (t Type) String() string {
	switch t {
	case TypeEmpty:
		return "empty"
	case TypeString:
		return "string"
	case TypeBool:
		return "bool"
	case TypeInt:
		return "int"
	case TypeDouble:
		return "double"
	case TypeBytes:
		return "bytes"
	case TypeArray:
		return "array"
	case TypeMap:
		return "map"
	}
	return "type" + strconv.Itoa(int(t))
}

// InStrings reports whether Val of this type is a [Code].
func (t Type) InStrings() bool { return t == TypeString || t == TypeBytes || t >= TypeArray }

// Value is one attribute value outside of a batch's columns: what is read from one, or compared with one. Str aliases
// whatever it was read from.
type Value struct {
	Type Type
	// Num is Val for bool, int and double.
	Num uint64
	// Str is the string, the bytes, or the encoding of an array or a map.
	Str string
}

// StringValue returns v as a value.
func StringValue(v string) Value { return Value{Type: TypeString, Str: v} }

// IntValue returns v as a value.
func IntValue(v int64) Value { return Value{Type: TypeInt, Num: uint64(v)} }

// DoubleValue returns v as a value.
func DoubleValue(v float64) Value { return Value{Type: TypeDouble, Num: math.Float64bits(v)} }

// BoolValue returns v as a value.
func BoolValue(v bool) Value {
	if v {
		return Value{Type: TypeBool, Num: 1}
	}
	return Value{Type: TypeBool}
}

// BytesValue returns v as a value; it copies v.
func BytesValue(v []byte) Value { return Value{Type: TypeBytes, Str: string(v)} }

// ArrayValue returns an array of the given elements.
func ArrayValue(elems ...Value) Value {
	enc := binary.AppendUvarint(nil, uint64(len(elems)))
	for _, e := range elems {
		enc = e.AppendTo(enc)
	}
	return Value{Type: TypeArray, Str: string(enc)}
}

// Entry is one entry of a map value.
type Entry struct {
	Key   string
	Value Value
}

// MapValue returns a map of the given entries, in their order.
func MapValue(entries ...Entry) Value {
	enc := binary.AppendUvarint(nil, uint64(len(entries)))
	for _, e := range entries {
		enc = AppendMapKey(enc, e.Key)
		enc = e.Value.AppendTo(enc)
	}
	return Value{Type: TypeMap, Str: string(enc)}
}

// Int returns the value of an int.
func (v Value) Int() int64 { return int64(v.Num) }

// Double returns the value of a double.
func (v Value) Double() float64 { return math.Float64frombits(v.Num) }

// Bool returns the value of a bool.
func (v Value) Bool() bool { return v.Num != 0 }

// AppendTo appends the self-contained encoding of v, of which arrays and maps are made:
//
//	value  := type byte, payload
//	string, bytes: uvarint length, bytes      bool: 1 byte       int: zigzag varint
//	double: 8 bytes little endian             empty: nothing
//	array:  uvarint count, value*             map: uvarint count, (uvarint length, key, value)*
//
// The payload of an array or a map alone (without the type byte) is what stands in [Strings] for it.
func (v Value) AppendTo(dst []byte) []byte {
	dst = append(dst, byte(v.Type))
	switch v.Type {
	case TypeString, TypeBytes:
		dst = binary.AppendUvarint(dst, uint64(len(v.Str)))
		dst = append(dst, v.Str...)
	case TypeBool:
		dst = append(dst, byte(v.Num))
	case TypeInt:
		dst = binary.AppendVarint(dst, int64(v.Num))
	case TypeDouble:
		dst = binary.LittleEndian.AppendUint64(dst, v.Num)
	case TypeArray, TypeMap:
		dst = append(dst, v.Str...)
	}
	return dst
}

// AppendMapKey appends the key of a map entry; its value must follow.
func AppendMapKey(dst []byte, key string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(key)))
	return append(dst, key...)
}

// ErrValue is the class of errors for encoded values that are cut short or malformed.
var ErrValue = errors.New("malformed value")

// maxValueDepth bounds recursion over nested values. Go's stacks bear it; protobuf's own limit is 10,000 as well.
const maxValueDepth = 10_000

// Elems calls f for every element of an array, in order, until f returns false.
func (v Value) Elems(f func(Value) bool) error {
	return v.entries(TypeArray, func(_ string, e Value) bool { return f(e) })
}

// Entries calls f for every entry of a map, in order, until f returns false.
func (v Value) Entries(f func(key string, e Value) bool) error { return v.entries(TypeMap, f) }

func (v Value) entries(t Type, f func(string, Value) bool) error {
	if v.Type != t {
		return nil
	}
	rest := v.Str
	n, rest, err := cutUvarint(rest)
	if err != nil {
		return err
	}
	for range n {
		var key string
		if t == TypeMap {
			if key, rest, err = cutBytes(rest); err != nil {
				return err
			}
		}
		var e Value
		if e, rest, err = cutValue(rest, 0); err != nil {
			return err
		}
		if !f(key, e) {
			return nil
		}
	}
	if len(rest) != 0 {
		return fmt.Errorf("%w: %d bytes after the last element", ErrValue, len(rest))
	}
	return nil
}

func cutUvarint(s string) (uint64, string, error) {
	var v uint64
	for i := 0; i < len(s) && i < binary.MaxVarintLen64; i++ {
		v |= uint64(s[i]&0x7f) << (7 * i)
		if s[i] < 0x80 {
			if i == binary.MaxVarintLen64-1 && s[i] > 1 {
				break // more than 64 bits
			}
			return v, s[i+1:], nil
		}
	}
	return 0, s, fmt.Errorf("%w: bad varint", ErrValue)
}

func cutBytes(s string) (string, string, error) {
	n, s, err := cutUvarint(s)
	if err != nil {
		return "", s, err
	}
	if n > uint64(len(s)) {
		return "", s, fmt.Errorf("%w: %d bytes announced, %d there", ErrValue, n, len(s))
	}
	return s[:n], s[n:], nil
}

func cutValue(s string, depth int) (Value, string, error) {
	if len(s) == 0 || depth > maxValueDepth {
		return Value{}, s, fmt.Errorf("%w: cut short or nested too deep", ErrValue)
	}
	v := Value{Type: Type(s[0])}
	s = s[1:]
	var err error
	switch v.Type {
	case TypeEmpty:
	case TypeString, TypeBytes:
		v.Str, s, err = cutBytes(s)
	case TypeBool:
		if len(s) < 1 {
			return v, s, fmt.Errorf("%w: bool cut short", ErrValue)
		}
		v.Num, s = uint64(s[0]), s[1:]
	case TypeInt:
		var u uint64
		u, s, err = cutUvarint(s)
		v.Num = uint64(int64(u>>1) ^ -int64(u&1))
	case TypeDouble:
		if len(s) < 8 {
			return v, s, fmt.Errorf("%w: double cut short", ErrValue)
		}
		for i := range 8 {
			v.Num |= uint64(s[i]) << (8 * i)
		}
		s = s[8:]
	case TypeArray, TypeMap:
		start := s
		var n uint64
		if n, s, err = cutUvarint(s); err != nil {
			return v, s, err
		}
		for range n {
			if v.Type == TypeMap {
				if _, s, err = cutBytes(s); err != nil {
					return v, s, err
				}
			}
			if _, s, err = cutValue(s, depth+1); err != nil {
				return v, s, err
			}
		}
		v.Str = start[:len(start)-len(s)]
	default:
		err = fmt.Errorf("%w: unknown type %d", ErrValue, v.Type)
	}
	return v, s, err
}

// AppendText appends the value as people read it and as the text dump has it: strings quoted, doubles always with a
// point or exponent, bytes as b"base64", arrays in [], maps in {}, an empty value as null. Values of equal text are
// equal: a NaN with other bits than Go's has them behind it, and what is malformed follows as bytes.
func (v Value) AppendText(dst []byte) []byte {
	switch v.Type {
	case TypeString:
		return appendQuoted(dst, v.Str)
	case TypeBool:
		return strconv.AppendBool(dst, v.Bool())
	case TypeInt:
		return strconv.AppendInt(dst, v.Int(), 10)
	case TypeDouble:
		return appendDouble(dst, v.Double())
	case TypeBytes:
		dst = append(dst, `b"`...)
		dst = base64.StdEncoding.AppendEncode(dst, []byte(v.Str))
		return append(dst, '"')
	case TypeArray, TypeMap:
		start := len(dst)
		dst, rest, err := appendElemsText(dst, v.Type, v.Str, 0)
		if err != nil || rest != "" {
			dst = append(dst[:start], "malformed "...)
			dst = append(dst, v.Type.String()...)
			dst = BytesValue([]byte(v.Str)).AppendText(append(dst, ' '))
		}
		return dst
	}
	return append(dst, "null"...)
}

// appendElemsText appends the elements of an array or the entries of a map, and returns what follows them in s. It reads
// each byte once, however deeply values are nested.
func appendElemsText(dst []byte, t Type, s string, depth int) ([]byte, string, error) {
	n, s, err := cutUvarint(s)
	if err != nil {
		return dst, s, err
	}
	opening, closing := byte('['), byte(']')
	if t == TypeMap {
		opening, closing = '{', '}'
	}
	dst = append(dst, opening)
	for i := range n {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		if t == TypeMap {
			var key string
			if key, s, err = cutBytes(s); err != nil {
				return dst, s, err
			}
			dst = append(appendQuoted(dst, key), ": "...)
		}
		if len(s) > 0 && (Type(s[0]) == TypeArray || Type(s[0]) == TypeMap) {
			if depth >= maxValueDepth {
				return dst, s, fmt.Errorf("%w: nested too deep", ErrValue)
			}
			if dst, s, err = appendElemsText(dst, Type(s[0]), s[1:], depth+1); err != nil {
				return dst, s, err
			}
			continue
		}
		var e Value
		if e, s, err = cutValue(s, depth); err != nil {
			return dst, s, err
		}
		dst = e.AppendText(dst)
	}
	return append(dst, closing), s, nil
}

// Text returns what [Value.AppendText] appends, as a string.
func (v Value) Text() string { return string(v.AppendText(nil)) }

func appendQuoted(dst []byte, s string) []byte {
	if utf8.ValidString(s) {
		return strconv.AppendQuote(dst, s)
	}
	return strconv.AppendQuoteToASCII(dst, s)
}

func appendDouble(dst []byte, f float64) []byte {
	start := len(dst)
	if bits := math.Float64bits(f); f != f && bits != math.Float64bits(math.NaN()) {
		return strconv.AppendUint(append(dst, "NaN:"...), bits, 16)
	}
	dst = strconv.AppendFloat(dst, f, 'g', -1, 64)
	for _, c := range dst[start:] {
		if c == '.' || c == 'e' || c == 'N' || c == 'I' {
			return dst
		}
	}
	return append(dst, ".0"...)
}
