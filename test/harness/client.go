// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Client is a running client service of test/clients.
type Client struct {
	// URL is where it serves, "http://host:port".
	URL string

	cmd    *exec.Cmd
	exited chan error
}

// StartClient starts a command in a folder of test/clients and waits for its
// line {"listening":"host:port"}. env holds further "KEY=value". A client that
// is not installed fails the test (test/run.sh installs them).
func StartClient(tb testing.TB, folder string, env []string, command ...string) *Client {
	tb.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = filepath.Join(Root(tb), "test", "clients", folder)
	cmd.Env = append(os.Environ(), env...)
	log := &tail{limit: 32 << 10}
	cmd.Stderr = log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatalf("start %s client: %v", folder, err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatalf("start %s client: %v (test/run.sh installs the clients)", folder, err)
	}
	c := &Client{cmd: cmd, exited: make(chan error, 1)}
	tb.Cleanup(func() {
		if c.cmd != nil {
			_ = c.cmd.Process.Kill() // it may have exited by itself
			<-c.exited
		}
		if tb.Failed() {
			tb.Logf("stderr of the %s client:\n%s", folder, log)
		}
	})

	line := make(chan string, 1)
	go func() {
		scanner := bufio.NewScanner(stdout)
		for found := false; scanner.Scan(); {
			if text := scanner.Text(); !found && strings.HasPrefix(text, `{"listening"`) {
				line <- text
				found = true
			}
		}
		close(line)
		c.exited <- cmd.Wait()
	}()
	select {
	case text, ok := <-line:
		var address struct{ Listening string }
		if !ok || json.Unmarshal([]byte(text), &address) != nil {
			tb.Fatalf("start %s client: it ended without an address, stderr:\n%s", folder, log)
		}
		c.URL = "http://" + address.Listening
	case <-time.After(60 * time.Second):
		tb.Fatalf("start %s client: no address after 60 s, stderr:\n%s", folder, log)
	}
	return c
}

// Stop sends SIGTERM, at which a client flushes its spans, and expects exit
// code 0.
func (c *Client) Stop(tb testing.TB) {
	tb.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		tb.Fatalf("stop client: %v", err)
	}
	select {
	case err := <-c.exited:
		c.cmd = nil
		if err != nil {
			tb.Fatalf("stop client: %v", err)
		}
	case <-time.After(20 * time.Second):
		tb.Fatal("stop client: still running 20 s after SIGTERM")
	}
}
