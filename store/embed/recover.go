// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/clew-tracing/clew/base/fs"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
	"github.com/clew-tracing/clew/store/block"
	"github.com/clew-tracing/clew/store/wal"
)

// recover brings the store to where the last acknowledgement left it: the manifest says which blocks are live, the log
// has the rest.
func (e *Engine) recover() error {
	m, err := openManifest(e.cfg.FS, e.cfg.Dir, e.cfg.Logger)
	if err != nil {
		return err
	}
	e.manifest = m
	if err := e.openBlocks(); err != nil {
		return err
	}
	// Written anew, so that it is short and whole, and what comes after stands on something that can be written.
	if err := m.rewrite(edit{}); err != nil {
		return err
	}
	e.gen = &generation{since: e.cfg.Now()}
	log, rec, err := wal.Open(wal.Options{
		FS: e.cfg.FS, Dir: path.Join(e.cfg.Dir, walDir), Logger: e.cfg.Logger, Interval: e.walInterval(),
	}, m.low, wal.Handler{Record: e.replay, SegmentEnd: e.replayed})
	if err != nil {
		return err
	}
	e.log = log
	if err := log.Prune(m.low); err != nil {
		return err
	}
	if rec.Records > 0 || len(rec.Damage) > 0 || len(m.blocks) > 0 {
		e.cfg.Logger.Info("store recovered", "blocks", len(m.blocks), "log_segments", rec.Segments, "log_records", rec.Records,
			"log_spans", rec.Spans, "damaged_records", len(rec.Corrupt()))
	}
	return nil
}

func (e *Engine) walInterval() time.Duration {
	if e.cfg.WALSync == SyncInterval {
		return e.cfg.WALInterval
	}
	return 0
}

// replay puts a record of the log into the head.
func (e *Engine) replay(entry wal.Entry) error {
	if entry.Signal == span.SignalSpans && entry.Batch.Len() > 0 {
		e.insert(e.gen, entry.Batch)
	}
	return nil
}

// replayed makes room at the end of a segment: the log may hold more than the head.
func (e *Engine) replayed(id wal.SegmentID) error {
	if e.gen.bytes.Load() < e.freezeBytes() {
		return nil
	}
	gen := e.gen
	gen.low = id + 1
	if err := e.flush(context.Background(), gen); err != nil {
		// The log still has everything; memory is short until the disk is well again.
		e.cfg.Logger.Error("recovery: flush", "err", err)
		gen.low = 0
		return nil
	}
	e.nextGen++
	e.gen = &generation{seq: e.nextGen, since: e.cfg.Now()}
	return nil
}

// openBlocks opens the live blocks and removes what a crash has left of others. If the manifest is damaged, blocks that it
// does not name may be live all the same: they are taken in, which at worst brings back spans that others have too, and
// those collapse.
func (e *Engine) openBlocks() error {
	live := map[string]bool{}
	for id, entry := range e.manifest.blocks {
		live[entry.path()] = true
		b, err := openBlock(e.cfg.FS, e.cfg.Dir, entry, e.drop)
		switch {
		case err == nil:
			e.addBlock(b)
		case errors.Is(err, fs.ErrNotExist):
			e.cfg.Logger.Error("a block is missing; its spans are lost", "block", entry.path(), "spans", entry.spans)
			e.metrics.corruptBlocks.Add(1)
			delete(e.manifest.blocks, id)
		default:
			// It stays in the manifest: whoever repairs the file has the spans back.
			e.cfg.Logger.Error("a block cannot be read; its spans are missing", "block", entry.path(), "spans", entry.spans, "err", err)
			e.metrics.corruptBlocks.Add(1)
		}
	}
	damaged := e.manifest.damage != ""
	if damaged {
		e.metrics.corruptManifest.Add(1)
		e.cfg.Logger.Error("the manifest is damaged; taking in every block that is there", "damage", e.manifest.damage)
	}
	var adopted []*blockRef
	err := e.eachBlockFile(func(name string) error {
		if live[name] {
			return nil
		}
		if damaged && strings.HasSuffix(name, blockSuffix) {
			b, err := e.adopt(name)
			if err == nil {
				adopted = append(adopted, b)
				return nil
			}
			e.cfg.Logger.Error("a block cannot be taken in; it is left alone", "block", name, "err", err)
			return nil
		}
		return e.cfg.FS.Remove(path.Join(e.cfg.Dir, name))
	})
	if err != nil {
		return err
	}
	for _, b := range adopted {
		e.manifest.apply(edit{add: []blockEntry{b.entry}})
	}
	for _, t := range e.allTenants() {
		if err := e.loadSplits(t, damaged); err != nil {
			return err
		}
		if damaged {
			e.noteSplits(t)
		}
	}
	return nil
}

