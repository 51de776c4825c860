// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/google/go-cmp/cmp"

	"github.com/clew-tracing/clew/base/fs"
	"github.com/clew-tracing/clew/span"
)

var discard = slog.New(slog.DiscardHandler)

// entry returns a plausible entry of a block.
func entry(id uint64, tenant string, splits int) blockEntry {
	b := blockEntry{id: id, tenant: tenant, partition: 20513, minArrival: 1, maxArrival: 2, spans: 100, bytes: 4000}
	for k := range uint64(splits) {
		b.splits = append(b.splits, splitEntry{k, extent{int64(k) - 1, int64(k)}})
	}
	return b
}

func openTestManifest(t *testing.T, disk fs.FS) *manifest {
	t.Helper()
	m, err := openManifest(disk, ".", discard)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func commit(t *testing.T, m *manifest, e edit) {
	t.Helper()
	if err := m.commit(e); err != nil {
		t.Fatal(err)
	}
}

// state is what a manifest says.
func state(m *manifest) string {
	var ids []uint64
	for id, b := range m.blocks {
		ids = append(ids, id)
		if b.id != id {
			return "entry under a wrong id"
		}
	}
	slices.Sort(ids)
	return fmt.Sprintf("blocks %v, low %x, next %d", ids, uint64(m.low), m.nextID)
}

func TestManifest(t *testing.T) {
	disk := fs.NewMem()
	m := openTestManifest(t, disk)
	commit(t, m, edit{add: []blockEntry{entry(m.newID(), "a", 0), entry(m.newID(), "b", 3)}, low: 0x1_0000_0000})
	commit(t, m, edit{add: []blockEntry{entry(m.newID(), "a", 1)}, remove: []uint64{1}, low: 0x3_0000_0000})
	commit(t, m, edit{remove: []uint64{3}})
	want := "blocks [2], low 300000000, next 4"
	if got := state(m); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for range 2 { // as it was appended to, and as it is written anew
		again := openTestManifest(t, disk.CrashClone(nil))
		if got := state(again); got != want || again.damage != "" {
			t.Errorf("read again: %s (damage %q), want %s", got, again.damage, want)
		}
		if d := cmp.Diff(entry(2, "b", 3), again.blocks[2], cmp.AllowUnexported(blockEntry{}, splitEntry{}, extent{})); d != "" {
			t.Errorf("entry (-want +got):\n%s", d)
		}
		if err := m.rewrite(edit{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.close(); err != nil {
		t.Fatal(err)
	}
}

// After a failure of the disk the next commit writes the whole manifest anew, with nothing lost.
func TestManifestFaults(t *testing.T) {
	for _, op := range []fs.Op{fs.OpWrite, fs.OpSync, fs.OpRename, fs.OpSyncDir, fs.OpCreate} {
		disk := fs.NewMem()
		faulty := fs.Faulty(disk)
		m := openTestManifest(t, faulty)
		commit(t, m, edit{add: []blockEntry{entry(m.newID(), "a", 2)}})
		faulty.SetRules(fs.Rule{Ops: fs.OpSync | op, Count: 3, Err: errors.New("broken"), Partial: 5})
		e := edit{add: []blockEntry{entry(m.newID(), "a", 0)}, remove: []uint64{1}}
		fails := 0
		for m.commit(e) != nil {
			if fails++; fails > 10 {
				t.Fatalf("op %d: does not get well", op)
			}
		}
		if fails == 0 {
			t.Fatalf("op %d: nothing failed", op)
		}
		again := openTestManifest(t, disk.CrashClone(nil))
		if got, want := state(again), "blocks [2], low 0, next 3"; got != want || again.damage != "" {
			t.Errorf("op %d: %s (damage %q), want %s", op, got, again.damage, want)
		}
		if err := m.close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Every flipped bit and every cut is noticed, unless it costs nothing.
func TestManifestDamage(t *testing.T) {
	disk := fs.NewMem()
	m := openTestManifest(t, disk)
	commit(t, m, edit{add: []blockEntry{entry(m.newID(), "a", 1)}})
	commit(t, m, edit{add: []blockEntry{entry(m.newID(), "a", 0)}})
	commit(t, m, edit{add: []blockEntry{entry(m.newID(), "a", 0)}})
	want := state(m)
	if err := m.close(); err != nil {
		t.Fatal(err)
	}
	data, err := fs.ReadFile(disk, manifestName)
	if err != nil {
		t.Fatal(err)
	}
	read := func(data []byte) *manifest {
		m := &manifest{blocks: map[uint64]blockEntry{}, nextID: 1}
		if err := m.load(data); err != nil {
			t.Fatal(err)
		}
		return m
	}
	for at := range data {
		flipped := bytes.Clone(data)
		flipped[at] ^= 1 << (at % 8)
		if got := read(flipped); got.damage == "" {
			t.Errorf("bit at %d: not noticed; %s, want %s", at, state(got), want)
		}
		if got := read(data[:at]); got.damage == "" && state(got) != want && len(got.blocks) > 0 {
			// A cut between two edits leaves a whole manifest, of an earlier time.
			if got.nextID == 4 {
				t.Errorf("cut at %d: not noticed", at)
			}
		}
	}
}

func FuzzEdit(f *testing.F) {
	f.Add(appendEdit(nil, 1, 0, edit{add: []blockEntry{entry(1, "a", 2)}, remove: []uint64{7}, low: 9}, 8)[editFrame:])
	f.Add([]byte{opNextID, 3})
	f.Add([]byte{opAdd, 1, 200})
	f.Fuzz(func(t *testing.T, payload []byte) {
		e, next, err := decodeEdit(payload)
		if err != nil {
			return
		}
		again, n, err := decodeEdit(appendEdit(nil, 1, 0, e, next)[editFrame:])
		if err != nil || n != next {
			t.Fatalf("written again: next %d, %v; was %d", n, err, next)
		}
		if d := cmp.Diff(e, again, cmp.AllowUnexported(edit{}, blockEntry{}, splitEntry{}, extent{})); d != "" {
			t.Fatalf("written again (-want +got):\n%s", d)
		}
	})
}

func TestManifestGolden(t *testing.T) {
	datadriven.RunTest(t, "testdata/manifest", func(t *testing.T, _ *datadriven.TestData) string {
		data := appendManifest(nil, 0x1234, edit{add: []blockEntry{entry(1, "a", 0), entry(2, "b", 2)}, low: 0x2_0000_0000}, 3)
		data = appendEdit(data, 0x1234, int64(len(data)), edit{add: []blockEntry{entry(3, "a", 0)}, remove: []uint64{1, 2}}, 4)
		return InspectManifest(data)
	})
}

func TestIDSet(t *testing.T) {
	var s idSet
	rng := rand.New(rand.NewPCG(1, 1))
	type ids struct {
		trace uint64
		id    span.SpanID
		start int64
	}
	var all []ids
	false32 := 0
	for range 50_000 {
		x := ids{rng.Uint64(), span.SpanIDFrom(rng.Uint64()), rng.Int64()}
		if s.add(x.trace, x.id, x.start) {
			false32++
		}
		all = append(all, x)
	}
	if false32 > 20 {
		t.Errorf("%d false alarms, about one is expected", false32)
	}
	for _, x := range all {
		if !s.add(x.trace, x.id, x.start) {
			t.Fatal("forgotten")
		}
	}
}

func TestMergeTier(t *testing.T) {
	for _, c := range []struct {
		bytes int64
		tier  int
	}{{0, 0}, {1<<20 - 1, 0}, {1 << 20, 1}, {4<<20 - 1, 1}, {4 << 20, 2}, {16<<20 - 1, 2}, {16 << 20, 3}} {
		if got := mergeTier(c.bytes); got != c.tier {
			t.Errorf("tier of %d bytes: %d, want %d", c.bytes, got, c.tier)
		}
	}
}

func TestPickMerge(t *testing.T) {
	blocks := func(sizes ...int64) (list []*blockRef) {
		for i, n := range sizes {
			at := int64(i) * int64(time.Hour)
			list = append(list, &blockRef{entry: blockEntry{id: uint64(i), bytes: n << 20, minArrival: at, maxArrival: at}})
		}
		return list
	}
	ids := func(list []*blockRef) (ids []uint64) {
		for _, b := range list {
			ids = append(ids, b.entry.id)
		}
		return ids
	}
	far := blocks(1, 1, 1)
	far[1].entry.partition = 1
	bad := blocks(1, 1, 1)
	bad[0].unmergeable.Store(true)
	for name, c := range map[string]struct {
		blocks []*blockRef
		cfg    Config
		want   []uint64
	}{
		"too few":                  {blocks(1, 1), Config{MergeWidth: 3}, nil},
		"enough":                   {blocks(1, 1, 1, 1), Config{MergeWidth: 3}, []uint64{0, 1, 2}},
		"smallest tier first":      {blocks(20, 20, 1, 1), Config{MergeWidth: 2}, []uint64{2, 3}},
		"one tier only":            {blocks(1, 20, 300), Config{MergeWidth: 2}, nil},
		"partitions apart":         {far, Config{MergeWidth: 2}, []uint64{0, 2}},
		"damaged ones left alone":  {bad, Config{MergeWidth: 2}, []uint64{1, 2}},
		"not past the largest":     {blocks(300, 300), Config{MergeWidth: 2}, nil},
		"short retention":          {blocks(1, 1), Config{MergeWidth: 2, Retention: 8 * time.Minute}, []uint64{0, 1}},
		"too far for retention":    {blocks(1, 20, 1), Config{MergeWidth: 2, Retention: 8 * time.Minute}, nil},
		"younger ones may still":   {blocks(1, 20, 1, 1), Config{MergeWidth: 2, Retention: 8 * time.Minute}, []uint64{2, 3}},
		"off":                      {blocks(1, 1, 1, 1, 1), Config{MergeWidth: -1}, nil},
		"no blocks, nothing to do": {nil, Config{MergeWidth: 2}, nil},
	} {
		if d := cmp.Diff(c.want, ids(pickMerge(c.blocks, c.cfg))); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	if got := mergeBacklog(blocks(1, 1, 1, 20), Config{MergeWidth: 2}); got != 2<<20 {
		t.Errorf("backlog %d, want %d", got, 2<<20)
	}
}

func TestEscapeTenant(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"a", "A", "a/b", "a%2fb", ".", "..", "ü", "a b", "", "con", "a\x00", "%"} {
		got := escapeTenant(name)
		if other, ok := seen[got]; ok {
			t.Errorf("%q and %q are both %q", name, other, got)
		}
		seen[got] = name
		if got == "." || got == ".." || bytes.ContainsAny([]byte(got), "/\\\x00") {
			t.Errorf("%q becomes %q", name, got)
		}
	}
}

func TestPartitions(t *testing.T) {
	day := partitionWidth
	for at, want := range map[int64]int64{0: 0, day - 1: 0, day: 1, -1: -1, -day: -1, -day - 1: -2} {
		if got := partitionOf(at); got != want {
			t.Errorf("partition of %d: %d, want %d", at, got, want)
		}
	}
	if got := blockDirOf("t", 20513); got != "blocks/t/20260301" {
		t.Errorf("directory %s", got)
	}
}
