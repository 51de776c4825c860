// SPDX-License-Identifier: Apache-2.0

// Package e2e tests the real clew binary from outside, with real tracing
// clients, wrong input and SIGKILL. It needs what test/setup.sh installs and
// runs that script first; CLEW_BIN names the binary, which is built if it does
// not. CLEW_SOAK=1 runs the long forms.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// prepare installs the clients and builds the binary where they are missing.
func prepare() error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	root := filepath.Dir(filepath.Dir(dir))
	setup := exec.Command("sh", filepath.Join(root, "test", "setup.sh"))
	setup.Stdout, setup.Stderr = os.Stderr, os.Stderr
	if err := setup.Run(); err != nil {
		return fmt.Errorf("set up clients: %w", err)
	}
	path := os.Getenv("CLEW_BIN")
	if path == "" {
		path = filepath.Join(root, "bin", "clew")
		build := exec.Command("make", "-C", root, "build")
		build.Stdout, build.Stderr = os.Stderr, os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("build clew: %w", err)
		}
	}
	if path, err = filepath.Abs(path); err != nil {
		return err
	}
	return os.Setenv("CLEW_BIN", path)
}
