// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"fmt"
	"log/slog"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clew-tracing/clew/base/fs"
	"github.com/clew-tracing/clew/store/block"
)

// blockRef is an open block. It is shared by the tenant's present version and by the views that pin it; when the last
// one lets go of a block that was removed, its file goes too.
type blockRef struct {
	entry  blockEntry
	path   string
	file   fs.File
	reader *block.Reader
	groups []block.GroupInfo
	drop   func(*blockRef) // closes the file, and removes it if obsolete is set

	refs     atomic.Int64
	obsolete atomic.Bool
	// unmergeable means that a row group could not be read: merging would make the damage final.
	unmergeable atomic.Bool

	// mu protects reach, by row group: the range of time that the split traces which have spans in the group reach over,
	// wherever those spans are. A window that meets it may select a trace of which this group has the matching span.
	mu    sync.Mutex
	reach []extent
}

// openBlock opens the file of a manifest entry.
func openBlock(fsys fs.FS, dir string, entry blockEntry, drop func(*blockRef)) (*blockRef, error) {
	name := path.Join(dir, entry.path())
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err == nil {
		var r *block.Reader
		if r, err = block.Open(f, size); err == nil {
			return newBlockRef(entry, name, f, r, drop), nil
		}
	}
	if cerr := f.Close(); cerr != nil {
		err = fmt.Errorf("%w; close: %w", err, cerr)
	}
	return nil, fmt.Errorf("block %s: %w", name, err)
}

func newBlockRef(entry blockEntry, name string, f fs.File, r *block.Reader, drop func(*blockRef)) *blockRef {
	b := &blockRef{entry: entry, path: name, file: f, reader: r, groups: r.Groups(), drop: drop}
	b.refs.Store(1)
	b.reach = make([]extent, len(b.groups))
	for i := range b.reach {
		b.reach[i] = noExtent()
	}
	return b
}

func (b *blockRef) ref() { b.refs.Add(1) }

func (b *blockRef) unref() {
	if b.refs.Add(-1) == 0 {
		b.drop(b)
	}
}

// find returns the row groups that may have spans of a key. An index that cannot be read counts as all groups.
func (b *blockRef) find(key uint64) []int {
	groups, err := b.reader.Find(key)
	if err != nil {
		groups = make([]int, len(b.groups))
		for i := range groups {
			groups[i] = i
		}
	}
	return groups
}

// extend notes that the split trace of this key reaches over x.
func (b *blockRef) extend(key uint64, x extent) {
	groups := b.find(key)
	if len(groups) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, g := range groups {
		b.reach[g] = b.reach[g].with(x)
	}
}

func (b *blockRef) reachOf(group int) extent {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reach[group]
}

// dropBlock returns what closes a block nobody uses any more.
func dropBlock(fsys fs.FS, logger *slog.Logger) func(*blockRef) {
	return func(b *blockRef) {
		if err := b.file.Close(); err != nil {
			logger.Warn("close block", "block", b.path, "err", err)
		}
		if !b.obsolete.Load() {
			return
		}
		// The manifest does not name it any more: if this fails, the next start removes it.
		if err := fsys.Remove(b.path); err != nil {
			logger.Warn("remove block", "block", b.path, "err", err)
		}
	}
}

// expired reports whether all of the block came in longer than the retention ago.
func (b *blockRef) expired(now time.Time, retention time.Duration) bool {
	return retention > 0 && b.entry.maxArrival < now.Add(-retention).UnixNano()
}
