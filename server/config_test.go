// SPDX-License-Identifier: Apache-2.0

package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

func TestBytes(t *testing.T) {
	for in, want := range map[string]int64{
		"0": 0, "1000": 1000, "64MiB": 64 << 20, "1.5GB": 1_500_000_000, "2 KiB": 2048, "10B": 10, "3TiB": 3 << 40,
	} {
		var b Bytes
		if err := b.Set(in); err != nil || int64(b) != want {
			t.Errorf("Set(%q) = %d, %v; want %d", in, b, err, want)
		}
	}
	for _, in := range []string{"", "lots", "-1", "5 apples", "NaN", "1e40GiB", "MiB"} {
		var b Bytes
		if err := b.Set(in); err == nil {
			t.Errorf("Set(%q) = %d, want an error", in, b)
		} else if !strings.Contains(err.Error(), in) {
			t.Errorf("Set(%q): error %q does not name the value", in, err)
		}
	}
	for in, want := range map[Bytes]string{0: "0", 1 << 30: "1GiB", 1536: "1536", 3 << 10: "3KiB", 1 << 40: "1TiB"} {
		if got := in.String(); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", in, got, want)
		}
	}
}

func TestAge(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"14d": 14 * 24 * time.Hour, "0": 0, "36h": 36 * time.Hour, "1d12h": 36 * time.Hour, "0.5d": 12 * time.Hour, "90m": 90 * time.Minute,
	} {
		var a Age
		if err := a.Set(in); err != nil || time.Duration(a) != want {
			t.Errorf("Set(%q) = %v, %v; want %v", in, time.Duration(a), err, want)
		}
	}
	for _, in := range []string{"forever", "-1d", "-5h", "1w", "d", "1d-5h"} {
		var a Age
		if err := a.Set(in); err == nil {
			t.Errorf("Set(%q) = %v, want an error", in, time.Duration(a))
		}
	}
	for in, want := range map[time.Duration]string{0: "0", 48 * time.Hour: "2d", 90 * time.Minute: "1h30m0s"} {
		a := Age(in)
		if got := a.String(); got != want {
			t.Errorf("%v = %q, want %q", in, got, want)
		}
	}
}

// load runs flags, environment and file through Load.
func load(t *testing.T, args, environ []string, file string) (*Config, error) {
	t.Helper()
	name := ""
	if file != "" {
		name = filepath.Join(t.TempDir(), "clew.yaml")
		if err := os.WriteFile(name, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := DefaultConfig()
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	c.Bind(fs)
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	return c, c.Load(fs, name, environ)
}

// TestPrecedence: a flag wins over a variable, a variable over the file, the file over the default.
func TestPrecedence(t *testing.T) {
	c, err := load(t,
		[]string{"--data", "from-flag"},
		[]string{"CLEW_DATA=from-env", "CLEW_RETENTION=2d", "OTHER=x"},
		"data: from-file\nretention: 3d\nwal-sync: interval\nhttp: 1234\ncors-origins: [https://a.example, https://b.example]\n")
	if err != nil {
		t.Fatal(err)
	}
	got := []any{c.Data, c.Retention.String(), c.WALSync, c.Listeners["http"], c.Listeners["tempo"], c.Explicit["http"], c.Explicit["tempo"], c.CORSOrigins}
	want := []any{"from-flag", "2d", "interval", "1234", "3200", true, false, []string{"https://a.example", "https://b.example"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEphemeralPorts(t *testing.T) {
	c, err := load(t, []string{"--ephemeral-ports", "--tempo", "off"}, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"http": "0", "tempo": "off", "otlp-grpc": "0", "otlp-http": "0"}
	if diff := cmp.Diff(want, c.Listeners); diff != "" {
		t.Error(diff)
	}
}

// TestWrongSettings: each names the setting and the value.
func TestWrongSettings(t *testing.T) {
	for _, c := range []struct {
		args, environ []string
		file          string
		says          []string
	}{
		{args: []string{"--wal-sync", "sometimes"}, says: []string{"wal-sync", "sometimes", "always"}},
		{args: []string{"--http", "127.0.0.1:notaport"}, says: []string{"notaport"}},
		{args: []string{"--http", "70000"}, says: []string{"70000"}},
		{environ: []string{"CLEW_MEMORY_LIMIT=lots"}, says: []string{"CLEW_MEMORY_LIMIT", "lots"}},
		{file: "retentoin: 3d\n", says: []string{"retentoin", "clew.yaml"}},
		{file: "retention: soon\n", says: []string{"retention", "soon"}},
		{file: "data: [\n", says: []string{"clew.yaml"}},
	} {
		_, err := load(t, c.args, c.environ, c.file)
		if err == nil {
			t.Errorf("%v %v %q: no error", c.args, c.environ, c.file)
			continue
		}
		for _, s := range c.says {
			if !strings.Contains(err.Error(), s) {
				t.Errorf("%v %v %q: error %q does not say %q", c.args, c.environ, c.file, err, s)
			}
		}
	}
}

func TestHostPort(t *testing.T) {
	c := DefaultConfig()
	for in, want := range map[string]string{
		"off": "", "0": "127.0.0.1:0", "4317": "127.0.0.1:4317", "0.0.0.0:80": "0.0.0.0:80", "[::1]:9": "[::1]:9", ":80": ":80",
	} {
		if got, err := c.hostPort(in); err != nil || got != want {
			t.Errorf("hostPort(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for _, host := range []string{"::1", "[::1]"} {
		c.Host = host
		if got, err := c.hostPort("4317"); err != nil || got != "[::1]:4317" {
			t.Errorf("hostPort of a port with --host %s = %q, %v", host, got, err)
		}
	}
}
