// SPDX-License-Identifier: Apache-2.0

package embed_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/clew-tracing/clew/base/fs"
	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
	"github.com/clew-tracing/clew/store/embed"
	"github.com/clew-tracing/clew/store/storetest"
)

const (
	dir    = "var/lib/store"
	tenant = "acme"
)

// unique returns a batch of n spans that are in no other batch; some belong to traces that other batches have spans of.
func unique(rng *rand.Rand, serial uint64, n int) *span.Batch {
	var spans []storetest.Span
	for i := range uint64(n) {
		spans = append(spans, storetest.Span{
			Trace: span.TraceIDFrom(9, 1+rng.Uint64N(30)), ID: serial<<16 | i + 1, Start: storetest.Noon + int64(serial), Duration: 5,
			Name: "op", Service: fmt.Sprintf("service-%d", serial%3),
		})
	}
	return storetest.BatchOf(tenant, storetest.Noon+int64(serial)*int64(time.Second), spans...)
}

// ids returns how often each span is there, by span id, from a scan by trace, and checks that Trace agrees.
func ids(t *testing.T, e store.Engine) map[span.SpanID]int {
	t.Helper()
	got := map[span.SpanID]int{}
	for b, err := range e.Scan(context.Background(), store.Request{Tenant: tenant, Window: store.AllTime(), Unit: store.UnitTrace, Order: store.OrderNewest}) {
		if err != nil {
			t.Fatalf("scan: %v", err)
		}
		for lo, hi := range b.Traces() {
			whole, err := e.Trace(context.Background(), tenant, b.FullID(lo, hi))
			if err != nil || whole.Len() != hi-lo {
				t.Fatalf("trace %s: %d spans, %v; the scan has %d", b.FullID(lo, hi), whole.Len(), err, hi-lo)
			}
		}
		for _, id := range b.SpanID {
			got[id]++
		}
	}
	return got
}

// ledger is what was sent and what of it was acknowledged.
type ledger struct {
	mu     sync.Mutex
	serial uint64
	acked  map[span.SpanID]bool
	sent   map[span.SpanID]bool
}

func newLedger() *ledger {
	return &ledger{acked: map[span.SpanID]bool{}, sent: map[span.SpanID]bool{}}
}

// send appends a batch and books it.
func (l *ledger) send(e store.Engine, rng *rand.Rand, n int) error {
	l.mu.Lock()
	l.serial++
	b := unique(rng, l.serial, n)
	for _, id := range b.SpanID {
		l.sent[id] = true
	}
	l.mu.Unlock()
	err := e.Append(context.Background(), b)
	if err == nil {
		l.mu.Lock()
		for _, id := range b.SpanID {
			l.acked[id] = true
		}
		l.mu.Unlock()
	}
	return err
}

// check checks that every acknowledged span is there once, and nothing that was never sent.
func (l *ledger) check(t *testing.T, e store.Engine, when string) {
	t.Helper()
	got := ids(t, e)
	for id := range l.acked {
		if got[id] != 1 {
			t.Fatalf("%s: span %s was acknowledged and is there %d times", when, id, got[id])
		}
	}
	for id, n := range got {
		if !l.sent[id] || n != 1 {
			t.Fatalf("%s: span %s is there %d times (sent: %v)", when, id, n, l.sent[id])
		}
	}
}

