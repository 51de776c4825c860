// SPDX-License-Identifier: Apache-2.0

package span_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/clew-tracing/clew/span"
)

// plain is a value as Go has it: the oracle of the encoding.
type plain struct {
	Type  span.Type
	Num   uint64
	Str   string
	Elems []plain
	Keys  []string
}

func drawPlain(t *rapid.T, depth int) plain {
	p := plain{Type: span.Type(rapid.IntRange(0, 7).Draw(t, "type"))}
	switch p.Type {
	case span.TypeString, span.TypeBytes:
		p.Str = rapid.OneOf(words, rapid.String()).Draw(t, "string")
	case span.TypeBool:
		p.Num = uint64(rapid.IntRange(0, 1).Draw(t, "bool"))
	case span.TypeInt, span.TypeDouble:
		p.Num = rapid.OneOf(nums, rapid.Uint64()).Draw(t, "number")
	case span.TypeArray, span.TypeMap:
		if depth > 3 {
			break
		}
		for range rapid.IntRange(0, 3).Draw(t, "elements") {
			p.Elems = append(p.Elems, drawPlain(t, depth+1))
			if p.Type == span.TypeMap {
				p.Keys = append(p.Keys, words.Draw(t, "key"))
			}
		}
	}
	return p
}

func (p plain) value() span.Value {
	var elems []span.Value
	var entries []span.Entry
	for i, e := range p.Elems {
		elems = append(elems, e.value())
		if p.Type == span.TypeMap {
			entries = append(entries, span.Entry{Key: p.Keys[i], Value: e.value()})
		}
	}
	switch p.Type {
	case span.TypeArray:
		return span.ArrayValue(elems...)
	case span.TypeMap:
		return span.MapValue(entries...)
	}
	return span.Value{Type: p.Type, Num: p.Num, Str: p.Str}
}

// read walks a value with Elems and Entries.
func read(v span.Value) (plain, error) {
	p := plain{Type: v.Type}
	var inner error
	take := func(key string, e span.Value) bool {
		q, err := read(e)
		inner = errors.Join(inner, err)
		p.Elems = append(p.Elems, q)
		if v.Type == span.TypeMap {
			p.Keys = append(p.Keys, key)
		}
		return true
	}
	switch v.Type {
	case span.TypeArray:
		return p, errors.Join(v.Elems(func(e span.Value) bool { return take("", e) }), inner)
	case span.TypeMap:
		return p, errors.Join(v.Entries(take), inner)
	}
	p.Num, p.Str = v.Num, v.Str
	return p, nil
}

func TestValueRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlain(t, 0)
		got, err := read(p.value())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		// As an element it is followed by others.
		arr := span.ArrayValue(p.value(), span.IntValue(7))
		if got, err = read(arr); err != nil || len(got.Elems) != 2 || cmp.Diff(p, got.Elems[0]) != "" || got.Elems[1].Num != 7 {
			t.Fatalf("as an element: %+v, %v", got, err)
		}
		// Every shorter encoding is refused, by the walk and in the text.
		if arr.Str != "" {
			short := arr
			short.Str = arr.Str[:rapid.IntRange(0, len(arr.Str)-1).Draw(t, "length")]
			if _, err := read(short); !errors.Is(err, span.ErrValue) {
				t.Fatalf("cut at %d of %d bytes: error %v", len(short.Str), len(arr.Str), err)
			}
			if text := short.Text(); !strings.HasPrefix(text, "malformed array b\"") {
				t.Fatalf("text of a malformed value: %s", text)
			}
		}
	})
}

// TestValueStops: f may end the walk, also before what is malformed.
func TestValueStops(t *testing.T) {
	v := span.ArrayValue(span.IntValue(1), span.IntValue(2))
	v.Str = v.Str[:len(v.Str)-1]
	n := 0
	if err := v.Elems(func(span.Value) bool { n++; return false }); err != nil || n != 1 {
		t.Errorf("%d elements, error %v", n, err)
	}
	if err := span.StringValue("x").Elems(func(span.Value) bool { n++; return true }); err != nil || n != 1 {
		t.Errorf("a string has %d elements, error %v", n, err)
	}
}

