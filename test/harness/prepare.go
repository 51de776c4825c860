// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// Prepare is for TestMain: it runs test/setup.sh, which installs the clients
// where they are missing, and builds the binaries that CLEW_BIN and
// CLEW_DEMO_BIN do not name, and sets those variables.
func Prepare() error {
	root, err := repository()
	if err != nil {
		return err
	}
	if err := loudly("sh", filepath.Join(root, "test", "setup.sh")); err != nil {
		return fmt.Errorf("set up clients: %w", err)
	}
	names := map[string]string{"CLEW_BIN": "clew", "CLEW_DEMO_BIN": "clew-demo"}
	for variable := range names {
		if os.Getenv(variable) == "" {
			if err := loudly("make", "-C", root, "build"); err != nil {
				return fmt.Errorf("build clew: %w", err)
			}
			break
		}
	}
	for variable, name := range names {
		path := os.Getenv(variable)
		if path == "" {
			path = filepath.Join(root, "bin", name)
		}
		if path, err = filepath.Abs(path); err != nil {
			return err
		}
		if err := os.Setenv(variable, path); err != nil {
			return err
		}
	}
	return nil
}

// repository returns the absolute path of the folder that go.mod stands in.
func repository() (string, error) {
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		return "", fmt.Errorf("find repository: no caller information")
	}
	return filepath.Dir(filepath.Dir(filepath.Dir(file))), nil
}

// loudly runs a command with its output on stderr.
func loudly(name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd.Run()
}
