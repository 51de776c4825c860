// SPDX-License-Identifier: Apache-2.0

// Package fs is the filesystem as the store needs it: the one door through
// which every byte goes to disk and comes back.
//
// The interface is small so that crashes and faults can be inputs of a test.
// Three implementations share it:
//
//   - [OS] is the machine's own filesystem;
//   - [Mem] keeps files in memory and remembers which bytes and which directory
//     entries were synced, so that [Mem.CrashClone] can answer what a power cut
//     would have left;
//   - [Faulty] wraps another filesystem and fails the operations it is told to.
//
// # Durability
//
// The contract is POSIX's, taken strictly. [File.Sync] makes the bytes and the
// length of a file durable, but not its name. A name becomes durable (created,
// renamed or removed) when [FS.SyncDir] returns for the directory that holds it.
// A rename is atomic: after a crash either the old or the new state is found.
//
// A failed Sync means that the bytes written since the last successful one may
// be lost even if a later Sync succeeds: the kernel reports an error once and
// then forgets it. Callers give the file up and write a new one.
//
// # Files
//
// Files are append-only: every Write goes to the end of the file. There is no
// memory mapping: a page fault on a bad disk is a crash, a failed read an error.
//
// Paths use the separator of [path]; relative paths are allowed. Errors are
// *[io/fs.PathError] and satisfy errors.Is with [ErrNotExist], [ErrExist],
// syscall.ENOSPC and so on.
package fs

import (
	"errors"
	"io"
	iofs "io/fs"
	"path"
	"syscall"
	"time"
)

// The classes of error that callers tell apart.
var (
	// ErrNotExist says that the file or one of its parents is not there.
	ErrNotExist = iofs.ErrNotExist
	// ErrExist says that the name is taken.
	ErrExist = iofs.ErrExist
	// ErrLocked says that another holder (this process or another) has the lock.
	ErrLocked = errors.New("held by another process")
)

// IsNoSpace reports whether err says that the disk, or the quota on it, is full.
func IsNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// FS is a filesystem. All methods may be called from several goroutines.
type FS interface {
	// Create makes a new empty file for writing and reading. A file of that name
	// is emptied. The parent directory must exist.
	Create(name string) (File, error)

	// Open opens a file for reading. Writing to it is an error. A directory is
	// refused.
	Open(name string) (File, error)

	// OpenAppend opens a file for writing at its end and for reading, and makes it
	// if it is not there.
	OpenAppend(name string) (File, error)

	// Rename gives a file or directory another name, atomically, replacing a file
	// of that name.
	Rename(from, to string) error

	// Remove removes a file or an empty directory. Open files stay readable.
	Remove(name string) error

	// RemoveAll removes name and all below it. It is no error if there is nothing.
	RemoveAll(name string) error

	// MkdirAll makes a directory with all its parents. It is no error if it exists.
	MkdirAll(dir string) error

	// List returns the names (without the directory) in dir, sorted.
	List(dir string) ([]string, error)

	// Stat describes a file or directory.
	Stat(name string) (Info, error)

	// SyncDir makes the names in dir durable: those made, renamed and removed.
	SyncDir(dir string) error

	// Lock takes an exclusive lock, held until the Closer is closed or the process
	// ends. It makes the file name and leaves it. It does not wait: a lock that is
	// taken is an error that satisfies errors.Is(err, [ErrLocked]).
	Lock(name string) (io.Closer, error)
}

// File is an open file. ReadAt may be called from several goroutines, also
// beside one that writes; Write, Truncate and Sync have one caller at a time.
type File interface {
	// Write appends p. When it returns n < len(p), the first n bytes were written
	// and err says why the rest was not.
	io.Writer

	// ReadAt is [io.ReaderAt]: fewer bytes than asked always come with an error.
	io.ReaderAt

	// Close gives the handle up. It syncs nothing.
	io.Closer

	// Sync makes all bytes written so far, and the length, durable.
	Sync() error

	// Truncate sets the length in bytes: what stands after it is dropped, what is
	// missing is zero.
	Truncate(size int64) error

	// Size is the length in bytes, with what was written and not yet synced.
	Size() (int64, error)

	// Name is the path that the file was opened with.
	Name() string
}

// Info describes a file or directory.
type Info struct {
	Size    int64 // bytes; 0 for a directory
	Dir     bool
	ModTime time.Time // of the last write, by the filesystem's clock
}

// ReadFile returns the whole content of a file.
func ReadFile(fsys FS, name string) (data []byte, err error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	data = make([]byte, size)
	n, err := f.ReadAt(data, 0)
	if n == len(data) && errors.Is(err, io.EOF) {
		err = nil
	}
	return data[:n], err
}

// WriteFile makes name hold data, durably and atomically: after a crash at any
// moment name holds either what it held before or data. It writes name+".tmp"
// first and leaves that behind only if removing it fails too.
func WriteFile(fsys FS, name string, data []byte) error {
	tmp := name + ".tmp"
	if err := writeSynced(fsys, tmp, data); err != nil {
		return errors.Join(err, removeIfThere(fsys, tmp))
	}
	if err := fsys.Rename(tmp, name); err != nil {
		return errors.Join(err, removeIfThere(fsys, tmp))
	}
	return fsys.SyncDir(path.Dir(name))
}

func writeSynced(fsys FS, name string, data []byte) (err error) {
	f, err := fsys.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}

func removeIfThere(fsys FS, name string) error {
	if err := fsys.Remove(name); err != nil && !errors.Is(err, ErrNotExist) {
		return err
	}
	return nil
}
