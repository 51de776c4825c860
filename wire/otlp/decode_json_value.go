// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"math"

	"github.com/clew-tracing/clew/span"
)

// jsonAttributes adds a list of KeyValue, messages of the given depth, to the owner that is being built in a.
func (d *Decoder) jsonAttributes(a *span.Attrs, depth int) *DecodeError {
	return d.jsonList("attributes", func(int) *DecodeError {
		var key span.Code
		var value jsonAttr
		err := d.jsonObject(func(name []byte) (err *DecodeError) {
			switch string(name) {
			case "key":
				key, err = d.jsonStr()
				return err.in("key")
			case "value":
				value, err = d.jsonValue(depth + 1)
				return err.in("value")
			}
			return d.json.skip()
		})
		a.Add(key, value.typ, value.val)
		return err
	})
}

// jsonAttr is a value as it stands in span.Attrs.
type jsonAttr struct {
	typ span.Type
	val uint64
}

// jsonValue reads an AnyValue into what a column holds. Only arrays and maps need the tape.
func (d *Decoder) jsonValue(depth int) (v jsonAttr, err *DecodeError) {
	members := false
	err = d.jsonObject(func(name []byte) (err *DecodeError) {
		if d.json.null() {
			return nil
		}
		members = true
		switch string(name) {
		case "stringValue", "string_value":
			var c span.Code
			c, err = d.jsonStr()
			v = jsonAttr{span.TypeString, uint64(c)}
			return err.in("stringValue")
		case "intValue", "int_value":
			var n uint64
			n, err = d.jsonInt(math.MinInt64, math.MaxInt64)
			v = jsonAttr{span.TypeInt, n}
			return err.in("intValue")
		case "boolValue", "bool_value":
			var t bool
			t, err = d.jsonBool()
			v = jsonAttr{span.TypeBool, boolBits(t)}
			return err.in("boolValue")
		case "doubleValue", "double_value":
			var f float64
			f, err = d.jsonDouble()
			v = jsonAttr{span.TypeDouble, doubleBits(f)}
			return err.in("doubleValue")
		case "bytesValue", "bytes_value":
			var raw []byte
			raw, err = d.jsonBase64()
			v = jsonAttr{span.TypeBytes, uint64(d.b.Strings.Intern(raw))}
			return err.in("bytesValue")
		case "arrayValue", "array_value", "kvlistValue", "kvlist_value":
			m := d.tape.mark()
			if err = d.jsonComposite(m, name[0] == 'k', depth+1); err != nil {
				return err
			}
			typ, payload := d.tape.encode(m)
			v = jsonAttr{typ, uint64(d.b.Strings.Intern(payload))}
			return nil
		case "stringValueStrindex", "string_value_strindex":
			v = jsonAttr{}
		}
		return d.json.skip()
	})
	if members && v.typ == span.TypeEmpty {
		d.notes |= span.NoteUnknownValue
	}
	return v, err
}

// jsonComposite reads an ArrayValue or KeyValueList onto the tape at m.
func (d *Decoder) jsonComposite(m tapeMark, isMap bool, depth int) *DecodeError {
	if depth > maxDepth {
		return d.json.fail(wireReason(codeDepth))
	}
	t := &d.tape
	typ, label := span.TypeArray, "arrayValue"
	if isMap {
		typ, label = span.TypeMap, "kvlistValue"
	}
	t.cut(m)
	n := t.container(m, typ)
	return d.jsonObject(func(name []byte) *DecodeError {
		if string(name) != "values" {
			return d.json.skip()
		}
		return d.jsonList("values", func(int) *DecodeError {
			t.late[n].n++
			if isMap {
				return d.jsonEntry(depth + 1)
			}
			m := t.mark()
			err := d.jsonNested(m, depth+1)
			t.done(m)
			return err
		})
	}).in(label)
}

// jsonEntry reads an entry of a map onto the tape. Key and value may come in either order.
func (d *Decoder) jsonEntry(depth int) *DecodeError {
	if depth > maxDepth {
		return d.json.fail(wireReason(codeDepth))
	}
	t := &d.tape
	n := t.lateKey()
	m := t.mark()
	err := d.jsonObject(func(name []byte) *DecodeError {
		switch string(name) {
		case "key":
			key, err := d.jsonText()
			t.setKey(n, d.valid(key))
			return err.in("key")
		case "value":
			t.cut(m)
			return d.jsonNested(m, depth+1).in("value")
		}
		return d.json.skip()
	})
	t.done(m)
	return err
}

// jsonNested reads an AnyValue onto the tape at m.
func (d *Decoder) jsonNested(m tapeMark, depth int) *DecodeError {
	if depth > maxDepth {
		return d.json.fail(wireReason(codeDepth))
	}
	t := &d.tape
	members := false
	err := d.jsonObject(func(name []byte) (err *DecodeError) {
		if d.json.null() {
			return nil
		}
		members = true
		switch string(name) {
		case "stringValue", "string_value":
			var text []byte
			text, err = d.jsonText()
			d.tapeString(m, text)
			return err.in("stringValue")
		case "intValue", "int_value":
			var n uint64
			n, err = d.jsonInt(math.MinInt64, math.MaxInt64)
			t.number(m, span.TypeInt, n)
			return err.in("intValue")
		case "boolValue", "bool_value":
			var v bool
			v, err = d.jsonBool()
			t.number(m, span.TypeBool, boolBits(v))
			return err.in("boolValue")
		case "doubleValue", "double_value":
			var f float64
			f, err = d.jsonDouble()
			t.number(m, span.TypeDouble, doubleBits(f))
			return err.in("doubleValue")
		case "bytesValue", "bytes_value":
			var raw []byte
			raw, err = d.jsonBase64()
			t.bytes(m, span.TypeBytes, raw)
			return err.in("bytesValue")
		case "arrayValue", "array_value", "kvlistValue", "kvlist_value":
			return d.jsonComposite(m, name[0] == 'k', depth+1)
		case "stringValueStrindex", "string_value_strindex":
			t.empty(m)
		}
		return d.json.skip()
	})
	if members && (len(t.buf) == m.buf || span.Type(t.buf[m.buf]) == span.TypeEmpty) {
		d.notes |= span.NoteUnknownValue
	}
	return err
}
