// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/clew-tracing/clew/base/fs"
)

// WALSync says when an append returns.
type WALSync string

const (
	// SyncAlways is after the batch was synced to disk. It is the default.
	SyncAlways WALSync = "always"
	// SyncInterval is after the batch was written; a power cut loses what came in since the last sync.
	SyncInterval WALSync = "interval"
)

// Config configures an engine. Only Dir must be set.
type Config struct {
	// Dir is the directory of the store; it is made if it is not there.
	Dir string
	// FS is the filesystem that Dir is on; nil means the machine's.
	FS fs.FS
	// Logger tells operators about damage, faults and what was recovered; nil discards.
	Logger *slog.Logger
	// WALSync says when an append returns; "" means SyncAlways.
	WALSync WALSync
	// WALInterval is the time between syncs with SyncInterval; 0 means 200 ms.
	WALInterval time.Duration
	// HeadBytes bounds the memory of spans that are not in blocks yet; 0 means 64 MiB. Past it appends wait, and are
	// refused with a retryable error after AppendWait.
	HeadBytes int64
	// AppendWait is how long an append waits for room; 0 means 5 s.
	AppendWait time.Duration
	// FlushAge is how long spans stay in the head at most before they are written to a block; 0 means 10 minutes.
	FlushAge time.Duration
	// Retention is how long spans are kept after their arrival, at the granularity of blocks; 0 means for ever.
	Retention time.Duration
	// Now is the clock for retention and ages; nil means time.Now.
	Now func() time.Time
	// Workers is the number of goroutines of a scan; 0 means one for each processor.
	Workers int
	// ScanBytes bounds what one scan keeps in memory of blocks that it has read; 0 means 64 MiB.
	ScanBytes int64
	// RowGroupRows and RowGroupBytes bound the row groups of blocks; 0 means the format's defaults.
	RowGroupRows, RowGroupBytes int
	// MergeWidth is how many small blocks of a partition are merged into one; 0 means 4, negative turns merging off.
	MergeWidth int
}

func (c *Config) setDefaults() error {
	if c.Dir == "" {
		return errors.New("embedded store: no directory given")
	}
	switch c.WALSync {
	case "":
		c.WALSync = SyncAlways
	case SyncAlways, SyncInterval:
	default:
		return fmt.Errorf("embedded store: wal sync %q: want %q or %q", c.WALSync, SyncAlways, SyncInterval)
	}
	if c.FS == nil {
		c.FS = fs.OS()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	setDefault(&c.WALInterval, 200*time.Millisecond)
	setDefault(&c.HeadBytes, 64<<20)
	setDefault(&c.AppendWait, 5*time.Second)
	setDefault(&c.FlushAge, 10*time.Minute)
	setDefault(&c.ScanBytes, 64<<20)
	setDefault(&c.MergeWidth, 4)
	return nil
}

func setDefault[T ~int | ~int64](v *T, to T) {
	if *v == 0 {
		*v = to
	}
}
