// SPDX-License-Identifier: Apache-2.0

package tempo

import (
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/clew-tracing/clew/query"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
)

// message is a request as its fields: the last value of each number, and of length-delimited ones all.
type message struct {
	numbers map[protowire.Number]uint64
	bytes   map[protowire.Number][][]byte
}

// parseMessage reads a message of numbers, strings and messages. Fields of other kinds are skipped.
func parseMessage(raw []byte) (message, error) {
	m := message{numbers: map[protowire.Number]uint64{}, bytes: map[protowire.Number][][]byte{}}
	for len(raw) > 0 {
		number, typ, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return m, fmt.Errorf("request: %w", protowire.ParseError(n))
		}
		raw = raw[n:]
		switch typ {
		case protowire.VarintType:
			m.numbers[number], n = protowire.ConsumeVarint(raw)
		case protowire.BytesType:
			var v []byte
			v, n = protowire.ConsumeBytes(raw)
			m.bytes[number] = append(m.bytes[number], v)
		default:
			n = protowire.ConsumeFieldValue(number, typ, raw)
		}
		if n < 0 {
			return m, fmt.Errorf("request: %w", protowire.ParseError(n))
		}
		raw = raw[n:]
	}
	return m, nil
}

// text is a string field; "" if it is not there.
func (m message) text(number protowire.Number) string {
	if list := m.bytes[number]; len(list) > 0 {
		return string(list[len(list)-1])
	}
	return ""
}

// number is a number field in decimal; "" if it is not there, or zero, which is the same.
func (m message) number(number protowire.Number) string {
	if v := m.numbers[number]; v != 0 {
		return strconv.FormatUint(v, 10)
	}
	return ""
}

// values are fields as the HTTP API's parameters.
func (m message) values(names map[protowire.Number]string) url.Values {
	q := url.Values{}
	for number, name := range names {
		if s := m.text(number) + m.number(number); s != "" {
			q.Set(name, s)
		}
	}
	return q
}

// nanoseconds are fields that are moments, unix ns.
func (m message) nanoseconds(names map[protowire.Number]string) url.Values {
	q := url.Values{}
	for number, name := range names {
		if ns := m.numbers[number]; ns != 0 && ns <= math.MaxInt64 {
			q.Set(name, time.Unix(0, int64(ns)).UTC().Format(time.RFC3339Nano))
		} else if ns != 0 {
			q.Set(name, strconv.FormatUint(ns, 10)) // is refused
		}
	}
	return q
}

// tags are the entries of a map of strings, as logfmt.
func (m message) tags(number protowire.Number) string {
	var pairs []string
	for _, raw := range m.bytes[number] {
		entry, err := parseMessage(raw)
		if err != nil {
			continue // proto's own decoders would have refused the whole
		}
		pairs = append(pairs, entry.text(1)+"="+strconv.Quote(entry.text(2)))
	}
	return strings.Join(pairs, " ")
}

// What follows appends fields of tempopb's messages and OTLP's KeyValue. Zero values are left out, as proto3 does.

func appendString(dst []byte, number protowire.Number, v string) []byte {
	return protowire.AppendString(protowire.AppendTag(dst, number, protowire.BytesType), v)
}

func appendMessage(dst []byte, number protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(dst, number, protowire.BytesType), v)
}

func appendUint(dst []byte, number protowire.Number, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return protowire.AppendVarint(protowire.AppendTag(dst, number, protowire.VarintType), v)
}

func appendDouble(dst []byte, number protowire.Number, v float64) []byte {
	if v == 0 {
		return dst
	}
	return protowire.AppendFixed64(protowire.AppendTag(dst, number, protowire.Fixed64Type), math.Float64bits(v))
}

// appendTrace appends a TraceSearchMetadata.
func appendTrace(dst []byte, t *query.Trace) []byte {
	m := metadata(t)
	dst = appendString(dst, 1, m.TraceID)
	if m.RootServiceName != "" {
		dst = appendString(dst, 2, m.RootServiceName)
	}
	if m.RootTraceName != "" {
		dst = appendString(dst, 3, m.RootTraceName)
	}
	dst = appendUint(dst, 4, uint64(t.Start))
	dst = appendUint(dst, 5, uint64(m.DurationMs))
	for i, set := range t.SpanSets {
		raw := appendSpanSet(nil, set)
		if i == 0 {
			dst = appendMessage(dst, 6, raw)
		}
		dst = appendMessage(dst, 7, raw)
	}
	for _, s := range t.Services {
		stats := appendUint(appendUint(nil, 1, uint64(s.Spans)), 2, uint64(s.Errors))
		dst = appendMessage(dst, 8, appendMessage(appendString(nil, 1, s.Name), 2, stats))
	}
	return dst
}

