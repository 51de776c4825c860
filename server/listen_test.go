// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBusyPort: a default port that is busy costs that listener and a warning, one that was asked for ends the start.
func TestBusyPort(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	c := DefaultConfig()
	for name := range c.Listeners {
		c.Listeners[name] = "0"
	}
	c.Listeners["tempo"] = busy.Addr().String()

	var log bytes.Buffer
	open, err := c.listen(context.Background(), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	at := addresses(open)
	for _, l := range open {
		_ = l.Close()
	}
	if len(at) != 3 || at["tempo"] != "" || !strings.Contains(log.String(), "listener=tempo") {
		t.Errorf("listeners %v, log %q", at, log.String())
	}

	c.Explicit["tempo"] = true
	if _, err := c.listen(context.Background(), slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "--tempo") {
		t.Errorf("explicit busy port: error %v", err)
	}
}

func TestAddressesFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "addresses.json")
	want := map[string]string{"http": "127.0.0.1:1", "otlp-grpc": "127.0.0.1:2"}
	if err := writeAddresses(file, want); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]string
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	left, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(left) != 1 {
		t.Errorf("files left: %v, %v", left, err)
	}
	if err := writeAddresses(filepath.Join(t.TempDir(), "no", "such", "dir"), want); err == nil {
		t.Error("a missing folder is no error")
	}
}
