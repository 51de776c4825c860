// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/clew-tracing/clew/base/fs"
	"github.com/clew-tracing/clew/span"
)

// Options configure a log.
type Options struct {
	FS fs.FS
	// Dir is the log's own directory; it is made if it is not there.
	Dir string
	// Logger tells operators about damage and faults; nil discards.
	Logger *slog.Logger
	// Interval, if not 0, trades safety against power loss for fewer syncs: an append returns when its record was
	// written, and syncs follow at this interval.
	Interval time.Duration
	// SegmentBytes is the size past which a segment is followed by a new one; 0 means 64 MiB.
	SegmentBytes int64
	// GroupBytes bounds what is written at once; 0 means 8 MiB.
	GroupBytes int
	// Salt makes the salts of segments; nil means random ones.
	Salt func() uint64
}

// ErrClosed means that the log was closed.
var ErrClosed = errors.New("log is closed")

// retryAfter is when clients should try again after a fault of the disk.
const retryAfter = 2 * time.Second

// Log is an open write-ahead log. Append and Rotate may be called from any goroutine.
type Log struct {
	opt Options

	mu     sync.Mutex
	groups []*group // waiting to be written, oldest first
	free   []*group // written ones, whose memory is used again
	epoch  uint32
	closed bool
	// live is the size of every segment file that was not removed.
	live map[SegmentID]int64
	// want is how many records the committer waits for, 0 if it does not wait; full has an element when they are there.
	want int
	full chan struct{}
	wake chan struct{}
	done chan struct{}

	// Of the committer alone.
	seg  *segment
	last header // of the segment before, with its durable length as prevDurable
	next SegmentID
	pace pace

	writeFaults, syncFaults complaint

	stats Stats
}

// Stats are counters of a log, in the order of what happens to a record.
type Stats struct {
	Records, Bytes, Syncs     atomic.Int64 // written
	WriteErrors, SyncErrors   atomic.Int64
	Segments, SegmentBytes    atomic.Int64 // on disk now
	CorruptRecords, TornBytes atomic.Int64 // found at recovery
}

// Stats returns the log's counters, which go on counting.
func (l *Log) Stats() *Stats { return &l.stats }

// group is what is written and synced at once.
type group struct {
	epoch   uint32
	buf     []byte
	records []int // offsets of the frames in buf
	done    chan struct{}
	err     error
}

// segment is the one that is being written.
type segment struct {
	header
	file    fs.File
	size    int64
	durable int64
	named   bool // its name is durable
}

// start makes a log ready for appending, behind everything in live.
func start(opt Options, live map[SegmentID]int64, epoch uint32, last header) *Log {
	l := &Log{
		opt: opt, epoch: epoch, live: live, last: last,
		wake: make(chan struct{}, 1), full: make(chan struct{}, 1), done: make(chan struct{}),
	}
	l.next = EpochStart(epoch)
	for _, size := range live {
		l.stats.Segments.Add(1)
		l.stats.SegmentBytes.Add(size)
	}
	go l.commitLoop()
	return l
}

// Append writes a record and returns when it is durable (or, with an interval, written). Bind, if not nil, is called
// with the epoch that the record falls into, before any Rotate that ends it can return; it must not block.
//
// Errors that a fault of the disk causes are of class [span.ErrRetryable]; the record may or may not turn up at
// recovery then. The context is only looked at before the record is queued.
func (l *Log) Append(ctx context.Context, payload []byte, bind func(epoch uint32)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(payload) > maxPayload {
		return fmt.Errorf("%w: record of %d bytes", ErrBatch, len(payload))
	}
	hash := xxhash.Sum64(payload)
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return ErrClosed
	}
	g := l.openGroup(len(payload))
	at := len(g.buf)
	g.records = append(g.records, at)
	g.buf = append(g.buf, make([]byte, frameLen)...)
	// Salt, offset and durable length are known when the group is written; until then the frame holds these two.
	putFrame(g.buf[at:], 0, 0, uint32(len(payload)), 0, hash)
	g.buf = append(g.buf, payload...)
	if bind != nil {
		bind(l.epoch)
	}
	done := g.done
	switch {
	case l.want == 0:
		l.signal()
	case len(g.records) >= l.want || len(l.groups) > 1:
		l.stopGathering()
	}
	l.mu.Unlock()
	<-done
	return g.err
}

// openGroup returns the group that the next record goes to. l.mu is held.
func (l *Log) openGroup(n int) *group {
	if k := len(l.groups); k > 0 {
		g := l.groups[k-1]
		if g.epoch == l.epoch && len(g.buf)+n <= l.opt.GroupBytes {
			return g
		}
	}
	g := &group{epoch: l.epoch, done: make(chan struct{})}
	if k := len(l.free); k > 0 {
		old := l.free[k-1]
		l.free = l.free[:k-1]
		g.buf, g.records = old.buf[:0], old.records[:0]
	}
	l.groups = append(l.groups, g)
	return g
}

// signal wakes the committer. l.mu is held, so that the channel is open.
func (l *Log) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Rotate begins a new epoch and returns it: records of later appends go to segments of this epoch or later ones. swap, if
// not nil, is called with the new epoch at the moment between the two; it must not block.
func (l *Log) Rotate(swap func(epoch uint32)) uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.epoch++
	l.stopGathering() // what comes now goes to another group
	if swap != nil {
		swap(l.epoch)
	}
	return l.epoch
}

// Prune removes the segments before low, whose records are all kept elsewhere.
func (l *Log) Prune(low SegmentID) error {
	l.mu.Lock()
	var old []SegmentID
	for id := range l.live {
		if id < low {
			old = append(old, id)
		}
	}
	l.mu.Unlock()
	slices.Sort(old)
	var errs []error
	for _, id := range old {
		if err := l.opt.FS.Remove(path.Join(l.opt.Dir, id.String())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
			continue
		}
		l.forget(id)
	}
	if len(old) > 0 {
		errs = append(errs, l.opt.FS.SyncDir(l.opt.Dir))
	}
	return errors.Join(errs...)
}

func (l *Log) forget(id SegmentID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if size, ok := l.live[id]; ok {
		delete(l.live, id)
		l.stats.Segments.Add(-1)
		l.stats.SegmentBytes.Add(-size)
	}
}

func (l *Log) grew(id SegmentID, size int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old, ok := l.live[id]
	if !ok {
		l.stats.Segments.Add(1)
	}
	l.live[id] = size
	l.stats.SegmentBytes.Add(size - old)
}

// Segments returns the ids of the segments on disk, ascending.
func (l *Log) Segments() []SegmentID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.live))
}

// Close finishes what was appended before and closes the log. Later appends fail with [ErrClosed].
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.stopGathering()
	close(l.wake)
	l.mu.Unlock()
	<-l.done
	return nil
}

func newSalt() uint64 { return rand.Uint64() }

func refuse(op string, err error) error {
	return span.Retryable(retryAfter, fmt.Errorf("write-ahead log: %s: %w", op, err))
}
