// SPDX-License-Identifier: Apache-2.0

package fs

import (
	"io"
	iofs "io/fs"
	"math"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Mem is a filesystem in memory that knows what a crash would leave of it.
//
// It holds two trees: the live one, which the operations read and change, and
// the durable one, which [File.Sync] and [FS.SyncDir] bring up to date. Names
// that were changed and not yet synced wait in order, as in a journal.
//
// The zero value is not ready: use [NewMem]. All methods may be called from
// several goroutines.
type Mem struct {
	mu      sync.RWMutex
	root    *memNode
	pending []nameChange        // not yet durable, oldest first
	locks   map[string]*memLock // by clean path
	used    int64               // bytes in files that have a name
	limit   int64               // bytes; writes past it get ENOSPC
}

// NewMem returns an empty filesystem.
func NewMem() *Mem {
	return &Mem{root: newDirNode(), locks: map[string]*memLock{}, limit: math.MaxInt64}
}

var _ FS = (*Mem)(nil)

// memNode is a file or a directory, apart from its names.
//
// Files only grow at the end or are truncated, so durable and live bytes share
// one array as far as they are equal: data[:shared] is durable[:shared]. Sync
// costs nothing, and bytes within the length of a slice handed out are never
// overwritten in place.
type memNode struct {
	dir     bool
	modTime time.Time

	names        map[string]*memNode // live entries of a directory
	durableNames map[string]*memNode // entries that a crash would leave

	data    []byte      // live bytes of a file
	durable []byte      // bytes that a crash would leave
	shared  int         // length of the prefix on which both agree
	lost    []byteRange // bytes that a failed sync has given up; zero after a crash
	named   bool        // whether the live tree holds it, so that its bytes count
}

type byteRange struct{ from, to int }

func newDirNode() *memNode {
	return &memNode{dir: true, modTime: time.Now(), named: true, names: map[string]*memNode{}, durableNames: map[string]*memNode{}}
}

// nameChange is one atomic change of names: a file made, removed or renamed.
type nameChange struct {
	set   entry // node == nil: nothing set
	unset entry // dir == nil: nothing unset
}

type entry struct {
	dir  *memNode
	name string
	node *memNode
}

func (c nameChange) touches(dir *memNode) bool { return c.set.dir == dir || c.unset.dir == dir }

func (c nameChange) apply(names func(*memNode) map[string]*memNode) {
	if c.unset.dir != nil {
		delete(names(c.unset.dir), c.unset.name)
	}
	if c.set.node != nil {
		names(c.set.dir)[c.set.name] = c.set.node
	}
}

func liveNames(n *memNode) map[string]*memNode    { return n.names }
func durableNames(n *memNode) map[string]*memNode { return n.durableNames }

// SetLimit sets the size of the disk in bytes. A write past it stores what fits
// and fails with ENOSPC. A negative limit means none.
func (m *Mem) SetLimit(bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if bytes < 0 {
		bytes = math.MaxInt64
	}
	m.limit = bytes
}

// Used returns the bytes in all files.
func (m *Mem) Used() int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.used
}

func pathErr(op, name string, err error) error {
	return &iofs.PathError{Op: op, Path: name, Err: err}
}

// clean gives one spelling to each path: "a/b", "./a/b" and "/a/b" are one file.
func clean(name string) string { return path.Clean("/" + name)[1:] }

// lookup walks the live tree. The empty path is the root.
func (m *Mem) lookup(name string) (*memNode, error) {
	n := m.root
	rest := clean(name)
	for rest != "" {
		if !n.dir {
			return nil, syscall.ENOTDIR
		}
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		next, ok := n.names[part]
		if !ok {
			return nil, ErrNotExist
		}
		n = next
	}
	return n, nil
}

// parent finds the directory that holds name, which need not exist itself.
func (m *Mem) parent(name string) (dir *memNode, base string, err error) {
	p := clean(name)
	if p == "" {
		return nil, "", syscall.EBUSY // the root has no parent
	}
	parentPath, base := path.Split(p)
	dir, err = m.lookup(parentPath)
	if err != nil {
		return nil, "", err
	}
	if !dir.dir {
		return nil, "", syscall.ENOTDIR
	}
	return dir, base, nil
}

// change applies a change of names to the live tree and notes it as not durable.
func (m *Mem) change(c nameChange) {
	if old := c.unset; old.dir != nil {
		m.unname(old.dir.names[old.name])
	}
	if c.set.node != nil {
		m.unname(c.set.dir.names[c.set.name])
	}
	c.apply(liveNames)
	if n := c.set.node; n != nil && !n.named {
		n.named = true
		m.used += int64(len(n.data))
	}
	m.pending = append(m.pending, c)
}

