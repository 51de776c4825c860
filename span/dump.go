// SPDX-License-Identifier: Apache-2.0

package span

import (
	"bytes"
	"io"
	"slices"
	"strconv"
)

// Dump writes every span of b as text that people can read and goldens can hold. Two batches hold equal sets of spans,
// in the sense of [Equal], exactly if their dumps are equal: spans stand in the order of (trace id, start, span id,
// text), attributes in the order of key, and notes, weights, arrival and tenant are left out. Dump does not collapse.
// What has an = is an attribute; what has none (dropped 3, flags 1, schema "…") is not.
//
//	trace 4bf92f3577b34da6a3ce929d0e0e4736
//	  span 00f067aa0ba902b7 < 53995c3f42cd8ad8 server "GET /cart" error "boom"
//	    time 1700000000000000000 +5200000
//	    resource service.name="cart" service.version="1.4.2"
//	    scope "otelhttp" "0.60"
//	    http.route="/cart"
//	    event +100000 "exception" exception.message="boom"
//	    link 0af7651916cd43dd8448eb211c80319c/b7ad6b7169203331 reason="retry"
func Dump(w io.Writer, b *Batch) error {
	texts := make([][]byte, b.Len())
	rows := make([]int, b.Len())
	for i := range rows {
		rows[i] = i
		texts[i] = AppendSpanText(nil, b, i)
	}
	slices.SortFunc(rows, func(x, y int) int {
		if c := bytes.Compare(b.TraceID[x][:], b.TraceID[y][:]); c != 0 {
			return c
		}
		if b.Start[x] != b.Start[y] {
			if b.Start[x] < b.Start[y] {
				return -1
			}
			return 1
		}
		if c := bytes.Compare(b.SpanID[x][:], b.SpanID[y][:]); c != 0 {
			return c
		}
		return bytes.Compare(texts[x], texts[y])
	})
	var last TraceID
	for k, i := range rows {
		if k == 0 || b.TraceID[i] != last {
			last = b.TraceID[i]
			if _, err := io.WriteString(w, "trace "+last.String()+"\n"); err != nil {
				return err
			}
		}
		if _, err := w.Write(texts[i]); err != nil {
			return err
		}
	}
	return nil
}

// DumpString returns what [Dump] writes.
func DumpString(b *Batch) string {
	var buf bytes.Buffer
	_ = Dump(&buf, b) // a bytes.Buffer takes everything
	return buf.String()
}

// AppendSpanText appends the lines of one span as [Dump] writes them.
func AppendSpanText(dst []byte, b *Batch, i int) []byte {
	dst = append(dst, "  span "...)
	dst = b.SpanID[i].AppendHex(dst)
	if !b.ParentID[i].IsZero() {
		dst = append(dst, " < "...)
		dst = b.ParentID[i].AppendHex(dst)
	}
	dst = append(dst, ' ')
	dst = append(dst, at(b.Kind, i).String()...)
	dst = append(dst, ' ')
	dst = appendQuoted(dst, b.Strings.String(at(b.Name, i)))
	if s := at(b.Status, i); s != StatusUnset || at(b.StatusMessage, i) != 0 {
		dst = append(dst, ' ')
		dst = append(dst, s.String()...)
		if m := at(b.StatusMessage, i); m != 0 {
			dst = append(dst, ' ')
			dst = appendQuoted(dst, b.Strings.String(m))
		}
	}
	dst = append(dst, "\n    time "...)
	dst = strconv.AppendUint(dst, uint64(b.Start[i]), 10)
	dst = appendSigned(append(dst, ' '), b.Duration[i])
	dst = append(dst, '\n')
	if s := at(b.TraceState, i); s != 0 {
		dst = append(dst, "    tracestate "...)
		dst = appendQuoted(dst, b.Strings.String(s))
		dst = append(dst, '\n')
	}
	dst = appendNumberLine(dst, "flags", at(b.Flags, i))
	dst = appendNumberLine(dst, "dropped attributes", at(b.DroppedAttrs, i))
	dst = appendNumberLine(dst, "dropped events", at(b.DroppedEvents, i))
	dst = appendNumberLine(dst, "dropped links", at(b.DroppedLinks, i))
	dst = b.appendResourceText(dst, int(at(b.Resource, i)))
	dst = b.appendScopeText(dst, int(at(b.Scope, i)))
	lo, hi := b.Attrs.Range(i)
	for _, a := range sortedAttrs(b, &b.Attrs, lo, hi) {
		dst = append(dst, "    "...)
		dst = b.appendAttrText(dst, &b.Attrs, a)
		dst = append(dst, '\n')
	}
	lo, hi = b.Events.Range(i)
	for e := lo; e < hi; e++ {
		dst = append(dst, "    event "...)
		dst = appendSigned(dst, b.Events.Time[e]-b.Start[i])
		dst = append(dst, ' ')
		dst = appendQuoted(dst, b.Strings.String(b.Events.Name[e]))
		dst = b.appendAttrsText(dst, &b.Events.Attrs, e)
		dst = appendNumber(dst, " dropped ", b.Events.Dropped[e])
		dst = append(dst, '\n')
	}
	lo, hi = b.Links.Range(i)
	for l := lo; l < hi; l++ {
		dst = append(dst, "    link "...)
		dst = b.Links.TraceID[l].AppendHex(dst)
		dst = append(dst, '/')
		dst = b.Links.SpanID[l].AppendHex(dst)
		if s := b.Links.TraceState[l]; s != 0 {
			dst = append(dst, " tracestate "...)
			dst = appendQuoted(dst, b.Strings.String(s))
		}
		dst = appendNumber(dst, " flags ", b.Links.Flags[l])
		dst = b.appendAttrsText(dst, &b.Links.Attrs, l)
		dst = appendNumber(dst, " dropped ", b.Links.Dropped[l])
		dst = append(dst, '\n')
	}
	return dst
}

