// SPDX-License-Identifier: Apache-2.0

package block

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"

	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
)

// newDecompressor makes the process's one zstd decoder when the first block is opened. It is stateless between calls
// and for any number of goroutines; one for each reader would hold megabytes each.
var newDecompressor = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxRaw))
})

// Reader reads a block. It holds the footer in memory, the trace index from the first look-up on, and directories that
// were read. It is safe for concurrent use and does not close what it reads from.
type Reader struct {
	r    io.ReaderAt
	size int64
	zstd *zstd.Decoder
	f    *footer
	// Rebuilt says why the footer had to be rebuilt from the row groups; nil where it was whole.
	rebuilt error

	decoders sync.Pool // of *decoder

	mu    sync.Mutex // protects what follows
	index *traceIndex
	dirs  []*directory
}

// Open reads the footer of the block of the given size. Where it is damaged, it is rebuilt from the row groups; see
// [Reader.Rebuilt]. Errors are of class [store.ErrCorrupt] or r's own.
func Open(r io.ReaderAt, size int64) (*Reader, error) {
	z, err := newDecompressor()
	if err != nil {
		return nil, fmt.Errorf("block: %w", err)
	}
	br := &Reader{r: r, size: size, zstd: z}
	if br.f, err = readFooter(r, size); err != nil {
		br.rebuilt = err
		if br.f, err = rebuildFooter(r, size); err != nil {
			return nil, err
		}
	}
	br.dirs = make([]*directory, len(br.f.groups))
	return br, nil
}

// Rebuilt returns why the footer had to be rebuilt, or nil.
func (r *Reader) Rebuilt() error { return r.rebuilt }

// Meta returns what the block holds.
func (r *Reader) Meta() Meta { return r.f.meta }

// Groups returns the row groups, in file order. The slice belongs to the reader.
func (r *Reader) Groups() []GroupInfo { return r.f.groups }

// Mem returns about how many bytes of memory the reader holds.
func (r *Reader) Mem() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 256 + 120*len(r.f.groups)
	if r.index != nil {
		n += 8 * cap(r.index.fingerprints)
	}
	for _, d := range r.dirs {
		if d != nil {
			n += 120*len(d.cols) + 40*len(d.segs)
		}
	}
	return n
}

// directory returns the directory of a group and keeps it.
func (r *Reader) directory(group int) (*directory, error) {
	r.mu.Lock()
	d := r.dirs[group]
	r.mu.Unlock()
	if d != nil {
		return d, nil
	}
	g := r.f.groups[group]
	d, err := readDirectory(r.r, g.Offset, r.size)
	if err != nil {
		return nil, err
	}
	if d.info.Rows != g.Rows || d.info.Traces != g.Traces {
		return nil, corrupt("row group at %d has %d rows, the footer says %d", g.Offset, d.info.Rows, g.Rows)
	}
	r.mu.Lock()
	r.dirs[group] = d
	r.mu.Unlock()
	return d, nil
}

// traceIndex returns the index, reading it, or rebuilding it where it is damaged, the first time.
func (r *Reader) traceIndex() (*traceIndex, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.index != nil {
		return r.index, nil
	}
	x, err := r.readIndex()
	if errors.Is(err, store.ErrCorrupt) {
		x, err = r.rebuildIndex()
	}
	if err != nil {
		return nil, err
	}
	r.index = x
	return x, nil
}

func (r *Reader) readIndex() (*traceIndex, error) {
	p := r.f.index
	if r.rebuilt != nil {
		return nil, corrupt("the footer that names the index is damaged")
	}
	if p.off+int64(p.stored) > r.size {
		return nil, corrupt("trace index ends after the end of the file")
	}
	stored := make([]byte, p.stored)
	if _, err := r.r.ReadAt(stored, p.off); err != nil {
		return nil, err
	}
	if xxhash.Sum64(stored) != p.checksum {
		return nil, corrupt("trace index does not have its checksum")
	}
	raw, err := inflate(r.zstd, stored, make([]byte, 0, plausible(p.raw, p.stored)), p.raw)
	if err != nil {
		return nil, err
	}
	return parseIndex(raw, p.entries, len(r.f.groups))
}

