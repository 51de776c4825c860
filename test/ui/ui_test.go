// SPDX-License-Identifier: Apache-2.0

// Package ui tests Clew's pages in Chromium against the real binary. The tests
// themselves are the *.test.mjs files beside this one, for Node.js's test runner
// and playwright-core; this package makes them part of `go test`. Pictures of
// every page in both themes come out in test/artifacts/ui.
package ui

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/clew-tracing/clew/test/harness"
)

func TestMain(m *testing.M) {
	if err := harness.Prepare(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestPages(t *testing.T) {
	files, err := filepath.Glob("*.test.mjs")
	if err != nil || len(files) == 0 {
		t.Fatalf("no *.test.mjs files: %v", err)
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			out, err := exec.Command("node", "--test", "--test-timeout=600000", "--test-reporter=spec", file).CombinedOutput()
			t.Logf("%s", out)
			if err != nil {
				t.Errorf("node --test %s: %v", file, err)
			}
		})
	}
}
