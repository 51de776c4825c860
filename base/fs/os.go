// SPDX-License-Identifier: Apache-2.0

package fs

import (
	"errors"
	"io"
	iofs "io/fs"
	"os"
	"syscall"

	"github.com/gofrs/flock"
)

// Spans can hold secrets: nobody but the owner and the group may read them.
const (
	fileMode = 0o640
	dirMode  = 0o750
)

// OS returns the filesystem of the machine.
func OS() FS { return osFS{} }

type osFS struct{}

var _ FS = osFS{}

func (osFS) Create(name string) (File, error) {
	return openOS(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND)
}

func (osFS) OpenAppend(name string) (File, error) {
	return openOS(name, os.O_RDWR|os.O_CREATE|os.O_APPEND)
}

func (osFS) Open(name string) (File, error) {
	return openOS(name, os.O_RDONLY)
}

func openOS(name string, flags int) (File, error) {
	f, err := os.OpenFile(name, flags, fileMode)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = &iofs.PathError{Op: "open", Path: name, Err: syscall.EISDIR}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return osFile{f}, nil
}

func (osFS) Rename(from, to string) error { return os.Rename(from, to) }
func (osFS) Remove(name string) error     { return os.Remove(name) }
func (osFS) RemoveAll(name string) error  { return os.RemoveAll(name) }
func (osFS) MkdirAll(dir string) error    { return os.MkdirAll(dir, dirMode) }

func (osFS) List(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

func (osFS) Stat(name string) (Info, error) {
	info, err := os.Stat(name)
	if err != nil {
		return Info{}, err
	}
	out := Info{Size: info.Size(), Dir: info.IsDir(), ModTime: info.ModTime()}
	if out.Dir {
		out.Size = 0
	}
	return out, nil
}

func (osFS) SyncDir(dir string) (err error) {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return d.Sync()
}

func (osFS) Lock(name string) (io.Closer, error) {
	l := flock.New(name, flock.SetPermissions(fileMode))
	ok, err := l.TryLock()
	if err != nil {
		return nil, &iofs.PathError{Op: "lock", Path: name, Err: err}
	}
	if !ok {
		return nil, &iofs.PathError{Op: "lock", Path: name, Err: ErrLocked}
	}
	return l, nil
}

// osFile adds to os.File what the interface has beyond it.
type osFile struct{ *os.File }

var _ File = osFile{}

// Sync uses fdatasync where there is one: it keeps bytes and length, and spares
// the journal write for times that nobody reads.
func (f osFile) Sync() error { return syncData(f.File) }

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
