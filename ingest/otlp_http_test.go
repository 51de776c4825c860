// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/client_golang/prometheus/testutil"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/wire/otlp"
)

// requestOf returns a request of n spans, the first bad of which have no trace id.
func requestOf(t testing.TB, n, bad int) []byte {
	t.Helper()
	b := &span.Batch{}
	b.Resources.Add()
	b.AddAttr(&b.Resources.Attrs, "service.name", span.StringValue("cart"))
	b.Resources.Attrs.EndOwner()
	b.Scopes.Add(b.Strings.InternString("test"), 0)
	b.Scopes.Attrs.EndOwner()
	for i := range n {
		r := b.AddSpan()
		if i >= bad {
			b.TraceID[r] = span.TraceIDFrom(7, uint64(i/10+1))
		}
		b.SpanID[r] = span.SpanIDFrom(uint64(i + 1))
		b.Start[r], b.Duration[r] = arrival.UnixNano(), int64(i)
		b.Name[r] = b.Strings.InternString("GET /cart")
		b.AddAttr(&b.Attrs, "http.route", span.StringValue("/cart"))
		b.EndSpan()
	}
	return new(otlp.Encoder).AppendProto(nil, b, nil)
}

func jsonOf(t testing.TB, request []byte) []byte {
	t.Helper()
	var d otlp.Decoder
	var b span.Batch
	if _, err := d.Decode(&b, request); err != nil {
		t.Fatal(err)
	}
	return new(otlp.Encoder).AppendJSON(nil, &b, nil, otlp.JSONOptions{})
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	writeAll(t, w, data)
	return buf.Bytes()
}

func zlibbed(t testing.TB, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zlib.NewWriter(&buf)
	writeAll(t, w, data)
	return buf.Bytes()
}

func zstded(t testing.TB, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := zstd.NewWriter(&buf)
	if err != nil {
		t.Fatal(err)
	}
	writeAll(t, w, data)
	return buf.Bytes()
}

func snapped(t testing.TB, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := snappy.NewBufferedWriter(&buf)
	writeAll(t, w, data)
	return buf.Bytes()
}

