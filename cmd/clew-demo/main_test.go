// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/clew-tracing/clew/demo"
)

// asProgram makes the test binary behave as clew-demo.
const asProgram = "CLEW_DEMO_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestSignal starts clew-demo with nobody at its endpoint: it says what to do, and a signal ends it with exit code 0.
func TestSignal(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "--endpoint", address, "--rate", "20")
	cmd.Env = append(os.Environ(), asProgram+"=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(60*time.Second, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	var printed strings.Builder
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		printed.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "start `clew serve`") && !strings.Contains(lines.Text(), "not delivered") {
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	for _, want := range []string{"clew-demo: 13 services", "spans were not delivered: nobody listens at " + address} {
		if !strings.Contains(printed.String(), want) {
			t.Errorf("no %q in:\n%s", want, printed.String())
		}
	}
	if stderr.Len() > 0 {
		t.Errorf("on stderr:\n%s", stderr.String())
	}
}

// TestCommand holds what the command line accepts and explains.
func TestCommand(t *testing.T) {
	var out bytes.Buffer
	cmd := command()
	cmd.SetOut(&out)
	cmd.SetArgs([]string{"--help"})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	for _, f := range demo.Faults() {
		if !strings.Contains(out.String(), string(f.Name)) {
			t.Errorf("--help does not name %s", f.Name)
		}
	}
	for want, args := range map[string][]string{
		`fault "gremlins": unknown`:  {"--faults", "n-plus-one,gremlins"},
		`protocol "smoke": unknown`:  {"--protocol", "smoke"},
		"--rate and --users above 0": {"--rate", "0"},
		"unknown flag: --loud":       {"--loud"},
	} {
		cmd := command()
		cmd.SetArgs(args)
		if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", args, err, want)
		}
	}
}