// powerCuts lets the machine die at a random operation of the disk, again and again, and looks at what is left.
func powerCuts(t *testing.T, seed uint64, clone func(*fs.Mem, *rand.Rand) *fs.Mem) {
	rng := rand.New(rand.NewPCG(seed, 3))
	disk := fs.NewMem()
	l := newLedger()
	for round := range 4 {
		faulty := fs.Faulty(disk)
		e := open(t, embed.Config{Dir: dir, FS: faulty, HeadBytes: 1 << 20, MergeWidth: 2})
		l.check(t, e, fmt.Sprintf("seed %d, round %d", seed, round))
		faulty.SetRules(fs.Rule{Ops: fs.OpMutate, After: rng.IntN(120), Err: syscall.EIO, Partial: rng.IntN(300)})
		for range 40 {
			switch rng.IntN(8) {
			case 0:
				ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
				_ = e.Flush(ctx) // fails when the disk is dead
				if rng.IntN(2) == 0 {
					_ = e.Merge(ctx)
				}
				cancel()
			default:
				_ = l.send(e, rng, 1+rng.IntN(8)) // refused when the disk is dead
			}
		}
		next := clone(disk, rng)
		if err := e.Close(); err != nil {
			t.Logf("close: %v", err)
		}
		disk = next
	}
	e := open(t, embed.Config{Dir: dir, FS: disk})
	l.check(t, e, fmt.Sprintf("seed %d, end", seed))
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// rounds is how many power cuts and kills are tried: four of them each.
func rounds() uint64 {
	if os.Getenv("CLEW_SOAK") != "" {
		return 500
	}
	return 25
}

func TestPowerCuts(t *testing.T) {
	for seed := range rounds() {
		powerCuts(t, seed, func(m *fs.Mem, rng *rand.Rand) *fs.Mem { return m.CrashClone(rng) })
	}
}

func TestKills(t *testing.T) {
	for seed := range rounds() {
		powerCuts(t, 1000+seed, func(m *fs.Mem, _ *rand.Rand) *fs.Mem { return m.KillClone() })
	}
}

// The end may come at any moment while several clients append and the store flushes by itself.
func TestKillUnderLoad(t *testing.T) {
	disk := fs.NewMem()
	l := newLedger()
	for round := range 6 {
		e := open(t, embed.Config{Dir: dir, FS: disk, HeadBytes: 2 << 20})
		l.check(t, e, fmt.Sprintf("round %d", round))
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		for w := range uint64(4) {
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(round), w))
				for ctx.Err() == nil {
					if err := l.send(e, rng, 40); err != nil {
						t.Errorf("append: %v", err)
						return
					}
				}
			})
		}
		for e.Metrics()[flushes(t, e)].Value < 3 {
			time.Sleep(time.Millisecond)
		}
		// What was acknowledged when the picture is taken must be in it; what comes later may be.
		l.mu.Lock()
		acked := map[span.SpanID]bool{}
		for id := range l.acked {
			acked[id] = true
		}
		l.mu.Unlock()
		next := disk.KillClone()
		cancel()
		wg.Wait()
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		disk, l.acked = next, acked
	}
}

func flushes(t *testing.T, e *embed.Engine) int {
	t.Helper()
	i := slices.IndexFunc(e.Metrics(), func(m embed.Metric) bool { return m.Name == "store_flushes_total" })
	if i < 0 {
		t.Fatal("no such metric")
	}
	return i
}

