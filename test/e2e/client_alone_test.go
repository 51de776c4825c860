// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/clew-tracing/clew/test/harness"
)

// TestClientAlone sends one request to one client at a time and shows every
// field of every span that the native API gives back. The files in
// testdata/clients hold
//
//	request client=go method=POST path=/charge
//	{"amount": 42}
//	----
//	the answer's status, the resources, the spans as a tree
//
// and are written again by -rewrite. The browser's request is its click.
func TestClientAlone(t *testing.T) {
	datadriven.Walk(t, filepath.Join("testdata", "clients"), func(t *testing.T, path string) {
		s := harness.Start(t, harness.Config{})
		n := 0
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var client string
			d.ScanArgs(t, "client", &client)
			before := time.Now()
			var status int
			var spans harness.Spans
			if client == "browser" {
				status, spans = clickAlone(t, s)
			} else {
				n++
				status, spans = requestAlone(t, s, d, client, fmt.Sprintf("0af7651916cd43dd8448eb211c8%05x", n))
			}
			after := time.Now()
			for _, sp := range spans {
				// A millisecond of leave: JavaScript's clocks are that coarse.
				if sp.End < sp.Start || sp.Start < before.Add(-time.Millisecond).UnixNano() || sp.End > after.Add(time.Millisecond).UnixNano() {
					t.Errorf("span %s lasts from %d to %d, outside of the test (%d to %d)", sp.Name, sp.Start, sp.End, before.UnixNano(), after.UnixNano())
				}
				for _, e := range sp.Events {
					if e.Time < sp.Start-1e6 || e.Time > sp.End+1e6 {
						t.Errorf("event %s of span %s is at %d, outside of the span (%d to %d)", e.Name, sp.Name, e.Time, sp.Start, sp.End)
					}
				}
			}
			r := &renderer{root: harness.Root(t)}
			return fmt.Sprintf("status %d\n%s%s", status, r.resources(spans), r.tree(spans, r.full))
		})
	})
}

// remoteParent is the span id that the test's requests claim to come from.
const remoteParent = "b7ad6b7169203331"

func requestAlone(t *testing.T, s *harness.Server, d *datadriven.TestData, client, traceID string) (int, harness.Spans) {
	var method, path string
	d.ScanArgs(t, "method", &method)
	d.ScanArgs(t, "path", &path)
	end := startAudit(t)
	var c *harness.Client
	switch client {
	case "node":
		c = startNode(t, s, "PAYMENT_URL="+end.URL)
	case "go":
		c = startGo(t, s, "LEDGER_URL="+end.URL)
	case "python":
		c = startPython(t, s, "AUDIT_URL="+end.URL)
	default:
		d.Fatalf(t, "no client %s", client)
	}
	status := call(t, method, c.URL+path, strings.NewReader(d.Input), map[string]string{
		"Content-Type": "application/json",
		"Traceparent":  "00-" + traceID + "-" + remoteParent + "-01",
		"Tracestate":   "congo=t61rcWkgMzE",
		"Baggage":      "user.tier=gold",
	})
	c.Stop(t)
	spans := s.Trace(t, traceID)
	spans.Only(t, "children of the remote parent", func(s *harness.Span) bool { return s.Parent == remoteParent })
	return status, spans
}

func clickAlone(t *testing.T, s *harness.Server) (int, harness.Spans) {
	end := startAudit(t)
	c := clickOnce(t, s, end.URL, "42")
	return c.Status, s.Trace(t, c.TraceID)
}
