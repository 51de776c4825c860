// SPDX-License-Identifier: Apache-2.0

package wal

import "time"

const (
	// A sync that takes less than minGather is not worth waiting for company; no group waits for longer than maxGather.
	minGather = 200 * time.Microsecond
	maxGather = 2 * time.Millisecond
	// staleGather is after how many waits of silence those who appended last are not expected to come again at once.
	staleGather = 8
)

// pace decides how long a group waits for more records before it is written. Clients that send one request after the
// other come again right after they were answered, but later than the sync for those that came meanwhile would begin:
// without a wait they would fall into two halves that take turns, each with syncs of its own. A sync costs as much as the
// rest of a small request, so it pays to wait for the other half, for less than a sync takes.
type pace struct {
	sync time.Duration // what one takes, averaged
	last int           // records of the group before
	at   time.Time     // when it ended
}

// synced notes how long a sync took.
func (p *pace) synced(took time.Duration) { p.sync += (took - p.sync) / 8 }

// ended notes that a group of n records has been written.
func (p *pace) ended(n int) { p.last, p.at = n, time.Now() }

// wait returns for how long a group may wait for those who were in the group before, 0 for not at all.
func (p *pace) wait() time.Duration {
	d := min(p.sync/2, maxGather)
	if p.sync < minGather || p.last == 0 || time.Since(p.at) > staleGather*d {
		return 0
	}
	return d
}

// gather waits until the next group has as many records as there are appends likely to be under way, or it has waited
// long enough. It returns at once if nothing waits to be written.
func (l *Log) gather() {
	if l.opt.Interval > 0 {
		return // nobody waits for syncs
	}
	d := l.pace.wait()
	if d == 0 {
		return
	}
	l.mu.Lock()
	if len(l.groups) != 1 || l.closed || l.groups[0].epoch != l.epoch {
		l.mu.Unlock()
		return
	}
	l.want = len(l.groups[0].records) + l.pace.last
	l.mu.Unlock()
	timer := time.NewTimer(d)
	select {
	case <-l.full:
	case <-timer.C:
	}
	timer.Stop()
	l.mu.Lock()
	l.want = 0
	select {
	case <-l.full: // it came together with the timer
	default:
	}
	l.mu.Unlock()
}

// stopGathering lets a committer that waits go on. l.mu is held.
func (l *Log) stopGathering() {
	if l.want == 0 {
		return
	}
	l.want = 0
	l.full <- struct{}{} // has room: gather empties it before it sets want again
}
