// SPDX-License-Identifier: Apache-2.0

package fs

import (
	"io"
	"path"
	"slices"
	"sync"
)

// Op is an operation that a [Rule] can make fail.
type Op uint32

// The operations of FS and File. They are bits: a rule can name several.
const (
	OpCreate Op = 1 << iota
	OpOpen
	OpOpenAppend
	OpRename // matched by the old name and by the new one
	OpRemove
	OpRemoveAll
	OpMkdirAll
	OpList
	OpStat
	OpSyncDir
	OpLock
	OpRead
	OpWrite
	OpSync
	OpTruncate
	OpSize
	OpClose

	// OpAny is every operation.
	OpAny Op = 1<<iota - 1
	// OpMutate is every operation that changes what is on the disk.
	OpMutate = OpCreate | OpOpenAppend | OpRename | OpRemove | OpRemoveAll | OpMkdirAll | OpSyncDir | OpWrite | OpSync | OpTruncate
)

// Rule says which operations fail, and how.
type Rule struct {
	// Ops are the operations that the rule is about.
	Ops Op
	// Path is a pattern of [path.Match], held against the whole path and against
	// its last element. Empty matches all.
	Path string
	// After is the number of matching operations that still succeed.
	After int
	// Count is the number of operations that fail after that; 0 = all.
	Count int
	// Err is the cause that the failed operation returns, such as syscall.EIO. It
	// may be nil for OpRead with Flip.
	Err error
	// Partial is, for a failing OpRead or OpWrite, the number of bytes that are
	// still read or written (at most those asked for).
	Partial int
	// Flip makes an OpRead succeed with one bit of its answer turned over, as a bad
	// disk does: the lowest bit of the byte in the middle.
	Flip bool
}

// Fault is a filesystem that fails on command. See [Faulty].
type Fault struct {
	inner FS

	mu    sync.Mutex
	rules []*activeRule
	fired int
}

type activeRule struct {
	Rule
	seen int
}

// Faulty returns a filesystem that does what inner does, save where a rule says
// otherwise. The first rule that strikes decides.
//
// A failing Sync leaves the bytes unsynced for good when inner is a [Mem], as the
// kernel does. All other failing operations leave inner as it is, but for the
// Partial bytes of a write.
func Faulty(inner FS, rules ...Rule) *Fault {
	f := &Fault{inner: inner}
	f.SetRules(rules...)
	return f
}

var _ FS = (*Fault)(nil)

// SetRules replaces all rules, with their counts starting anew. Without rules
// the disk is well again.
func (f *Fault) SetRules(rules ...Rule) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
	for _, r := range rules {
		f.rules = append(f.rules, &activeRule{Rule: r})
	}
}

// Fired returns how many operations have failed (or been flipped) so far.
func (f *Fault) Fired() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fired
}

// strike returns the rule that makes this operation fail, or nil.
func (f *Fault) strike(op Op, names ...string) *Rule {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.rules {
		if r.Ops&op == 0 || !slices.ContainsFunc(names, r.matches) {
			continue
		}
		r.seen++
		if r.seen <= r.After || (r.Count > 0 && r.seen > r.After+r.Count) {
			continue
		}
		f.fired++
		return &r.Rule
	}
	return nil
}

func (r *activeRule) matches(name string) bool {
	if r.Path == "" {
		return true
	}
	whole, err := path.Match(r.Path, name)
	if err != nil {
		panic("fs: rule path " + r.Path + ": " + err.Error()) // a mistake in the test
	}
	base, _ := path.Match(r.Path, path.Base(name))
	return whole || base
}

// fail returns the error of a struck operation, or nil.
func (f *Fault) fail(op Op, what string, names ...string) error {
	if r := f.strike(op, names...); r != nil {
		return pathErr(what, names[0], r.Err)
	}
	return nil
}

// Create implements [FS].
func (f *Fault) Create(name string) (File, error) {
	if err := f.fail(OpCreate, "open", name); err != nil {
		return nil, err
	}
	return f.wrap(f.inner.Create(name))
}

