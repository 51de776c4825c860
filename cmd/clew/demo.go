// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

func demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo [flags of clew-demo]",
		Short: "Run a small shop of real, instrumented services that sends traces",
		Long: `Demo starts the program clew-demo, which stands beside clew or on the PATH, with the flags given.
clew demo --help shows them.`,
		Example: `  clew demo
  clew demo --rate 50 --duration 1m
  clew demo --faults n-plus-one,slow-catalog`,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			program, err := findDemo()
			if err != nil {
				return err
			}
			return runProgram(cmd.Context(), program, args)
		},
	}
}

// findDemo looks beside this program first, then on the PATH.
func findDemo() (string, error) {
	const name = "clew-demo"
	if self, err := os.Executable(); err == nil {
		if self, err = filepath.EvalSymlinks(self); err == nil {
			beside := filepath.Join(filepath.Dir(self), name)
			if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() {
				return beside, nil
			}
		}
	}
	found, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("demo: %s is neither beside clew nor on the PATH: %w (make build builds both)", name, err)
	}
	return found, nil
}

// runProgram runs a program with this one's streams and passes an interrupt on.
func runProgram(ctx context.Context, program string, args []string) error {
	child := exec.CommandContext(ctx, program, args...)
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	child.Cancel = func() error { return child.Process.Signal(syscall.SIGTERM) }
	child.WaitDelay = 10 * time.Second
	err := child.Run()
	_, exited := errors.AsType[*exec.ExitError](err)
	stopped := exited && ctx.Err() != nil
	if err != nil && !stopped {
		return fmt.Errorf("demo: %w", err)
	}
	return nil
}