func (m *Mem) unname(n *memNode) {
	if n != nil && n.named {
		n.named = false
		m.used -= int64(len(n.data))
	}
}

// Create implements [FS].
func (m *Mem) Create(name string) (File, error) {
	return m.open("open", name, true, true)
}

// OpenAppend implements [FS].
func (m *Mem) OpenAppend(name string) (File, error) {
	return m.open("open", name, true, false)
}

// Open implements [FS].
func (m *Mem) Open(name string) (File, error) {
	return m.open("open", name, false, false)
}

func (m *Mem) open(op, name string, write, empty bool) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.lookup(name)
	if err == ErrNotExist && write { //nolint:errorlint // lookup returns it bare
		dir, base, perr := m.parent(name)
		if perr != nil {
			return nil, pathErr(op, name, perr)
		}
		n, err = &memNode{modTime: time.Now()}, nil
		m.change(nameChange{set: entry{dir, base, n}})
	}
	if err == nil && n.dir {
		err = syscall.EISDIR
	}
	if err != nil {
		return nil, pathErr(op, name, err)
	}
	if empty {
		m.resize(n, 0)
	}
	return &memFile{m: m, n: n, name: name, write: write}, nil
}

// resize sets the length of the live bytes.
func (m *Mem) resize(n *memNode, size int) {
	if n.named {
		m.used += int64(size - len(n.data))
	}
	switch {
	case size < len(n.data):
		// The array may be shared with the durable bytes: cap the slice, so that the
		// next append moves to an array of its own.
		n.data = n.data[:size:size]
		n.shared = min(n.shared, size)
	case size > len(n.data):
		n.data = append(n.data, make([]byte, size-len(n.data))...)
	}
	n.modTime = time.Now()
}

// Rename implements [FS].
func (m *Mem) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.rename(clean(from), clean(to)); err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}

func (m *Mem) rename(from, to string) error {
	n, err := m.lookup(from)
	if err != nil {
		return err
	}
	fromDir, fromBase, err := m.parent(from)
	if err != nil {
		return err
	}
	toDir, toBase, err := m.parent(to)
	if err != nil {
		return err
	}
	if from == to {
		return nil
	}
	if n.dir && strings.HasPrefix(to, from+"/") {
		return syscall.EINVAL
	}
	if old := toDir.names[toBase]; old != nil {
		switch {
		case old.dir:
			return ErrExist
		case n.dir:
			return syscall.ENOTDIR
		}
	}
	// The node keeps its name throughout; only its place changes.
	m.unname(toDir.names[toBase])
	c := nameChange{set: entry{toDir, toBase, n}, unset: entry{fromDir, fromBase, n}}
	c.apply(liveNames)
	m.pending = append(m.pending, c)
	return nil
}

// Remove implements [FS].
func (m *Mem) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.lookup(name)
	if err != nil {
		return pathErr("remove", name, err)
	}
	if n.dir && len(n.names) > 0 {
		return pathErr("remove", name, syscall.ENOTEMPTY)
	}
	dir, base, err := m.parent(name)
	if err != nil {
		return pathErr("remove", name, err)
	}
	m.change(nameChange{unset: entry{dir, base, n}})
	return nil
}

// RemoveAll implements [FS].
func (m *Mem) RemoveAll(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.lookup(name)
	if err == ErrNotExist || err == syscall.ENOTDIR { //nolint:errorlint // lookup returns them bare
		return nil
	}
	dir, base, err := m.parent(name)
	if err != nil {
		return pathErr("unlinkat", name, err)
	}
	m.removeBelow(n)
	m.change(nameChange{unset: entry{dir, base, n}})
	return nil
}

// removeBelow empties a directory one name at a time, so that a crash can strike
// between them. The depth is that of the tree.
func (m *Mem) removeBelow(n *memNode) {
	for _, base := range sortedNames(n.names) {
		child := n.names[base]
		m.removeBelow(child)
		m.change(nameChange{unset: entry{n, base, child}})
	}
}

