// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clew-tracing/clew/base/fs"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
	"github.com/clew-tracing/clew/store/wal"
)

// Engine is the embedded store. It implements [store.Engine].
type Engine struct {
	cfg      Config
	lock     io.Closer
	log      *wal.Log
	manifest *manifest
	metrics  metrics
	drop     func(*blockRef)

	// gen is the generation that new records belong to. It is changed under the log's own lock, see [wal.Log.Rotate].
	gen     *generation
	nextGen uint64

	mu      sync.Mutex // protects tenants and frozen
	tenants map[string]*tenant
	frozen  []*generation // being flushed, oldest first

	headBytes atomic.Int64
	room      chan struct{} // has an element when memory may have become free
	work      chan struct{} // has an element when the flusher should look

	flushing turn          // held by whoever flushes
	keeping  turn          // held by whoever merges or applies retention
	keep     chan struct{} // has an element when there may be something to merge
	scans    sync.WaitGroup
	ctx      context.Context // ends when the engine is closed
	cancel   context.CancelFunc
	closed   atomic.Bool
	appends  sync.RWMutex // held for reading by appends, for writing by Close
	done     sync.WaitGroup

	encoders sync.Pool
}

var _ store.Engine = (*Engine)(nil)

// generation is what came in between two rotations of the log: the heads of all tenants for that time. Its spans go to
// blocks together, after which the log's segments of its epochs are not needed any more.
type generation struct {
	seq   uint64
	since time.Time
	// pending are records that may be in the log and are not in the heads yet.
	pending sync.WaitGroup
	bytes   atomic.Int64
	spans   atomic.Int64
	// low is the first segment that holds nothing of this generation, known once it is frozen.
	low wal.SegmentID
}

