// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/clew-tracing/clew/base/fs"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/span/spantest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const dir = "data/wal"

func options(fsys fs.FS) Options {
	salt := uint64(0x1234)
	return Options{FS: fsys, Dir: dir, Salt: func() uint64 { salt++; return salt }}
}

// small returns a batch of one span whose name is the given number.
func small(n int) *span.Batch {
	b := &span.Batch{Tenant: "t", Arrival: int64(n)}
	b.Resources.Add()
	b.Resources.Attrs.EndOwner()
	b.Scopes.Add(0, 0)
	b.Scopes.Attrs.EndOwner()
	i := b.AddSpan()
	b.TraceID[i], b.SpanID[i] = span.TraceIDFrom(1, uint64(n)), span.SpanIDFrom(uint64(n))
	b.Name[i] = b.Strings.InternString(fmt.Sprint("span ", n))
	b.EndSpan()
	return b
}

// open opens the log and returns the arrivals of what was recovered, in order.
func open(t *testing.T, o Options, low SegmentID) (*Log, *Recovery, []int64) {
	t.Helper()
	var got []int64
	l, rec, err := Open(o, low, Handler{Record: func(e Entry) error {
		got = append(got, e.Batch.Arrival)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return l, rec, got
}

func closeLog(t *testing.T, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func appendBatch(t *testing.T, l *Log, b *span.Batch) error {
	t.Helper()
	return l.Append(context.Background(), encode(t, b), nil)
}

// fill appends batches first to last and fails the test if one is refused.
func fill(t *testing.T, l *Log, first, last int) {
	t.Helper()
	for n := first; n <= last; n++ {
		if err := appendBatch(t, l, small(n)); err != nil {
			t.Fatalf("append %d: %v", n, err)
		}
	}
}

func count(first, last int) (list []int64) {
	for n := first; n <= last; n++ {
		list = append(list, int64(n))
	}
	return list
}

func newDisk(t *testing.T) *fs.Mem {
	t.Helper()
	m := fs.NewMem()
	if err := m.MkdirAll("data"); err != nil {
		t.Fatal(err)
	}
	if err := m.SyncDir("."); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestReplay(t *testing.T) {
	disk := newDisk(t)
	l, _, got := open(t, options(disk), 0)
	if len(got) > 0 {
		t.Fatalf("%d records in an empty log", len(got))
	}
	fill(t, l, 1, 10)
	closeLog(t, l)
	// A kill after the acknowledgement, without Close.
	l, rec, got := open(t, options(disk), 0)
	if d := cmp.Diff(count(1, 10), got); d != "" || len(rec.Damage) > 0 {
		t.Errorf("damage %v, records (-want +got):\n%s", rec.Damage, d)
	}
	fill(t, l, 11, 20)
	crashed := disk.CrashClone(nil)
	closeLog(t, l)
	l, rec, got = open(t, options(crashed), 0)
	if d := cmp.Diff(count(1, 20), got); d != "" || len(rec.Damage) > 0 {
		t.Errorf("damage %v, records (-want +got):\n%s", rec.Damage, d)
	}
	closeLog(t, l)
}

func TestRotateAndPrune(t *testing.T) {
	disk := newDisk(t)
	l, _, _ := open(t, options(disk), 0)
	var epochs []uint32
	bind := func(e uint32) { epochs = append(epochs, e) }
	for n := 1; n <= 6; n++ {
		if n == 4 {
			if e := l.Rotate(nil); e != 2 {
				t.Fatalf("epoch %d, want 2", e)
			}
		}
		if err := l.Append(context.Background(), encode(t, small(n)), bind); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff([]uint32{1, 1, 1, 2, 2, 2}, epochs); d != "" {
		t.Errorf("epochs (-want +got):\n%s", d)
	}
	if err := l.Prune(EpochStart(2)); err != nil {
		t.Fatal(err)
	}
	if got := l.Segments(); len(got) != 1 || got[0].Epoch() != 2 {
		t.Errorf("segments %v, want one of epoch 2", got)
	}
	closeLog(t, l)
	l, _, got := open(t, options(disk), EpochStart(2))
	if d := cmp.Diff(count(4, 6), got); d != "" {
		t.Errorf("records (-want +got):\n%s", d)
	}
	closeLog(t, l)
}

func TestSegmentsBySize(t *testing.T) {
	disk := newDisk(t)
	o := options(disk)
	o.SegmentBytes = 2000
	l, _, _ := open(t, o, 0)
	fill(t, l, 1, 100)
	if n := len(l.Segments()); n < 5 {
		t.Errorf("%d segments, want several", n)
	}
	closeLog(t, l)
	l, rec, got := open(t, options(disk), 0)
	if d := cmp.Diff(count(1, 100), got); d != "" || len(rec.Damage) > 0 {
		t.Errorf("damage %v, records (-want +got):\n%s", rec.Damage, d)
	}
	closeLog(t, l)
}

// Appends from many goroutines share syncs, and each is durable when it returns.
func TestGroupCommit(t *testing.T) {
	disk := newDisk(t)
	l, _, _ := open(t, options(disk), 0)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			var e Encoder
			for n := range 50 {
				p, err := e.Append(nil, span.SignalSpans, small(1+w*50+n))
				if err == nil {
					err = l.Append(context.Background(), p, nil)
				}
				if err != nil {
					t.Errorf("append: %v", err)
				}
			}
		})
	}
	wg.Wait()
	crashed := disk.CrashClone(nil)
	closeLog(t, l)
	l, _, got := open(t, options(crashed), 0)
	if len(got) != 400 {
		t.Errorf("%d records after a crash, want 400", len(got))
	}
	closeLog(t, l)
}

func TestInterval(t *testing.T) {
	disk := newDisk(t)
	o := options(disk)
	o.Interval = time.Hour
	l, _, _ := open(t, o, 0)
	fill(t, l, 1, 10)
	if n := l.Stats().Syncs.Load(); n != 0 {
		t.Errorf("%d syncs before the interval", n)
	}
	killed := disk.KillClone()
	closeLog(t, l)
	// What was written survives the end of the process, and the end of the log syncs it.
	for _, d := range []*fs.Mem{killed, disk.CrashClone(nil)} {
		l, rec, got := open(t, options(d), 0)
		if d := cmp.Diff(count(1, 10), got); d != "" || len(rec.Damage) > 0 {
			t.Errorf("damage %v, records (-want +got):\n%s", rec.Damage, d)
		}
		closeLog(t, l)
	}
}

func TestFailedSyncPoisons(t *testing.T) {
	disk := newDisk(t)
	faulty := fs.Faulty(disk)
	l, _, _ := open(t, options(faulty), 0)
	fill(t, l, 1, 3)
	faulty.SetRules(fs.Rule{Ops: fs.OpSync, Path: "*.wal", Count: 1, Err: syscall.EIO})
	if err := appendBatch(t, l, small(100)); !errors.Is(err, span.ErrRetryable) || !errors.Is(err, syscall.EIO) {
		t.Fatalf("append on a failed sync: %v, want a retryable EIO", err)
	}
	fill(t, l, 4, 6)
	if n := len(l.Segments()); n != 2 {
		t.Errorf("%d segments, want the poisoned one and a new one", n)
	}
	crashed := disk.CrashClone(nil)
	closeLog(t, l)
	l, rec, got := open(t, options(crashed), 0)
	if d := cmp.Diff(count(1, 6), got); d != "" || len(rec.Corrupt()) > 0 {
		t.Errorf("damage %v, records (-want +got):\n%s", rec.Damage, d)
	}
	closeLog(t, l)
}

// If what was not synced cannot even be cut off, the next segment's header tells recovery that it does not count.
func TestFailedSyncAndTruncate(t *testing.T) {
	disk := newDisk(t)
	faulty := fs.Faulty(disk)
	l, _, _ := open(t, options(faulty), 0)
	fill(t, l, 1, 3)
	faulty.SetRules(
		fs.Rule{Ops: fs.OpSync, Path: "*.wal", Count: 1, Err: syscall.EIO},
		fs.Rule{Ops: fs.OpTruncate, Err: syscall.EIO})
	if err := appendBatch(t, l, small(100)); !errors.Is(err, span.ErrRetryable) {
		t.Fatal(err)
	}
	fill(t, l, 4, 6)
	for seed := range uint64(20) {
		crashed := disk.CrashClone(rand.New(rand.NewPCG(seed, 1)))
		re, rec, got := open(t, options(crashed), 0)
		if len(rec.Corrupt()) > 0 {
			t.Errorf("seed %d: what was never acknowledged is called damage: %v", seed, rec.Damage)
		}
		if len(got) == 7 && got[3] == 100 { // the refused one may turn up
			got = append(got[:3], got[4:]...)
		}
		if d := cmp.Diff(count(1, 6), got); d != "" {
			t.Errorf("seed %d: records (-want +got):\n%s", seed, d)
		}
		closeLog(t, re)
	}
	faulty.SetRules()
	closeLog(t, l)
}

func TestDiskFull(t *testing.T) {
	disk := newDisk(t)
	l, _, _ := open(t, options(disk), 0)
	fill(t, l, 1, 3)
	disk.SetLimit(disk.Used() + 50)
	for range 5 {
		if err := appendBatch(t, l, small(100)); !errors.Is(err, span.ErrRetryable) || !fs.IsNoSpace(err) {
			t.Fatalf("append on a full disk: %v, want a retryable ENOSPC", err)
		}
	}
	if n := len(l.Segments()); n != 1 {
		t.Errorf("%d segments, want 1: a full disk must not litter", n)
	}
	disk.SetLimit(-1)
	fill(t, l, 4, 6)
	closeLog(t, l)
	l, rec, got := open(t, options(disk), 0)
	if d := cmp.Diff(count(1, 6), got); d != "" || len(rec.Damage) > 0 {
		t.Errorf("damage %v, records (-want +got):\n%s", rec.Damage, d)
	}
	closeLog(t, l)
}

// A disk that is full from the start: the first segment cannot be made.
func TestDiskFullAtStart(t *testing.T) {
	disk := newDisk(t)
	l, _, _ := open(t, options(disk), 0)
	disk.SetLimit(10)
	if err := appendBatch(t, l, small(1)); !errors.Is(err, span.ErrRetryable) {
		t.Fatalf("append: %v", err)
	}
	if names, err := disk.List(dir); err != nil || len(names) > 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
	disk.SetLimit(-1)
	fill(t, l, 1, 2)
	closeLog(t, l)
}

func TestClosed(t *testing.T) {
	l, _, _ := open(t, options(newDisk(t)), 0)
	closeLog(t, l)
	closeLog(t, l)
	if err := appendBatch(t, l, small(1)); !errors.Is(err, ErrClosed) {
		t.Errorf("append: %v, want ErrClosed", err)
	}
}

// written returns a disk with one segment of n records, its bytes, and where each record begins.
func written(t *testing.T, n int) (disk *fs.Mem, name string, data []byte, starts []int) {
	t.Helper()
	disk = newDisk(t)
	l, _, _ := open(t, options(disk), 0)
	starts = append(starts, recordsStart)
	name = path.Join(dir, EpochStart(1).String())
	for i := 1; i <= n; i++ {
		fill(t, l, i, i)
		info, err := disk.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		starts = append(starts, int(info.Size))
	}
	closeLog(t, l)
	data, err := fs.ReadFile(disk, name)
	if err != nil {
		t.Fatal(err)
	}
	return disk, name, data, starts
}

func diskWith(t *testing.T, name string, data []byte) *fs.Mem {
	t.Helper()
	disk := fs.NewMem()
	if err := disk.MkdirAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := fs.WriteFile(disk, name, data); err != nil {
		t.Fatal(err)
	}
	return disk
}

// Wherever a crash cuts the segment off, the records before are there, what is torn is counted, and the next recovery
// finds nothing wrong.
func TestTornTail(t *testing.T) {
	_, name, data, starts := written(t, 4)
	for size := range data {
		disk := diskWith(t, name, data[:size])
		whole := 0
		for whole < 4 && starts[whole+1] <= size {
			whole++
		}
		l, rec, got := open(t, options(disk), 0)
		if d := cmp.Diff(count(1, whole), got); d != "" {
			t.Fatalf("cut at %d (-want +got):\n%s", size, d)
		}
		// Records say how much was synced before them: a cut there is a loss, and named.
		if torn := size < starts[whole+1]; torn && len(rec.Damage) == 0 && size != starts[whole] && size > 0 {
			t.Fatalf("cut at %d: not counted", size)
		}
		fill(t, l, 50, 51)
		closeLog(t, l)
		l, rec, got = open(t, options(disk), 0)
		if d := cmp.Diff(append(count(1, whole), 50, 51), got); d != "" || len(rec.Damage) > 0 {
			t.Fatalf("cut at %d, second time: damage %v (-want +got):\n%s", size, rec.Damage, d)
		}
		closeLog(t, l)
	}
}

// Any flipped bit is found and named, and costs the record that it is in and no other. In the last record it cannot be
// told from a torn one, which is dropped and counted as well.
func TestBitFlips(t *testing.T) {
	_, name, data, starts := written(t, 4)
	for at := range data {
		flipped := bytes.Clone(data)
		flipped[at] ^= 1 << (at % 8)
		l, rec, got := open(t, options(diskWith(t, name, flipped)), 0)
		closeLog(t, l)
		want := count(1, 4)
		hit := -1
		for i := range 4 {
			if at >= starts[i] && at < starts[i+1] {
				hit = i
				want = append(want[:i:i], want[i+1:]...)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("bit at %d (-want +got):\n%s", at, d)
		}
		if len(rec.Damage) != 1 {
			t.Fatalf("bit at %d: damage %v, want one place", at, rec.Damage)
		}
		d := rec.Damage[0]
		if int64(at) < d.Offset || int64(at) >= d.Offset+d.Bytes || d.Segment != EpochStart(1) {
			t.Fatalf("bit at %d: named %s", at, d)
		}
		if hit >= 0 && hit < 3 && d.Torn {
			t.Fatalf("bit at %d: called torn, but the record was synced: %s", at, d)
		}
	}
}

// A record inside of an attribute, as a client could send it, is none, even where the record around it is damaged.
func TestRecordInsideOfRecord(t *testing.T) {
	_, name, data, starts := written(t, 2)
	evil := small(1)
	evil.Name[0] = evil.Strings.Intern(data[starts[0]:starts[1]])
	disk := newDisk(t)
	l, _, _ := open(t, options(disk), 0)
	if err := appendBatch(t, l, evil); err != nil {
		t.Fatal(err)
	}
	fill(t, l, 2, 2)
	closeLog(t, l)
	data, err := fs.ReadFile(disk, name)
	if err != nil {
		t.Fatal(err)
	}
	data[recordsStart] ^= 1
	l, rec, got := open(t, options(diskWith(t, name, data)), 0)
	closeLog(t, l)
	if d := cmp.Diff([]int64{2}, got); d != "" || len(rec.Damage) != 1 {
		t.Errorf("damage %v, records (-want +got):\n%s", rec.Damage, d)
	}
}

func TestUnknownVersion(t *testing.T) {
	_, name, data, _ := written(t, 1)
	h := header{id: EpochStart(1), salt: 1}.append(nil)
	h[4] = 9
	h = append(h[:headerLen-8], headerCheck(h)...)
	_, _, err := Open(options(diskWith(t, name, append(append(bytes.Clone(h), h...), data[recordsStart:]...))), 0, Handler{})
	if !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), "9") {
		t.Errorf("open: %v, want an error that names version 9", err)
	}
}

// Random power cuts under load: what was acknowledged is there once, in order.
func TestPowerCuts(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 2))
		disk := newDisk(t)
		o := options(disk)
		o.SegmentBytes = 500 + rng.Int64N(3000)
		acked := 0
		for range 1 + rng.IntN(3) {
			l, rec, got := open(t, o, 0)
			if len(rec.Corrupt()) > 0 {
				t.Fatalf("seed %d: %v", seed, rec.Damage)
			}
			if len(got) < acked {
				t.Fatalf("seed %d: %d records, %d were acknowledged", seed, len(got), acked)
			}
			if d := cmp.Diff(count(1, len(got)), got); d != "" {
				t.Fatalf("seed %d (-want +got):\n%s", seed, d)
			}
			next := len(got) + 1
			for range rng.IntN(20) {
				fill(t, l, next, next)
				next++
			}
			acked = next - 1
			// A cut in the middle of an append: its bytes are written in part and not synced.
			after := disk.CrashClone(rng)
			closeLog(t, l)
			if rng.IntN(2) == 0 {
				tearTail(t, after, rng)
			}
			disk = after
			o.FS = disk
		}
	}
}

