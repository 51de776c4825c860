// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/clew-tracing/clew/span"
)

// nested returns a request with a span whose attribute is arrays in arrays, levels deep.
func nested(levels int) []byte {
	field := func(num protowire.Number, body []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), body)
	}
	value := field(1, []byte("leaf"))
	for range levels {
		value = field(5, field(1, value))
	}
	s := append(field(1, []byte("0123456789abcdef")), field(2, []byte("01234567"))...)
	s = append(s, field(9, append(field(1, []byte("deep")), field(2, value)...))...)
	return field(1, field(2, field(2, s)))
}

// TestDepth nests values up to protobuf's limit and one message further, where protobuf-go gives up as well.
func TestDepth(t *testing.T) {
	var d Decoder
	for _, levels := range []int{1, 100, 4997, 4998, 6000} {
		data := nested(levels)
		var b span.Batch
		_, err := d.Decode(&b, data)
		_, wantErr := oracleDecode(data)
		if (err != nil) != (wantErr != nil) {
			t.Errorf("%d levels: %v; the oracle says %v", levels, err, wantErr)
		}
		if err != nil {
			if len(err.Error()) > 1000 || !strings.Contains(err.Error(), "10,000 deep") {
				t.Errorf("%d levels: the error is %d bytes long: %.200s", levels, len(err.Error()), err)
			}
			continue
		}
		// What was read can be written in both forms, and read again.
		var e Encoder
		if !bytes.Equal(e.AppendProto(nil, &b, nil), data) {
			t.Errorf("%d levels: written differently", levels)
		}
		var back span.Batch
		if _, err := d.DecodeJSON(&back, e.AppendJSON(nil, &b, nil, JSONOptions{})); err != nil || !span.Equal(&b, 0, &back, 0) {
			t.Errorf("%d levels: differs after a detour over JSON (%v)", levels, err)
		}
	}
	text := `{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"value":` + strings.Repeat(`{"arrayValue":{"values":[`, 20_000)
	if _, err := d.DecodeJSON(&span.Batch{}, []byte(text)); err == nil || !strings.Contains(err.Error(), "10,000 deep") {
		t.Errorf("JSON without end: %v", err)
	}
	text = `{"unknown":` + strings.Repeat("[", 1_000_000) + strings.Repeat("]", 1_000_000) + `}`
	if _, err := d.DecodeJSON(&span.Batch{}, []byte(text)); err != nil {
		t.Errorf("an unknown field may be nested as deep as it likes: %v", err)
	}
}

// TestMaxBatch decodes requests whose parts are far larger in memory than on the wire.
func TestMaxBatch(t *testing.T) {
	field := func(num protowire.Number, body []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), body)
	}
	const n = 500_000
	for name, data := range map[string][]byte{
		"links":      field(1, field(2, field(2, bytes.Repeat(field(13, nil), n)))),
		"events":     field(1, field(2, field(2, bytes.Repeat(field(11, nil), n)))),
		"attributes": field(1, field(2, field(2, bytes.Repeat(field(9, nil), n)))),
		"links of many spans": field(1, field(2, bytes.Repeat(field(2,
			append(append(field(1, []byte("0123456789abcdef")), field(2, []byte("01234567"))...), bytes.Repeat(field(13, nil), 100)...)), n/100))),
		"resource attributes": field(1, append(field(1, bytes.Repeat(field(1, nil), n)), field(2, field(2,
			append(field(1, []byte("0123456789abcdef")), field(2, []byte("01234567"))...)))...)),
	} {
		d := Decoder{MaxBatch: 2 << 20}
		var b span.Batch
		if _, err := d.Decode(&b, data); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %d bytes became %d bytes: %v", name, len(data), b.Mem(), err)
		}
		if b.Len() != 0 {
			t.Errorf("%s: %d spans left", name, b.Len())
		}
		d.MaxBatch = 1 << 30
		if _, err := d.Decode(&span.Batch{}, data); err != nil {
			t.Errorf("%s, with a high limit: %v", name, err)
		}
	}
	text := `{"resourceSpans":[{"scopeSpans":[{"spans":[{"links":[{}` + strings.Repeat(",{}", n) + `]}]}]}]}`
	d := Decoder{MaxBatch: 2 << 20}
	if _, err := d.DecodeJSON(&span.Batch{}, []byte(text)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("JSON: %v", err)
	}
}

// TestAppendsToBatch decodes into a batch that has spans already, and takes only its own back when it fails.
func TestAppendsToBatch(t *testing.T) {
	var d Decoder
	var b span.Batch
	one, two := nested(1), nested(2)
	for i, data := range [][]byte{one, two, one[:len(one)-1], two} {
		_, err := d.Decode(&b, data)
		if (err != nil) != (i == 2) {
			t.Fatal(i, err)
		}
	}
	if b.Len() != 3 {
		t.Fatalf("%d spans", b.Len())
	}
	var want span.Batch
	for _, data := range [][]byte{one, two, two} {
		if _, err := new(Decoder).Decode(&want, data); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := span.DumpString(&b), span.DumpString(&want); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestCount(t *testing.T) {
	for _, c := range []struct {
		s    Signal
		text string
		want int
	}{
		{SignalTraces, `{"resourceSpans":[{"scopeSpans":[{"spans":[{},{}]},{"spans":[{}]}]}]}`, 3},
		{SignalMetrics, `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"sum":{"dataPoints":[{},{}]},"unknown":{"dataPoints":[{}]}},{"gauge":null}]}]}]}`, 2},
		{SignalLogs, `{"resource_logs":[{"scope_logs":[{"log_records":[{}]}]}],"x":[1]}`, 1},
		{SignalLogs, `{}`, 0},
	} {
		var d Decoder
		if n, err := d.CountJSON(c.s, []byte(c.text)); n != c.want || err != nil {
			t.Errorf("%s %s: %d, %v; want %d", c.s, c.text, n, err, c.want)
		}
	}
	for _, text := range []string{``, `{"resourceLogs":`, `{"resourceLogs":{}]`, `{} x`, `[]`} {
		var d Decoder
		if _, err := d.CountJSON(SignalLogs, []byte(text)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestResponse(t *testing.T) {
	for _, c := range []struct {
		s        Signal
		rejected int
		message  string
		proto    string
		json     string
	}{
		{SignalTraces, 0, "", "", `{}`},
		{SignalTraces, 3, "why", "0a0708031203776879", `{"partialSuccess":{"rejectedSpans":"3","errorMessage":"why"}}`},
		{SignalMetrics, 300, "", "0a0308ac02", `{"partialSuccess":{"rejectedDataPoints":"300"}}`},
		{SignalLogs, 0, `a "warning"`, "0a0d120b61202277" + "61726e696e6722", `{"partialSuccess":{"errorMessage":"a \"warning\""}}`},
	} {
		if got := fmt.Sprintf("%x", AppendResponse(nil, c.s, c.rejected, c.message)); got != c.proto {
			t.Errorf("%v: protobuf %s, want %s", c, got, c.proto)
		}
		if got := string(AppendResponseJSON(nil, c.s, c.rejected, c.message)); got != c.json {
			t.Errorf("%v: JSON %s, want %s", c, got, c.json)
		}
	}
}
