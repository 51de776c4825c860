// SPDX-License-Identifier: Apache-2.0

package fs_test

import (
	"errors"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clew-tracing/clew/base/fs"
)

func TestFaultCounts(t *testing.T) {
	f := fs.Faulty(fs.NewMem(), fs.Rule{Ops: fs.OpSync, Path: "*.wal", After: 1, Count: 2, Err: syscall.EIO})
	wal, err := f.Create("1.wal")
	check(t, err)
	other, err := f.Create("1.blk")
	check(t, err)
	var got []bool
	for range 5 {
		check(t, other.Sync())
		got = append(got, wal.Sync() != nil)
	}
	if diff := cmp.Diff([]bool{false, true, true, false, false}, got); diff != "" {
		t.Error(diff)
	}
	if f.Fired() != 2 {
		t.Errorf("fired = %d", f.Fired())
	}
}

func TestFaultPartialWriteAndRead(t *testing.T) {
	mem := fs.NewMem()
	f := fs.Faulty(mem, fs.Rule{Ops: fs.OpWrite, Path: "d/f", Err: syscall.ENOSPC, Partial: 2})
	check(t, f.MkdirAll("d"))
	h, err := f.Create("d/f")
	check(t, err)
	n, err := h.Write([]byte("abcd"))
	if n != 2 || !fs.IsNoSpace(err) {
		t.Fatalf("write = %d, %v", n, err)
	}
	f.SetRules(fs.Rule{Ops: fs.OpRead, Err: syscall.EIO, Partial: 1})
	buf := make([]byte, 2)
	n, err = h.ReadAt(buf, 0)
	if n != 1 || !errors.Is(err, syscall.EIO) || buf[0] != 'a' {
		t.Fatalf("read = %d, %v, %q", n, err, buf)
	}
	f.SetRules(fs.Rule{Ops: fs.OpRead, Flip: true, Count: 1})
	n, err = h.ReadAt(buf, 0)
	if n != 2 || err != nil || string(buf) != "ac" {
		t.Fatalf("flipped read = %d, %v, %q", n, err, buf)
	}
	n, err = h.ReadAt(buf, 0)
	if n != 2 || err != nil || string(buf) != "ab" {
		t.Fatalf("read after the flip = %d, %v, %q", n, err, buf)
	}
}

func TestFaultEveryOperation(t *testing.T) {
	mem := fs.NewMem()
	check(t, mem.MkdirAll("d"))
	write(t, mem, "d/f", "x")
	f := fs.Faulty(mem)
	h, err := f.OpenAppend("d/f")
	check(t, err)
	f.SetRules(fs.Rule{Ops: fs.OpAny, Err: syscall.EIO})
	buf := make([]byte, 1)
	ops := map[string]func() error{
		"create":     func() error { return second(f.Create("d/g")) },
		"open":       func() error { return second(f.Open("d/f")) },
		"openappend": func() error { return second(f.OpenAppend("d/g")) },
		"rename":     func() error { return f.Rename("d/f", "d/g") },
		"remove":     func() error { return f.Remove("d/f") },
		"removeall":  func() error { return f.RemoveAll("d") },
		"mkdir":      func() error { return f.MkdirAll("e") },
		"list":       func() error { return second(f.List("d")) },
		"stat":       func() error { return second(f.Stat("d")) },
		"syncdir":    func() error { return f.SyncDir("d") },
		"lock":       func() error { return second(f.Lock("d/L")) },
		"read":       func() error { return second(h.ReadAt(buf, 0)) },
		"write":      func() error { return second(h.Write(buf)) },
		"sync":       func() error { return h.Sync() },
		"truncate":   func() error { return h.Truncate(0) },
		"size":       func() error { return second(h.Size()) },
		"close":      func() error { return h.Close() },
	}
	for name, op := range ops {
		if name == "close" {
			continue
		}
		if err := op(); !errors.Is(err, syscall.EIO) {
			t.Errorf("%s = %v", name, err)
		}
	}
	if err := ops["close"](); !errors.Is(err, syscall.EIO) {
		t.Errorf("close = %v", err)
	}
	names, err := mem.List("d")
	check(t, err)
	if diff := cmp.Diff([]string{"f"}, names); diff != "" {
		t.Errorf("a failed operation had an effect: %s", diff)
	}
	data, err := fs.ReadFile(mem, "d/f")
	check(t, err)
	if string(data) != "x" {
		t.Errorf("a failed operation had an effect: %q", data)
	}
}
