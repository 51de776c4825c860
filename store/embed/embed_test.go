// SPDX-License-Identifier: Apache-2.0

package embed_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/clew-tracing/clew/base/fs"
	"github.com/clew-tracing/clew/store"
	"github.com/clew-tracing/clew/store/embed"
	"github.com/clew-tracing/clew/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is the clock of tests that do not care.
func noon() time.Time { return time.Unix(0, storetest.Noon) }

// open opens an engine for a test.
func open(t *testing.T, cfg embed.Config) *embed.Engine {
	t.Helper()
	if cfg.Now == nil {
		cfg.Now = noon
	}
	e, err := embed.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEngine(t *testing.T) {
	for name, cfg := range map[string]embed.Config{
		"default": {},
		// Everything small, so that traces go over chunks, row groups, blocks and merges.
		"small": {HeadBytes: 256 << 10, RowGroupRows: 16, MergeWidth: 2, Workers: 3, ScanBytes: 1 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.FS = fs.NewMem()
			storetest.Run(t, func(t *testing.T, o storetest.Options) store.Engine {
				cfg.Dir = o.Dir
				return open(t, cfg)
			})
		})
	}
}