// Open opens the store in cfg.Dir, making it if there is none, and recovers what a crash has left. A directory that
// another process has open is refused.
func Open(cfg Config) (*Engine, error) {
	if err := cfg.setDefaults(); err != nil {
		return nil, err
	}
	if cfg.Workers <= 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	e := &Engine{
		cfg: cfg, tenants: map[string]*tenant{},
		room: make(chan struct{}, 1), work: make(chan struct{}, 1), keep: make(chan struct{}, 1),
		flushing: make(turn, 1), keeping: make(turn, 1),
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	e.drop = dropBlock(cfg.FS, cfg.Logger)
	e.encoders.New = func() any { return &encodeBuffer{} }
	if err := makeDir(cfg.FS, cfg.Dir); err != nil {
		return nil, fmt.Errorf("store %s: %w", cfg.Dir, err)
	}
	lock, err := cfg.FS.Lock(path.Join(cfg.Dir, lockName))
	if errors.Is(err, fs.ErrLocked) {
		return nil, fmt.Errorf("store %s is in use by another process: stop it, or choose another data directory: %w", cfg.Dir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", cfg.Dir, err)
	}
	e.lock = lock
	if err := e.recover(); err != nil {
		e.cancel()
		return nil, errors.Join(fmt.Errorf("store %s: %w", cfg.Dir, err), e.closeFiles())
	}
	if cfg.WALSync == SyncInterval {
		cfg.Logger.Warn("wal-sync=interval: a power cut loses what was acknowledged since the last sync", "interval", cfg.WALInterval)
	}
	e.done.Add(2)
	go e.loop("flush", e.work, e.flushDue)
	go e.loop("retention and merge", e.keep, e.keepHouse)
	return e, nil
}

// encodeBuffer is what an append needs to make its record.
type encodeBuffer struct {
	enc     wal.Encoder
	payload []byte
}

// keepEncoded is the memory that a pooled buffer may hold after a large batch; the pool lets go of it when it is idle.
const keepEncoded = 16 << 20

// Append implements [store.Engine]. Errors of class [wal.ErrBatch] concern the batch; full memory and a faulty or full
// disk are of class [span.ErrRetryable].
func (e *Engine) Append(ctx context.Context, b *span.Batch) error {
	if b.Len() == 0 {
		return nil
	}
	if !e.appends.TryRLock() {
		return store.ErrClosed
	}
	defer e.appends.RUnlock()
	if e.closed.Load() {
		return store.ErrClosed
	}
	if err := e.admit(ctx); err != nil {
		return err
	}
	buf := e.encoders.Get().(*encodeBuffer)
	defer e.encoders.Put(buf)
	var err error
	if buf.payload, err = buf.enc.Append(buf.payload[:0], span.SignalSpans, b); err != nil {
		return err
	}
	var gen *generation
	err = e.log.Append(ctx, buf.payload, func(uint32) {
		gen = e.gen
		gen.pending.Add(1)
	})
	buf.enc.Shrink(keepEncoded)
	if cap(buf.payload) > keepEncoded {
		buf.payload = nil
	}
	if gen != nil {
		defer gen.pending.Done()
	}
	if err != nil {
		e.metrics.refused.Add(1)
		return err
	}
	e.insert(gen, b)
	return nil
}

// insert makes a durable batch visible.
func (e *Engine) insert(gen *generation, b *span.Batch) {
	n := int64(e.tenant(b.Tenant).insert(gen, b, e.chunkBytes()))
	gen.spans.Add(int64(b.Len()))
	e.metrics.appended.Add(int64(b.Len()))
	e.headBytes.Add(n)
	if gen.bytes.Add(n) >= e.freezeBytes() {
		wake(e.work)
	}
}

// freezeBytes is the size of a generation that is flushed: half of the head's memory, so that the other half takes what
// comes in meanwhile.
func (e *Engine) freezeBytes() int64 { return e.cfg.HeadBytes / 2 }

func (e *Engine) chunkBytes() int { return int(max(minChunkBytes, e.cfg.HeadBytes/16)) }

// admit waits until there is room in the head.
func (e *Engine) admit(ctx context.Context) error {
	if e.headBytes.Load() < e.cfg.HeadBytes {
		return nil
	}
	wake(e.work)
	e.metrics.waits.Add(1)
	timer := time.NewTimer(e.cfg.AppendWait)
	defer timer.Stop()
	for e.headBytes.Load() >= e.cfg.HeadBytes {
		select {
		case <-e.room:
		case <-ctx.Done():
			return ctx.Err()
		case <-e.ctx.Done():
			return store.ErrClosed
		case <-timer.C:
			e.metrics.refused.Add(1)
			return span.Retryable(e.cfg.AppendWait, errors.New("memory for new spans is full: the disk does not take blocks fast enough, or not at all"))
		}
	}
	wake(e.room) // the others that wait may go on too
	return nil
}

// tenant returns the tenant of that name, making it if need be.
func (e *Engine) tenant(name string) *tenant {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.tenants[name]
	if t == nil {
		name = strings.Clone(name) // the caller's may be cut from a request's buffer
		t = &tenant{name: name, splits: newSplitSet()}
		e.tenants[name] = t
	}
	return t
}

// allTenants returns the tenants in the order of their names.
func (e *Engine) allTenants() []*tenant {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []*tenant
	for _, name := range slices.Sorted(maps.Keys(e.tenants)) {
		all = append(all, e.tenants[name])
	}
	return all
}

// pin returns a view of a tenant, nil if nothing of it is stored, and keeps the engine open until done is called.
func (e *Engine) pin(name string) (v *view, done func(), err error) {
	e.mu.Lock()
	if e.closed.Load() {
		e.mu.Unlock()
		return nil, nil, store.ErrClosed
	}
	e.scans.Add(1)
	t := e.tenants[name]
	e.mu.Unlock()
	if t == nil {
		return nil, e.scans.Done, nil
	}
	v = t.pin()
	return v, func() { v.release(); e.scans.Done() }, nil
}

// Stats implements [store.Engine].
func (e *Engine) Stats(_ context.Context, name string) (store.Stats, error) {
	v, done, err := e.pin(name)
	if err != nil {
		return store.Stats{}, err
	}
	defer done()
	st := store.Stats{}
	if v == nil {
		return st, nil
	}
	x := emptyBounds() // of starts only
	for _, h := range v.heads {
		for _, c := range h.chunks {
			st.HeadSpans += int64(c.batch.Len())
			x.add(c.bounds.minStart, c.bounds.maxStart)
		}
		v.t.mu.RLock()
		st.Traces += int64(len(h.head.last))
		v.t.mu.RUnlock()
	}
	st.Spans = st.HeadSpans
	for _, b := range v.blocks {
		m := b.reader.Meta()
		st.Spans += m.Spans
		st.Traces += m.Traces
		st.Blocks++
		st.Bytes += m.Bytes
		x.add(m.MinStart, m.MaxStart)
	}
	st.Bytes += e.log.Stats().SegmentBytes.Load()
	if st.Spans > 0 {
		st.Oldest, st.Newest = x.minStart, x.maxEnd
	}
	return st, nil
}

// Close implements [store.Engine]. What is in the head stays in the log and is there again after the next Open.
func (e *Engine) Close() error {
	e.mu.Lock()
	first := e.closed.CompareAndSwap(false, true)
	e.mu.Unlock()
	if !first {
		return nil
	}
	e.cancel()
	e.appends.Lock() // those under way end, and no others begin
	e.done.Wait()
	e.scans.Wait()
	return e.closeFiles()
}

func (e *Engine) closeFiles() error {
	var errs []error
	if e.log != nil {
		errs = append(errs, e.log.Close())
	}
	for _, t := range e.allTenants() {
		for _, b := range t.blocks {
			b.unref()
		}
		t.blocks = nil
	}
	if e.manifest != nil {
		errs = append(errs, e.manifest.close())
	}
	return errors.Join(append(errs, e.lock.Close())...)
}
