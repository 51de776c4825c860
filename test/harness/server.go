// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startLimit bounds how long a server may take until /ready answers 200.
const startLimit = 30 * time.Second

// Config says how to start a server.
type Config struct {
	// Data is the data directory; empty: a fresh one of the test.
	Data string
	// Args are further flags of `clew serve`.
	Args []string
	// Env are further variables, "KEY=value".
	Env []string
}

// Server is a running `clew serve`. Its addresses are "host:port" and change
// with every Restart. Not for concurrent use, save for Alive and requests
// between a Start and the return of the next Kill or Stop.
type Server struct {
	HTTP, Tempo, OTLPGRPC, OTLPHTTP string
	// Data is the data directory, kept over Kill, Stop and Restart.
	Data string
	// StartTook is the time from exec to the first 200 of /ready.
	StartTook time.Duration

	cfg  Config
	log  *tail
	proc *process
}

// Start starts a server and waits until it is ready. The server is killed and
// its log shown, if the test failed, when the test ends.
func Start(tb testing.TB, cfg Config) *Server {
	tb.Helper()
	if cfg.Data == "" {
		cfg.Data = filepath.Join(tb.TempDir(), "data")
	}
	s := &Server{cfg: cfg, Data: cfg.Data, log: &tail{limit: 64 << 10}}
	s.start(tb)
	tb.Cleanup(func() {
		s.Kill(tb)
		if tb.Failed() {
			tb.Logf("log of clew serve (its end):\n%s", s.log)
		}
	})
	return s
}

func (s *Server) start(tb testing.TB) {
	tb.Helper()
	began := time.Now()
	addresses := s.launch(tb)
	if err := s.await(addresses); err != nil {
		tb.Fatalf("start clew serve: %v\nits log:\n%s", err, s.log)
	}
	s.StartTook = time.Since(began)
}

// launch starts the process and returns the path of its addresses file.
func (s *Server) launch(tb testing.TB) (addresses string) {
	tb.Helper()
	addresses = filepath.Join(tb.TempDir(), "addresses.json")
	args := append([]string{"serve", "--ephemeral-ports", "--addresses-file", addresses, "--data", s.Data}, s.cfg.Args...)
	cmd := exec.Command(Clew(tb), args...)
	cmd.Env = append(os.Environ(), s.cfg.Env...)
	cmd.Stdout, cmd.Stderr = s.log, s.log
	proc, err := startProcess(cmd)
	if err != nil {
		tb.Fatalf("start clew serve: %v", err)
	}
	s.proc = proc
	return addresses
}

// await waits for the addresses file and then for /ready.
func (s *Server) await(addresses string) error {
	deadline := time.Now().Add(startLimit)
	for {
		if !s.Alive() {
			if err := s.proc.wait(); err != nil {
				return fmt.Errorf("exited before it was ready: %w", err)
			}
			return errors.New("exited before it was ready, with code 0")
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not ready after %v", startLimit)
		}
		if s.ready(addresses) {
			return nil
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func (s *Server) ready(addresses string) bool {
	data, err := os.ReadFile(addresses)
	if err != nil {
		return false
	}
	var all map[string]string
	if json.Unmarshal(data, &all) != nil {
		return false
	}
	s.HTTP, s.Tempo, s.OTLPGRPC, s.OTLPHTTP = all["http"], all["tempo"], all["otlp-grpc"], all["otlp-http"]
	resp, err := http.Get("http://" + s.HTTP + "/ready")
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// PID returns the server's process id.
func (s *Server) PID() int { return s.proc.cmd.Process.Pid }

// Alive reports whether the process runs.
func (s *Server) Alive() bool { return s.proc.alive() }

// Kill ends the server with SIGKILL, if it still runs, and waits for its end.
func (s *Server) Kill(tb testing.TB) {
	tb.Helper()
	if err := s.proc.signal(syscall.SIGKILL); err != nil {
		tb.Fatalf("kill clew serve: %v", err)
	}
	_ = s.proc.wait() // "signal: killed"
}

// Stop ends the server with SIGTERM and expects exit code 0 within 20 s.
func (s *Server) Stop(tb testing.TB) {
	tb.Helper()
	if err := s.proc.stop(); err != nil {
		tb.Fatalf("stop clew serve: %v", err)
	}
}

// KillWhileStarting starts a stopped or killed server and kills it after a
// while, ready or not: recovery must survive that too.
func (s *Server) KillWhileStarting(tb testing.TB, after time.Duration) {
	tb.Helper()
	s.launch(tb)
	time.Sleep(after)
	s.Kill(tb)
}

// Restart starts a stopped or killed server again on the same data.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	if s.Alive() {
		tb.Fatal("restart clew serve: it still runs; Stop or Kill it first")
	}
	s.start(tb)
}

// URL returns the address of path on the http port.
func (s *Server) URL(path string) string { return "http://" + s.HTTP + path }

// RSS returns the resident memory of the server in bytes, now and at its peak.
func (s *Server) RSS(tb testing.TB) (now, peak int64) {
	tb.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.PID()))
	if err != nil {
		tb.Fatalf("read memory of clew serve: %v", err)
	}
	for line := range strings.Lines(string(data)) {
		name, rest, _ := strings.Cut(line, ":")
		fields := strings.Fields(rest)
		if len(fields) != 2 || fields[1] != "kB" {
			continue
		}
		kib, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			continue
		}
		switch name {
		case "VmRSS":
			now = kib << 10
		case "VmHWM":
			peak = kib << 10
		}
	}
	if now == 0 || peak == 0 {
		tb.Fatal("read memory of clew serve: no VmRSS or VmHWM in its status")
	}
	return now, peak
}

// Log returns the end of what the server wrote to stdout and stderr.
func (s *Server) Log() string { return s.log.String() }