func TestValueText(t *testing.T) {
	for _, c := range []struct {
		v    span.Value
		want string
	}{
		{span.Value{}, "null"},
		{span.StringValue("a\"b\n☕"), `"a\"b\n☕"`},
		{span.StringValue("\xff☕"), `"\xff\u2615"`},
		{span.BoolValue(true), "true"},
		{span.IntValue(math.MinInt64), "-9223372036854775808"},
		{span.DoubleValue(3), "3.0"},
		{span.DoubleValue(math.Copysign(0, -1)), "-0.0"},
		{span.DoubleValue(1e300), "1e+300"},
		{span.DoubleValue(math.Inf(-1)), "-Inf"},
		{span.DoubleValue(math.NaN()), "NaN"},
		{span.Value{Type: span.TypeDouble, Num: 0xfff8000000000000}, "NaN:fff8000000000000"},
		{span.BytesValue([]byte{0, 255}), `b"AP8="`},
		{span.ArrayValue(), "[]"},
		{span.ArrayValue(span.IntValue(1), span.ArrayValue(span.StringValue("x")), span.Value{}), `[1, ["x"], null]`},
		{span.MapValue(span.Entry{Key: "k", Value: span.MapValue()}, span.Entry{Key: "", Value: span.DoubleValue(0.5)}), `{"k": {}, "": 0.5}`},
		{span.Value{Type: span.TypeArray, Str: ""}, `malformed array b""`},
		{span.Value{Type: span.TypeMap, Str: "\x01"}, `malformed map b"AQ=="`},
		{span.Value{Type: span.TypeArray, Str: "\x00\x00"}, `malformed array b"AAA="`},
		{span.Value{Type: span.TypeArray, Str: "\x01\x63"}, `malformed array b"AWM="`},
		{span.Value{Type: span.TypeArray, Str: "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"}, `malformed array b"////////////fw=="`},
	} {
		if got := c.v.Text(); got != c.want {
			t.Errorf("%+v: %s, want %s", c.v, got, c.want)
		}
	}
}

// TestValueDeep: values nested as deeply as decoders allow are kept and printed, deeper ones are refused, and neither
// takes more than linear time.
func TestValueDeep(t *testing.T) {
	for _, c := range []struct {
		depth int
		ok    bool
	}{{1, true}, {9_999, true}, {10_001, true}, {30_000, false}, {1_000_000, false}} {
		payload := strings.Repeat("\x01\x06", c.depth-1) + "\x00" // arrays of one array, the innermost empty
		v := span.Value{Type: span.TypeArray, Str: payload}
		err := v.Elems(func(span.Value) bool { return true })
		if (err == nil) != c.ok {
			t.Errorf("depth %d: %v", c.depth, err)
		}
		if got := strings.HasPrefix(v.Text(), "malformed"); got == c.ok {
			t.Errorf("depth %d: malformed %v", c.depth, got)
		}
	}
}

// FuzzValue: no encoding makes the walk panic, and what it accepts can be written again.
func FuzzValue(f *testing.F) {
	f.Add(byte(span.TypeArray), span.ArrayValue(span.StringValue("a"), span.DoubleValue(1), span.MapValue(span.Entry{Key: "k", Value: span.BoolValue(true)})).Str)
	f.Add(byte(span.TypeMap), span.MapValue(span.Entry{Key: "k", Value: span.ArrayValue(span.IntValue(-1), span.Value{})}).Str)
	f.Add(byte(span.TypeArray), "\x01\x06\x01\x06\x00")
	f.Add(byte(span.TypeArray), "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
	f.Fuzz(func(t *testing.T, typ byte, payload string) {
		v := span.Value{Type: span.Type(typ), Str: payload}
		text := v.Text()
		p, err := read(v)
		if typ != byte(span.TypeArray) && typ != byte(span.TypeMap) {
			return
		}
		if (err != nil) != strings.HasPrefix(text, "malformed") {
			t.Fatalf("error %v, text %s", err, text)
		}
		if err != nil {
			return
		}
		q, err := read(p.value())
		if diff := cmp.Diff(p, q); err != nil || diff != "" {
			t.Fatalf("written again: %v (-want +got):\n%s", err, diff)
		}
		if p.value().Text() != text {
			t.Fatalf("text %s, written again %s", text, p.value().Text())
		}
	})
}
