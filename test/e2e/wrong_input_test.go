// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	_ "google.golang.org/genproto/googleapis/rpc/errdetails" // details of a status are read by type name
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	grpcgzip "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/clew-tracing/clew/test/harness"
)

const (
	protobuf = "application/x-protobuf"
	jsonType = "application/json"
)

// TestWrongInputOverHTTP sends what no exporter should. Each gets the error
// of OTLP/HTTP, a google.rpc.Status in the request's own encoding that says
// what is wrong, and the server serves the next request as if nothing had been.
func TestWrongInputOverHTTP(t *testing.T) {
	s := harness.Start(t, harness.Config{})
	good := harness.Marshal(t, harness.NewRequest("s", harness.NewSpan(harness.TraceID(1, 2), harness.SpanID(3), nil, "n", time.Now())))
	for _, c := range []struct {
		name, contentType string
		body              []byte
		headers           []string
		status            int
		says              string
	}{
		{"malformed protobuf", protobuf, []byte("\x0a\xff\xff\xff\xff\x0fno"), nil, 400, ""},
		{"protobuf cut short", protobuf, good[:len(good)-3], nil, 400, ""},
		{"text as protobuf", protobuf, []byte("hello, world"), nil, 400, ""},
		{"malformed JSON", jsonType, []byte(`{"resourceSpans":[{]}`), nil, 400, ""},
		{"JSON of another shape", jsonType, []byte(`{"resourceSpans":"none"}`), nil, 400, ""},
		{"JSON cut short", jsonType, []byte(`{"resourceSpans":[{"scopeSpans":[`), nil, 400, ""},
		{"empty body as JSON", jsonType, nil, nil, 400, ""},
		{"protobuf as JSON", jsonType, good, nil, 400, ""},
		{"gzip that is none", protobuf, good, []string{"Content-Encoding", "gzip"}, 400, "gzip"},
		{"gzip cut short", protobuf, gzipped(t, good)[:20], []string{"Content-Encoding", "gzip"}, 400, "gzip"},
		{"zstd that is none", protobuf, good, []string{"Content-Encoding", "zstd"}, 400, "zstd"},
		{"unknown encoding", protobuf, good, []string{"Content-Encoding", "middle-out"}, 400, "middle-out"},
		{"gzip bomb", protobuf, gzipBomb(t, 1<<30), []string{"Content-Encoding", "gzip"}, 413, ""},
		{"gzip bomb as JSON", jsonType, gzipBomb(t, 1<<30), []string{"Content-Encoding", "gzip"}, 413, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp := s.PostOTLP(t, c.contentType, c.body, c.headers...)
			checkStatus(t, resp, c.contentType, c.status, c.says)
			stillWorks(t, s)
		})
	}
	t.Run("1 GiB body", func(t *testing.T) {
		resp := s.Do(t, harness.Request{
			Host: s.OTLPHTTP, Path: "/v1/traces", Header: map[string]string{"Content-Type": protobuf},
			Body: io.LimitReader(zeros{}, 1<<30), // no length is announced: chunked
		})
		checkStatus(t, resp, protobuf, http.StatusRequestEntityTooLarge, "")
		stillWorks(t, s)
	})
	t.Run("content type", func(t *testing.T) {
		for _, ct := range []string{"text/plain", "application/xml", "nonsense;;", ""} {
			resp := s.PostOTLP(t, ct, good)
			if resp.Status != http.StatusUnsupportedMediaType || len(bytes.TrimSpace(resp.Body)) == 0 {
				t.Errorf("content type %q: %d %q, want 415 with a reason", ct, resp.Status, resp.Body)
			}
		}
		stillWorks(t, s)
	})
	t.Run("method and path", func(t *testing.T) {
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
			resp := s.Do(t, harness.Request{Method: method, Host: s.OTLPHTTP, Path: "/v1/traces"})
			if resp.Status != http.StatusMethodNotAllowed || !strings.Contains(resp.Header.Get("Allow"), http.MethodPost) {
				t.Errorf("%s /v1/traces: %d, Allow %q, want 405 that allows POST", method, resp.Status, resp.Header.Get("Allow"))
			}
		}
		for _, path := range []string{"/v1/trace", "/", "/v1/traces/extra", "/v2/traces"} {
			resp := s.Do(t, harness.Request{Host: s.OTLPHTTP, Path: path, Header: map[string]string{"Content-Type": protobuf}, Body: bytes.NewReader(good)})
			if resp.Status != http.StatusNotFound {
				t.Errorf("POST %s: %d, want 404", path, resp.Status)
			}
		}
		stillWorks(t, s)
	})
	if _, peak := s.RSS(t); peak > 512<<20 {
		t.Errorf("memory went up to %d MiB, want less than 512: limits hold before and after decompression", peak>>20)
	}
}

