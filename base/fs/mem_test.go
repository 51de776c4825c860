// SPDX-License-Identifier: Apache-2.0

package fs_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/clew-tracing/clew/base/fs"
)

func TestCrashDropsWhatWasNotSynced(t *testing.T) {
	m := fs.NewMem()
	check(t, m.MkdirAll("d"))
	check(t, m.SyncDir(""))
	writeSync(t, m, "elsewhere", "abc") // SyncDir is of one directory only
	writeSync(t, m, "d/synced", "abc")
	write(t, m, "d/empty", "abc")
	check(t, m.SyncDir("d"))
	write(t, m, "d/synced", "def")
	writeSync(t, m, "d/nameless", "abc")
	check(t, m.Rename("d/synced", "d/renamed"))

	c := m.CrashClone(nil)
	if diff := cmp.Diff(map[string]string{"d": "", "d/synced": "abc", "d/empty": ""}, dump(t, c, "")); diff != "" {
		t.Error(diff)
	}
	k := m.KillClone()
	want := map[string]string{"d": "", "d/renamed": "abcdef", "d/empty": "abc", "d/nameless": "abc", "elsewhere": "abc"}
	if diff := cmp.Diff(want, dump(t, k, "")); diff != "" {
		t.Error(diff)
	}
	// A killed process has synced nothing: the power cut after it finds the same.
	if diff := cmp.Diff(dump(t, c, ""), dump(t, k.CrashClone(nil), "")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, dump(t, m, "")); diff != "" {
		t.Errorf("cloning changed the original: %s", diff)
	}
}

func TestCrashAfterRenameBetweenDirectories(t *testing.T) {
	m := fs.NewMem()
	check(t, m.MkdirAll("a"))
	check(t, m.MkdirAll("b"))
	check(t, m.SyncDir(""))
	writeSync(t, m, "a/f", "x")
	check(t, m.Rename("a/f", "b/f"))
	check(t, m.SyncDir("b"))
	check(t, m.SyncDir("a"))
	want := map[string]string{"a": "", "b": "", "b/f": "x"}
	if diff := cmp.Diff(want, dump(t, m.CrashClone(nil), "")); diff != "" {
		t.Error(diff)
	}
}

func TestFailedSyncLosesItsBytesForGood(t *testing.T) {
	m := fs.NewMem()
	faulty := fs.Faulty(m)
	f, err := faulty.Create("f")
	check(t, err)
	check(t, faulty.SyncDir(""))
	for i, data := range []string{"one.", "two.", "three."} {
		faulty.SetRules()
		if i == 1 {
			faulty.SetRules(fs.Rule{Ops: fs.OpSync, Err: syscall.EIO})
		}
		_, err = f.Write([]byte(data))
		check(t, err)
		if err := f.Sync(); (err != nil) != (i == 1) {
			t.Fatalf("sync %d: %v", i, err)
		}
	}
	data, err := fs.ReadFile(m, "f")
	check(t, err)
	if string(data) != "one.two.three." {
		t.Errorf("live: %q", data)
	}
	data, err = fs.ReadFile(m.CrashClone(nil), "f")
	check(t, err)
	if string(data) != "one.\x00\x00\x00\x00three." {
		t.Errorf("after the crash: %q", data)
	}
}

func TestDiskFull(t *testing.T) {
	m := fs.NewMem()
	m.SetLimit(10)
	write(t, m, "a", "123456")
	f, err := m.Create("b")
	check(t, err)
	n, err := f.Write([]byte("123456"))
	if n != 4 || !fs.IsNoSpace(err) {
		t.Fatalf("write = %d, %v", n, err)
	}
	check(t, m.Remove("a"))
	if m.Used() != 4 {
		t.Errorf("used = %d", m.Used())
	}
	_, err = f.Write([]byte("56"))
	check(t, err)
	check(t, m.Rename("b", "c"))
	check(t, f.Truncate(1))
	if m.Used() != 1 {
		t.Errorf("used = %d", m.Used())
	}
	m.SetLimit(-1)
	_, err = f.Write(make([]byte, 100))
	check(t, err)
}

func TestConcurrentUse(t *testing.T) {
	m := fs.NewMem()
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			name := fmt.Sprintf("f%d", i)
			for range 100 {
				f, err := m.OpenAppend(name)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := f.Write([]byte(name)); err != nil {
					t.Error(err)
				}
				if err := f.Sync(); err != nil {
					t.Error(err)
				}
				if err := f.Close(); err != nil {
					t.Error(err)
				}
				m.CrashClone(nil)
			}
		})
	}
	wg.Wait()
	for i := range 4 {
		if info, err := m.Stat(fmt.Sprintf("f%d", i)); err != nil || info.Size != 200 {
			t.Errorf("f%d: %+v, %v", i, info, err)
		}
	}
}