// appendSpanSet appends a SpanSet.
func appendSpanSet(dst []byte, set query.SpanSet) []byte {
	for _, s := range set.Spans {
		raw := appendString(nil, 1, s.ID.String())
		if s.Name != "" {
			raw = appendString(raw, 2, s.Name)
		}
		raw = appendUint(raw, 3, uint64(s.Start))
		raw = appendUint(raw, 4, uint64(s.Duration))
		for _, a := range s.Attributes {
			raw = appendMessage(raw, 5, appendKeyValue(nil, a.Bare, a.Readable()))
		}
		dst = appendMessage(dst, 1, raw)
	}
	dst = appendUint(dst, 2, uint64(clamp32(int64(set.Matched))))
	for _, a := range set.Attributes {
		dst = appendMessage(dst, 3, appendKeyValue(nil, a.Name, a.Readable()))
	}
	return dst
}

// appendMetrics appends a SearchMetrics.
func appendMetrics(dst []byte, c store.Counters, done, parts int) []byte {
	dst = appendUint(dst, 1, uint64(clamp32(c.Traces)))
	dst = appendUint(dst, 2, uint64(c.Bytes))
	dst = appendUint(dst, 3, uint64(clamp32(c.Blocks+c.BlocksSkipped)))
	dst = appendUint(dst, 4, uint64(done))
	dst = appendUint(dst, 5, uint64(parts))
	return appendUint(dst, 7, uint64(c.Spans))
}

// appendListMetrics appends the MetadataMetrics of a complete list.
func appendListMetrics(dst []byte) []byte { return appendUint(appendUint(dst, 2, 1), 3, 1) }

// appendPartial appends status and message of an answer that is not all there is.
func appendPartial(dst []byte, res *query.MetricsResult) []byte {
	if !res.Partial {
		return dst
	}
	return appendString(appendUint(dst, 3, 1), 4, res.Reason)
}

// appendSeries appends a TimeSeries.
func appendSeries(dst []byte, s *query.Series, times query.Times) []byte {
	dst = appendLabels(dst, s.Labels)
	for i, v := range s.Values {
		if !math.IsNaN(v) {
			dst = appendMessage(dst, 2, appendUint(appendDouble(nil, 1, v), 2, uint64(times.At(i)/int64(time.Millisecond))))
		}
	}
	for _, e := range s.Exemplars {
		raw := appendMessage(nil, 1, appendKeyValue(nil, traceIDLabel, span.StringValue(e.TraceID.String())))
		for _, a := range e.Attributes {
			raw = appendMessage(raw, 1, appendKeyValue(nil, a.Name, a.Readable()))
		}
		dst = appendMessage(dst, 4, appendUint(appendDouble(raw, 2, e.Value), 3, uint64(e.Time/int64(time.Millisecond))))
	}
	return dst
}

// appendLabels appends labels as field 1.
func appendLabels(dst []byte, labels []query.Label) []byte {
	for _, l := range labels {
		dst = appendMessage(dst, 1, appendKeyValue(nil, l.Name, l.Readable()))
	}
	return dst
}

// appendKeyValue appends a KeyValue.
func appendKeyValue(dst []byte, key string, v span.Value) []byte {
	return appendMessage(appendString(dst, 1, key), 2, appendAnyValue(nil, v))
}

// appendAnyValue appends an AnyValue, whose case is told also where it is zero.
func appendAnyValue(dst []byte, v span.Value) []byte {
	switch v.Type {
	case span.TypeString:
		return appendString(dst, 1, v.Str)
	case span.TypeBool:
		return protowire.AppendVarint(protowire.AppendTag(dst, 2, protowire.VarintType), v.Num)
	case span.TypeInt:
		return protowire.AppendVarint(protowire.AppendTag(dst, 3, protowire.VarintType), v.Num)
	case span.TypeDouble:
		return protowire.AppendFixed64(protowire.AppendTag(dst, 4, protowire.Fixed64Type), v.Num)
	case span.TypeArray:
		var list []byte
		_ = v.Elems(func(e span.Value) bool { list = appendMessage(list, 1, appendAnyValue(nil, e)); return true })
		return appendMessage(dst, 5, list)
	case span.TypeMap:
		var list []byte
		_ = v.Entries(func(k string, e span.Value) bool {
			list = appendMessage(list, 1, appendKeyValue(nil, k, e))
			return true
		})
		return appendMessage(dst, 6, list)
	case span.TypeBytes:
		return appendString(dst, 7, v.Str)
	}
	return dst
}
