// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// lines is an [io.Writer] that hands on what is written to it, a write at a time.
type lines chan string

func (l lines) Write(b []byte) (int, error) {
	l <- string(b)
	return len(b), nil
}

// runUntil runs the shop and ends it when event has been told of.
func runUntil(t *testing.T, cfg Config, told func(Summary) bool) []Summary {
	t.Helper()
	out := make(lines, 1000)
	cfg.Output, cfg.Out = JSON, out
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, cfg) }()
	var sums []Summary
	for {
		select {
		case line := <-out:
			var sum Summary
			if err := json.Unmarshal([]byte(line), &sum); err != nil {
				t.Fatalf("progress %q: %v", line, err)
			}
			sums = append(sums, sum)
			if told(sum) {
				cancel()
			}
		case err := <-ended:
			if err != nil {
				t.Fatal(err)
			}
			for len(out) > 0 {
				var sum Summary
				if err := json.Unmarshal([]byte(<-out), &sum); err != nil {
					t.Fatal(err)
				}
				sums = append(sums, sum)
			}
			return sums
		}
	}
}

// TestRun runs the shop for a moment: what it counts as delivered is what arrived.
func TestRun(t *testing.T) {
	r := startReceiver(t, "127.0.0.1:0")
	sums := runUntil(t, Config{Endpoint: r.address, Rate: 40, Users: 20, Duration: 2 * time.Second}, func(Summary) bool { return false })
	first, last := sums[0], sums[len(sums)-1]
	if first.Event != "start" || first.Control == "" || first.Services != 13 {
		t.Errorf("first: %+v", first)
	}
	got := len(r.take())
	if last.Event != "end" || last.Journeys == 0 || last.Spans == 0 || int(last.Delivered) != got || last.Spans != last.Delivered {
		t.Errorf("last: %+v; received %d", last, got)
	}
}

// TestRunHTTP does the same over OTLP/HTTP.
func TestRunHTTP(t *testing.T) {
	var spans atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL, err)
		}
		var request collector.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &request); err != nil {
			t.Error(err)
		}
		for _, rs := range request.GetResourceSpans() {
			for _, ss := range rs.GetScopeSpans() {
				spans.Add(int64(len(ss.GetSpans())))
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	defer server.Close()
	sums := runUntil(t, Config{Endpoint: server.Listener.Addr().String(), Protocol: HTTP, Rate: 40, Duration: time.Second},
		func(Summary) bool { return false })
	last := sums[len(sums)-1]
	if last.Delivered == 0 || last.Delivered != spans.Load() || last.Spans != last.Delivered {
		t.Errorf("last: %+v; received %d", last, spans.Load())
	}
}

// TestRunPatience begins with nobody at the endpoint: the shop says so, and delivers everything to whoever comes.
func TestRunPatience(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	var r *receiver
	sums := runUntil(t, Config{Endpoint: address, Rate: 20}, func(sum Summary) bool {
		if sum.Event == "trouble" {
			if !strings.Contains(sum.Trouble, "start `clew serve`") {
				t.Errorf("trouble: %q", sum.Trouble)
			}
			r = startReceiver(t, address)
		}
		return sum.Event == "recovered"
	})
	last := sums[len(sums)-1]
	if r == nil {
		t.Fatalf("no trouble told: %+v", sums)
	}
	if got := len(r.take()); last.Spans != last.Delivered || int(last.Delivered) != got || last.Lost != 0 {
		t.Errorf("last: %+v; received %d", last, got)
	}
}

// TestConfig refuses what makes no sense, with a word on what would.
func TestConfig(t *testing.T) {
	for want, cfg := range map[string]Config{
		`protocol "smoke": unknown; use grpc or http`:               {Protocol: "smoke"},
		`output "song": unknown; use text or json`:                  {Output: "song"},
		"rate -1: not between 0 and 1000 journeys per second":       {Rate: -1},
		"users 100001: not between 1 and 100000":                    {Users: 100_001},
		"duration -1s: negative":                                    {Duration: -time.Second},
		`endpoint "ftp://x:1": scheme "ftp"; use http, https`:       {Endpoint: "ftp://x:1"},
		"use host:port, such as 127.0.0.1:4317":                     {Endpoint: "localhost"},
		`fault "gremlins": unknown; known are payment-errors, slow`: {Faults: []Fault{"gremlins"}},
	} {
		err := Run(t.Context(), cfg)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", cfg, err, want)
		}
	}
}

// TestText holds what people read.
func TestText(t *testing.T) {
	r := startReceiver(t, "127.0.0.1:0")
	var out bytes.Buffer
	err := Run(t.Context(), Config{Endpoint: r.address, Rate: 20, Duration: 300 * time.Millisecond, Faults: []Fault{ClockSkew}, Out: &out})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"clew-demo: 13 services, 20 journeys a second, spans to " + r.address + " (OTLP/grpc); Ctrl-C ends\n",
		"curl -X PUT http://127.0.0.1:", " journeys, ", " delivered  faults: clock-skew\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
	if strings.ContainsAny(out.String(), "\r\x1b") {
		t.Errorf("terminal controls in what is no terminal:\n%q", out.String())
	}
}

func TestSummarize(t *testing.T) {
	for query, want := range map[string][2]string{
		"SELECT id FROM users WHERE email = ?":            {"SELECT", "users"},
		"select p.id\n\tfrom products p join prices x":    {"SELECT", "products"},
		"INSERT INTO orders (id) VALUES (?)":              {"INSERT", "orders"},
		"INSERT INTO orders(id) VALUES (?)":               {"INSERT", "orders"},
		"UPDATE stock SET available = ?":                  {"UPDATE", "stock"},
		"DELETE FROM cart_items WHERE user_id = ?":        {"DELETE", "cart_items"},
		"INSERT INTO a (b) VALUES (?) ON CONFLICT UPDATE": {"INSERT", "a"},
		"COMMIT": {"COMMIT", ""},
	} {
		operation, table := summarize(query)
		if diff := cmp.Diff(want, [2]string{operation, table}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

func TestCache(t *testing.T) {
	c := newCache[int]("test", 2, time.Hour)
	loads := 0
	get := func(key string) int {
		v, err := c.get(t.Context(), key, func() (int, error) { loads++; return loads, nil })
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	got := []int{get("a"), get("a"), get("b"), get("c"), get("b"), get("a")}
	if diff := cmp.Diff([]int{1, 1, 2, 3, 2, 4}, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if len(c.entries) != 2 || len(c.order) != 2 {
		t.Errorf("%d entries, %d keys; want 2", len(c.entries), len(c.order))
	}
}
