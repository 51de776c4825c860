// SPDX-License-Identifier: Apache-2.0

package wiretest

import (
	"bytes"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/clew-tracing/clew/span"
)

func TestShopIsRealistic(t *testing.T) {
	c := Shop(1, 20_000)
	b := c.Want
	if b.Len() < 20_000 || b.Len() > 20_500 {
		t.Errorf("%d spans", b.Len())
	}
	services, requestsOf := map[string]int{}, map[span.TraceID]map[int]bool{}
	ids := map[span.TraceID]map[span.SpanID]bool{}
	row := 0
	for i, r := range c.Requests {
		for range r.Spans {
			id := b.TraceID[row]
			if requestsOf[id] == nil {
				requestsOf[id], ids[id] = map[int]bool{}, map[span.SpanID]bool{}
			}
			requestsOf[id][i] = true
			if ids[id][b.SpanID[row]] {
				t.Fatalf("span id %s twice", b.SpanID[row])
			}
			ids[id][b.SpanID[row]] = true
			services[b.Service(row)]++
			row++
		}
	}
	var errors, events, links, split int
	for i := range b.Len() {
		if p := b.ParentID[i]; !p.IsZero() && !ids[b.TraceID[i]][p] {
			t.Fatalf("span %s has a parent that is not in its trace", b.SpanID[i])
		}
		if b.Duration[i] < 0 || b.Start[i] < Epoch-1e9 || b.Start[i] > Epoch+900e9 {
			t.Fatalf("span %s: start %d, duration %d", b.SpanID[i], b.Start[i], b.Duration[i])
		}
		if b.Status[i] == span.StatusError {
			errors++
		}
		lo, hi := b.Events.Range(i)
		events += hi - lo
		lo, hi = b.Links.Range(i)
		links += hi - lo
	}
	for _, rs := range requestsOf {
		if len(rs) > 1 {
			split++
		}
	}
	if len(services) < 14 || services[""] > 0 {
		t.Errorf("services %v", services)
	}
	if errors < 100 || errors > b.Len()/10 || events < 50 || links < 100 || split < len(requestsOf)/2 {
		t.Errorf("%d errors, %d events, %d links, %d of %d traces in several requests", errors, events, links, split, len(requestsOf))
	}
}

// TestSameSeedSameBytes makes every corpus twice.
func TestSameSeedSameBytes(t *testing.T) {
	for name, make := range map[string]func(seed uint64) *Corpus{
		"shop":    func(seed uint64) *Corpus { return Shop(seed, 500) },
		"hostile": func(seed uint64) *Corpus { return HostileOf(seed, 100, 100) },
	} {
		one, two, other := make(1), make(1), make(2)
		if len(one.Requests) != len(two.Requests) {
			t.Fatalf("%s: %d and %d requests", name, len(one.Requests), len(two.Requests))
		}
		for i := range one.Requests {
			if !bytes.Equal(one.Requests[i].Data, two.Requests[i].Data) {
				t.Fatalf("%s: request %d differs", name, i)
			}
		}
		if span.DumpString(one.Want) == span.DumpString(other.Want) {
			t.Errorf("%s: another seed makes the same", name)
		}
	}
}

// TestRequestsAreOTLP reads the requests with the generated types, as far as these take them: protobuf-go refuses strings
// that are not UTF-8.
func TestRequestsAreOTLP(t *testing.T) {
	c := HostileOf(1, 50, 50)
	kept, rejected := 0, 0
	for i, r := range c.Requests {
		var td tracepb.TracesData
		err := proto.Unmarshal(r.Data, &td)
		if r.Case == "invalid UTF-8 in spans" || r.Case == "invalid UTF-8 in resource and scope" {
			r.Malformed = true
		}
		if (err != nil) != r.Malformed {
			t.Errorf("request %d (%s): %v", i, r.Case, err)
		}
		spans := 0
		for _, rs := range td.ResourceSpans {
			for _, ss := range rs.ScopeSpans {
				spans += len(ss.Spans)
			}
		}
		if err == nil && spans != r.Spans+r.Rejected {
			t.Errorf("request %d (%s): %d spans, want %d kept and %d rejected", i, r.Case, spans, r.Spans, r.Rejected)
		}
		kept += c.Requests[i].Spans
		rejected += r.Rejected
	}
	if kept != c.Spans() || rejected == 0 {
		t.Errorf("%d spans kept, %d in Want; %d rejected", kept, c.Spans(), rejected)
	}
	if n := c.Collapsed().Len(); n >= c.Spans() {
		t.Errorf("%d of %d spans are left when equal ones collapse", n, c.Spans())
	}
}