// dump lists everything below dir: a directory as "", a file as its content.
func dump(t interface {
	Helper()
	Fatal(...any)
}, fsys fs.FS, dir string,
) map[string]string {
	t.Helper()
	out := map[string]string{}
	var walk func(string)
	walk = func(rel string) {
		names, err := fsys.List(path.Join(dir, rel))
		if err != nil {
			t.Fatal(err)
		}
		for _, base := range names {
			name := path.Join(rel, base)
			info, err := fsys.Stat(path.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if info.Dir {
				out[name] = ""
				walk(name)
				continue
			}
			data, err := fs.ReadFile(fsys, path.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			out[name] = string(data)
		}
	}
	walk("")
	return out
}

// The live state of Mem behaves as the machine's own filesystem does.
func TestMemLikeOS(t *testing.T) {
	tmp := t.TempDir()
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		root := filepath.ToSlash(filepath.Join(tmp, fmt.Sprint(run)))
		if err := os.Mkdir(root, 0o700); err != nil {
			t.Fatal(err)
		}
		real, mem := fs.OS(), fs.NewMem()
		names := rapid.SampledFrom([]string{"a", "b", "d", "d/a", "d/b", "e/f", "e/f/a", "d/e/f"})
		type pair struct{ real, mem fs.File }
		var open []pair
		same := func(what string, realErr, memErr error) {
			if (realErr == nil) != (memErr == nil) {
				t.Fatalf("%s: os says %v, mem says %v", what, realErr, memErr)
			}
		}
		opened := func(what string, r fs.File, rerr error, m fs.File, merr error) {
			same(what, rerr, merr)
			if rerr == nil {
				open = append(open, pair{r, m})
			}
		}
		// One pair of handles is always there: files that nobody can name.
		r, rerr := real.Create(root + ".spare")
		m, merr := fs.NewMem().Create("spare")
		opened("create spare", r, rerr, m, merr)
		handle := func() pair { return rapid.SampledFrom(open).Draw(t, "handle") }
		defer func() {
			for _, p := range open {
				_ = p.real.Close()
			}
		}()
		t.Repeat(map[string]func(*rapid.T){
			"create": func(t *rapid.T) {
				n := names.Draw(t, "name")
				r, rerr := real.Create(path.Join(root, n))
				m, merr := mem.Create(n)
				opened("create "+n, r, rerr, m, merr)
			},
			"open": func(t *rapid.T) {
				n := names.Draw(t, "name")
				r, rerr := real.Open(path.Join(root, n))
				m, merr := mem.Open(n)
				opened("open "+n, r, rerr, m, merr)
			},
			"append": func(t *rapid.T) {
				n := names.Draw(t, "name")
				r, rerr := real.OpenAppend(path.Join(root, n))
				m, merr := mem.OpenAppend(n)
				opened("append "+n, r, rerr, m, merr)
			},
			"write": func(t *rapid.T) {
				h := handle()
				data := rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "data")
				rn, rerr := h.real.Write(data)
				mn, merr := h.mem.Write(data)
				if len(data) > 0 { // an empty write to a read-only file is a matter of taste
					same("write", rerr, merr)
				}
				if rn != mn {
					t.Fatalf("write: %d, %d", rn, mn)
				}
			},
			"truncate": func(t *rapid.T) {
				h := handle()
				size := rapid.Int64Range(0, 20).Draw(t, "size")
				same("truncate", h.real.Truncate(size), h.mem.Truncate(size))
			},
			"readat": func(t *rapid.T) {
				h := handle()
				off := rapid.Int64Range(0, 20).Draw(t, "off")
				a, b := make([]byte, 6), make([]byte, 6)
				rn, rerr := h.real.ReadAt(a, off)
				mn, merr := h.mem.ReadAt(b, off)
				same("readat", rerr, merr)
				if rn != mn || !bytes.Equal(a, b) {
					t.Fatalf("readat %d: %d %x, %d %x", off, rn, a, mn, b)
				}
			},
			"sync": func(t *rapid.T) { h := handle(); same("sync", h.real.Sync(), h.mem.Sync()) },
			"size": func(t *rapid.T) {
				h := handle()
				r, rerr := h.real.Size()
				m, merr := h.mem.Size()
				same("size", rerr, merr)
				if r != m {
					t.Fatalf("size: %d, %d", r, m)
				}
			},
			"mkdirall": func(t *rapid.T) {
				n := names.Draw(t, "name")
				same("mkdirall "+n, real.MkdirAll(path.Join(root, n)), mem.MkdirAll(n))
			},
			"rename": func(t *rapid.T) {
				a, b := names.Draw(t, "from"), names.Draw(t, "to")
				if a == b {
					return
				}
				same("rename "+a+" "+b, real.Rename(path.Join(root, a), path.Join(root, b)), mem.Rename(a, b))
			},
			"remove": func(t *rapid.T) {
				n := names.Draw(t, "name")
				same("remove "+n, real.Remove(path.Join(root, n)), mem.Remove(n))
			},
			"removeall": func(t *rapid.T) {
				n := rapid.SampledFrom([]string{"a", "d", "e"}).Draw(t, "name")
				same("removeall "+n, real.RemoveAll(path.Join(root, n)), mem.RemoveAll(n))
			},
			"syncdir": func(t *rapid.T) {
				n := rapid.SampledFrom([]string{"", "d", "e", "e/f"}).Draw(t, "name")
				rinfo, rerr := real.Stat(path.Join(root, n))
				if rerr == nil && !rinfo.Dir {
					return // fsync of a file is a file's own business
				}
				same("syncdir "+n, real.SyncDir(path.Join(root, n)), mem.SyncDir(n))
			},
			"": func(t *rapid.T) {
				if diff := cmp.Diff(dump(t, real, root), dump(t, mem, "")); diff != "" {
					t.Fatal(diff)
				}
				var sum int64
				for _, data := range dump(t, mem, "") {
					sum += int64(len(data))
				}
				if mem.Used() != sum {
					t.Fatalf("used = %d, the files have %d", mem.Used(), sum)
				}
			},
		})
	})
}

