// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/clew-tracing/clew/test/harness"
)

// TestDemo runs the shop against the server: its traces are searchable within
// 2 s of being made, and show what the demo promises to show.
func TestDemo(t *testing.T) {
	s := harness.Start(t, harness.Config{})
	demo := exec.Command(harness.Demo(t), "--endpoint", s.OTLPGRPC, "--rate", "20", "--duration", "12s", "--seed", "7")
	done := make(chan error, 1)
	if err := demo.Start(); err != nil {
		t.Fatalf("start clew-demo: %v", err)
	}
	go func() { done <- demo.Wait() }()
	t.Cleanup(func() { _ = demo.Process.Kill() }) // it has ended by itself, if all went well

	// From the fourth second on there is always a trace that was made within
	// the last two seconds: 40 journeys begin in that time.
	began := time.Now()
	var stalest time.Duration
	for time.Since(began) < 11*time.Second {
		time.Sleep(100 * time.Millisecond)
		if time.Since(began) < 4*time.Second {
			continue
		}
		asked := time.Now()
		page := s.Search(t, "{ }", "limit", "1")
		if len(page.Traces) != 1 {
			t.Fatalf("no trace is found %v after the demo began", time.Since(began))
		}
		start, err := strconv.ParseInt(page.Traces[0].StartNs, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		stalest = max(stalest, asked.Sub(time.Unix(0, start)))
	}
	t.Logf("the newest trace was never older than %v", stalest)
	if stalest > 2*time.Second {
		t.Errorf("the newest trace to be found was %v old, want at most 2 s", stalest)
	}
	select {
	case err := <-done:
		if err != nil {
			t.Fatalf("clew-demo: %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("clew-demo does not end after its --duration")
	}

	var services struct {
		Values []struct{ Value string }
	}
	s.JSON(t, "/api/clew/v1/values?field=resource.service.name", &services)
	if len(services.Values) < 10 {
		t.Errorf("%d services, want at least 10: %v", len(services.Values), services.Values)
	}
	for what, q := range map[string]string{
		"SQL":        `{ span.db.system.name != nil && kind = client }`,
		"a queue":    `{ kind = producer } && { kind = consumer }`,
		"span links": `{ link:traceID != "" }`,
		"errors":     `{ status = error }`,
		"HTTP":       `{ kind = server && span.http.route != nil }`,
		"gRPC":       `{ span.rpc.system.name = "grpc" || span.rpc.system = "grpc" }`,
		"a checkout": `{ resource.service.name = "web" } && { resource.service.name = "payment" && kind = server }`,
	} {
		if page := s.Search(t, q, "limit", "1"); len(page.Traces) == 0 {
			t.Errorf("the demo shows no %s: nothing is found by %s", what, q)
		}
	}

	// Every span has its parent: nothing was lost between thirteen services.
	cursor, traces, spans := "", 0, 0
	for range 100 {
		page := s.Search(t, "{ }", "limit", "100", "cursor", cursor)
		for _, tr := range page.Traces {
			traces++
			whole := s.Trace(t, tr.TraceID)
			for _, sp := range whole {
				spans++
				if sp.Parent != "" && whole.ByID(sp.Parent) == nil {
					t.Errorf("trace %s: the parent of %s %s is missing", tr.TraceID, sp.Service(), sp.Name)
				}
			}
		}
		if cursor = page.Cursor; cursor == "" {
			break
		}
	}
	t.Logf("%d traces, %d spans", traces, spans)
	if traces < 100 {
		t.Errorf("%d traces of 240 journeys were found", traces)
	}
}
