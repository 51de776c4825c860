// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestFaults holds that each fault shows in the spans as [Faults] says.
func TestFaults(t *testing.T) {
	named := func(service, name string) func(*seen) bool {
		return func(s *seen) bool { return s.service == service && s.GetName() == name }
	}
	toAcquirer := func(s *seen) bool { return s.kind() == "CLIENT" && s.attrs["server.address"] == "acquirer.example" }
	tests := map[Fault]struct {
		journey journey
		refused int // status of the answer; 0 = success
		tries   int // journeys made until one shows it; the fault is a matter of luck where this is above 1
		shows   func(t *testing.T, spans []*seen) bool
	}{
		PaymentErrors: {journey: buy, refused: http.StatusBadGateway, tries: 60, shows: func(t *testing.T, spans []*seen) bool {
			attempts := only(spans, toAcquirer)
			counts := map[string]int{}
			for _, a := range attempts {
				counts[a.attrs["http.request.resend_count"]]++
				if a.parent() != attempts[0].parent() {
					t.Errorf("attempts are no siblings")
				}
			}
			if diff := cmp.Diff(map[string]int{"": 1, "1": 1, "2": 1}, counts); diff != "" {
				t.Errorf("resend counts (-want +got):\n%s", diff)
			}
			charge := only(spans, named("payment", "POST /charges"))[0]
			e := charge.event("exception")
			if !strings.HasSuffix(e["exception.type"], ".acquirerError") || !strings.Contains(e["exception.stacktrace"], "payment.go") {
				t.Errorf("exception %v", e)
			}
			return charge.failed() && len(only(spans, named("inventory", "shop.v1.Inventory/Release"))) == 1
		}},
		SlowCatalog: {journey: find, tries: 4, shows: func(_ *testing.T, spans []*seen) bool {
			slow := only(spans, func(s *seen) bool {
				return s.instance == slowPod && s.GetEndTimeUnixNano()-s.GetStartTimeUnixNano() > uint64(100*time.Millisecond)
			})
			return len(slow) > 0
		}},
		SlowRecommendations: {journey: browse, tries: 1, shows: func(t *testing.T, spans []*seen) bool {
			call := only(spans, func(s *seen) bool {
				return s.service == "api-gateway" && s.GetName() == "shop.v1.Recommendation/Recommend"
			})[0]
			if got := call.attrs["rpc.response.status_code"]; got != "DEADLINE_EXCEEDED" {
				t.Errorf("call of recommendation ends %q", got)
			}
			return only(spans, named("web", "GET /"))[0].event("recommendations left out") != nil
		}},
		RetryStorm: {journey: buy, refused: http.StatusBadGateway, tries: 1, shows: func(t *testing.T, spans []*seen) bool {
			if n := len(only(spans, toAcquirer)); n != 27 {
				t.Errorf("%d calls of the acquirer, want 27", n)
			}
			return true
		}},
		NPlusOne: {journey: browse, tries: 1, shows: func(_ *testing.T, spans []*seen) bool {
			return len(only(spans, named("catalog", "SELECT prices"))) >= 12
		}},
		BrokenPropagation: {journey: find, tries: 1, shows: func(_ *testing.T, spans []*seen) bool {
			roots := only(spans, func(s *seen) bool { return s.parent() == "" && s.service == "catalog" })
			return len(roots) == 1 && len(traces(spans)) == 2
		}},
		MissingRoot: {journey: look, tries: 1, shows: func(_ *testing.T, spans []*seen) bool {
			entry := only(spans, named("web", "GET /products/{id}"))[0]
			return entry.parent() != "" && byID(spans)[entry.parent()] == nil
		}},
		LostSpans: {journey: buy, tries: 10, shows: func(_ *testing.T, spans []*seen) bool {
			index := byID(spans)
			return len(only(spans, func(s *seen) bool { return s.parent() != "" && index[s.parent()] == nil })) > 0
		}},
		ClockSkew: {journey: buy, tries: 4, shows: func(_ *testing.T, spans []*seen) bool {
			index := byID(spans)
			return len(only(spans, func(s *seen) bool {
				parent := index[s.parent()]
				return s.instance == skewedInstance && parent != nil && parent.instance != s.instance &&
					s.GetStartTimeUnixNano()+uint64(time.Second) < parent.GetStartTimeUnixNano()
			})) > 0
		}},
		HighCardinalityNames: {journey: look, tries: 1, shows: func(_ *testing.T, spans []*seen) bool {
			return len(only(spans, func(s *seen) bool { return strings.HasPrefix(s.GetName(), "GET /api/products/p-") })) == 1
		}},
	}
	for _, info := range Faults() {
		t.Run(string(info.Name), func(t *testing.T) {
			test, ok := tests[info.Name]
			if !ok {
				t.Fatal("a fault without a test")
			}
			ts := openTested(t, info.Name)
			for range test.tries {
				spans, err := ts.spansOf(t, test.journey)
				var refused *statusError
				switch {
				case test.refused == 0 && err != nil:
					t.Fatal(err)
				case test.refused != 0 && (!errors.As(err, &refused) || refused.status != test.refused):
					continue // lucky this time
				}
				if test.shows(t, spans) {
					return
				}
			}
			t.Errorf("%s does not show in %d journeys", info.Name, test.tries)
		})
	}
}

// TestControl switches a fault on and off over HTTP.
func TestControl(t *testing.T) {
	faults := &switchboard{}
	c, err := openControl("127.0.0.1:0", faults)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	base := "http://" + c.address() + "/faults"

	var on []Fault
	if err := call(t.Context(), client, http.MethodPut, base+"/n-plus-one", nil, &on); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Fault{NPlusOne}, on); diff != "" || !faults.on(NPlusOne) {
		t.Errorf("after PUT (-want +got):\n%s", diff)
	}
	var states []faultState
	if err := call(t.Context(), client, http.MethodGet, base, nil, &states); err != nil {
		t.Fatal(err)
	}
	for i, info := range Faults() {
		want := faultState{FaultInfo: info, On: info.Name == NPlusOne}
		if diff := cmp.Diff(want, states[i]); diff != "" {
			t.Errorf("GET /faults (-want +got):\n%s", diff)
		}
	}
	if err := call(t.Context(), client, http.MethodDelete, base+"/n-plus-one", nil, &on); err != nil {
		t.Fatal(err)
	}
	if len(on) != 0 || faults.on(NPlusOne) {
		t.Errorf("after DELETE: %v", on)
	}
	err = call(t.Context(), client, http.MethodPut, base+"/gremlins", nil, nil)
	var refused *statusError
	if !errors.As(err, &refused) || refused.status != http.StatusNotFound || !strings.Contains(refused.message, "known are payment-errors") {
		t.Errorf("an unknown fault: %v", err)
	}
}