// Open implements [FS].
func (f *Fault) Open(name string) (File, error) {
	if err := f.fail(OpOpen, "open", name); err != nil {
		return nil, err
	}
	return f.wrap(f.inner.Open(name))
}

// OpenAppend implements [FS].
func (f *Fault) OpenAppend(name string) (File, error) {
	if err := f.fail(OpOpenAppend, "open", name); err != nil {
		return nil, err
	}
	return f.wrap(f.inner.OpenAppend(name))
}

func (f *Fault) wrap(inner File, err error) (File, error) {
	if err != nil {
		return nil, err
	}
	return &faultFile{File: inner, f: f}, nil
}

// Rename implements [FS].
func (f *Fault) Rename(from, to string) error {
	if err := f.fail(OpRename, "rename", from, to); err != nil {
		return err
	}
	return f.inner.Rename(from, to)
}

// Remove implements [FS].
func (f *Fault) Remove(name string) error {
	if err := f.fail(OpRemove, "remove", name); err != nil {
		return err
	}
	return f.inner.Remove(name)
}

// RemoveAll implements [FS].
func (f *Fault) RemoveAll(name string) error {
	if err := f.fail(OpRemoveAll, "unlinkat", name); err != nil {
		return err
	}
	return f.inner.RemoveAll(name)
}

// MkdirAll implements [FS].
func (f *Fault) MkdirAll(dir string) error {
	if err := f.fail(OpMkdirAll, "mkdir", dir); err != nil {
		return err
	}
	return f.inner.MkdirAll(dir)
}

// List implements [FS].
func (f *Fault) List(dir string) ([]string, error) {
	if err := f.fail(OpList, "open", dir); err != nil {
		return nil, err
	}
	return f.inner.List(dir)
}

// Stat implements [FS].
func (f *Fault) Stat(name string) (Info, error) {
	if err := f.fail(OpStat, "stat", name); err != nil {
		return Info{}, err
	}
	return f.inner.Stat(name)
}

// SyncDir implements [FS].
func (f *Fault) SyncDir(dir string) error {
	if err := f.fail(OpSyncDir, "sync", dir); err != nil {
		return err
	}
	return f.inner.SyncDir(dir)
}

// Lock implements [FS].
func (f *Fault) Lock(name string) (io.Closer, error) {
	if err := f.fail(OpLock, "lock", name); err != nil {
		return nil, err
	}
	return f.inner.Lock(name)
}

// faultFile is an open file of a Fault.
type faultFile struct {
	File
	f *Fault
}

func (f *faultFile) ReadAt(p []byte, off int64) (int, error) {
	r := f.f.strike(OpRead, f.Name())
	switch {
	case r == nil:
		return f.File.ReadAt(p, off)
	case r.Flip:
		n, err := f.File.ReadAt(p, off)
		if n > 0 {
			p[n/2] ^= 1
		}
		return n, err
	}
	n, _ := f.File.ReadAt(p[:min(r.Partial, len(p))], off)
	return n, pathErr("read", f.Name(), r.Err)
}

func (f *faultFile) Write(p []byte) (int, error) {
	r := f.f.strike(OpWrite, f.Name())
	if r == nil {
		return f.File.Write(p)
	}
	n, err := f.File.Write(p[:min(r.Partial, len(p))])
	if err != nil {
		return n, err
	}
	return n, pathErr("write", f.Name(), r.Err)
}

func (f *faultFile) Sync() error {
	err := f.f.fail(OpSync, "sync", f.Name())
	if err == nil {
		return f.File.Sync()
	}
	if mem, ok := f.File.(*memFile); ok {
		mem.syncFailed()
	}
	return err
}

func (f *faultFile) Truncate(size int64) error {
	if err := f.f.fail(OpTruncate, "truncate", f.Name()); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f *faultFile) Size() (int64, error) {
	if err := f.f.fail(OpSize, "stat", f.Name()); err != nil {
		return 0, err
	}
	return f.File.Size()
}

// Close closes the inner file even when it is to report a failure, as the
// kernel does.
func (f *faultFile) Close() error {
	err := f.f.fail(OpClose, "close", f.Name())
	if inner := f.File.Close(); err == nil {
		err = inner
	}
	return err
}
