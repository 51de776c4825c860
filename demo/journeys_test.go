// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestJourneys goes on every journey and compares the trees of the spans it makes with testdata/journeys.
func TestJourneys(t *testing.T) {
	ts := openTested(t)
	services := map[string]bool{}
	datadriven.RunTest(t, "testdata/journeys", func(t *testing.T, d *datadriven.TestData) string {
		spans, err := ts.spansOf(t, journey(d.Cmd))
		if err != nil {
			t.Fatalf("%s: %v", d.Cmd, err)
		}
		for _, s := range spans {
			services[s.service] = true
		}
		checkParents(t, spans)
		checkConventions(t, spans)
		checkBaggage(t, ts.customer, spans)
		return tree(spans)
	})
	want := []string{
		"api-gateway", "auth", "cart", "catalog", "checkout", "fraud", "inventory", "notification", "payment",
		"recommendation", "search", "shipping", "web",
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(services))); diff != "" {
		t.Errorf("services seen (-want +got):\n%s", diff)
	}
}

// checkParents holds that a journey is one trace from web on, that consumers of batches begin the only others, and
// that a parent is what the kinds of two spans ask for.
func checkParents(t *testing.T, spans []*seen) {
	t.Helper()
	index := byID(spans)
	roots := map[string]int{}
	for _, s := range spans {
		if s.parent() == "" {
			roots[s.String()]++
			continue
		}
		parent := index[s.parent()]
		if parent == nil {
			t.Errorf("%s: parent is missing", s)
			continue
		}
		if parent.trace() != s.trace() {
			t.Errorf("%s: parent %s is in another trace", s, parent)
		}
		switch s.kind() {
		case "SERVER":
			if parent.kind() != "CLIENT" || parent.service == s.service {
				t.Errorf("%s: parent is %s, not the CLIENT span of another service", s, parent)
			}
		case "CONSUMER":
			if parent.kind() != "PRODUCER" {
				t.Errorf("%s: parent is %s, not a PRODUCER", s, parent)
			}
		default:
			if parent.service != s.service {
				t.Errorf("%s: parent is %s of another service", s, parent)
			}
		}
		if s.GetStartTimeUnixNano() < parent.GetStartTimeUnixNano() {
			t.Errorf("%s: begins before its parent %s", s, parent)
		}
	}
	for root, n := range roots {
		if n != 1 || !strings.HasPrefix(root, "web SERVER ") && root != "shipping CONSUMER process orders" {
			t.Errorf("root %s, %d times", root, n)
		}
	}
}

// checkConventions holds that spans of a kind have the attributes that the conventions require of them.
func checkConventions(t *testing.T, spans []*seen) {
	t.Helper()
	for _, s := range spans {
		var keys []string
		switch {
		case s.attrs["db.system.name"] != "":
			keys = []string{"db.namespace", "db.query.text", "db.query.summary", "db.operation.name"}
			if strings.Contains(s.attrs["db.query.text"], "'o-") || strings.Contains(s.attrs["db.query.text"], "'u-") {
				t.Errorf("%s: values in db.query.text %q", s, s.attrs["db.query.text"])
			}
		case s.attrs["messaging.system"] != "":
			keys = []string{"messaging.operation.type", "messaging.operation.name", "messaging.destination.name"}
			if s.kind() == "CONSUMER" {
				keys = append(keys, "messaging.consumer.group.name")
			}
		case s.attrs["rpc.system.name"] != "":
			keys = []string{"rpc.method", "server.address"}
		case s.kind() == "SERVER":
			keys = []string{"http.request.method", "http.route", "url.path", "url.scheme", "http.response.status_code", "server.address"}
		case s.kind() == "CLIENT":
			keys = []string{"http.request.method", "url.full", "http.response.status_code", "server.address", "network.peer.port"}
		}
		for _, key := range keys {
			if s.attrs[key] == "" {
				t.Errorf("%s: no %s in %v", s, key, s.attrs)
			}
		}
		for _, key := range []string{
			"service.namespace", "service.version", "service.instance.id", "telemetry.sdk.name", "telemetry.sdk.language", "host.name",
		} {
			if s.resource[key] == "" {
				t.Errorf("%s: resource without %s", s, key)
			}
		}
	}
}

// checkBaggage holds that every span of a customer's trace says whose it is. A trace that a batch began belongs to many.
func checkBaggage(t *testing.T, c customer, spans []*seen) {
	t.Helper()
	customers := only(spans, func(s *seen) bool { return s.service == "web" && s.parent() == "" })[0].trace()
	for _, s := range only(spans, func(s *seen) bool { return s.trace() == customers }) {
		if s.attrs[tenantKey] != c.tenant || s.attrs[userKey] != c.id || s.attrs[sessionKey] == "" {
			t.Errorf("%s: tenant %q, user %q, session %q", s, s.attrs[tenantKey], s.attrs[userKey], s.attrs[sessionKey])
		}
	}
}

// TestLinks holds that each consumer links to the producer of its message, in and out of the producer's trace.
func TestLinks(t *testing.T) {
	ts := openTested(t)
	spans, err := ts.spansOf(t, buy)
	if err != nil {
		t.Fatal(err)
	}
	producers := only(spans, func(s *seen) bool { return s.kind() == "PRODUCER" })
	if len(producers) != 1 {
		t.Fatalf("%d producers, want 1", len(producers))
	}
	consumers := only(spans, func(s *seen) bool { return s.kind() == "CONSUMER" })
	sameTrace := map[string]bool{}
	for _, c := range consumers {
		if len(c.GetLinks()) != 1 {
			t.Fatalf("%s: %d links, want 1", c, len(c.GetLinks()))
		}
		link := c.GetLinks()[0]
		if got := hex.EncodeToString(link.GetSpanId()); got != producers[0].id() {
			t.Errorf("%s links to %s, want %s", c, got, producers[0].id())
		}
		if got := hex.EncodeToString(link.GetTraceId()); got != producers[0].trace() {
			t.Errorf("%s links to trace %s, want %s", c, got, producers[0].trace())
		}
		sameTrace[c.service] = c.trace() == producers[0].trace()
	}
	if diff := cmp.Diff(map[string]bool{"notification": true, "shipping": false}, sameTrace); diff != "" {
		t.Errorf("consumers in the producer's trace (-want +got):\n%s", diff)
	}
}

// TestTimings holds that the page names its trace.
func TestTimings(t *testing.T) {
	ts := openTested(t)
	response, err := ts.client.Get("http://web/products/p-100")
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	named := strings.Split(response.Header.Get("Server-Timing"), "-")
	if len(named) != 4 {
		t.Fatalf("Server-Timing %q", response.Header.Get("Server-Timing"))
	}
	for _, member := range ts.services {
		if err := member.provider.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	spans := ts.receiver.take()
	if got := slices.Collect(maps.Keys(traces(spans))); len(got) != 1 || got[0] != named[1] {
		t.Errorf("traces %v, the page names %s", got, named[1])
	}
	if len(only(spans, func(s *seen) bool { return s.attrs[userKey] != "" })) != 0 {
		t.Error("a request without cookies has a user")
	}
}