// tearTail appends a part of a record to the last segment, as an append under way leaves it.
func tearTail(t *testing.T, disk *fs.Mem, rng *rand.Rand) {
	t.Helper()
	names, err := disk.List(dir)
	if err != nil || len(names) == 0 {
		return
	}
	f, err := disk.OpenAppend(path.Join(dir, names[len(names)-1]))
	if err != nil {
		t.Fatal(err)
	}
	junk := make([]byte, rng.IntN(200))
	for i := range junk {
		junk[i] = byte(rng.Uint32())
	}
	if _, err := f.Write(junk); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// goldenBatch has a value of every type, an event, a link, a resource and a scope. The golden bytes are its: it never changes.
func goldenBatch() *span.Batch {
	b := &span.Batch{Tenant: "t", Arrival: 7}
	str := func(v string) span.Code { return b.Strings.InternString(v) }
	r := b.Resources.Add()
	b.AddAttr(&b.Resources.Attrs, "service.name", span.StringValue("cart"))
	b.Resources.Attrs.EndOwner()
	b.Resources.SchemaURL[r], b.Resources.Dropped[r] = str("https://example.test/1"), 1
	b.Scopes.Add(str("http"), str("1.2"))
	b.Scopes.Attrs.EndOwner()
	for i := range 2 {
		row := b.AddSpan()
		b.TraceID[row], b.SpanID[row] = span.TraceIDFrom(1, 2), span.SpanIDFrom(uint64(3+i))
		b.Start[row], b.Duration[row] = 1000+int64(i), 50
		b.Kind[row], b.Status[row], b.Name[row] = span.KindServer, span.Status(i), str("GET /")
		if i == 1 {
			b.ParentID[row], b.HeadWeight[row], b.Notes[row] = b.SpanID[0], 4, span.NoteUTF8
			b.StatusMessage[row], b.TraceState[row], b.Flags[row] = str("ok"), str("a=1"), 0x101
			for _, v := range [...]span.Value{
				span.StringValue("v"), span.BoolValue(true), span.IntValue(-5), span.DoubleValue(0.5), span.BytesValue([]byte{0, 1}),
				span.ArrayValue(span.IntValue(1)), span.MapValue(span.Entry{Key: "k", Value: span.IntValue(1)}), {},
			} {
				b.AddAttr(&b.Attrs, v.Type.String(), v)
			}
			b.Events.Add(1010, str("message"), 2)
			b.AddAttr(&b.Events.Attrs, "size", span.IntValue(9))
			b.Events.Attrs.EndOwner()
			b.Links.Add(span.TraceIDFrom(5, 6), span.SpanIDFrom(7), str("b=2"), 1, 3)
			b.Links.Attrs.EndOwner()
		}
		b.EndSpan()
	}
	return b
}

func TestGolden(t *testing.T) {
	datadriven.RunTest(t, "testdata/segment", func(t *testing.T, d *datadriven.TestData) string {
		disk := newDisk(t)
		l, _, _ := open(t, options(disk), 0)
		switch d.Cmd {
		case "segment":
			fill(t, l, 1, 2)
			closeLog(t, l)
			data, err := fs.ReadFile(disk, path.Join(dir, EpochStart(1).String()))
			if err != nil {
				t.Fatal(err)
			}
			return Inspect(data)
		case "body":
			closeLog(t, l)
			text, err := InspectBody(encode(t, goldenBatch()))
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
		t.Fatalf("unknown command %q", d.Cmd)
		return ""
	})
}

func BenchmarkAppend(b *testing.B) {
	l, _, err := Open(Options{FS: fs.OS(), Dir: path.Join(b.TempDir(), "wal")}, 0, Handler{})
	if err != nil {
		b.Fatal(err)
	}
	var e Encoder
	p, err := e.Append(nil, span.SignalSpans, spantest.Random(1, 34))
	if err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := l.Append(context.Background(), p, nil); err != nil {
				b.Error(err)
			}
		}
	})
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
}
