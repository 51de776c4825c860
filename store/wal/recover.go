// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path"
	"slices"

	"github.com/clew-tracing/clew/base/fs"
	"github.com/clew-tracing/clew/span"
)

// Entry is a record found at recovery. The batch is valid during the call only.
type Entry struct {
	Segment SegmentID
	Offset  int64
	Signal  span.Signal
	Batch   *span.Batch
}

// Recovery says what [Open] found.
type Recovery struct {
	Segments, Records, Spans int64
	// Damage is every stretch that was skipped, torn or not.
	Damage []Damage
}

// Corrupt returns the damage that is not merely torn.
func (r *Recovery) Corrupt() []Damage {
	return slices.DeleteFunc(slices.Clone(r.Damage), func(d Damage) bool { return d.Torn })
}

// Handler takes what recovery finds, in the order in which it was written.
type Handler struct {
	// Record takes a record.
	Record func(Entry) error
	// SegmentEnd is called after the last record of each segment.
	SegmentEnd func(SegmentID) error
}

// Open recovers the log in opt.Dir from segment low on (those before it are removed) and makes it ready for appending.
// The returned log's epoch is above that of every segment found. An error of the handler ends it.
func Open(opt Options, low SegmentID, h Handler) (*Log, *Recovery, error) {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.SegmentBytes <= 0 {
		opt.SegmentBytes = 64 << 20
	}
	opt.SegmentBytes = min(opt.SegmentBytes, 1<<30)
	if opt.GroupBytes <= 0 {
		opt.GroupBytes = 8 << 20
	}
	if opt.Salt == nil {
		opt.Salt = newSalt
	}
	if err := opt.FS.MkdirAll(opt.Dir); err != nil {
		return nil, nil, fmt.Errorf("write-ahead log: %w", err)
	}
	if err := opt.FS.SyncDir(path.Dir(opt.Dir)); err != nil {
		return nil, nil, fmt.Errorf("write-ahead log: %w", err)
	}
	ids, err := listSegments(opt.FS, opt.Dir, low)
	if err != nil {
		return nil, nil, fmt.Errorf("write-ahead log: %w", err)
	}
	rec := &recovery{opt: opt, handler: h, live: map[SegmentID]int64{}}
	for i, id := range ids {
		var next SegmentID
		if i+1 < len(ids) {
			next = ids[i+1]
		}
		if err := rec.segment(id, next); err != nil {
			return nil, nil, fmt.Errorf("write-ahead log: %s: %w", id, err)
		}
	}
	for _, d := range rec.Damage {
		if d.Torn {
			opt.Logger.Info("write-ahead log: dropped a torn record that was never acknowledged", "at", d.String())
		} else {
			opt.Logger.Error("write-ahead log: skipped damage", "at", d.String())
		}
	}
	epoch := low.Epoch()
	if n := len(ids); n > 0 {
		epoch = max(epoch, ids[n-1].Epoch())
	}
	l := start(opt, rec.live, epoch+1, rec.last)
	for _, d := range rec.Damage {
		if d.Torn {
			l.stats.TornBytes.Add(d.Bytes)
		} else {
			l.stats.CorruptRecords.Add(1)
		}
	}
	return l, &rec.Recovery, nil
}

// listSegments returns the segments from low on, ascending, and removes the older ones.
func listSegments(fsys fs.FS, dir string, low SegmentID) ([]SegmentID, error) {
	names, err := fsys.List(dir)
	if err != nil {
		return nil, err
	}
	var ids []SegmentID
	for _, name := range names {
		id, ok := parseSegment(name)
		switch {
		case !ok:
		case id < low:
			if err := fsys.Remove(path.Join(dir, name)); err != nil {
				return nil, err
			}
		default:
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

type recovery struct {
	Recovery
	opt     Options
	handler Handler
	live    map[SegmentID]int64
	last    header
	decoder Decoder
	batch   span.Batch
}

// segment replays one segment; next is the one after it, 0 if there is none.
func (r *recovery) segment(id, next SegmentID) (err error) {
	s, err := openSegment(r.opt.FS, r.opt.Dir, id)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.file.Close()) }()
	r.Segments++
	for {
		payload, off, err := s.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		signal, err := r.decoder.Decode(payload, &r.batch)
		if err != nil {
			s.damage = append(s.damage, Damage{Segment: id, Offset: off, Bytes: frameLen + int64(len(payload)), Reason: err.Error()})
			continue
		}
		r.Records++
		r.Spans += int64(r.batch.Len())
		if r.handler.Record == nil {
			continue
		}
		if err := r.handler.Record(Entry{Segment: id, Offset: off, Signal: signal, Batch: &r.batch}); err != nil {
			return err
		}
	}
	known, err := r.known(id, next)
	if err != nil {
		return err
	}
	damage := s.finish(known)
	r.Damage = append(r.Damage, damage...)
	size := s.size
	if n := len(damage); n > 0 && damage[n-1].Torn && damage[n-1].Offset+damage[n-1].Bytes == s.size {
		size = damage[n-1].Offset
	}
	if next == 0 || size < s.size {
		if err := r.settle(id, size, s.size); err != nil {
			return err
		}
	}
	if size <= recordsStart {
		size = 0
	}
	if size > 0 {
		r.live[id] = size
		r.last = header{id: id, prevDurable: uint64(size)}
	}
	if r.handler.SegmentEnd != nil {
		return r.handler.SegmentEnd(id)
	}
	return nil
}

// known returns how much of segment id was synced, where the header of the segment after it says so; -1 elsewhere.
func (r *recovery) known(id, next SegmentID) (int64, error) {
	if next == 0 {
		return -1, nil
	}
	s, err := openSegment(r.opt.FS, r.opt.Dir, next)
	if err != nil {
		return 0, err
	}
	if err := s.file.Close(); err != nil {
		return 0, err
	}
	if s.header.prev == id {
		return int64(s.header.prevDurable), nil
	}
	return -1, nil
}

// settle makes what is left of a segment durable: the process before may have ended between write and sync, and a torn
// tail must not be taken for damage the next time. A segment without records is removed.
func (r *recovery) settle(id SegmentID, size, have int64) error {
	name := path.Join(r.opt.Dir, id.String())
	if size <= recordsStart {
		if err := r.opt.FS.Remove(name); err != nil {
			return err
		}
		return r.opt.FS.SyncDir(r.opt.Dir)
	}
	f, err := r.opt.FS.OpenAppend(name)
	if err != nil {
		return err
	}
	if size < have {
		err = f.Truncate(size)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close(), r.opt.FS.SyncDir(r.opt.Dir))
}
