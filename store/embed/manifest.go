// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"sync"

	"github.com/cespare/xxhash/v2"

	"github.com/clew-tracing/clew/base/codec"
	"github.com/clew-tracing/clew/base/fs"
	"github.com/clew-tracing/clew/store/wal"
)

const (
	manifestMagic   = "CLEWMAN1"
	manifestVersion = 1
	manifestHeader  = 28
	editFrame       = 12
	// compactBytes is how long the manifest grows before it is written anew.
	compactBytes = 4 << 20
)

// The operations of an edit. The numbers are on disk.
const (
	opAdd    = 1
	opRemove = 2
	opLow    = 3
	opNextID = 4
)

// blockEntry names a live block and says what must be known of it without opening it.
type blockEntry struct {
	id                     uint64
	tenant                 string
	partition              int64
	minArrival, maxArrival int64
	spans, bytes           int64
	// splits are the traces of the block that were known to need assembly when it was written.
	splits []splitEntry
}

type splitEntry struct {
	key uint64
	extent
}

// path returns the block's file, relative to the store's directory.
func (b blockEntry) path() string {
	return path.Join(blockDirOf(b.tenant, b.partition), fmt.Sprintf("%016x%s", b.id, blockSuffix))
}

// edit is a change of what is stored, which happens as a whole or not at all.
type edit struct {
	add    []blockEntry
	remove []uint64
	// low, if not 0, is the first segment of the log that holds what no block does.
	low wal.SegmentID
}

// manifest is the edit log that says which blocks are live and where the log begins. See the package comment for the
// format. The flusher and the keeper both commit to it.
type manifest struct {
	mu sync.Mutex // protects all below

	fs     fs.FS
	name   string
	logger *slog.Logger

	file fs.File // nil after a failure: the next edit writes a new file
	salt uint64
	size int64

	blocks map[uint64]blockEntry
	low    wal.SegmentID
	nextID uint64

	// damage says what could not be read when the manifest was opened; "" if all could.
	damage string
}

// openManifest reads the manifest in dir, or begins one. What it says is in memory afterwards; nothing is written.
func openManifest(fsys fs.FS, dir string, logger *slog.Logger) (*manifest, error) {
	m := &manifest{fs: fsys, name: path.Join(dir, manifestName), logger: logger, blocks: map[uint64]blockEntry{}, nextID: 1}
	data, err := fs.ReadFile(fsys, m.name)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return m, m.load(data)
}

var errManifestVersion = errors.New("unknown version of the manifest's format")

func (m *manifest) load(data []byte) error {
	if len(data) < manifestHeader || string(data[:8]) != manifestMagic ||
		xxhash.Sum64(data[:manifestHeader-8]) != binary.LittleEndian.Uint64(data[manifestHeader-8:]) {
		m.damage = "bad header"
		return nil
	}
	if v := binary.LittleEndian.Uint32(data[8:]); v != manifestVersion {
		return fmt.Errorf("%w: %d, this program knows %d", errManifestVersion, v, manifestVersion)
	}
	m.salt = binary.LittleEndian.Uint64(data[12:])
	for off := manifestHeader; off < len(data); {
		payload, ok := m.frame(data, off)
		if !ok {
			m.damage = fmt.Sprintf("bad edit at offset %d of %d", off, len(data))
			// Edits depend on those before; but a block that is added and one that is removed are so whatever is missing.
			if off = m.search(data, off+1); off < 0 {
				return nil
			}
			continue
		}
		e, nextID, err := decodeEdit(payload)
		if err != nil {
			m.damage = fmt.Sprintf("edit at offset %d: %v", off, err)
		} else {
			m.nextID = max(m.nextID, nextID)
			m.apply(e)
		}
		off += editFrame + len(payload)
	}
	return nil
}

func (m *manifest) frame(data []byte, off int) ([]byte, bool) {
	if len(data)-off < editFrame {
		return nil, false
	}
	n := binary.LittleEndian.Uint32(data[off:])
	if uint64(n) > uint64(len(data)-off-editFrame) {
		return nil, false
	}
	payload := data[off+editFrame : off+editFrame+int(n)]
	return payload, editCheck(m.salt, int64(off), payload) == binary.LittleEndian.Uint64(data[off+4:])
}

// search returns the offset of the next edit from off on, -1 if there is none.
func (m *manifest) search(data []byte, off int) int {
	for ; off+editFrame <= len(data); off++ {
		if _, ok := m.frame(data, off); ok {
			return off
		}
	}
	return -1
}

func editCheck(salt uint64, off int64, payload []byte) uint64 {
	var head [20]byte
	binary.LittleEndian.PutUint64(head[:], salt)
	binary.LittleEndian.PutUint64(head[8:], uint64(off))
	binary.LittleEndian.PutUint32(head[16:], uint32(len(payload)))
	d := xxhash.New()
	_, _ = d.Write(head[:]) // a hash never fails
	_, _ = d.Write(payload)
	return d.Sum64()
}

func (m *manifest) apply(e edit) {
	for _, b := range e.add {
		m.blocks[b.id] = b
		m.nextID = max(m.nextID, b.id+1)
	}
	for _, id := range e.remove {
		delete(m.blocks, id)
	}
	m.low = max(m.low, e.low)
}

// newID returns an id that no block of this store has had.
func (m *manifest) newID() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := m.nextID
	m.nextID++
	return id
}

// commit makes an edit durable. After an error it may or may not be: the files that it names, added and removed, must stay
// until the same edit was committed.
func (m *manifest) commit(e edit) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.file == nil || m.size > compactBytes {
		return m.rewrite(e)
	}
	rec := appendEdit(nil, m.salt, m.size, e, m.nextID)
	_, err := m.file.Write(rec)
	if err == nil {
		err = m.file.Sync()
	}
	if err != nil {
		m.giveUpFile()
		return fmt.Errorf("manifest: %w", err)
	}
	m.size += int64(len(rec))
	m.apply(e)
	return nil
}

