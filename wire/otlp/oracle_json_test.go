// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

// oracleJSON reads OTLP/JSON with protobuf's generic JSON mapping, after it has turned the ids from hex to the base64
// that this mapping wants. Ids that are neither become one byte, which no id has.
func oracleJSON(data []byte) (*tracepb.TracesData, error) {
	generic, err := genericJSON(bytes.ToValidUTF8(data, []byte("\uFFFD")))
	if err != nil {
		return nil, err
	}
	var td tracepb.TracesData
	return &td, protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(generic, &td)
}

func genericJSON(data []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var out bytes.Buffer
	var open []json.Delim
	var counts []int
	key, isKey := "", false
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			if len(open) > 0 {
				return nil, io.ErrUnexpectedEOF
			}
			return out.Bytes(), nil
		}
		if err != nil {
			return nil, err
		}
		if delim, ok := tok.(json.Delim); ok && (delim == '}' || delim == ']') {
			out.WriteRune(rune(delim))
			open, counts = open[:len(open)-1], counts[:len(counts)-1]
			isKey = false
			continue
		}
		if n := len(open); n > 0 {
			if open[n-1] == '{' && !isKey {
				if counts[n-1]++; counts[n-1] > 1 {
					out.WriteByte(',')
				}
				key, isKey = tok.(string), true
				text, err := json.Marshal(key)
				if err != nil {
					return nil, err
				}
				out.Write(append(text, ':'))
				continue
			}
			if open[n-1] == '[' {
				if counts[n-1]++; counts[n-1] > 1 {
					out.WriteByte(',')
				}
			}
		}
		switch v := tok.(type) {
		case json.Delim:
			out.WriteRune(rune(v))
			open, counts = append(open, v), append(counts, 0)
		case string:
			if isKey {
				v = genericID(key, v)
			}
			text, err := json.Marshal(v)
			if err != nil {
				return nil, err
			}
			out.Write(text)
		case nil:
			out.WriteString("null")
		default:
			fmt.Fprint(&out, v)
		}
		isKey = false
		if _, ok := tok.(json.Delim); !ok && len(open) == 0 && dec.More() {
			return nil, fmt.Errorf("more than one value")
		}
	}
}

func genericID(key, v string) string {
	var n int
	switch key {
	case "traceId", "trace_id":
		n = 16
	case "spanId", "span_id", "parentSpanId", "parent_span_id":
		n = 8
	default:
		return v
	}
	raw, err := hex.DecodeString(v)
	if err == nil && (len(raw) == n || len(raw) == 0) {
		return base64.StdEncoding.EncodeToString(raw)
	}
	if b, ok := decodeBase64(nil, []byte(v)); ok && len(b) == n && len(v) <= 24 {
		return base64.StdEncoding.EncodeToString(b)
	}
	return "AA=="
}