func (e *Engine) addBlock(b *blockRef) {
	t := e.tenant(b.entry.tenant)
	t.blocks = append(t.blocks, b)
	if err := b.reader.Rebuilt(); err != nil {
		e.metrics.corruptBlocks.Add(1)
		e.cfg.Logger.Error("the footer of a block is damaged and was rebuilt", "block", b.path, "err", err)
	}
}

// eachBlockFile calls f for every file below the blocks' directory, by its path relative to the store's.
func (e *Engine) eachBlockFile(f func(name string) error) error {
	var walk func(dir string, depth int) error
	walk = func(dir string, depth int) error {
		names, err := e.cfg.FS.List(path.Join(e.cfg.Dir, dir))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, name := range names {
			name = path.Join(dir, name)
			if depth < 2 {
				err = walk(name, depth+1)
			} else {
				err = f(name)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return walk(blockDir, 0)
}

// adopt opens a block that the manifest does not name.
func (e *Engine) adopt(name string) (*blockRef, error) {
	entry := blockEntry{}
	if _, err := fmt.Sscanf(path.Base(name), "%x"+blockSuffix, &entry.id); err != nil {
		return nil, fmt.Errorf("not the name of a block: %w", err)
	}
	f, err := e.cfg.FS.Open(path.Join(e.cfg.Dir, name))
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	var r *block.Reader
	if err == nil {
		r, err = block.Open(f, size)
	}
	if err == nil {
		meta := r.Meta()
		entry.tenant, entry.partition = meta.Tenant, partitionOf(meta.MinArrival)
		entry.minArrival, entry.maxArrival, entry.spans, entry.bytes = meta.MinArrival, meta.MaxArrival, meta.Spans, meta.Bytes
		if entry.path() != name {
			err = fmt.Errorf("block of tenant %q and day %s does not belong here", meta.Tenant, path.Base(path.Dir(entry.path())))
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	b := newBlockRef(entry, path.Join(e.cfg.Dir, name), f, r, e.drop)
	e.addBlock(b)
	return b, nil
}

// loadSplits restores which traces need assembly: from the manifest, or, if that is damaged, from the blocks themselves.
func (e *Engine) loadSplits(t *tenant, fromBlocks bool) error {
	for _, b := range t.blocks {
		for _, s := range b.entry.splits {
			if old, ok := t.splits.keys[s.key]; ok {
				s.extent = s.with(old)
			}
			t.splits.keys[s.key] = s.extent
		}
		if !fromBlocks {
			continue
		}
		if err := e.findSplits(t, b); err != nil {
			return err
		}
	}
	for key, x := range t.splits.keys {
		for _, b := range t.blocks {
			b.extend(key, x)
		}
	}
	return nil
}

// noteSplits writes what loadSplits has found in the blocks to their entries, for the starts after this one.
func (e *Engine) noteSplits(t *tenant) {
	for _, b := range t.blocks {
		b.entry.splits = nil
		for key, x := range t.splits.keys {
			if len(b.find(key)) > 0 {
				b.entry.splits = append(b.entry.splits, splitEntry{key, x})
			}
		}
		e.manifest.apply(edit{add: []blockEntry{b.entry}})
	}
}

// findSplits looks for traces of a block that stand elsewhere too.
func (e *Engine) findSplits(t *tenant, b *blockRef) error {
	var batch span.Batch
	for g := range b.groups {
		batch.Reset()
		if err := b.reader.Read(context.Background(), g, store.Projection{}, &batch, nil); err != nil {
			e.corruptGroup(b, g, err)
			continue
		}
		for lo, hi := range batch.Traces() {
			key := batch.TraceID[lo].Key()
			mixed := hi < batch.Len() && batch.TraceID[hi].Key() == key
			if mixed || places(key, t.blocks, nil) > 1 {
				x := t.extentOf(key)
				if old, ok := t.splits.keys[key]; ok {
					x = x.with(old)
				}
				t.splits.keys[key] = x
			}
		}
	}
	return nil
}
