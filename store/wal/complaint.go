// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"log/slog"
	"time"
)

// complainEvery is how often one kind of fault is told at most: a full disk refuses hundreds of batches a second, and an
// operator needs to read of it once.
const complainEvery = 10 * time.Second

// complaint logs one kind of fault now and then, with how often it came in between. It is for one goroutine.
type complaint struct {
	last   time.Time
	unsaid int
}

// say logs the fault, unless it was told a moment ago.
func (c *complaint) say(log *slog.Logger, message string, args ...any) {
	now := time.Now()
	if !c.last.IsZero() && now.Sub(c.last) < complainEvery {
		c.unsaid++
		return
	}
	if c.unsaid > 0 {
		args = append(args, "times_since_last_told", c.unsaid)
	}
	log.Error(message, args...) //nolint:sloglint // the callers pass string literals
	c.last, c.unsaid = now, 0
}
