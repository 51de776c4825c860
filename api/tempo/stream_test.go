// SPDX-License-Identifier: Apache-2.0

package tempo_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/clew-tracing/clew/api/tempo"
	"github.com/clew-tracing/clew/base/fs"
	"github.com/clew-tracing/clew/query"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/span/spantest"
	"github.com/clew-tracing/clew/store/embed"
)

// bytesCodec gives messages as they are on the wire.
type bytesCodec struct{}

func (bytesCodec) Name() string { return "proto" }
func (bytesCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

func (bytesCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

// both serves HTTP/1.1 and gRPC on one port without TLS, as a Grafana data source with streaming calls it.
func both(t *testing.T, batches ...*span.Batch) (web string, calls *grpc.ClientConn) {
	t.Helper()
	e, err := embed.Open(embed.Config{Dir: "data", FS: fs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		if err := e.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	c := tempo.Config{Engine: e, Query: query.New(query.Config{Engine: e}), Version: "test"}
	plain, stream := tempo.New(c), tempo.NewStreaming(c)
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if tempo.IsStreaming(r) {
			stream.ServeHTTP(w, r)
		} else {
			plain.ServeHTTP(w, r)
		}
	}))
	s.Config.Protocols = &protocols
	s.Start()
	calls, err = grpc.NewClient(s.Listener.Addr().(*net.TCPAddr).String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(bytesCodec{})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := calls.Close(); err != nil {
			t.Error(err)
		}
		s.Close()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.URL, calls
}

// call returns all messages of a call.
func call(ctx context.Context, c *grpc.ClientConn, method string, request []byte) (replies [][]byte, err error) {
	s, err := c.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/tempopb.StreamingQuerier/"+method)
	if err != nil {
		return nil, err
	}
	if err := s.SendMsg(request); err != nil {
		return nil, err
	}
	if err := s.CloseSend(); err != nil {
		return nil, err
	}
	for {
		var raw []byte
		if err := s.RecvMsg(&raw); errors.Is(err, io.EOF) {
			return replies, nil
		} else if err != nil {
			return replies, err
		}
		replies = append(replies, raw)
	}
}

// fields of requests.
func text1(dst []byte, n protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(dst, n, protowire.BytesType), s)
}

func uint1(dst []byte, n protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(dst, n, protowire.VarintType), v)
}

// schema is the fields of a message that a client knows: v varint, d double, s string, k KeyValue, or another message.
type schema map[protowire.Number]any

// Tempo's messages.
var (
	metricsSchema = schema{1: 'v', 2: 'v', 3: 'v', 4: 'v', 5: 'v', 6: 'v', 7: 'v'}
	spanSetSchema = schema{1: schema{1: 's', 2: 's', 3: 'v', 4: 'v', 5: 'k'}, 2: 'v', 3: 'k'}
	searchSchema  = schema{1: schema{1: 's', 2: 's', 3: 's', 4: 'v', 5: 'v', 6: spanSetSchema, 7: spanSetSchema, 8: schema{1: 's', 2: schema{1: 'v', 2: 'v'}}}, 2: metricsSchema}
	listMetrics   = schema{1: 'v', 2: 'v', 3: 'v', 4: 'v', 5: 'v'}
	rangeSchema   = schema{1: schema{1: 'k', 2: schema{1: 'd', 2: 'v'}, 4: schema{1: 'k', 2: 'd', 3: 'v'}}, 2: metricsSchema, 3: 'v', 4: 's'}
	instantSchema = schema{1: schema{1: 'k', 2: 'd'}, 2: metricsSchema, 3: 'v', 4: 's'}
)

