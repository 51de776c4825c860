// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"testing"
	"time"

	"github.com/clew-tracing/clew/test/harness"
)

// TestIdleLimits holds the promises about an idle server: memory under 40 MiB,
// ready within 0.5 s of its start, a binary under 40 MB. The machine may be
// busy with other things, so the start counts as the best of five.
func TestIdleLimits(t *testing.T) {
	info, err := os.Stat(harness.Clew(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("binary: %.1f MB", float64(info.Size())/1e6)
	if info.Size() >= 40e6 {
		t.Errorf("the binary has %d bytes, want less than 40 MB", info.Size())
	}

	best := time.Hour
	for range 5 {
		s := harness.Start(t, harness.Config{})
		best = min(best, s.StartTook)
		s.Stop(t)
	}
	t.Logf("start to ready: %v, best of five", best)
	if best >= 500*time.Millisecond {
		t.Errorf("ready after %v, want less than 0.5 s", best)
	}

	s := harness.Start(t, harness.Config{})
	stillWorks(t, s)
	time.Sleep(3 * time.Second)
	now, peak := s.RSS(t)
	t.Logf("memory when idle: %.1f MiB, at its peak %.1f MiB", float64(now)/(1<<20), float64(peak)/(1<<20))
	if now >= 40<<20 {
		t.Errorf("an idle server holds %d KiB, want less than 40 MiB", now>>10)
	}
}
