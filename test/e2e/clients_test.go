// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clew-tracing/clew/test/harness"
)

// exporterEnv points a client's SDK at the server over gRPC or HTTP, with a
// short batch schedule so that tests need not wait 5 s.
func exporterEnv(service, endpoint string) []string {
	return []string{
		"OTEL_SERVICE_NAME=" + service,
		"OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=test",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + endpoint,
		"OTEL_BSP_SCHEDULE_DELAY=100",
		"OTEL_TRACES_SAMPLER=parentbased_always_on",
		"OTEL_METRICS_EXPORTER=none",
		"OTEL_LOGS_EXPORTER=none",
	}
}

func startNode(t *testing.T, s *harness.Server, env ...string) *harness.Client {
	t.Helper()
	env = append(exporterEnv("storefront", s.OTLPHTTP), append(env, "OTEL_EXPORTER_OTLP_COMPRESSION=gzip", "OTEL_NODE_RESOURCE_DETECTORS=env,process")...)
	return harness.StartClient(t, "node", env, "node", "--require", "./tracing.cjs", "app.cjs")
}

func startGo(t *testing.T, s *harness.Server, env ...string) *harness.Client {
	t.Helper()
	return harness.StartClient(t, "go", append(exporterEnv("payment", s.OTLPGRPC), env...), filepath.Join(harness.Root(t), "test", "clients", "bin", "payment"))
}

func startPython(t *testing.T, s *harness.Server, env ...string) *harness.Client {
	t.Helper()
	return harness.StartClient(t, "python", append(exporterEnv("ledger", s.OTLPHTTP), env...), filepath.Join(harness.Root(t), "test", "clients", "python", ".venv", "bin", "python"), "app.py")
}

// audit is the last service of the chain: it only remembers the headers of
// the requests that reach it.
type audit struct {
	*httptest.Server
	mu      sync.Mutex
	headers []http.Header
}

func startAudit(t *testing.T) *audit {
	t.Helper()
	a := &audit{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.headers = append(a.headers, r.Header.Clone())
		a.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(a.Close)
	return a
}

// only returns the headers of the one request that came.
func (a *audit) only(t *testing.T) http.Header {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.headers) != 1 {
		t.Fatalf("%d requests reached the end of the chain, want 1", len(a.headers))
	}
	return a.headers[0]
}

// click is what the page of test/clients/browser says about one click.
type click struct {
	Status   int
	TraceID  string `json:"traceId"`
	Origin   string
	Failures []string
}

// clickOnce opens the page in Chromium and clicks its button. Posting spans must
// not fail in the page's eyes; what else it complains of is the caller's affair.
func clickOnce(t *testing.T, s *harness.Server, api, amount string) click {
	t.Helper()
	cmd := exec.Command("node", "click.mjs", "http://"+s.OTLPHTTP, api, amount)
	cmd.Dir = filepath.Join(harness.Root(t), "test", "clients", "browser")
	cmd.Stderr = os.Stderr
	timer := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("click in Chromium: %v\n%s", err, out)
	}
	var c click
	if err := json.Unmarshal(out, &c); err != nil {
		t.Fatalf("click in Chromium: %v in %s", err, out)
	}
	if c.Failures = slices.DeleteFunc(c.Failures, func(f string) bool { return !strings.Contains(f, s.OTLPHTTP) }); len(c.Failures) > 0 {
		t.Errorf("the page could not post its spans: %q", c.Failures)
	}
	return c
}

// call sends a request to a client service and returns the status.
func call(t *testing.T, method, url string, body io.Reader, header map[string]string) int {
	t.Helper()
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}