// show decodes a message strictly and writes it as text: number:value, messages in braces.
func (s schema) show(raw []byte) (string, error) {
	var parts []string
	for len(raw) > 0 {
		number, typ, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return "", protowire.ParseError(n)
		}
		raw = raw[n:]
		want := protowire.BytesType
		kind, _ := s[number].(rune)
		switch kind {
		case 'v':
			want = protowire.VarintType
		case 'd':
			want = protowire.Fixed64Type
		}
		if s[number] == nil || typ != want {
			return "", fmt.Errorf("field %d of wire type %d is unknown", number, typ)
		}
		switch typ {
		case protowire.VarintType:
			var v uint64
			if v, n = protowire.ConsumeVarint(raw); n >= 0 {
				parts = append(parts, fmt.Sprintf("%d:%d", number, v))
			}
		case protowire.Fixed64Type:
			var v uint64
			if v, n = protowire.ConsumeFixed64(raw); n >= 0 {
				parts = append(parts, fmt.Sprintf("%d:%.4g", number, math.Float64frombits(v)))
			}
		default:
			var v []byte
			if v, n = protowire.ConsumeBytes(raw); n < 0 {
				break
			}
			switch inner := s[number].(type) {
			case schema:
				text, err := inner.show(v)
				if err != nil {
					return "", fmt.Errorf("in field %d: %w", number, err)
				}
				parts = append(parts, fmt.Sprintf("%d:{%s}", number, text))
			case rune:
				text := strconv.Quote(string(v))
				if inner == 'k' {
					var kv commonpb.KeyValue
					if err := proto.Unmarshal(v, &kv); err != nil || kv.Value == nil || kv.Value.Value == nil || len(kv.ProtoReflect().GetUnknown()) > 0 {
						return "", fmt.Errorf("field %d is no KeyValue with a value: %w", number, err)
					}
					text = kv.Key + "=" + strings.ReplaceAll(kv.Value.String(), "  ", " ")
				}
				parts = append(parts, fmt.Sprintf("%d:%s", number, text))
			}
		}
		if n < 0 {
			return "", protowire.ParseError(n)
		}
		raw = raw[n:]
	}
	return strings.Join(parts, " "), nil
}

// showAll joins the messages of a stream.
func (s schema) showAll(t *testing.T, replies [][]byte) string {
	t.Helper()
	var parts []string
	for _, raw := range replies {
		text, err := s.show(raw)
		if err != nil {
			t.Fatalf("%v in %x", err, raw)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "\n")
}

func TestStream(t *testing.T) {
	web, calls := both(t, shop())
	const from, to = 1_699_999_990, 1_700_000_010
	ns := func(q string) []byte { return uint1(uint1(text1(nil, 1, q), 2, from*1e9), 3, to*1e9) }
	for _, c := range []struct {
		method  string
		request []byte
		answer  schema
		want    []string // parts of the answer
	}{
		{"Search", uint1(uint1(uint1(text1(nil, 8, `{ status = error }`), 4, 1), 5, from), 6, to), searchSchema, []string{
			`1:{1:"abc" 2:"web" 3:"GET /" 4:1700000000000000000 5:557 6:{1:{1:"0000000000000001" 2:"GET /" 3:1700000000000000000 4:557000000 5:status=string_value:"error"} 2:1} 7:{`,
			`8:{1:"web" 2:{1:1 2:1}}`, `4:1 5:1`}},
		{"Search", text1(nil, 8, `{}`), searchSchema, []string{`1:{1:"70000000000000008" 2:"<root span not yet received>"`}},
		{"Search", protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), text1(text1(nil, 1, "name"), 2, "orphan")), searchSchema, []string{`1:{1:"70000000000000008"`}},
		{"SearchTags", nil, schema{1: 's', 2: listMetrics}, []string{`1:"exception.message" 1:"http.status"`, `2:{2:1 3:1}`}},
		{"SearchTagsV2", text1(nil, 1, "span"), schema{1: schema{1: 's', 2: 's'}, 2: listMetrics}, []string{`1:{1:"span" 2:"http.status" 2:"ok" 2:"path/with.dots" 2:"ratio"} 2:{2:1 3:1}`}},
		{"SearchTagValues", text1(nil, 1, "service.name"), schema{1: 's', 2: listMetrics}, []string{`1:"cart" 1:"web" 2:{2:1 3:1}`}},
		{"SearchTagValuesV2", text1(text1(nil, 1, "resource.service.name"), 2, `{ name = "load" }`), schema{1: schema{1: 's', 2: 's'}, 2: listMetrics}, []string{`1:{1:"string" 2:"cart"} 2:{`}},
		{"MetricsQueryRange", uint1(ns(`{ } | rate() by (span.http.status)`), 4, 10e9), rangeSchema, []string{
			`1:{1:span.http.status=string_value:"nil" 2:{2:1699999990000} 2:{2:1700000000000} 2:{1:0.2 2:1700000010000}`,
			`1:{1:span.http.status=int_value:500`, `4:1 5:1`}},
		{"MetricsQueryRange", uint1(uint1(ns(`{ name = "load" } | quantile_over_time(duration, 0.5)`), 4, 10e9), 16, 1), rangeSchema, []string{
			`1:p=double_value:0.5`, `4:{1:trace:id=string_value:"00000000000000000000000000000abc"`}},
		{"MetricsQueryRange", uint1(uint1(ns(`{ } | count_over_time() by (name)`), 4, 10e9), 17, 1), rangeSchema, []string{`3:1 4:"Response exceeds maximum series limit of 1`}},
		{"MetricsQueryInstant", ns(`{ } | count_over_time() by (status)`), instantSchema, []string{
			`1:{1:status=string_value:"error" 2:1} 1:{1:status=string_value:"unset" 2:2}`}},
	} {
		replies, err := call(t.Context(), calls, c.method, c.request)
		if err != nil {
			t.Errorf("%s: %v", c.method, err)
			continue
		}
		got := c.answer.showAll(t, replies)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s:\ngot  %s\nwant %s", c.method, got, want)
			}
		}
	}
	// The same port answers HTTP/1.1.
	r, err := http.Get(web + "/api/echo")
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("echo: %v %v", r, err)
	}
	if err := r.Body.Close(); err != nil {
		t.Error(err)
	}
}