// checkStatus expects an HTTP status and a google.rpc.Status in the encoding
// of the request, with a message that contains says.
func checkStatus(t *testing.T, resp harness.Response, contentType string, code int, says string) {
	t.Helper()
	if resp.Status != code {
		t.Errorf("status %d, want %d; body %.200q", resp.Status, code, resp.Body)
	}
	if got, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || got != contentType {
		t.Errorf("content type %q, want %q", resp.Header.Get("Content-Type"), contentType)
		return
	}
	var st statuspb.Status
	var err error
	if contentType == protobuf {
		err = proto.Unmarshal(resp.Body, &st)
	} else {
		err = protojson.Unmarshal(resp.Body, &st)
	}
	if err != nil {
		t.Errorf("body is no google.rpc.Status: %v in %.200q", err, resp.Body)
		return
	}
	if st.Code == 0 || st.Message == "" || !strings.Contains(st.Message, says) {
		t.Errorf("status says %d %q, want a code and a reason with %q", st.Code, st.Message, says)
	}
	if code == http.StatusBadRequest && codes.Code(st.Code) != codes.InvalidArgument {
		t.Errorf("status code %v, want InvalidArgument", codes.Code(st.Code))
	}
}

// stillWorks stores a span and reads it back.
func stillWorks(t *testing.T, s *harness.Server) {
	t.Helper()
	id := harness.TraceID(uint64(time.Now().UnixNano()), uint64(time.Now().UnixNano()))
	s.Export(t, harness.NewRequest("still-works", harness.NewSpan(id, harness.SpanID(1), nil, "works", time.Now())))
	if spans := s.Trace(t, harness.Hex(id)); len(spans) != 1 {
		t.Errorf("after that, a good span is not found: %d spans", len(spans))
	}
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// gzipBomb is n zero bytes, a thousandth of that long.
func gzipBomb(t *testing.T, n int64) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(w, zeros{}, n); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// zeros reads as zero bytes for ever.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestWrongInputOverGRPC does the same over OTLP/gRPC, whose errors are codes.
func TestWrongInputOverGRPC(t *testing.T) {
	s := harness.Start(t, harness.Config{})
	const export = collectorpb.TraceService_Export_FullMethodName
	conn := s.Dial(t, grpc.WithDefaultCallOptions(grpc.ForceCodec(rawCodec{}), grpc.MaxCallRecvMsgSize(1<<20)))
	for _, c := range []struct {
		name, method string
		body         []byte
		opts         []grpc.CallOption
		code         codes.Code
	}{
		{"malformed protobuf", export, []byte("\x0a\xff\xff\xff\xff\x0fno"), nil, codes.InvalidArgument},
		{"text", export, []byte("hello, world"), nil, codes.InvalidArgument},
		{"unknown method", "/opentelemetry.proto.collector.trace.v1.TraceService/Import", nil, nil, codes.Unimplemented},
		{"unknown service", "/opentelemetry.proto.collector.trace.v9.TraceService/Export", nil, nil, codes.Unimplemented},
		{"message of 100 MiB", export, make([]byte, 100<<20), nil, codes.ResourceExhausted},
		{"gzip bomb", export, make([]byte, 200<<20), []grpc.CallOption{grpc.UseCompressor(grpcgzip.Name)}, codes.ResourceExhausted},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			var answer []byte
			err := conn.Invoke(ctx, c.method, c.body, &answer, c.opts...)
			if st := status.Convert(err); st.Code() != c.code || st.Message() == "" {
				t.Errorf("got %v, want %v with a reason", err, c.code)
			}
			stillWorks(t, s)
		})
	}
	if _, peak := s.RSS(t); peak > 512<<20 {
		t.Errorf("memory went up to %d MiB, want less than 512", peak>>20)
	}
}

// rawCodec sends []byte as it is.
type rawCodec struct{}

var _ encoding.Codec = rawCodec{}

func (rawCodec) Marshal(v any) ([]byte, error) { return v.([]byte), nil }
func (rawCodec) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = bytes.Clone(data)
	return nil
}
func (rawCodec) Name() string { return "proto" }