// rebuildIndex reads the trace keys of all groups; groups whose keys are damaged have nothing to find. Any error but
// damage is the file's own: it must not make traces disappear for as long as the reader lives.
func (r *Reader) rebuildIndex() (*traceIndex, error) {
	var entries []indexEntry
	for g := range r.f.groups {
		keys, err := r.traceKeys(g)
		if errors.Is(err, store.ErrCorrupt) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			entries = append(entries, indexEntry{fingerprint(key), uint32(g)})
		}
	}
	return indexOf(entries), nil
}

// traceKeys returns the keys of a group's traces.
func (r *Reader) traceKeys(group int) ([]uint64, error) {
	d, err := readDirectory(r.r, r.f.groups[group].Offset, r.size)
	if err != nil {
		return nil, err
	}
	dec := r.decoder(context.Background(), d)
	defer r.release(dec)
	t, err := dec.traceTable()
	if err != nil {
		return nil, err
	}
	keys := make([]uint64, len(t.rows))
	for i := range keys {
		keys[i] = t.id(i).Key()
	}
	return keys, nil
}

// Find returns the row groups that may hold spans of the trace key: all that do, and rarely another.
func (r *Reader) Find(key uint64) ([]int, error) {
	x, err := r.traceIndex()
	if err != nil {
		return nil, err
	}
	return x.find(nil, key), nil
}

// MayContain reports whether [Reader.Find] finds anything. On an error it is true.
func (r *Reader) MayContain(key uint64) bool {
	x, err := r.traceIndex()
	return err != nil || len(x.find(nil, key)) > 0
}

// Skip reports whether statistics alone rule out that a row of the group satisfies e.
func (r *Reader) Skip(group int, e match.Expr) bool {
	if e.Kind == match.All {
		return false
	}
	d, err := r.directory(group)
	return err == nil && !d.can(&e)
}

// decoder returns one for the group that reads no rows yet. Give it back with release.
func (r *Reader) decoder(ctx context.Context, d *directory) *decoder {
	dec, _ := r.decoders.Get().(*decoder)
	if dec == nil {
		dec = &decoder{}
	}
	dec.ctx, dec.r, dec.zstd, dec.d, dec.hi = ctx, r.r, r.zstd, d, -1
	dec.segs = append(dec.segs[:0], make([][]byte, len(d.segs))...)
	return dec
}

// release keeps the scratch memory of a decoder for the next read.
func (r *Reader) release(dec *decoder) {
	dec.reset()
	r.decoders.Put(dec)
}

// Read appends all rows of the group to dst, which must be empty, with the columns of p (see [store.Projection]). Errors
// are of class [store.ErrCorrupt], the file's own, or the context's.
func (r *Reader) Read(ctx context.Context, group int, p store.Projection, dst *span.Batch, c *store.Counters) error {
	d, err := r.directory(group)
	if err != nil {
		return err
	}
	dec := r.decoder(ctx, d)
	defer r.release(dec)
	dec.want, dec.b = want(p), dst
	dec.all()
	err = dec.group()
	dst.Tenant, dst.Arrival = r.f.meta.Tenant, r.f.meta.MinArrival
	if c != nil {
		c.Bytes += dec.read
		c.RowGroups++
	}
	return err
}

// ReadTrace appends the rows of the group whose trace id is the same as id (in the sense of [span.TraceID.SameTrace]),
// with all columns, to what c copies to. It appends nothing if there are none.
func (r *Reader) ReadTrace(ctx context.Context, group int, id span.TraceID, dst *span.Copier, c *store.Counters) error {
	d, err := r.directory(group)
	if err != nil {
		return err
	}
	dec := r.decoder(ctx, d)
	dec.want, dec.b = want(store.Projection{All: true}), &span.Batch{}
	defer func() {
		defer r.release(dec)
		if c != nil {
			c.Bytes += dec.read
			c.RowGroups++
		}
	}()
	t, err := dec.traceTable()
	if err != nil {
		return err
	}
	if dec.lo, dec.hi = t.find(id.Key()); dec.lo == dec.hi {
		return nil
	}
	if err := dec.group(); err != nil {
		return err
	}
	dst.From(dec.b)
	for i := range dec.b.TraceID {
		if dec.b.TraceID[i].SameTrace(id) {
			dst.Row(i)
		}
	}
	return nil
}

// Fields appends the attributes that a group has in the scope (all for match.ScopeAny), not ordered, perhaps repeated.
func (r *Reader) Fields(group int, scope match.Scope, dst []store.FieldInfo) ([]store.FieldInfo, error) {
	d, err := r.directory(group)
	if err != nil {
		return dst, err
	}
	return d.fields(dst, scope), nil
}