func TestStreamErrors(t *testing.T) {
	_, calls := both(t, shop())
	for _, c := range []struct {
		method  string
		request []byte
		code    codes.Code
		says    string
	}{
		{"Search", text1(nil, 8, `{ span.a = }`), codes.InvalidArgument, "column 12"},
		{"Search", text1(nil, 8, `{ } | rate()`), codes.InvalidArgument, "column 7"},
		{"MetricsQueryRange", text1(nil, 1, `{ } | rat()`), codes.InvalidArgument, "column 7"},
		{"MetricsQueryInstant", text1(nil, 1, `{ }`), codes.InvalidArgument, "gives traces"},
		{"MetricsQueryRange", uint1(uint1(text1(nil, 1, `{ } | rate()`), 2, 20), 3, 10), codes.InvalidArgument, "start must be before end"},
		{"SearchTagsV2", text1(nil, 1, "nowhere"), codes.InvalidArgument, "invalid scope"},
		{"SearchTagValuesV2", text1(nil, 1, "nonsense"), codes.InvalidArgument, "nonsense"},
		{"Search", []byte{0xff}, codes.InvalidArgument, "request"},
		{"Nothing", nil, codes.Unimplemented, "Nothing"},
	} {
		_, err := call(t.Context(), calls, c.method, c.request)
		if status.Code(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %s with %q", c.method, err, c.code, c.says)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := call(ctx, calls, "Search", text1(nil, 8, `{ }`)); status.Code(err) != codes.Canceled {
		t.Errorf("cancelled call: %v", err)
	}
}

// TestStreamSays: what comes in pieces is what HTTP gives at once, each trace and each sample once.
func TestStreamSays(t *testing.T) {
	b := spantest.Random(3, 3000)
	for row := range b.Len() {
		b.Start[row] = spantest.Start + int64(b.TraceID[row].Key()%600e9)
		b.Duration[row] = int64(row) * 1e6
	}
	web, calls := both(t, b)
	get := func(path string) []byte {
		t.Helper()
		r, err := http.Get(web + path)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s %v", path, r.StatusCode, raw, err)
		}
		_ = r.Body.Close()
		return raw
	}
	for _, text := range []string{
		`{ } | rate()`, `{ status = error } | count_over_time() by (name, status)`, `{ } | quantile_over_time(duration, .5, .9) by (kind)`,
		`{ status = error } >> { } | rate()`, `{ } | histogram_over_time(duration)`, `{ } | rate() by (name) | topk(2)`,
		`({ status = error } | rate()) / ({ } | rate())`, `{ } | compare({ status = error })`,
	} {
		const from, to = spantest.Start, spantest.Start + 600e9
		replies, err := call(t.Context(), calls, "MetricsQueryRange", uint1(uint1(uint1(text1(nil, 1, text), 2, uint64(from)), 3, uint64(to)), 4, 20e9))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if len(replies) == 1 && !strings.Contains(text, "topk") && !strings.Contains(text, "compare") {
			t.Errorf("%s comes in one piece", text)
		}
		got := map[string]string{}
		for line := range strings.SplitSeq(rangeSchema.showAll(t, replies), "\n") {
			for _, s := range splitTop(line) {
				if body, ok := strings.CutPrefix(s, "1:{"); ok {
					labels, samples, _ := strings.Cut(strings.TrimSuffix(body, "}"), " 2:{")
					for p := range strings.SplitSeq(samples, "} 2:{") {
						value, at, ok := strings.Cut(strings.TrimSuffix(p, "}"), " ")
						if !ok {
							value, at = "1:0", value
						}
						key := labels + " @" + strings.TrimPrefix(at, "2:")
						if got[key] != "" {
							t.Fatalf("%s: %s comes twice", text, key)
						}
						got[key] = strings.TrimPrefix(value, "1:")
					}
				}
			}
		}
		var want rangeAnswer
		strict(t, get(fmt.Sprintf("/api/metrics/query_range?q=%s&start=%d&end=%d&step=20", url.QueryEscape(text), from, to)), &want)
		n := 0
		for _, s := range want.Series {
			for _, p := range s.Samples {
				n++
				var labels []string
				for _, l := range s.Labels {
					switch v := l.Value; {
					case v.StringValue != nil:
						labels = append(labels, "1:"+l.Key+"=string_value:"+strconv.Quote(*v.StringValue))
					case v.IntValue != nil:
						labels = append(labels, "1:"+l.Key+"=int_value:"+*v.IntValue)
					case v.DoubleValue != nil:
						labels = append(labels, "1:"+l.Key+"=double_value:"+strconv.FormatFloat(*v.DoubleValue, 'g', -1, 64))
					case v.BoolValue != nil:
						labels = append(labels, "1:"+l.Key+"=bool_value:"+strconv.FormatBool(*v.BoolValue))
					}
				}
				key := strings.Join(labels, " ") + " @" + p.TimestampMs
				if diff := cmp.Diff(fmt.Sprintf("%.4g", p.Value), got[key]); diff != "" {
					t.Fatalf("%s: %s (-http +stream):\n%s", text, key, diff)
				}
			}
		}
		if n != len(got) {
			t.Errorf("%s: %d samples over HTTP, %d streamed", text, n, len(got))
		}
	}
	replies, err := call(t.Context(), calls, "Search", uint1(text1(nil, 8, `{ status = error }`), 4, 1000))
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for line := range strings.SplitSeq(searchSchema.showAll(t, replies), "\n") {
		for _, s := range splitTop(line) {
			if id, ok := strings.CutPrefix(s, `1:{1:"`); ok {
				got = append(got, id[:strings.IndexByte(id, '"')])
			}
		}
	}
	var all searchAnswer
	strict(t, get("/api/search?limit=1000&q="+url.QueryEscape(`{ status = error }`)), &all)
	for _, tr := range all.Traces {
		want = append(want, tr.TraceID)
	}
	if !slices.Equal(got, want) || len(want) < 20 {
		t.Errorf("%d traces streamed, %d over HTTP", len(got), len(want))
	}
}

// splitTop splits shown fields at spaces that are outside of braces and quotes.
func splitTop(text string) (parts []string) {
	depth, quoted, from := 0, false, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			depth--
		case c == ' ' && depth == 0:
			parts, from = append(parts, text[from:i]), i+1
		}
	}
	return append(parts, text[from:])
}