// rewrite writes the whole state, with e applied, to a new file that takes the old one's place. m.mu is held, or nobody
// else has m yet.
func (m *manifest) rewrite(e edit) error {
	m.giveUpFile()
	next := &manifest{blocks: maps.Clone(m.blocks), low: m.low, nextID: m.nextID}
	next.apply(e)
	salt := rand.Uint64()
	state := edit{low: next.low}
	for _, id := range slices.Sorted(maps.Keys(next.blocks)) {
		state.add = append(state.add, next.blocks[id])
	}
	data := appendManifest(nil, salt, state, next.nextID)
	if err := fs.WriteFile(m.fs, m.name, data); err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	m.apply(e)
	f, err := m.fs.OpenAppend(m.name)
	if err != nil {
		m.logger.Warn("manifest: open for appending; the next edit writes it anew", "err", err)
		return nil
	}
	m.file, m.salt, m.size = f, salt, int64(len(data))
	return nil
}

func (m *manifest) giveUpFile() {
	if err := m.close(); err != nil {
		m.logger.Warn("manifest: close", "err", err)
	}
}

func (m *manifest) close() error {
	if m.file == nil {
		return nil
	}
	f := m.file
	m.file = nil
	return f.Close()
}

// appendManifest appends a manifest of one edit to dst, which must be empty: offsets count from its beginning.
func appendManifest(dst []byte, salt uint64, state edit, nextID uint64) []byte {
	dst = append(dst, manifestMagic...)
	dst = binary.LittleEndian.AppendUint32(dst, manifestVersion)
	dst = binary.LittleEndian.AppendUint64(dst, salt)
	dst = binary.LittleEndian.AppendUint64(dst, xxhash.Sum64(dst))
	return appendEdit(dst, salt, int64(len(dst)), state, nextID)
}

// appendEdit appends the record of an edit that will stand at offset off.
func appendEdit(dst []byte, salt uint64, off int64, e edit, nextID uint64) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, editFrame)...)
	dst = append(dst, opNextID)
	dst = codec.AppendUvarint(dst, nextID)
	if e.low != 0 {
		dst = append(dst, opLow)
		dst = binary.LittleEndian.AppendUint64(dst, uint64(e.low))
	}
	for _, b := range e.add {
		dst = append(dst, opAdd)
		dst = codec.AppendUvarint(dst, b.id)
		dst = codec.AppendUvarint(dst, uint64(len(b.tenant)))
		dst = append(dst, b.tenant...)
		for _, v := range [...]int64{b.partition, b.minArrival, b.maxArrival, b.spans, b.bytes} {
			dst = codec.AppendVarint(dst, v)
		}
		dst = codec.AppendUvarint(dst, uint64(len(b.splits)))
		for _, s := range b.splits {
			dst = binary.LittleEndian.AppendUint64(dst, s.key)
			dst = codec.AppendVarint(dst, s.start)
			dst = codec.AppendVarint(dst, s.end)
		}
	}
	for _, id := range e.remove {
		dst = append(dst, opRemove)
		dst = codec.AppendUvarint(dst, id)
	}
	payload := dst[start+editFrame:]
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(payload)))
	binary.LittleEndian.PutUint64(dst[start+4:], editCheck(salt, off, payload))
	return dst
}

// decodeEdit reads the payload of an edit. No payload makes it panic or allocate more than a small multiple of its length.
func decodeEdit(payload []byte) (e edit, nextID uint64, err error) {
	r := editReader{src: payload}
	for len(r.src) > 0 && r.err == nil {
		switch op := r.src[0]; op {
		case opNextID:
			r.src = r.src[1:]
			nextID = r.uvarint()
		case opLow:
			r.src = r.src[1:]
			e.low = wal.SegmentID(r.fixed())
		case opAdd:
			r.src = r.src[1:]
			e.add = append(e.add, r.block())
		case opRemove:
			r.src = r.src[1:]
			e.remove = append(e.remove, r.uvarint())
		default:
			r.fail(fmt.Errorf("unknown operation %d", op))
		}
	}
	if r.err != nil {
		return edit{}, 0, r.err
	}
	return e, nextID, nil
}

type editReader struct {
	src []byte
	err error
}

func (r *editReader) fail(err error) {
	if r.err == nil {
		r.err, r.src = err, nil
	}
}

func (r *editReader) uvarint() uint64 {
	v, rest, err := codec.Uvarint(r.src)
	if err != nil {
		r.fail(err)
		return 0
	}
	r.src = rest
	return v
}

func (r *editReader) varint() int64 { return codec.Unzigzag(r.uvarint()) }

func (r *editReader) fixed() uint64 {
	if len(r.src) < 8 {
		r.fail(errors.New("cut short"))
		return 0
	}
	v := binary.LittleEndian.Uint64(r.src)
	r.src = r.src[8:]
	return v
}

func (r *editReader) block() (b blockEntry) {
	b.id = r.uvarint()
	n := r.uvarint()
	if n > uint64(len(r.src)) {
		r.fail(errors.New("tenant cut short"))
		return b
	}
	b.tenant = string(r.src[:n])
	r.src = r.src[n:]
	for _, v := range [...]*int64{&b.partition, &b.minArrival, &b.maxArrival, &b.spans, &b.bytes} {
		*v = r.varint()
	}
	n = r.uvarint()
	if n > uint64(len(r.src))/10 {
		r.fail(errors.New("split traces cut short"))
		return b
	}
	for range n {
		b.splits = append(b.splits, splitEntry{key: r.fixed(), extent: extent{r.varint(), r.varint()}})
	}
	return b
}
