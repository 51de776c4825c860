// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clew-tracing/clew/base/fs"
	"github.com/clew-tracing/clew/span"
)

// slowDisk takes a time for each sync of a file.
type slowDisk struct {
	fs.FS
	sync time.Duration
}

func (d slowDisk) Create(name string) (fs.File, error) {
	f, err := d.FS.Create(name)
	return slowFile{f, d.sync}, err
}

type slowFile struct {
	fs.File
	sync time.Duration
}

func (f slowFile) Sync() error {
	time.Sleep(f.sync)
	return f.File.Sync()
}

// Clients that send one request after the other share every sync, although they come again a moment after it, and the
// others that wait with them are not held up for long when one of them stays away.
func TestClientsInLockStep(t *testing.T) {
	for _, c := range []struct {
		name                string
		sync, pause, longer time.Duration // longer is the pause of the last client
		most                int64         // syncs
	}{
		{"together", time.Millisecond, 300 * time.Microsecond, 300 * time.Microsecond, 110},
		{"one of them is slow", time.Millisecond, 300 * time.Microsecond, 20 * time.Millisecond, 210},
		{"a fast disk", 10 * time.Microsecond, 5 * time.Microsecond, 5 * time.Microsecond, 210},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const clients, each = 4, 100
				l, _, _ := open(t, options(slowDisk{newDisk(t), c.sync}), 0)
				var wg sync.WaitGroup
				for w := range clients {
					wg.Go(func() {
						pause := c.pause
						if w == clients-1 {
							pause = c.longer
						}
						var e Encoder
						// No two at the same moment, or it would not be said which group they fall into.
						time.Sleep(time.Duration(w) * time.Microsecond)
						for n := range each {
							p, err := e.Append(nil, span.SignalSpans, small(1+w*each+n))
							if err == nil {
								began := time.Now()
								err = l.Append(context.Background(), p, nil)
								if took := time.Since(began); took > 3*c.sync {
									t.Errorf("an append took %v, the sync %v", took, c.sync)
								}
							}
							if err != nil {
								t.Errorf("append: %v", err)
							}
							time.Sleep(pause)
						}
					})
				}
				wg.Wait()
				closeLog(t, l)
				if n := l.Stats().Syncs.Load(); n > c.most {
					t.Errorf("%d syncs for %d records, want at most %d", n, clients*each, c.most)
				}
			})
		})
	}
}

// Nobody waits for clients that were there long ago.
func TestPaceForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pace{}
		for range 100 {
			p.synced(time.Millisecond)
		}
		p.ended(4)
		if d := p.wait(); d < 400*time.Microsecond || d > 500*time.Microsecond {
			t.Errorf("waits %v right after the others, want half of a sync", d)
		}
		time.Sleep(10 * time.Millisecond)
		if d := p.wait(); d != 0 {
			t.Errorf("waits %v for those of 10 ms ago", d)
		}
		for range 100 {
			p.synced(time.Hour)
		}
		p.ended(1)
		if d := p.wait(); d != maxGather {
			t.Errorf("waits %v on a disk that hangs, want %v", d, maxGather)
		}
	})
}
