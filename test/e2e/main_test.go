// SPDX-License-Identifier: Apache-2.0

// Package e2e tests the real clew binary from outside, with real tracing
// clients, wrong input and SIGKILL. What it needs, test/setup.sh installs;
// CLEW_BIN and CLEW_DEMO_BIN name the binaries, which are built if they do not.
// CLEW_SOAK=1 runs the long forms.
package e2e

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/clew-tracing/clew/test/harness"
)

func TestMain(m *testing.M) {
	if err := harness.Prepare(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}