// TestWrongQuestions asks what cannot be answered. The native API explains in
// a JSON object and points at the place in the query, Tempo's API in plain text.
func TestWrongQuestions(t *testing.T) {
	s := harness.Start(t, harness.Config{})
	t.Run("native", func(t *testing.T) {
		for _, c := range []struct {
			path   string
			status int
			from   int // byte offset in q, -1 for none
		}{
			{"search?q=" + url.QueryEscape(`{ span.a = }`), 400, 11},
			{"search?q=" + url.QueryEscape(`{ duration > 5 apples }`), 400, 15},
			{"search?q=" + url.QueryEscape(`{ nme = "a" }`), 400, 2},
			{"search?q=" + url.QueryEscape(`{ name = "never closed }`), 400, 9},
			{"search?q=%7B%7D&limit=many", 400, -1},
			{"search?q=%7B%7D&start=yesterday", 400, -1},
			{"search?q=%7B%7D&cursor=forged", 400, -1},
			{"search?q=%7B%7D&order=random", 400, -1},
			{"values?field=", 400, -1},
			{"traces/xyz", 400, -1},
			{"traces/" + strings.Repeat("0", 32), 400, -1},
			{"traces/" + strings.Repeat("a", 33), 400, -1},
			{"traces/" + strings.Repeat("a", 32), 404, -1},
			{"traces/" + strings.Repeat("a", 32) + "/columns", 404, -1},
			{"traces/" + strings.Repeat("a", 32) + "/spans?rows=0-9", 404, -1},
			{"nothing/here", 404, -1},
		} {
			resp := s.Do(t, harness.Request{Path: "/api/clew/v1/" + c.path})
			var answer struct {
				Error struct {
					Code, Message, Hint string
					Position            *struct{ From, To int }
				}
			}
			err := json.Unmarshal(resp.Body, &answer)
			if resp.Status != c.status || err != nil || answer.Error.Code == "" || answer.Error.Message == "" {
				t.Errorf("%s: %d %.300q, want %d with an error object", c.path, resp.Status, resp.Body, c.status)
				continue
			}
			switch p := answer.Error.Position; {
			case c.from < 0 && p != nil:
				t.Errorf("%s: position %+v where there is no query to point at", c.path, *p)
			case c.from >= 0 && (p == nil || p.From != c.from || p.To < p.From):
				t.Errorf("%s: position %+v, want it to begin at %d (%s)", c.path, p, c.from, answer.Error.Message)
			}
		}
	})
	t.Run("tempo", func(t *testing.T) {
		for _, prefix := range []string{"", "/tempo"} {
			for _, c := range []struct {
				path   string
				status int
				says   string
			}{
				{"/api/search?q=" + url.QueryEscape(`{ span.a = }`), 400, "12"}, // the column, from 1
				{"/api/search?q=" + url.QueryEscape(`{ nme = "a" }`), 400, "nme"},
				{"/api/search?q=%7B%7D&limit=0", 400, "limit"},
				{"/api/search?q=%7B%7D&start=20&end=10", 400, ""},
				{"/api/traces/xyz", 400, ""},
				{"/api/v2/traces/xyz", 400, ""},
				{"/api/traces/" + strings.Repeat("a", 32), 404, ""},
				{"/api/v2/search/tags?scope=nowhere", 400, "nowhere"},
				{"/api/nothing", 404, ""},
			} {
				resp := s.Do(t, harness.Request{Host: s.Tempo, Path: prefix + c.path})
				if ct := resp.Header.Get("Content-Type"); resp.Status != c.status || !strings.HasPrefix(ct, "text/plain") || !strings.Contains(string(resp.Body), c.says) {
					t.Errorf("%s%s: %d %s %.200q, want %d in plain text with %q", prefix, c.path, resp.Status, ct, resp.Body, c.status, c.says)
				}
			}
		}
	})
	t.Run("wrong method", func(t *testing.T) {
		for _, path := range []string{"/api/clew/v1/search", "/api/clew/v1/status", "/tempo/api/search", "/metrics", "/ready"} {
			if resp := s.Do(t, harness.Request{Method: http.MethodDelete, Path: path}); resp.Status != http.StatusMethodNotAllowed {
				t.Errorf("DELETE %s: %d, want 405", path, resp.Status)
			}
		}
	})
	stillWorks(t, s)
}
