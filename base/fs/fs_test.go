// SPDX-License-Identifier: Apache-2.0

package fs_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"path"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clew-tracing/clew/base/fs"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, fsys fs.FS, name, data string) {
	t.Helper()
	f, err := fsys.OpenAppend(name)
	check(t, err)
	_, err = f.Write([]byte(data))
	check(t, err)
	check(t, f.Close())
}

func writeSync(t *testing.T, fsys fs.FS, name, data string) {
	t.Helper()
	f, err := fsys.OpenAppend(name)
	check(t, err)
	_, err = f.Write([]byte(data))
	check(t, err)
	check(t, f.Sync())
	check(t, f.Close())
}

// each runs a test over every filesystem.
func each(t *testing.T, f func(t *testing.T, fsys fs.FS, dir string)) {
	t.Run("os", func(t *testing.T) { f(t, fs.OS(), filepath.ToSlash(t.TempDir())) })
	t.Run("mem", func(t *testing.T) { f(t, fs.NewMem(), "") })
	t.Run("faulty", func(t *testing.T) { f(t, fs.Faulty(fs.NewMem()), ".") })
}

func TestFiles(t *testing.T) {
	each(t, func(t *testing.T, fsys fs.FS, dir string) {
		d := path.Join(dir, "a/b")
		check(t, fsys.MkdirAll(d))
		check(t, fsys.MkdirAll(d))
		name := path.Join(d, "f")
		writeSync(t, fsys, name, "hello ")
		writeSync(t, fsys, name, "world")
		check(t, fsys.SyncDir(d))

		data, err := fs.ReadFile(fsys, name)
		check(t, err)
		if diff := cmp.Diff("hello world", string(data)); diff != "" {
			t.Error(diff)
		}
		info, err := fsys.Stat(name)
		check(t, err)
		if info.Size != 11 || info.Dir || info.ModTime.IsZero() {
			t.Errorf("stat = %+v", info)
		}
		info, err = fsys.Stat(d)
		check(t, err)
		if !info.Dir || info.Size != 0 {
			t.Errorf("stat of a directory = %+v", info)
		}

		// An open file outlives its name, and its replacement by a rename.
		f, err := fsys.Open(name)
		check(t, err)
		if f.Name() != name {
			t.Errorf("name = %q", f.Name())
		}
		write(t, fsys, name+"2", "other")
		check(t, fsys.Rename(name+"2", name))
		check(t, fsys.Remove(name))
		buf := make([]byte, 5)
		_, err = f.ReadAt(buf, 6)
		check(t, err)
		if string(buf) != "world" {
			t.Errorf("read %q", buf)
		}
		if n, err := f.ReadAt(buf, 8); n != 3 || !errors.Is(err, io.EOF) {
			t.Errorf("read at the end: %d, %v", n, err)
		}
		if _, err := f.Write([]byte("x")); err == nil {
			t.Error("a file opened for reading was written")
		}
		check(t, f.Close())
		if _, err := f.ReadAt(buf, 0); err == nil {
			t.Error("a closed file was read")
		}
	})
}

func TestTruncateThenAppend(t *testing.T) {
	each(t, func(t *testing.T, fsys fs.FS, dir string) {
		name := path.Join(dir, "f")
		f, err := fsys.Create(name)
		check(t, err)
		for _, step := range []struct {
			size  int64
			write string
			want  string
		}{
			{0, "abcdef", "abcdef"},
			{3, "XY", "abcXY"},
			{7, "!", "abcXY\x00\x00!"},
			{0, "new", "new"},
		} {
			check(t, f.Truncate(step.size))
			_, err = f.Write([]byte(step.write))
			check(t, err)
			got, err := fs.ReadFile(fsys, name)
			check(t, err)
			if diff := cmp.Diff(step.want, string(got)); diff != "" {
				t.Errorf("truncate to %d, write %q: %s", step.size, step.write, diff)
			}
			if size, err := f.Size(); err != nil || size != int64(len(step.want)) {
				t.Errorf("size = %d, %v", size, err)
			}
		}
		check(t, f.Close())
	})
}

func TestErrorClasses(t *testing.T) {
	each(t, func(t *testing.T, fsys fs.FS, dir string) {
		none := path.Join(dir, "none")
		for what, err := range map[string]error{
			"open":   second(fsys.Open(none)),
			"create": second(fsys.Create(path.Join(none, "f"))),
			"append": second(fsys.OpenAppend(path.Join(none, "f"))),
			"stat":   second(fsys.Stat(none)),
			"list":   second(fsys.List(none)),
			"rename": fsys.Rename(none, none+"2"),
			"remove": fsys.Remove(none),
			"sync":   fsys.SyncDir(none),
		} {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s of a missing file: %v", what, err)
			}
		}
		check(t, fsys.RemoveAll(none))
		d := path.Join(dir, "d")
		check(t, fsys.MkdirAll(d))
		write(t, fsys, path.Join(d, "f"), "x")
		if _, err := fsys.Open(d); !errors.Is(err, syscall.EISDIR) {
			t.Errorf("open of a directory: %v", err)
		}
		if err := fsys.Remove(d); !errors.Is(err, syscall.ENOTEMPTY) {
			t.Errorf("remove of a full directory: %v", err)
		}
		if err := fsys.Rename(path.Join(d, "f"), d); err == nil {
			t.Error("a file replaced a directory")
		}
		if err := fsys.Rename(d, path.Join(d, "e")); err == nil {
			t.Error("a directory went into itself")
		}
		check(t, fsys.RemoveAll(d))
		if _, err := fsys.Stat(d); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("stat after RemoveAll: %v", err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestLock(t *testing.T) {
	each(t, func(t *testing.T, fsys fs.FS, dir string) {
		name := path.Join(dir, "LOCK")
		l, err := fsys.Lock(name)
		check(t, err)
		if _, err := fsys.Lock(name); !errors.Is(err, fs.ErrLocked) {
			t.Fatalf("second lock: %v", err)
		}
		check(t, l.Close())
		l, err = fsys.Lock(name)
		check(t, err)
		check(t, l.Close())
	})
}

// WriteFile leaves the old or the new content, whatever happens in between.
func TestWriteFileIsAtomic(t *testing.T) {
	// Fail each operation in turn, and cut the power after it.
	for after := 0; ; after++ {
		mem := fs.NewMem()
		check(t, fs.WriteFile(mem, "f", []byte("old")))
		faulty := fs.Faulty(mem, fs.Rule{Ops: fs.OpMutate, After: after, Count: 1, Err: syscall.EIO, Partial: 1})
		err := fs.WriteFile(faulty, "f", []byte("new"))
		for seed := range uint64(20) {
			for _, rng := range []*rand.Rand{nil, rand.New(rand.NewPCG(seed, 1))} {
				data, rerr := fs.ReadFile(mem.CrashClone(rng), "f")
				check(t, rerr)
				if got := string(data); got != "new" && (got != "old" || err == nil) {
					t.Fatalf("fault %d: found %q after the crash, WriteFile said %v", after, got, err)
				}
			}
		}
		if faulty.Fired() == 0 {
			if after < 5 {
				t.Fatalf("only %d operations could fail", after)
			}
			return
		}
		if !errors.Is(err, syscall.EIO) {
			t.Fatalf("fault %d: WriteFile = %v", after, err)
		}
		names, lerr := mem.List("")
		check(t, lerr)
		if len(names) > 1 {
			t.Errorf("fault %d left %v behind", after, names)
		}
	}
}
