// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"encoding/binary"
	"path"
	"time"
)

// commitLoop writes and syncs one group after the other. It alone touches the segment.
func (l *Log) commitLoop() {
	defer close(l.done)
	var tick <-chan time.Time
	if l.opt.Interval > 0 {
		t := time.NewTicker(l.opt.Interval)
		defer t.Stop()
		tick = t.C
	}
	for open := true; open; {
		select {
		case _, open = <-l.wake:
		case <-tick:
			l.syncInterval()
		}
		for {
			l.gather()
			g := l.takeGroup()
			if g == nil {
				break
			}
			g.err = l.commit(g)
			l.pace.ended(len(g.records))
			close(g.done)
			l.recycle(g)
		}
	}
	l.closeSegment()
}

func (l *Log) takeGroup() *group {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.groups) == 0 {
		return nil
	}
	g := l.groups[0]
	l.groups = append(l.groups[:0], l.groups[1:]...)
	return g
}

// recycle keeps the memory of a group, unless a large record has made it grow. Those who wait for the group still read
// its error, so only the memory goes on.
func (l *Log) recycle(g *group) {
	const keep = 2 // one fills while the other is written
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.free) < keep && cap(g.buf) <= 4<<20 {
		l.free = append(l.free, &group{buf: g.buf, records: g.records})
	}
}

// commit makes a group durable, or refuses it.
func (l *Log) commit(g *group) error {
	if s := l.seg; s != nil && (s.id.Epoch() < g.epoch || s.size+int64(len(g.buf)) > l.opt.SegmentBytes && s.size > recordsStart) {
		if err := l.seal(); err != nil {
			return refuse("sync", err)
		}
	}
	if l.seg == nil {
		if err := l.create(g.epoch); err != nil {
			l.stats.WriteErrors.Add(1)
			return refuse("new segment", err)
		}
	}
	s := l.seg
	for _, at := range g.records {
		f := g.buf[at:]
		length, hash := binary.LittleEndian.Uint32(f), binary.LittleEndian.Uint64(f[8:])
		putFrame(f, s.salt, s.size+int64(at), length, uint32(s.durable), hash)
	}
	if _, err := s.file.Write(g.buf); err != nil {
		l.stats.WriteErrors.Add(1)
		l.takeBack(err)
		return refuse("write", err)
	}
	s.size += int64(len(g.buf))
	if l.opt.Interval == 0 {
		if err := l.sync(); err != nil {
			return refuse("sync", err)
		}
	}
	l.grew(s.id, s.size)
	l.stats.Records.Add(int64(len(g.records)))
	l.stats.Bytes.Add(int64(len(g.buf)))
	return nil
}

// create begins a new segment. What fails here leaves no segment behind.
func (l *Log) create(epoch uint32) error {
	h := header{id: max(l.next, EpochStart(epoch)), salt: l.opt.Salt(), prev: l.last.id, prevDurable: l.last.prevDurable}
	name := path.Join(l.opt.Dir, h.id.String())
	f, err := l.opt.FS.Create(name)
	if err != nil {
		return err
	}
	if _, err := f.Write(h.append(h.append(nil))); err != nil {
		l.drop(f, name)
		return err
	}
	l.next = h.id + 1
	l.seg = &segment{header: h, file: f, size: recordsStart}
	return nil
}

// sync makes the segment durable so far; a failure poisons it.
func (l *Log) sync() error {
	s := l.seg
	l.stats.Syncs.Add(1)
	began := time.Now()
	err := s.file.Sync()
	l.pace.synced(time.Since(began))
	if err == nil && !s.named {
		err = l.opt.FS.SyncDir(l.opt.Dir)
		s.named = err == nil
	}
	if err != nil {
		l.stats.SyncErrors.Add(1)
		l.syncFaults.say(l.opt.Logger, "write-ahead log: sync; the segment is given up and what was not acknowledged refused", "segment", s.id, "err", err)
		l.abandon()
		return err
	}
	s.durable = s.size
	return nil
}

func (l *Log) syncInterval() {
	if s := l.seg; s != nil && s.durable < s.size {
		// The error was logged and counted; the appends that it concerns have returned.
		_ = l.sync()
	}
}

// seal ends the segment in good order.
func (l *Log) seal() error {
	s := l.seg
	if s.durable < s.size {
		if err := l.sync(); err != nil {
			return err
		}
	}
	l.end(s.durable)
	return nil
}

// end closes the segment, of which durable bytes will be there for certain.
func (l *Log) end(durable int64) {
	s := l.seg
	l.seg = nil
	l.last = header{id: s.id, prevDurable: uint64(durable)}
	if err := s.file.Close(); err != nil {
		l.opt.Logger.Warn("write-ahead log: close segment", "segment", s.id, "err", err)
	}
}

// takeBack undoes a write that failed half way, so that the segment can go on; if that fails too, it is given up.
func (l *Log) takeBack(cause error) {
	s := l.seg
	l.writeFaults.say(l.opt.Logger, "write-ahead log: write; the batches are refused", "segment", s.id, "err", cause)
	if s.size == recordsStart {
		l.abandon()
		return
	}
	if err := s.file.Truncate(s.size); err != nil {
		l.abandon()
	}
}

// abandon gives the segment up: only what was synced counts. The rest is cut off where the disk lets us, so that recovery
// does not meet it; the next segment's header says what counts in any case.
func (l *Log) abandon() {
	s := l.seg
	if s.durable <= recordsStart {
		l.seg = nil
		l.drop(s.file, path.Join(l.opt.Dir, s.id.String()))
		l.forget(s.id)
		return
	}
	if err := s.file.Truncate(s.durable); err != nil {
		l.opt.Logger.Warn("write-ahead log: cut off what was not synced", "segment", s.id, "err", err)
	}
	l.grew(s.id, s.durable)
	l.end(s.durable)
}

// drop removes a segment that holds nothing durable.
func (l *Log) drop(f interface{ Close() error }, name string) {
	if err := f.Close(); err != nil {
		l.opt.Logger.Warn("write-ahead log: close segment", "file", name, "err", err)
	}
	if err := l.opt.FS.Remove(name); err != nil {
		l.opt.Logger.Warn("write-ahead log: remove segment", "file", name, "err", err)
	}
}

// closeSegment ends the log's last segment.
func (l *Log) closeSegment() {
	if l.seg == nil {
		return
	}
	if l.seg.size == recordsStart {
		l.abandon()
		return
	}
	// A failure was logged by sync; in interval mode nobody waits for it any more.
	_ = l.seal()
}