func sortedNames(names map[string]*memNode) []string {
	out := make([]string, 0, len(names))
	for name := range names {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// MkdirAll implements [FS].
func (m *Mem) MkdirAll(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.root
	rest := clean(dir)
	for rest != "" {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		next, ok := n.names[part]
		if !ok {
			next = newDirNode()
			next.named = false
			m.change(nameChange{set: entry{n, part, next}})
		}
		if !next.dir {
			return pathErr("mkdir", dir, syscall.ENOTDIR)
		}
		n = next
	}
	return nil
}

// List implements [FS].
func (m *Mem) List(dir string) ([]string, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	n, err := m.lookup(dir)
	if err == nil && !n.dir {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, pathErr("open", dir, err)
	}
	return sortedNames(n.names), nil
}

// Stat implements [FS].
func (m *Mem) Stat(name string) (Info, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	n, err := m.lookup(name)
	if err != nil {
		return Info{}, pathErr("stat", name, err)
	}
	return Info{Size: int64(len(n.data)), Dir: n.dir, ModTime: n.modTime}, nil
}

// SyncDir implements [FS]. A rename between two directories becomes durable, in
// both, with either of them.
func (m *Mem) SyncDir(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.lookup(dir)
	if err == nil && !n.dir {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return pathErr("sync", dir, err)
	}
	m.flushNames(n)
	return nil
}

// flushNames makes the pending changes of dir durable, in order. A rename takes
// the earlier changes of its other directory along, since it builds on them.
func (m *Mem) flushNames(dir *memNode) {
	dirs := []*memNode{dir}
	flush := make([]bool, len(m.pending))
	for i, c := range slices.Backward(m.pending) {
		if !slices.ContainsFunc(dirs, c.touches) {
			continue
		}
		flush[i] = true
		for _, other := range []*memNode{c.set.dir, c.unset.dir} {
			if other != nil && !slices.Contains(dirs, other) {
				dirs = append(dirs, other)
			}
		}
	}
	waiting := m.pending[:0]
	for i, c := range m.pending {
		if flush[i] {
			c.apply(durableNames)
		} else {
			waiting = append(waiting, c)
		}
	}
	clear(m.pending[len(waiting):])
	m.pending = waiting
}

// memLock is held until closed, or until the filesystem is cloned by a crash.
type memLock struct {
	m    *Mem
	name string
}

// Lock implements [FS]. The lock stands between users of this Mem only.
func (m *Mem) Lock(name string) (io.Closer, error) {
	f, err := m.OpenAppend(name)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := clean(name)
	if m.locks[key] != nil {
		return nil, pathErr("lock", name, ErrLocked)
	}
	l := &memLock{m: m, name: key}
	m.locks[key] = l
	return l, nil
}

func (l *memLock) Close() error {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	if l.m.locks[l.name] == l {
		delete(l.m.locks, l.name)
	}
	return nil
}

// memFile is an open handle on a node.
type memFile struct {
	m      *Mem
	n      *memNode
	name   string
	write  bool
	closed bool // under m.mu
}

var _ File = (*memFile)(nil)

func (f *memFile) Name() string { return f.name }

func (f *memFile) check(op string, write bool) error {
	switch {
	case f.closed:
		return pathErr(op, f.name, iofs.ErrClosed)
	case write && !f.write:
		return pathErr(op, f.name, syscall.EBADF)
	}
	return nil
}

func (f *memFile) Write(p []byte) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.check("write", true); err != nil {
		return 0, err
	}
	n := len(p)
	if f.n.named {
		n = int(min(int64(n), max(0, f.m.limit-f.m.used)))
		f.m.used += int64(n)
	}
	f.n.data = append(f.n.data, p[:n]...)
	f.n.modTime = time.Now()
	if n < len(p) {
		return n, pathErr("write", f.name, syscall.ENOSPC)
	}
	return n, nil
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	f.m.mu.RLock()
	defer f.m.mu.RUnlock()
	if err := f.check("read", false); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, pathErr("read", f.name, syscall.EINVAL)
	}
	if off >= int64(len(f.n.data)) {
		if len(p) == 0 {
			return 0, nil
		}
		return 0, io.EOF
	}
	n := copy(p, f.n.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) Close() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.check("close", false); err != nil {
		return err
	}
	f.closed = true
	return nil
}

func (f *memFile) Sync() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.check("sync", false); err != nil {
		return err
	}
	n := f.n
	n.durable = slices.Clip(n.data)
	n.shared = len(n.data)
	return nil
}

// syncFailed plays what the kernel does on a failed write-back: the bytes since
// the last sync are marked clean and will not be written by a later one.
func (f *memFile) syncFailed() {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if n := f.n; len(n.data) > n.shared {
		n.lost = append(n.lost, byteRange{n.shared, len(n.data)})
	}
}

func (f *memFile) Truncate(size int64) error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.check("truncate", true); err != nil {
		return err
	}
	if size < 0 {
		return pathErr("truncate", f.name, syscall.EINVAL)
	}
	f.m.resize(f.n, int(size))
	n := f.n
	n.lost = slices.DeleteFunc(n.lost, func(s byteRange) bool { return s.from >= int(size) })
	for i := range n.lost {
		n.lost[i].to = min(n.lost[i].to, int(size))
	}
	return nil
}

func (f *memFile) Size() (int64, error) {
	f.m.mu.RLock()
	defer f.m.mu.RUnlock()
	if err := f.check("stat", false); err != nil {
		return 0, err
	}
	return int64(len(f.n.data)), nil
}