func writeAll(t testing.TB, w io.WriteCloser, data []byte) {
	t.Helper()
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func post(t *testing.T, client *http.Client, url string, body []byte, headers ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

const protobufType, jsonType = "application/x-protobuf", "application/json"

func TestHTTPAccepts(t *testing.T) {
	sink := &recorder{}
	addr, client := startHTTP(t, testConfig(sink))
	data := requestOf(t, 100, 0)
	want := func() string {
		var d otlp.Decoder
		var b span.Batch
		if _, err := d.Decode(&b, data); err != nil {
			t.Fatal(err)
		}
		return span.DumpString(&b)
	}()
	for _, c := range []struct {
		name, contentType, encoding string
		body                        []byte
		answer                      string
	}{
		{"protobuf", protobufType, "", data, ""},
		{"protobuf, other name", "application/protobuf", "identity", data, ""},
		{"protobuf with parameters", "Application/X-Protobuf; charset=utf-8", "", data, ""},
		{"gzip", protobufType, "gzip", gzipped(t, data), ""},
		{"gzip in two members", protobufType, "GZIP", append(gzipped(t, data[:50]), gzipped(t, data[50:])...), ""},
		{"deflate", protobufType, "deflate", zlibbed(t, data), ""},
		{"zlib", protobufType, "zlib", zlibbed(t, data), ""},
		{"zstd", protobufType, "zstd", zstded(t, data), ""},
		{"snappy frames", protobufType, "snappy", snapped(t, data), ""},
		{"snappy block", protobufType, "snappy", snappy.Encode(nil, data), ""},
		{"x-snappy-framed", protobufType, "x-snappy-framed", snapped(t, data), ""},
		{"JSON", jsonType, "", jsonOf(t, data), "{}"},
		{"JSON with charset, gzip", "application/json; charset=UTF-8", "gzip", gzipped(t, jsonOf(t, data)), "{}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sink.batches = nil
			headers := []string{"Content-Type", c.contentType}
			if c.encoding != "" {
				headers = append(headers, "Content-Encoding", c.encoding)
			}
			resp := post(t, client, "http://"+addr+"/v1/traces", c.body, headers...)
			body := readBody(t, resp)
			if resp.StatusCode != 200 || string(body) != c.answer {
				t.Fatalf("status %d, body %q; want 200 and %q", resp.StatusCode, body, c.answer)
			}
			if got := resp.Header.Get("Content-Type"); c.answer == "{}" != (got == jsonType) {
				t.Errorf("content type of the answer is %q", got)
			}
			if len(sink.batches) != 1 {
				t.Fatalf("%d batches", len(sink.batches))
			}
			b := sink.batches[0]
			if diff := cmp.Diff(want, span.DumpString(b)); diff != "" {
				t.Errorf("spans differ (-want +got):\n%s", diff)
			}
			if b.Tenant != span.DefaultTenant || b.Arrival != arrival.UnixNano() {
				t.Errorf("tenant %q, arrival %d", b.Tenant, b.Arrival)
			}
		})
	}
}

func TestHTTPEmptyRequests(t *testing.T) {
	sink := &recorder{}
	addr, client := startHTTP(t, testConfig(sink))
	for _, c := range [][2]string{{protobufType, ""}, {jsonType, "{}"}, {jsonType, `{"resourceSpans":[]}`}} {
		resp := post(t, client, "http://"+addr+"/v1/traces", []byte(c[1]), "Content-Type", c[0])
		if body := readBody(t, resp); resp.StatusCode != 200 {
			t.Errorf("%q: status %d, %q", c, resp.StatusCode, body)
		}
	}
	if len(sink.batches) != 0 {
		t.Errorf("empty requests made %d batches", len(sink.batches))
	}
}

func TestHTTPPartialSuccess(t *testing.T) {
	sink := &recorder{}
	c := testConfig(sink)
	addr, client := startHTTP(t, c)
	data := requestOf(t, 10, 3)
	resp := post(t, client, "http://"+addr+"/v1/traces", data, "Content-Type", protobufType)
	var out coltracepb.ExportTraceServiceResponse
	if err := proto.Unmarshal(readBody(t, resp), &out); err != nil || resp.StatusCode != 200 {
		t.Fatal(resp.StatusCode, err)
	}
	const why = "3 of 10 spans rejected: trace id is zero (3, first at resource_spans[0].scope_spans[0].spans[0])"
	if p := out.GetPartialSuccess(); p.GetRejectedSpans() != 3 || p.GetErrorMessage() != why {
		t.Errorf("partial success %v", p)
	}
	text := bytes.ReplaceAll(jsonOf(t, requestOf(t, 2, 0)), []byte(`"spanId":"0000000000000001"`), []byte(`"spanId":"xyz"`))
	resp = post(t, client, "http://"+addr+"/v1/traces", text, "Content-Type", jsonType)
	want := `{"partialSuccess":{"rejectedSpans":"1","errorMessage":"1 of 2 spans rejected: span id is not hex (1, first at resource_spans[0].scope_spans[0].spans[0])"}}`
	if got := readBody(t, resp); string(got) != want || resp.StatusCode != 200 {
		t.Errorf("status %d, %s", resp.StatusCode, got)
	}
	if n := sink.spans(); n != 8 {
		t.Errorf("%d spans kept, want 8", n)
	}
	if got := testutil.ToFloat64(c.Stats.rejected.WithLabelValues("otlp-http")); got != 4 {
		t.Errorf("counted %v rejected spans, want 4", got)
	}
}

func TestHTTPRefuses(t *testing.T) {
	good := requestOf(t, 3, 0)
	bomb := gzipped(t, make([]byte, 2<<20))
	for _, c := range []struct {
		name         string
		method, path string
		headers      []string
		body         []byte
		sinkErr      error
		status       int
		code         codes.Code
		message      string // a part of it
		retryAfter   string
	}{
		{"malformed protobuf", "POST", "/v1/traces", []string{"Content-Type", protobufType}, append(slices.Clip(good), 0x0a, 0x7f), nil,
			400, codes.InvalidArgument, "malformed OTLP protobuf at byte", ""},
		{"malformed JSON", "POST", "/v1/traces", []string{"Content-Type", jsonType}, []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":7}]}]}]}`), nil,
			400, codes.InvalidArgument, "malformed OTLP JSON at byte 51 in resourceSpans[0].scopeSpans[0].spans[0].name: '7' where a string is due", ""},
		{"not gzip", "POST", "/v1/traces", []string{"Content-Type", protobufType, "Content-Encoding", "gzip"}, good, nil,
			400, codes.InvalidArgument, "not valid gzip", ""},
		{"cut gzip", "POST", "/v1/traces", []string{"Content-Type", protobufType, "Content-Encoding", "gzip"}, gzipped(t, good)[:30], nil,
			400, codes.InvalidArgument, "not valid gzip", ""},
		{"not zstd", "POST", "/v1/traces", []string{"Content-Type", protobufType, "Content-Encoding", "zstd"}, good, nil,
			400, codes.InvalidArgument, "not valid zstd", ""},
		{"not snappy", "POST", "/v1/traces", []string{"Content-Type", protobufType, "Content-Encoding", "snappy"}, []byte("\xff\xff\xff\xff\x0f"), nil,
			400, codes.InvalidArgument, "not valid snappy", ""},
		{"unknown encoding", "POST", "/v1/traces", []string{"Content-Type", protobufType, "Content-Encoding", "br"}, good, nil,
			400, codes.InvalidArgument, `unknown content encoding "br"`, ""},
		{"content type", "POST", "/v1/traces", []string{"Content-Type", "text/plain"}, good, nil,
			415, codes.InvalidArgument, `content type "text/plain" is not supported: want application/x-protobuf or application/json`, ""},
		{"no content type", "POST", "/v1/traces", nil, good, nil, 415, codes.InvalidArgument, `content type ""`, ""},
		{"method", "GET", "/v1/traces", nil, nil, nil, 405, codes.Unimplemented, "OTLP is sent with POST", ""},
		{"path", "POST", "/v1/trace", []string{"Content-Type", protobufType}, good, nil, 404, codes.NotFound, `unknown path "/v1/trace": OTLP is served at /v1/traces`, ""},
		{"too large", "POST", "/v1/traces", []string{"Content-Type", protobufType}, make([]byte, 1<<20+1), nil,
			413, codes.ResourceExhausted, "larger than 1048576 bytes as sent", ""},
		{"gzip bomb", "POST", "/v1/traces", []string{"Content-Type", protobufType, "Content-Encoding", "gzip"}, bomb, nil,
			413, codes.ResourceExhausted, "larger than 1048576 bytes after decompression", ""},
		{"zstd bomb", "POST", "/v1/traces", []string{"Content-Type", jsonType, "Content-Encoding", "zstd"}, zstded(t, make([]byte, 2<<20)), nil,
			413, codes.ResourceExhausted, "larger than 1048576 bytes after decompression", ""},
		{"snappy bomb", "POST", "/v1/traces", []string{"Content-Type", protobufType, "Content-Encoding", "snappy"}, snappy.Encode(nil, make([]byte, 2<<20)), nil,
			413, codes.ResourceExhausted, "larger than 1048576 bytes after decompression", ""},
		{"unfolds to too much", "POST", "/v1/traces", []string{"Content-Type", protobufType}, linkBomb(300_000), nil,
			413, codes.ResourceExhausted, "more memory than one request may", ""},
		{"store has no room", "POST", "/v1/traces", []string{"Content-Type", protobufType}, good, span.Retryable(2500*time.Millisecond, errors.New("disk full")),
			503, codes.Unavailable, "disk full", "3"},
		{"store has no room, JSON", "POST", "/v1/traces", []string{"Content-Type", jsonType}, jsonOf(t, good), span.Retryable(0, errors.New("disk full")),
			503, codes.Unavailable, "disk full", "1"},
		{"store cannot", "POST", "/v1/traces", []string{"Content-Type", protobufType}, good, errors.New("no such tenant"),
			500, codes.Internal, "no such tenant", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			sink := &recorder{err: c.sinkErr}
			cfg := testConfig(sink)
			cfg.MaxRequest = 1 << 20
			addr, client := startHTTP(t, cfg)
			req, err := http.NewRequest(c.method, "http://"+addr+c.path, bytes.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(c.headers); i += 2 {
				req.Header.Set(c.headers[i], c.headers[i+1])
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body := readBody(t, resp)
			if resp.StatusCode != c.status || resp.Header.Get("Retry-After") != c.retryAfter {
				t.Errorf("status %d, Retry-After %q; want %d, %q", resp.StatusCode, resp.Header.Get("Retry-After"), c.status, c.retryAfter)
			}
			var st spb.Status
			if resp.Header.Get("Content-Type") == jsonType {
				var j struct {
					Code    int32
					Message string
				}
				if err := json.Unmarshal(body, &j); err != nil {
					t.Fatalf("%v in %s", err, body)
				}
				st.Code, st.Message = j.Code, j.Message
			} else if err := proto.Unmarshal(body, &st); err != nil {
				t.Fatalf("%v in %q", err, body)
			}
			if codes.Code(st.Code) != c.code || !strings.Contains(st.Message, c.message) {
				t.Errorf("status %v %q; want %v and %q", codes.Code(st.Code), st.Message, c.code, c.message)
			}
			if sink.spans() != 0 {
				t.Error("spans of a refused request were kept")
			}
			if cfg.Admission.InFlight() != 0 {
				t.Errorf("%d bytes are still taken", cfg.Admission.InFlight())
			}
			if c.status == 405 && resp.Header.Get("Allow") == "" {
				t.Error("no Allow header")
			}
		})
	}
}

// linkBomb returns a span with n empty links: two bytes each, twenty times as much in a batch.
func linkBomb(n int) []byte {
	field := func(tag byte, body []byte) []byte {
		out := []byte{tag}
		for v := uint64(len(body)); ; v >>= 7 {
			if v < 0x80 {
				out = append(out, byte(v))
				break
			}
			out = append(out, byte(v)|0x80)
		}
		return append(out, body...)
	}
	return field(0x0a, field(0x12, field(0x12, bytes.Repeat([]byte{0x6a, 0x00}, n))))
}

// TestHTTPStatusDetails looks at the details that tell clients what is wrong and when to come again.
func TestHTTPStatusDetails(t *testing.T) {
	sink := &recorder{err: span.Retryable(1500*time.Millisecond, errors.New("disk full"))}
	addr, client := startHTTP(t, testConfig(sink))
	resp := post(t, client, "http://"+addr+"/v1/traces", jsonOf(t, requestOf(t, 1, 0)), "Content-Type", jsonType)
	want := `{"code":14,"message":"disk full (try again later)","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1.5s"}]}`
	if diff := cmp.Diff(want, string(readBody(t, resp))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	resp = post(t, client, "http://"+addr+"/v1/traces", []byte(`{"resourceSpans":{}}`), "Content-Type", jsonType)
	const why = "malformed OTLP JSON at byte 17 in resourceSpans: '{' where a list is due"
	want = `{"code":3,"message":"` + why + `","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"resourceSpans","description":"` + why + `"}]}]}`
	if diff := cmp.Diff(want, string(readBody(t, resp))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHTTPOtherSignals(t *testing.T) {
	sink := &recorder{}
	c := testConfig(sink)
	addr, client := startHTTP(t, c)
	metrics := `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","sum":{"dataPoints":[{},{}]}},{"name":"b","gauge":{"dataPoints":[{}]}}]}]}]}`
	resp := post(t, client, "http://"+addr+"/v1/metrics", []byte(metrics), "Content-Type", jsonType)
	want := `{"partialSuccess":{"rejectedDataPoints":"3","errorMessage":"Clew keeps traces: these 3 data points were dropped; switch the metrics exporter off or send it elsewhere"}}`
	if body := readBody(t, resp); resp.StatusCode != 200 || string(body) != want {
		t.Errorf("status %d, %s", resp.StatusCode, body)
	}
	logs := `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"hello"}}]}]}]}`
	resp = post(t, client, "http://"+addr+"/v1/logs", []byte(logs), "Content-Type", jsonType)
	if body := readBody(t, resp); resp.StatusCode != 200 || !strings.Contains(string(body), `"rejectedLogRecords":"1"`) {
		t.Errorf("status %d, %s", resp.StatusCode, body)
	}
	resp = post(t, client, "http://"+addr+"/v1/logs", []byte(`{"resourceLogs":`), "Content-Type", jsonType)
	if readBody(t, resp); resp.StatusCode != 400 {
		t.Errorf("malformed logs: status %d", resp.StatusCode)
	}
	if got := testutil.ToFloat64(c.Stats.dropped.WithLabelValues("otlp-http", "metrics")); got != 3 {
		t.Errorf("%v data points counted", got)
	}
	if len(sink.batches) != 0 {
		t.Error("other signals became spans")
	}
}

func TestHTTPCORS(t *testing.T) {
	for _, c := range []struct {
		name    string
		origins []string
		origin  string
		want    string
	}{
		{"any", nil, "https://shop.example", "*"},
		{"listed", []string{"https://shop.example"}, "https://shop.example", "https://shop.example"},
		{"wildcard", []string{"https://*.example"}, "https://shop.example", "https://shop.example"},
		{"wildcard port", []string{"http://localhost:*"}, "http://localhost:5173", "http://localhost:5173"},
		{"not listed", []string{"https://shop.example"}, "https://evil.example", ""},
		{"a dot is a dot", []string{"https://shop.example"}, "https://shop-example", ""},
		{"none", []string{}, "https://shop.example", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := testConfig(&recorder{})
			cfg.CORSOrigins = c.origins
			addr, client := startHTTP(t, cfg)
			req, err := http.NewRequest(http.MethodOptions, "http://"+addr+"/v1/traces", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Origin", c.origin)
			req.Header.Set("Access-Control-Request-Method", "POST")
			req.Header.Set("Access-Control-Request-Headers", "content-type,x-api-key")
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			readBody(t, resp)
			h := resp.Header
			if resp.StatusCode != 204 || h.Get("Access-Control-Allow-Origin") != c.want || h.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("preflight: status %d, headers %v", resp.StatusCode, h)
			}
			allowed := c.want != ""
			if got := h.Get("Access-Control-Allow-Headers"); allowed != (got == "content-type,x-api-key") {
				t.Errorf("preflight allows headers %q", got)
			}
			if got := h.Get("Access-Control-Allow-Methods"); allowed != (got == "POST") {
				t.Errorf("preflight allows methods %q", got)
			}
			resp = post(t, client, "http://"+addr+"/v1/traces", []byte("{}"), "Content-Type", jsonType, "Origin", c.origin)
			readBody(t, resp)
			if got := resp.Header.Get("Access-Control-Allow-Origin"); got != c.want || resp.StatusCode != 200 {
				t.Errorf("post: status %d, allowed origin %q", resp.StatusCode, got)
			}
		})
	}
}

// TestHTTPEndlessBody streams a body of 1 GiB without saying so: it is refused at the limit, not at its end.
func TestHTTPEndlessBody(t *testing.T) {
	cfg := testConfig(&recorder{})
	cfg.MaxRequest = 1 << 20
	addr, client := startHTTP(t, cfg)
	for _, declared := range []int64{-1, 1 << 30} {
		var sent countingReader
		req, err := http.NewRequest(http.MethodPost, "http://"+addr+"/v1/traces", &sent)
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = declared
		req.Header.Set("Content-Type", protobufType)
		resp, err := client.Do(req)
		if err != nil { // the connection may be closed under the sender before it reads the answer
			t.Logf("declared %d: %v", declared, err)
		} else if readBody(t, resp); resp.StatusCode != 413 {
			t.Errorf("declared %d: status %d, want 413", declared, resp.StatusCode)
		}
		if n := sent.n.Load(); n > 64<<20 {
			t.Errorf("declared %d: %d bytes were taken before the refusal", declared, n)
		}
	}
	if got := testutil.ToFloat64(cfg.Stats.refused.WithLabelValues("otlp-http", reasonTooLarge)); got != 2 {
		t.Errorf("%v requests refused as too large, want 2", got)
	}
}

// countingReader is 1 GiB of zeros.
type countingReader struct{ n atomic.Int64 }

func (r *countingReader) Read(p []byte) (int, error) {
	if r.n.Add(int64(len(p))) > 1<<30 {
		return 0, io.EOF
	}
	clear(p)
	return len(p), nil
}

// TestBombsTakeLittleMemory sends bodies that unfold a thousandfold and looks at what was allocated for them.
func TestBombsTakeLittleMemory(t *testing.T) {
	cfg := testConfig(&recorder{})
	cfg.MaxRequest = 1 << 20
	addr, client := startHTTP(t, cfg)
	for name, body := range map[string][]byte{"gzip": gzipped(t, make([]byte, 256<<20)), "zstd": zstded(t, make([]byte, 256<<20))} {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		resp := post(t, client, "http://"+addr+"/v1/traces", body, "Content-Type", protobufType, "Content-Encoding", name)
		readBody(t, resp)
		runtime.ReadMemStats(&after)
		if resp.StatusCode != 413 {
			t.Errorf("%s: status %d", name, resp.StatusCode)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 48<<20 {
			t.Errorf("%s: %d bytes allocated for a body of %d", name, grown, len(body))
		}
	}
}

// TestHTTPSlowBody leaves a body unfinished: the request ends by itself, with the reason.
func TestHTTPSlowBody(t *testing.T) {
	cfg := testConfig(&recorder{})
	cfg.ReadTimeout = 50 * time.Millisecond
	addr, _ := startHTTP(t, cfg)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: 1000\r\n\r\nhalf", jsonType); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn) // until the server closes
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(answer, []byte("HTTP/1.1 408 ")) || !bytes.Contains(answer, []byte("the body did not arrive within 50ms")) {
		t.Errorf("answer %s", answer)
	}
	if n := cfg.Admission.InFlight(); n != 0 {
		t.Errorf("%d bytes are still taken", n)
	}
}

// TestHTTPOverload fills the budget and looks at what the next client is told.
func TestHTTPOverload(t *testing.T) {
	sink := &recorder{block: make(chan struct{}), entered: make(chan struct{}, 1)}
	cfg := testConfig(sink)
	cfg.Admission = NewAdmission(100<<10, 10*time.Millisecond)
	addr, client := startHTTP(t, cfg)
	first := make(chan int)
	go func() {
		resp, err := client.Post("http://"+addr+"/v1/traces", protobufType, bytes.NewReader(requestOf(t, 1000, 0)))
		if err != nil {
			t.Error(err)
			first <- 0
			return
		}
		resp.Body.Close()
		first <- resp.StatusCode
	}()
	<-sink.entered
	resp := post(t, client, "http://"+addr+"/v1/traces", requestOf(t, 1, 0), "Content-Type", protobufType)
	var st spb.Status
	if err := proto.Unmarshal(readBody(t, resp), &st); err != nil {
		t.Fatal(err)
	}
	if after, err := strconv.Atoi(resp.Header.Get("Retry-After")); resp.StatusCode != 503 || err != nil || after < 1 || codes.Code(st.Code) != codes.Unavailable {
		t.Errorf("status %d, Retry-After %q, %v", resp.StatusCode, resp.Header.Get("Retry-After"), &st)
	}
	close(sink.block)
	if code := <-first; code != 200 {
		t.Errorf("the request that filled the budget: status %d", code)
	}
	sink.block = nil
	resp = post(t, client, "http://"+addr+"/v1/traces", requestOf(t, 1, 0), "Content-Type", protobufType)
	if readBody(t, resp); resp.StatusCode != 200 {
		t.Errorf("after the overload: status %d", resp.StatusCode)
	}
}

// TestHTTPPanic lets the sink panic: the client is told, and the server goes on.
func TestHTTPPanic(t *testing.T) {
	addr, client := startHTTP(t, testConfig(panicking{}))
	for range 2 {
		resp := post(t, client, "http://"+addr+"/v1/traces", requestOf(t, 1, 0), "Content-Type", protobufType)
		if readBody(t, resp); resp.StatusCode != 500 {
			t.Errorf("status %d", resp.StatusCode)
		}
	}
}

type panicking struct{}

func (panicking) Append(context.Context, *span.Batch) error { panic("out of thread") }
