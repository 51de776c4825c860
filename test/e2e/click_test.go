// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/baggage"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/clew-tracing/clew/test/harness"
)

// oneClick is the whole trace of one click: browser, Node.js, Go and Python,
// each with the spans its own instrumentation makes.
const oneClick = `shop-page: click [internal] unset
  shop-page: buy [internal] unset
    shop-page: POST [client] unset
      storefront: POST /api/buy [server] unset
        storefront: middleware - patched [internal] unset
          storefront: middleware - corsMiddleware [internal] unset
        storefront: middleware - patched [internal] unset
          storefront: middleware - jsonParser [internal] unset
        storefront: middleware - patched [internal] unset
          storefront: request handler [internal] unset
            storefront: request handler - /api/buy [internal] unset
              storefront: POST [client] unset
                payment: POST /charge [server] unset
                  payment: charge card [internal] ok
                    payment: HTTP POST [client] unset
                      ledger: POST /entries [server] ok
                        ledger: POST audit [client] unset
                    payment: authorize [internal] unset
              storefront: tcp.connect [internal] unset
`

func TestOneClickIsOneTrace(t *testing.T) {
	s := harness.Start(t, harness.Config{})
	end := startAudit(t)
	ledger := startPython(t, s, "AUDIT_URL="+end.URL)
	payment := startGo(t, s, "LEDGER_URL="+ledger.URL)
	storefront := startNode(t, s, "PAYMENT_URL="+payment.URL)

	c := clickOnce(t, s, storefront.URL, "42")
	if c.Status != 200 {
		t.Fatalf("the page was answered %d, want 200", c.Status)
	}
	// A client that has stopped has flushed, so that the trace is complete now.
	storefront.Stop(t)
	payment.Stop(t)
	ledger.Stop(t)
	checkOneClick(t, s.Trace(t, c.TraceID))

	header := end.only(t)
	last := s.Trace(t, c.TraceID).Named(t, "ledger", "POST audit")
	if got, want := header.Get("Traceparent"), "00-"+c.TraceID+"-"+last.SpanID+"-01"; got != want {
		t.Errorf("traceparent at the end of the chain: %s, want %s", got, want)
	}
	if got := header.Get("Tracestate"); got != traceState {
		t.Errorf("tracestate at the end of the chain: %s, want %s", got, traceState)
	}

	carried, err := baggage.Parse(header.Get("Baggage"))
	if err != nil {
		t.Errorf("baggage at the end of the chain: %v", err)
	}
	if got := carried.Member("user.tier").Value() + ", " + carried.Member("session.id").Value(); got != "gold, näive,7" {
		t.Errorf("baggage at the end of the chain: %s", got)
	}

	// Tempo's API gives the same spans.
	want := harness.Canonical(s.TraceProto(t, c.TraceID))
	for _, host := range []string{s.Tempo + "/api/traces/", s.HTTP + "/tempo/api/traces/", s.HTTP + "/tempo/api/v2/traces/", s.HTTP + "/api/v2/traces/"} {
		address, path, _ := strings.Cut(host, "/")
		resp := s.Do(t, harness.Request{Host: address, Path: "/" + path + c.TraceID, Header: map[string]string{"Accept": "application/protobuf"}})
		body := resp.Body
		if strings.Contains(path, "v2") { // TraceByIDResponse{ trace = 1 }
			_, _, tag := protowire.ConsumeTag(body)
			body, _ = protowire.ConsumeBytes(body[max(tag, 0):])
		}
		var data tracepb.TracesData
		if err := proto.Unmarshal(body, &data); err != nil || resp.Status != http.StatusOK {
			t.Errorf("%s: %d %v", path, resp.Status, err)
			continue
		}
		if diff := cmp.Diff(want, harness.Canonical(&data)); diff != "" {
			t.Errorf("%s differs from the native API (-native +tempo):\n%s", path, diff)
		}
	}

	// The same trace is found by conditions on spans of different services.
	for _, q := range []string{
		`{ resource.service.name = "shop-page" && name = "click" } && { resource.service.name = "ledger" && kind = client }`,
		`{ span.user.tier = "gold" && resource.service.name = "payment" }`,
		`{ resource.service.name = "storefront" && span.http.route = "/api/buy" && kind = server }`,
		`{ event.order.status = 200 }`,
		`{ link:traceID = "0af70000000000000000000000000001" }`,
	} {
		page := s.Search(t, q)
		if len(page.Traces) != 1 || page.Traces[0].TraceID != c.TraceID || page.Traces[0].SpanCount != 19 {
			t.Errorf("search %s: got %+v, want the trace %s of 19 spans", q, page.Traces, c.TraceID)
		}
	}

	s.Kill(t)
	s.Restart(t)
	checkOneClick(t, s.Trace(t, c.TraceID))
}

const traceState = "shop=visit:42,congo=t61rcWkgMzE"

func checkOneClick(t *testing.T, spans harness.Spans) {
	t.Helper()
	r := &renderer{root: harness.Root(t)}
	if diff := cmp.Diff(oneClick, r.tree(spans, r.short)); diff != "" {
		t.Errorf("the trace of the click (-want +got):\n%s", diff)
	}
	for _, sp := range spans {
		if sp.TraceState != traceState {
			t.Errorf("%s %s: tracestate %q, want %q", sp.Service(), sp.Name, sp.TraceState, traceState)
		}
		if sp.Name == "click" {
			continue // baggage begins with what the click sets off
		}
		if sp.Attributes["user.tier"] != "gold" || sp.Attributes["session.id"] != "näive,7" {
			t.Errorf("%s %s: baggage is not among its attributes %v", sp.Service(), sp.Name, sp.Attributes)
		}
	}
}
