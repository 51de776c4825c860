// SPDX-License-Identifier: Apache-2.0

package otlp

import "github.com/clew-tracing/clew/span"

// keyValue adds a KeyValue message to the owner that is being built in a. depth is that of the message itself.
//
// Nearly all attributes are a key and one AnyValue with one scalar: those go straight into the columns. Whatever else
// protobuf allows (a value in several pieces, nested values, unknown fields) goes by way of the tape.
func (d *Decoder) keyValue(a *span.Attrs, msg []byte, depth int) *DecodeError {
	if key, value, ok := plainKeyValue(msg); ok {
		if n := len(value); n >= 2 && uint32(value[0]) == tagValueString && int(value[1]) == n-2 {
			k := d.str(key)
			a.Add(k, span.TypeString, uint64(d.str(value[2:])))
			return nil
		}
	}
	var f field
	var code int
	var key, value []byte
	values := 0
	for rest := msg; len(rest) > 0; {
		if rest, code = f.next(rest); code < 0 {
			return d.fail(rest, code)
		}
		switch f.tag {
		case tagKeyValueKey:
			key = f.data
		case tagKeyValueValue:
			value = f.data
			values++
		}
	}
	k := d.str(key)
	if values == 1 && len(value) > 0 {
		rest, code := f.next(value)
		if code < 0 {
			return d.fail(rest, code).in("value")
		}
		if len(rest) == 0 {
			switch f.tag {
			case tagValueString:
				a.Add(k, span.TypeString, uint64(d.str(f.data)))
				return nil
			case tagValueBool:
				a.Add(k, span.TypeBool, boolBits(f.num != 0))
				return nil
			case tagValueInt:
				a.Add(k, span.TypeInt, f.num)
				return nil
			case tagValueDouble:
				a.Add(k, span.TypeDouble, f.num)
				return nil
			case tagValueBytes:
				a.Add(k, span.TypeBytes, uint64(d.b.Strings.Intern(f.data)))
				return nil
			}
		}
	}
	m := d.tape.mark()
	if err := d.values(m, msg, depth); err != nil {
		return err
	}
	d.addFromTape(a, k, m)
	return nil
}

// plainKeyValue takes a message apart that is one key and one value, in this order, both shorter than 128 bytes.
func plainKeyValue(msg []byte) (key, value []byte, ok bool) {
	if len(msg) < 4 || uint32(msg[0]) != tagKeyValueKey {
		return nil, nil, false
	}
	k := int(msg[1]) + 2
	if msg[1] >= 0x80 || k+2 > len(msg) || uint32(msg[k]) != tagKeyValueValue || msg[k+1] >= 0x80 || k+2+int(msg[k+1]) != len(msg) {
		return nil, nil, false
	}
	return msg[2:k], msg[k+2:], true
}

// values merges all values of a KeyValue message, which was read over before, into the one at m.
func (d *Decoder) values(m tapeMark, msg []byte, depth int) *DecodeError {
	var f field
	for len(msg) > 0 {
		if msg, _ = f.next(msg); f.tag == tagKeyValueValue {
			if err := d.anyValue(m, f.data, depth+1); err != nil {
				return err.in("value")
			}
		}
	}
	return nil
}

// anyValue merges an AnyValue message into the value at m: the last case set wins, and arrays and maps that follow
// their like are joined to it.
func (d *Decoder) anyValue(m tapeMark, msg []byte, depth int) *DecodeError {
	if depth > maxDepth {
		return d.fail(msg, codeDepth)
	}
	t := &d.tape
	var f field
	var code int
	unknown := false
	for len(msg) > 0 {
		if msg, code = f.next(msg); code < 0 {
			return d.fail(msg, code)
		}
		switch f.tag {
		case tagValueString:
			d.tapeString(m, f.data)
		case tagValueBool:
			t.number(m, span.TypeBool, boolBits(f.num != 0))
		case tagValueInt:
			t.number(m, span.TypeInt, f.num)
		case tagValueDouble:
			t.number(m, span.TypeDouble, f.num)
		case tagValueBytes:
			t.bytes(m, span.TypeBytes, f.data)
		case tagValueArray:
			if err := d.arrayValue(t.container(m, span.TypeArray), f.data, depth+1); err != nil {
				return err.in("array_value")
			}
		case tagValueMap:
			if err := d.mapValue(t.container(m, span.TypeMap), f.data, depth+1); err != nil {
				return err.in("kvlist_value")
			}
		case tagValueStringIndex:
			t.empty(m)
			d.notes |= span.NoteUnknownValue
		default:
			unknown = true
		}
	}
	if unknown && len(t.buf) == m.buf {
		d.notes |= span.NoteUnknownValue
	}
	return nil
}

// arrayValue appends the elements of an ArrayValue message to the array whose count is the n-th.
func (d *Decoder) arrayValue(n int, msg []byte, depth int) *DecodeError {
	if depth > maxDepth {
		return d.fail(msg, codeDepth)
	}
	t := &d.tape
	var f field
	var code int
	for len(msg) > 0 {
		if msg, code = f.next(msg); code < 0 {
			return d.fail(msg, code)
		}
		if f.tag == tagArrayValues {
			m := t.mark()
			if err := d.anyValue(m, f.data, depth+1); err != nil {
				return err.at("values", t.late[n].n)
			}
			t.done(m)
			t.late[n].n++
		}
	}
	return nil
}

// mapValue appends the entries of a KeyValueList message to the map whose count is the n-th.
func (d *Decoder) mapValue(n int, msg []byte, depth int) *DecodeError {
	if depth > maxDepth {
		return d.fail(msg, codeDepth)
	}
	t := &d.tape
	var f field
	var code int
	for len(msg) > 0 {
		if msg, code = f.next(msg); code < 0 {
			return d.fail(msg, code)
		}
		if f.tag == tagMapEntries {
			if err := d.mapEntry(f.data, depth+1); err != nil {
				return err.at("values", t.late[n].n)
			}
			t.late[n].n++
		}
	}
	return nil
}

func (d *Decoder) mapEntry(msg []byte, depth int) *DecodeError {
	if depth > maxDepth {
		return d.fail(msg, codeDepth)
	}
	var f field
	var code int
	var key []byte
	for rest := msg; len(rest) > 0; {
		if rest, code = f.next(rest); code < 0 {
			return d.fail(rest, code)
		}
		if f.tag == tagKeyValueKey {
			key = f.data
		}
	}
	d.tapeKey(key)
	m := d.tape.mark()
	if err := d.values(m, msg, depth); err != nil {
		return err
	}
	d.tape.done(m)
	return nil
}
