// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"os"
	"testing"
)

// Root returns the absolute path of the repository.
func Root(tb testing.TB) string {
	tb.Helper()
	root, err := repository()
	if err != nil {
		tb.Fatal(err)
	}
	return root
}

// Clew returns the path of the clew binary under test, which CLEW_BIN names.
func Clew(tb testing.TB) string {
	tb.Helper()
	return program(tb, "CLEW_BIN")
}

// Demo returns the path of clew-demo, which CLEW_DEMO_BIN names.
func Demo(tb testing.TB) string {
	tb.Helper()
	return program(tb, "CLEW_DEMO_BIN")
}

func program(tb testing.TB, variable string) string {
	tb.Helper()
	path := os.Getenv(variable)
	if path == "" {
		tb.Fatalf("%s is not set: it names the program under test (test/run.sh builds it and sets it)", variable)
	}
	if _, err := os.Stat(path); err != nil {
		tb.Fatalf("%s: %v", variable, err)
	}
	return path
}
