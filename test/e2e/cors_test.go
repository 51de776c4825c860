// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clew-tracing/clew/test/harness"
)

// TestBrowsersMayPost checks what a browser checks before and after it posts
// spans from a page of another origin.
func TestBrowsersMayPost(t *testing.T) {
	s := harness.Start(t, harness.Config{})
	const origin = "https://shop.example"
	for _, path := range []string{"/v1/traces", "/v1/logs", "/v1/metrics"} {
		resp := s.Do(t, harness.Request{Method: http.MethodOptions, Host: s.OTLPHTTP, Path: path, Header: map[string]string{
			"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-shop,content-encoding",
		}})
		if resp.Status != http.StatusNoContent && resp.Status != http.StatusOK {
			t.Errorf("preflight of %s: %d %s", path, resp.Status, resp.Body)
		}
		allows(t, resp, origin)
		allowed := strings.ToLower(resp.Header.Get("Access-Control-Allow-Headers"))
		for _, name := range []string{"content-type", "x-shop", "content-encoding"} {
			if !strings.Contains(allowed, name) {
				t.Errorf("preflight of %s: allowed headers %q lack %s", path, allowed, name)
			}
		}
		if methods := resp.Header.Get("Access-Control-Allow-Methods"); !strings.Contains(methods, "POST") {
			t.Errorf("preflight of %s: allowed methods %q lack POST", path, methods)
		}
	}

	body := harness.Marshal(t, harness.NewRequest("page", harness.NewSpan(harness.TraceID(31, 1), harness.SpanID(1), nil, "click", time.Now())))
	ok := s.PostOTLP(t, protobuf, body, "Origin", origin)
	if ok.Status != http.StatusOK {
		t.Errorf("post from a page: %d %s", ok.Status, ok.Body)
	}
	allows(t, ok, origin)
	// An error without these headers would be hidden from the page.
	bad := s.Do(t, harness.Request{Host: s.OTLPHTTP, Path: "/v1/traces", Header: map[string]string{"Content-Type": jsonType, "Origin": origin}, Body: bytes.NewReader([]byte("{"))})
	if bad.Status != http.StatusBadRequest {
		t.Errorf("bad post from a page: %d %s", bad.Status, bad.Body)
	}
	allows(t, bad, origin)
}

// allows expects an answer that the page of that origin may read. A wildcard
// together with credentials is refused by browsers.
func allows(t *testing.T, resp harness.Response, origin string) {
	t.Helper()
	got, credentials := resp.Header.Get("Access-Control-Allow-Origin"), resp.Header.Get("Access-Control-Allow-Credentials")
	if got != "*" && got != origin || got == "*" && credentials == "true" {
		t.Errorf("allowed origin %q with credentials %q, want * or %s", got, credentials, origin)
	}
	if got == origin && !strings.Contains(resp.Header.Get("Vary"), "Origin") {
		t.Errorf("the answer depends on the origin but its Vary is %q", resp.Header.Get("Vary"))
	}
}
