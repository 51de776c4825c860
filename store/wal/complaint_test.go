// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestComplaint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, nil))
		var c complaint
		for range 1000 {
			c.say(log, "disk is full")
			time.Sleep(complainEvery / 100)
		}
		if n := strings.Count(out.String(), "disk is full"); n != 10 {
			t.Errorf("told %d times in ten periods", n)
		}
		if !strings.Contains(out.String(), "times_since_last_told=99") {
			t.Errorf("log does not say how often:\n%s", out.String())
		}
	})
}
