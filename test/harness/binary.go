// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Root returns the absolute path of the repository.
func Root(tb testing.TB) string {
	tb.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		tb.Fatal("find repository: no caller information")
	}
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}

// Clew returns the path of the binary under test, which CLEW_BIN names.
func Clew(tb testing.TB) string {
	tb.Helper()
	path := os.Getenv("CLEW_BIN")
	if path == "" {
		tb.Fatal("CLEW_BIN is not set: it names the clew binary under test (test/run.sh builds it and sets it)")
	}
	if _, err := os.Stat(path); err != nil {
		tb.Fatalf("find clew: %v", err)
	}
	return path
}