func (b *Batch) appendResourceText(dst []byte, i int) []byte {
	r := &b.Resources
	if i >= r.Len() {
		return dst
	}
	lo, hi := r.Attrs.Range(i)
	if lo == hi && r.Dropped[i] == 0 && r.SchemaURL[i] == 0 && r.EntityRefs[i] == 0 {
		return dst
	}
	dst = append(dst, "    resource"...)
	dst = b.appendAttrsText(dst, &r.Attrs, i)
	dst = appendNumber(dst, " dropped ", r.Dropped[i])
	if r.SchemaURL[i] != 0 {
		dst = append(dst, " schema "...)
		dst = appendQuoted(dst, b.Strings.String(r.SchemaURL[i]))
	}
	if r.EntityRefs[i] != 0 {
		dst = append(dst, " entities "...)
		dst = Value{Type: TypeArray, Str: b.Strings.String(r.EntityRefs[i])}.AppendText(dst)
	}
	return append(dst, '\n')
}

func (b *Batch) appendScopeText(dst []byte, i int) []byte {
	s := &b.Scopes
	if i >= s.Len() {
		return dst
	}
	lo, hi := s.Attrs.Range(i)
	if lo == hi && s.Name[i] == 0 && s.Version[i] == 0 && s.Dropped[i] == 0 && s.SchemaURL[i] == 0 {
		return dst
	}
	dst = append(dst, "    scope "...)
	dst = appendQuoted(dst, b.Strings.String(s.Name[i]))
	if s.Version[i] != 0 {
		dst = append(dst, ' ')
		dst = appendQuoted(dst, b.Strings.String(s.Version[i]))
	}
	dst = b.appendAttrsText(dst, &s.Attrs, i)
	dst = appendNumber(dst, " dropped ", s.Dropped[i])
	if s.SchemaURL[i] != 0 {
		dst = append(dst, " schema "...)
		dst = appendQuoted(dst, b.Strings.String(s.SchemaURL[i]))
	}
	return append(dst, '\n')
}

// appendAttrsText appends " key=value" for each attribute, by key.
func (b *Batch) appendAttrsText(dst []byte, a *Attrs, owner int) []byte {
	lo, hi := a.Range(owner)
	for _, i := range sortedAttrs(b, a, lo, hi) {
		dst = b.appendAttrText(append(dst, ' '), a, i)
	}
	return dst
}

// appendAttrText appends key=value, the key quoted where it is not a plain word.
func (b *Batch) appendAttrText(dst []byte, a *Attrs, i int) []byte {
	key := b.Strings.String(a.Key[i])
	if plainKey(key) {
		dst = append(dst, key...)
	} else {
		dst = appendQuoted(dst, key)
	}
	return b.Value(a, i).AppendText(append(dst, '='))
}

func plainKey(key string) bool {
	for i := range len(key) {
		c := key[i]
		if c <= ' ' || c >= 0x7f || c == '"' || c == '=' {
			return false
		}
	}
	return key != ""
}

func appendSigned(dst []byte, n int64) []byte {
	if n >= 0 {
		dst = append(dst, '+')
	}
	return strconv.AppendInt(dst, n, 10)
}

func appendNumber(dst []byte, label string, n uint32) []byte {
	if n == 0 {
		return dst
	}
	return strconv.AppendUint(append(dst, label...), uint64(n), 10)
}

func appendNumberLine(dst []byte, label string, n uint32) []byte {
	if n == 0 {
		return dst
	}
	dst = append(append(dst, "    "...), label...)
	return append(strconv.AppendUint(append(dst, ' '), uint64(n), 10), '\n')
}
