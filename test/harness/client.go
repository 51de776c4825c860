// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Client is a running client service of test/clients.
type Client struct {
	// URL is where it serves, "http://host:port".
	URL string

	proc *process
}

// StartClient starts a command in a folder of test/clients and waits for its
// line {"listening":"host:port"}. env holds further "KEY=value". A client that
// is not installed fails the test (test/setup.sh installs them).
func StartClient(tb testing.TB, folder string, env []string, command ...string) *Client {
	tb.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = filepath.Join(Root(tb), "test", "clients", folder)
	cmd.Env = append(os.Environ(), env...)
	out, log := &firstLine{found: make(chan string, 1)}, &tail{limit: 32 << 10}
	cmd.Stdout, cmd.Stderr = out, log
	proc, err := startProcess(cmd)
	if err != nil {
		tb.Fatalf("start %s client: %v (test/setup.sh installs the clients)", folder, err)
	}
	tb.Cleanup(func() {
		if err := proc.signal(os.Kill); err != nil {
			tb.Errorf("kill %s client: %v", folder, err)
		}
		_ = proc.wait() // how it ended after a kill tells nothing
		if tb.Failed() {
			tb.Logf("stderr of the %s client:\n%s", folder, log)
		}
	})

	select {
	case text := <-out.found:
		var address struct{ Listening string }
		if err := json.Unmarshal([]byte(text), &address); err != nil {
			tb.Fatalf("start %s client: no address but %q", folder, text)
		}
		return &Client{URL: "http://" + address.Listening, proc: proc}
	case <-proc.done:
		tb.Fatalf("start %s client: it ended without an address: %v", folder, proc.err)
	case <-time.After(60 * time.Second):
		tb.Fatalf("start %s client: no address after 60 s", folder)
	}
	return nil
}

// Stop sends SIGTERM, at which a client flushes its spans, and expects exit
// code 0.
func (c *Client) Stop(tb testing.TB) {
	tb.Helper()
	if err := c.proc.stop(); err != nil {
		tb.Fatalf("stop client: %v", err)
	}
}

// firstLine is a writer that sends the first line written to it to found and
// drops the rest.
type firstLine struct {
	found chan string
	buf   []byte
	sent  bool
}

func (f *firstLine) Write(p []byte) (int, error) {
	if !f.sent {
		f.buf = append(f.buf, p...)
		if line, _, ok := bytes.Cut(f.buf, []byte("\n")); ok {
			f.sent = true
			f.found <- string(line)
		}
	}
	return len(p), nil
}