// What a crash leaves, against a model that copies everything at each sync.
func TestCrashModel(t *testing.T) {
	type file struct {
		live, durable []byte
		shared        int // length of the prefix not touched since the last sync
	}
	rapid.Check(t, func(t *rapid.T) {
		mem := fs.NewMem()
		live, durable := map[string]*file{}, map[string]*file{}
		inFlight := false // names have changed since the last SyncDir
		names := rapid.SampledFrom([]string{"a", "b", "c"})
		handle := func(n string) fs.File {
			h, err := mem.OpenAppend(n)
			if err != nil {
				t.Fatal(err)
			}
			if live[n] == nil {
				live[n] = &file{}
				inFlight = true
			}
			return h
		}
		content := func(files map[string]*file, of func(*file) []byte) map[string]string {
			out := map[string]string{}
			for n, f := range files {
				out[n] = string(of(f))
			}
			return out
		}
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				n := names.Draw(t, "name")
				h := handle(n)
				data := rapid.SliceOfN(rapid.ByteRange('a', 'z'), 1, 2000).Draw(t, "data")
				if _, err := h.Write(data); err != nil {
					t.Fatal(err)
				}
				live[n].live = append(bytes.Clone(live[n].live), data...)
			},
			"truncate": func(t *rapid.T) {
				n := names.Draw(t, "name")
				h := handle(n)
				size := rapid.IntRange(0, len(live[n].live)).Draw(t, "size")
				if err := h.Truncate(int64(size)); err != nil {
					t.Fatal(err)
				}
				live[n].live = bytes.Clone(live[n].live[:size])
				live[n].shared = min(live[n].shared, size)
			},
			"sync": func(t *rapid.T) {
				n := names.Draw(t, "name")
				if err := handle(n).Sync(); err != nil {
					t.Fatal(err)
				}
				live[n].durable, live[n].shared = live[n].live, len(live[n].live)
			},
			"rename": func(t *rapid.T) {
				from, to := names.Draw(t, "from"), names.Draw(t, "to")
				if live[from] == nil || from == to {
					return
				}
				if err := mem.Rename(from, to); err != nil {
					t.Fatal(err)
				}
				inFlight = true
				live[to] = live[from]
				delete(live, from)
			},
			"remove": func(t *rapid.T) {
				n := names.Draw(t, "name")
				if live[n] == nil {
					return
				}
				if err := mem.Remove(n); err != nil {
					t.Fatal(err)
				}
				inFlight = true
				delete(live, n)
			},
			"syncdir": func(*rapid.T) {
				if err := mem.SyncDir(""); err != nil {
					t.Fatal(err)
				}
				inFlight = false
				clear(durable)
				maps.Copy(durable, live)
			},
			"": func(t *rapid.T) {
				want := content(durable, func(f *file) []byte { return f.durable })
				if diff := cmp.Diff(want, dump(t, mem.CrashClone(nil), "")); diff != "" {
					t.Fatalf("power cut: %s", diff)
				}
				want = content(live, func(f *file) []byte { return f.live })
				if diff := cmp.Diff(want, dump(t, mem.KillClone(), "")); diff != "" {
					t.Fatalf("kill: %s", diff)
				}
				// A random crash leaves of each file that it leaves at all either the
				// synced bytes with something after them, or a piece of the live ones.
				if inFlight {
					return // which name stands for which file is open
				}
				seed := rapid.Uint64().Draw(t, "seed")
				for n, got := range dump(t, mem.CrashClone(rand.New(rand.NewPCG(seed, 1))), "") {
					d := durable[n]
					if !bytes.HasPrefix([]byte(got), d.durable[:d.shared]) {
						t.Fatalf("%s: %q does not begin with the synced bytes %q", n, got, d.durable[:d.shared])
					}
					if len(got) > max(len(d.live), len(d.durable)) {
						t.Fatalf("%s: grew to %d bytes", n, len(got))
					}
				}
			},
		})
	})
}
