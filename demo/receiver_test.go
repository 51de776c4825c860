// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
)

// seen is a span as it came over the wire, with its resource.
type seen struct {
	*tracepb.Span
	service, instance string
	resource          map[string]string
	attrs             map[string]string
}

func (s *seen) trace() string  { return hex.EncodeToString(s.GetTraceId()) }
func (s *seen) id() string     { return hex.EncodeToString(s.GetSpanId()) }
func (s *seen) parent() string { return hex.EncodeToString(s.GetParentSpanId()) }
func (s *seen) kind() string {
	return strings.TrimPrefix(s.GetKind().String(), "SPAN_KIND_")
}
func (s *seen) failed() bool { return s.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR }
func (s *seen) String() string {
	return fmt.Sprintf("%s %s %s", s.service, s.kind(), s.GetName())
}

// event returns the attributes of the span's first event of that name, nil when there is none.
func (s *seen) event(name string) map[string]string {
	for _, e := range s.GetEvents() {
		if e.GetName() == name {
			return flatten(e.GetAttributes())
		}
	}
	return nil
}

// receiver takes OTLP over gRPC and keeps every span.
type receiver struct {
	collector.UnimplementedTraceServiceServer
	address string
	mu      sync.Mutex
	spans   []*seen
}

func startReceiver(t *testing.T, address string) *receiver {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{address: listener.Addr().String()}
	server := grpc.NewServer()
	collector.RegisterTraceServiceServer(server, r)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(listener); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { server.Stop(); <-done })
	return r
}

// Export implements [collector.TraceServiceServer].
func (r *receiver) Export(_ context.Context, request *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rs := range request.GetResourceSpans() {
		resource := flatten(rs.GetResource().GetAttributes())
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				r.spans = append(r.spans, &seen{
					Span: s, resource: resource, attrs: flatten(s.GetAttributes()),
					service: resource["service.name"], instance: resource["service.instance.id"],
				})
			}
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

func flatten(attributes []*common.KeyValue) map[string]string {
	flat := map[string]string{}
	for _, a := range attributes {
		switch v := a.GetValue().GetValue().(type) {
		case *common.AnyValue_StringValue:
			flat[a.GetKey()] = v.StringValue
		case *common.AnyValue_IntValue:
			flat[a.GetKey()] = fmt.Sprint(v.IntValue)
		case *common.AnyValue_BoolValue:
			flat[a.GetKey()] = fmt.Sprint(v.BoolValue)
		default:
			flat[a.GetKey()] = a.GetValue().String()
		}
	}
	return flat
}

// take returns the spans received since the last take.
func (r *receiver) take() []*seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	spans := r.spans
	r.spans = nil
	return spans
}

// tested is a shop with a receiver and one shopper in it.
type tested struct {
	*shop
	*shopper
	receiver *receiver
}

// openTested opens a calm shop: nothing fails in it but what the faults make fail.
func openTested(t *testing.T, faults ...Fault) *tested {
	t.Helper()
	r := startReceiver(t, "127.0.0.1:0")
	cfg, err := Config{Endpoint: r.address, Users: 5, Seed: 1, Faults: faults, calm: true}.complete()
	if err != nil {
		t.Fatal(err)
	}
	out, err := openOutlet(cfg.Endpoint, cfg.Protocol)
	if err != nil {
		t.Fatal(err)
	}
	s, err := openShop(cfg, out)
	if err != nil {
		t.Fatal(err)
	}
	crowd := newCrowd(s, cfg.Users)
	t.Cleanup(func() { s.close(); crowd.internet.CloseIdleConnections(); out.close() })
	return &tested{shop: s, shopper: crowd.shoppers[3], receiver: r}
}

// spansOf goes on a journey and returns every span it caused, those of the queue's consumers included, and what the
// shop answered.
func (ts *tested) spansOf(t *testing.T, j journey) ([]*seen, error) {
	t.Helper()
	before := ts.outlet.made.Load()
	answer := ts.make(t.Context(), j)
	var spans []*seen
	// The consumers and the servers that were given up work on for a moment: wait until no span has been made for a
	// while and all that were have arrived.
	deadline := time.Now().Add(20 * time.Second)
	for quiet, made := 0, int64(-1); quiet < 8; {
		if time.Now().After(deadline) {
			t.Fatalf("%s: the shop does not come to rest", j)
		}
		time.Sleep(20 * time.Millisecond)
		now := ts.outlet.made.Load()
		if now != made || !ts.queue.empty() {
			quiet, made = 0, now
			continue
		}
		quiet++
	}
	for _, member := range ts.services {
		if err := member.provider.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	spans = ts.receiver.take()
	if want := ts.outlet.made.Load() - before; int64(len(spans)) != want {
		t.Fatalf("%s: %d spans made, %d arrived", j, want, len(spans))
	}
	return spans, answer
}

// traces sorts spans by trace.
func traces(spans []*seen) map[string][]*seen {
	byTrace := map[string][]*seen{}
	for _, s := range spans {
		byTrace[s.trace()] = append(byTrace[s.trace()], s)
	}
	return byTrace
}

// byID indexes spans by span id.
func byID(spans []*seen) map[string]*seen {
	index := map[string]*seen{}
	for _, s := range spans {
		index[s.id()] = s
	}
	return index
}

// only returns the spans that match.
func only(spans []*seen, match func(*seen) bool) []*seen {
	var found []*seen
	for _, s := range spans {
		if match(s) {
			found = append(found, s)
		}
	}
	return found
}

// tree draws spans as text: children below their parents, by name, equal neighbours counted.
func tree(spans []*seen) string {
	index := byID(spans)
	children := map[string][]*seen{}
	for _, s := range spans {
		parent := s.parent()
		if index[parent] == nil {
			if parent != "" {
				parent = "missing"
			}
		}
		children[parent] = append(children[parent], s)
	}
	var draw func(parent string, depth int) string
	draw = func(parent string, depth int) string {
		var blocks []string
		for _, s := range children[parent] {
			line := strings.Repeat("  ", depth) + s.String()
			if s.failed() {
				line += " !"
			}
			for _, l := range s.GetLinks() {
				if to := index[hex.EncodeToString(l.GetSpanId())]; to != nil {
					line += " ~> " + to.String()
				}
			}
			blocks = append(blocks, line+"\n"+draw(s.id(), depth+1))
		}
		slices.Sort(blocks)
		var text strings.Builder
		for i := 0; i < len(blocks); {
			n := 1
			for i+n < len(blocks) && blocks[i+n] == blocks[i] {
				n++
			}
			block := blocks[i]
			if n > 1 {
				first, rest, _ := strings.Cut(block, "\n")
				block = fmt.Sprintf("%s (x%d)\n%s", first, n, rest)
			}
			text.WriteString(block)
			i += n
		}
		return text.String()
	}
	text := draw("", 0)
	if lost := draw("missing", 1); lost != "" {
		text += "(parent missing)\n" + lost
	}
	return text
}