func metric(t *testing.T, e *embed.Engine, name string) int64 {
	t.Helper()
	for _, m := range e.Metrics() {
		if m.Name == name {
			return m.Value
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

func TestSecondProcessIsRefused(t *testing.T) {
	disk := fs.NewMem()
	e := open(t, embed.Config{Dir: dir, FS: disk})
	if _, err := embed.Open(embed.Config{Dir: dir, FS: disk}); !errors.Is(err, fs.ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("second open: %v, want an error that names the directory", err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = open(t, embed.Config{Dir: dir, FS: disk})
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDiskFull(t *testing.T) {
	disk := fs.NewMem()
	e := open(t, embed.Config{Dir: dir, FS: disk})
	rng := rand.New(rand.NewPCG(1, 1))
	l := newLedger()
	for range 20 {
		if err := l.send(e, rng, 10); err != nil {
			t.Fatal(err)
		}
	}
	disk.SetLimit(disk.Used() + 100)
	var err error
	for range 5 {
		err = l.send(e, rng, 50)
	}
	if !errors.Is(err, span.ErrRetryable) || !fs.IsNoSpace(err) {
		t.Fatalf("append on a full disk: %v, want a retryable ENOSPC", err)
	}
	if err := e.Flush(context.Background()); !fs.IsNoSpace(err) {
		t.Errorf("flush on a full disk: %v, want ENOSPC", err)
	}
	l.check(t, e, "full")
	disk.SetLimit(-1)
	for range 5 {
		if err := l.send(e, rng, 10); err != nil {
			t.Fatalf("append with room again: %v", err)
		}
	}
	if err := e.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	l.check(t, e, "room again")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = open(t, embed.Config{Dir: dir, FS: disk})
	l.check(t, e, "restarted")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// When blocks cannot be written, memory stays bounded: appends are refused in time, and go on when the disk is well.
func TestBackPressure(t *testing.T) {
	faulty := fs.Faulty(fs.NewMem())
	e := open(t, embed.Config{Dir: dir, FS: faulty, HeadBytes: 1 << 20, AppendWait: 10 * time.Millisecond})
	rng := rand.New(rand.NewPCG(1, 1))
	l := newLedger()
	faulty.SetRules(fs.Rule{Ops: fs.OpCreate, Path: "*.tmp", Err: syscall.EIO})
	var err error
	for range 10_000 {
		if err = l.send(e, rng, 50); err != nil {
			break
		}
	}
	var retry *span.RetryableError
	if !errors.As(err, &retry) || retry.After <= 0 {
		t.Fatalf("append: %v, want a retryable error that says when", err)
	}
	if n := metric(t, e, "store_head_bytes"); n > 3<<20 {
		t.Errorf("head of %d bytes, the bound is 1 MiB", n)
	}
	l.check(t, e, "full")
	faulty.SetRules()
	if err := e.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := l.send(e, rng, 50); err != nil {
		t.Fatalf("append after the flush: %v", err)
	}
	l.check(t, e, "well again")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// files returns all files below a directory.
func files(t *testing.T, disk fs.FS, dir string) (list []string) {
	t.Helper()
	names, err := disk.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		name = path.Join(dir, name)
		info, err := disk.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Dir {
			list = append(list, files(t, disk, name)...)
		} else {
			list = append(list, name)
		}
	}
	return list
}

// copyDisk returns a disk with the same files.
func copyDisk(t *testing.T, from *fs.Mem) *fs.Mem {
	t.Helper()
	return from.KillClone()
}

// A flipped bit in any file is found, said and counted, and costs no more than it must: in the manifest nothing, in the
// log a record, in a block the row group.
func TestBitFlips(t *testing.T) {
	disk := fs.NewMem()
	cfg := embed.Config{Dir: dir, FS: disk, RowGroupRows: 64, MergeWidth: -1}
	e := open(t, cfg)
	rng := rand.New(rand.NewPCG(1, 1))
	l := newLedger()
	const perBatch = 8
	for i := range 40 {
		if err := l.send(e, rng, perBatch); err != nil {
			t.Fatal(err)
		}
		if i == 15 || i == 30 {
			if err := e.Flush(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range files(t, disk, dir) {
		kind := path.Ext(name)
		if path.Base(name) == "LOCK" {
			continue
		}
		data, err := fs.ReadFile(disk, name)
		if err != nil {
			t.Fatal(err)
		}
		for range 60 {
			at := rng.IntN(len(data))
			flipped := bytes.Clone(data)
			flipped[at] ^= 1 << rng.IntN(8)
			d := copyDisk(t, disk)
			if err := fs.WriteFile(d, name, flipped); err != nil {
				t.Fatal(err)
			}
			c := cfg
			c.FS = d
			e := open(t, c)
			missing, damage := 0, false
			got := map[span.SpanID]int{}
			for _, unit := range []store.Unit{store.UnitSpan, store.UnitTrace} {
				clear(got)
				r := store.Request{Tenant: tenant, Window: store.AllTime(), Unit: unit, Fields: store.Projection{All: true}}
				for b, err := range e.Scan(context.Background(), r) {
					if err != nil {
						if !errors.Is(err, store.ErrCorrupt) {
							t.Fatalf("%s, bit at %d: scan: %v", name, at, err)
						}
						damage = true
						continue
					}
					for _, id := range b.SpanID {
						got[id]++
					}
				}
				missing = len(l.acked) - len(got)
			}
			damage = damage || metric(t, e, "store_corrupt_blocks_total")+metric(t, e, "store_corrupt_row_groups_total")+
				metric(t, e, "store_corrupt_manifests_total")+metric(t, e, "store_wal_corrupt_records_total")+
				metric(t, e, "store_wal_torn_bytes_total") > 0
			if missing > 0 && !damage {
				t.Errorf("%s, bit at %d: %d spans are missing and nothing was said", name, at, missing)
			}
			limit := map[string]int{".wal": perBatch, ".blk": 64 + perBatch*4, "": 0}[kind]
			if missing > limit {
				t.Errorf("%s, bit at %d: %d spans are missing, at most %d may be", name, at, missing, limit)
			}
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestRetention(t *testing.T) {
	disk := fs.NewMem()
	now := noon()
	e := open(t, embed.Config{Dir: dir, FS: disk, Retention: 24 * time.Hour, Now: func() time.Time { return now }})
	send := func(id uint64, at time.Time) {
		t.Helper()
		b := storetest.BatchOf(tenant, at.UnixNano(), storetest.Span{Trace: span.TraceIDFrom(1, id), ID: id, Start: at.UnixNano(), Name: "op"})
		if err := e.Append(context.Background(), b); err != nil {
			t.Fatal(err)
		}
		if err := e.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	send(1, now)
	send(2, now.Add(2*time.Hour))
	old := files(t, disk, path.Join(dir, "blocks"))
	now = now.Add(25 * time.Hour)
	// A reader that began before keeps what it has.
	next, stop := pull(e, store.Request{Tenant: tenant, Window: store.AllTime(), Unit: store.UnitTrace})
	if _, err := next(); err != nil {
		t.Fatal(err)
	}
	if err := e.Expire(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := files(t, disk, path.Join(dir, "blocks")); len(got) != len(old) {
		t.Errorf("%d files while a reader has them, want %d", len(got), len(old))
	}
	stop()
	if got := files(t, disk, path.Join(dir, "blocks")); len(got) != len(old)-1 {
		t.Errorf("%d files, want %d", len(got), len(old)-1)
	}
	if _, err := e.Trace(context.Background(), tenant, span.TraceIDFrom(1, 1)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("expired trace: %v, want not found", err)
	}
	if _, err := e.Trace(context.Background(), tenant, span.TraceIDFrom(1, 2)); err != nil {
		t.Errorf("younger trace: %v", err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// pull turns a scan into calls.
func pull(e store.Engine, r store.Request) (next func() (*span.Batch, error), stop func()) {
	n, s := iter.Pull2(e.Scan(context.Background(), r))
	return func() (*span.Batch, error) {
		b, err, ok := n()
		if !ok {
			return nil, io.EOF
		}
		return b, err
	}, s
}

// What a crash leaves of unfinished and replaced files goes at the next start; what is not the store's stays.
func TestOrphans(t *testing.T) {
	disk := fs.NewMem()
	e := open(t, embed.Config{Dir: dir, FS: disk})
	l := newLedger()
	if err := l.send(e, rand.New(rand.NewPCG(1, 1)), 10); err != nil {
		t.Fatal(err)
	}
	if err := e.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	before := files(t, disk, dir)
	block := ""
	for _, name := range before {
		if strings.HasSuffix(name, ".blk") {
			block = name
		}
	}
	for _, name := range []string{"00000000000000ff.blk", "00000000000000fe.blk.tmp"} {
		if err := fs.WriteFile(disk, path.Join(path.Dir(block), name), []byte("left over")); err != nil {
			t.Fatal(err)
		}
	}
	e = open(t, embed.Config{Dir: dir, FS: disk})
	l.check(t, e, "restarted")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if got := files(t, disk, dir); !slices.Equal(got, before) {
		t.Errorf("files %v, want %v", got, before)
	}
}

// More than the head holds may stand in the log, if the process died before it could flush.
func TestLongLog(t *testing.T) {
	disk := fs.NewMem()
	faulty := fs.Faulty(disk)
	e := open(t, embed.Config{Dir: dir, FS: faulty, HeadBytes: 64 << 20})
	faulty.SetRules(fs.Rule{Ops: fs.OpCreate, Path: "*.tmp", Err: syscall.EIO})
	rng := rand.New(rand.NewPCG(1, 1))
	l := newLedger()
	for range 100 {
		if err := l.send(e, rng, 100); err != nil {
			t.Fatal(err)
		}
		_ = e.Flush(context.Background()) // fails, but begins a new segment
	}
	next := disk.KillClone()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = open(t, embed.Config{Dir: dir, FS: next, HeadBytes: 1 << 20})
	if n := metric(t, e, "store_head_bytes"); n > 2<<20 {
		t.Errorf("head of %d bytes after recovery, the bound is 1 MiB", n)
	}
	l.check(t, e, "restarted")
	where := match.Where(match.Cond{Field: match.Of(match.Name), Op: match.Eq, Value: span.StringValue("op")})
	v, err := e.Values(context.Background(), store.ValuesRequest{Tenant: tenant, Window: store.AllTime(), Where: where, Field: match.Of(match.Name)})
	if err != nil || len(v.Values) != 1 || v.Values[0].Count != int64(len(l.acked)) {
		t.Errorf("values: %+v, %v; want %d spans", v, err, len(l.acked))
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}
