// SPDX-License-Identifier: Apache-2.0

package insight_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/clew-tracing/clew/insight"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/span/spantest"
)

type attrs []span.Entry

func str(key, v string) span.Entry       { return span.Entry{Key: key, Value: span.StringValue(v)} }
func num(key string, v int64) span.Entry { return span.Entry{Key: key, Value: span.IntValue(v)} }

// of returns a batch whose second span has the attributes.
func of(a attrs) *span.Batch {
	b := &span.Batch{}
	b.AddSpan()
	b.AddAttr(&b.Attrs, "http.request.method", span.StringValue("of another span"))
	b.EndSpan()
	b.AddSpan()
	for _, e := range a {
		b.AddAttr(&b.Attrs, e.Key, e.Value)
	}
	b.EndSpan()
	return b
}

func TestSummary(t *testing.T) {
	long := strings.Repeat("x", 200)
	for _, c := range []struct {
		name string
		a    attrs
		want string
	}{
		{"nothing", nil, ""},
		{"nothing known", attrs{str("user.id", "7")}, ""},
		{"HTTP server", attrs{str("http.request.method", "GET"), str("http.route", "/cart"), str("url.path", "/cart/7"), num("http.response.status_code", 200)}, "GET /cart 200"},
		{"HTTP client", attrs{str("http.request.method", "POST"), str("url.full", "https://pay/charge"), num("http.response.status_code", 503)}, "POST https://pay/charge 503"},
		{"HTTP, old names", attrs{str("http.method", "GET"), str("http.target", "/a?b"), num("http.status_code", 404)}, "GET /a?b 404"},
		{"new names before old ones", attrs{str("http.method", "OLD"), str("http.request.method", "NEW")}, "NEW"},
		{"HTTP without an answer", attrs{str("http.request.method", "GET"), str("url.path", "/x")}, "GET /x"},
		{"status as text", attrs{str("http.request.method", "GET"), str("http.status_code", "200")}, "GET 200"},
		{"empty values count as absent", attrs{str("http.request.method", ""), str("http.route", ""), str("url.path", "/x")}, "/x"},
		{"query summary", attrs{str("db.system.name", "postgresql"), str("db.query.summary", "SELECT orders"), str("db.operation.name", "other")}, "SELECT orders"},
		{"operation and table", attrs{str("db.system", "mysql"), str("db.operation", "UPDATE"), str("db.sql.table", "users")}, "UPDATE users"},
		{"database alone", attrs{str("db.system.name", "redis")}, "redis"},
		{"messages", attrs{str("messaging.system", "kafka"), str("messaging.operation.type", "publish"), str("messaging.destination.name", "orders")}, "publish orders"},
		{"RPC", attrs{str("rpc.system", "grpc"), str("rpc.service", "cart.Cart"), str("rpc.method", "Get"), num("rpc.grpc.status_code", 0)}, "cart.Cart Get 0"},
		{"HTTP before RPC", attrs{str("rpc.system", "connect"), str("http.request.method", "POST")}, "POST"},
		{"long value", attrs{str("http.request.method", "GET"), str("url.path", long)}, "GET " + long[:120] + "…"},
		{"cut at a rune", attrs{str("http.request.method", long[:119]+"☕")}, long[:119] + "…"},
		{"array", attrs{{Key: "db.system", Value: span.ArrayValue(span.StringValue("a"), span.IntValue(1))}}, `["a", 1]`},
		{"long array", attrs{{Key: "db.system", Value: span.ArrayValue(span.StringValue(long))}}, `["` + long[:118] + "…"},
	} {
		b := of(c.a)
		if got := string(insight.AppendSummary(nil, b, 1)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if got := string(insight.AppendSummary([]byte("before: "), b, 1)); got != "before: "+c.want {
			t.Errorf("%s, appended: %q", c.name, got)
		}
	}
}

// TestSummaryOfAnything: whatever value stands where a word is due, the summary is short and valid text.
func TestSummaryOfAnything(t *testing.T) {
	some := spantest.Random(1, 100)
	for i := range some.Attrs.Len() {
		v := some.Value(&some.Attrs, i)
		got := insight.AppendSummary(nil, of(attrs{{Key: "http.request.method", Value: v}, {Key: "http.route", Value: v}}), 1)
		if len(got) > 2*125 || !utf8.Valid(got) || len(got) == 0 && v.Str != "" {
			t.Errorf("%s: %q", v.Text(), got)
		}
	}
}

func BenchmarkSummary(b *testing.B) {
	batch := of(attrs{str("http.request.method", "GET"), str("http.route", "/cart"), num("http.response.status_code", 200)})
	var dst []byte
	for b.Loop() {
		dst = insight.AppendSummary(dst[:0], batch, 1)
	}
}
