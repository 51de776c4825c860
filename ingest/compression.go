// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// maxWindow is the largest window that a zstd frame may ask for, and so about the memory of its decoder: what zstd's
// levels write unless told otherwise.
const maxWindow = 8 << 20

// Errors of decompression, besides those of the formats themselves.
var (
	// errEncoding is for content encodings that nobody knows.
	errEncoding = errors.New("unknown content encoding")
	// errTooLarge is for content larger than the limit.
	errTooLarge = errors.New("larger than the limit")
	// errNoRoom is for content for which the budget has no room.
	errNoRoom = errors.New("no room")
)

// decompressors keeps decoders for the next request, and bounds how many work at once and so their memory.
type decompressors struct {
	gate             chan struct{}
	gzip, zlib, zstd sync.Pool
}

func newDecompressors() *decompressors {
	return &decompressors{gate: make(chan struct{}, 2*runtime.GOMAXPROCS(0))}
}

// enter waits for a place among those who decompress, and returns what gives it up. Work behind it is never waited for
// on behalf of a client.
func (d *decompressors) enter() (leave func()) {
	d.gate <- struct{}{}
	return func() { <-d.gate }
}

// reader is a decompressor that can begin anew.
type reader interface {
	io.Reader
	Reset(r io.Reader) error
}

// get returns a reader of r for a content encoding that is a stream, and what puts it back.
func (d *decompressors) get(name string, r io.Reader) (io.Reader, func(), error) {
	var pool *sync.Pool
	var create func() (reader, error)
	switch name {
	case "gzip", "x-gzip":
		pool, create = &d.gzip, func() (reader, error) { return new(gzip.Reader), nil }
	case "deflate", "zlib": // HTTP's deflate is zlib's format (RFC 9110, 8.4.1.2)
		pool, create = &d.zlib, func() (reader, error) { return new(zlibReader), nil }
	case "zstd":
		pool, create = &d.zstd, func() (reader, error) {
			z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
			return z, err
		}
	case "snappy", "x-snappy-framed":
		return snappy.NewReader(r), func() {}, nil
	default:
		return nil, nil, fmt.Errorf("%w %q: want gzip, zstd, snappy, deflate or identity", errEncoding, name)
	}
	z, ok := pool.Get().(reader)
	if !ok {
		var err error
		if z, err = create(); err != nil {
			return nil, nil, err
		}
	}
	if err := z.Reset(r); err != nil {
		return nil, nil, err
	}
	return z, func() {
		_ = z.Reset(bytes.NewReader(nil)) // lets go of r; that nothing is no stream does not matter
		pool.Put(z)
	}, nil
}

// zlibReader gives zlib's reader the form of the others.
type zlibReader struct{ io.ReadCloser }

func (z *zlibReader) Reset(r io.Reader) (err error) {
	if z.ReadCloser == nil {
		var rc io.ReadCloser
		if rc, err = zlib.NewReader(r); err == nil {
			z.ReadCloser = rc
		}
		return err
	}
	return z.ReadCloser.(zlib.Resetter).Reset(r, nil)
}

func (z *zlibReader) Read(p []byte) (int, error) { return z.ReadCloser.Read(p) }

// snappyMagic begins snappy's framing format.
const snappyMagic = "\xff\x06\x00\x00sNaPpY"

// decompress appends the content of src, in the given encoding, to dst, which is empty. Before dst is made larger, room
// is asked for its new size. Errors are of class errEncoding, errTooLarge or errNoRoom, or src is damaged.
func (d *decompressors) decompress(dst []byte, name string, src []byte, limit int, room func(n int) bool) ([]byte, error) {
	defer d.enter()()
	if name == "snappy" && !bytes.HasPrefix(src, []byte(snappyMagic)) { // both formats go by this name
		return snappyBlock(dst, src, limit, room)
	}
	r, put, err := d.get(name, bytes.NewReader(src))
	if err != nil {
		return dst, err
	}
	defer put()
	return readAll(dst, r, limit, min(limit, max(4*len(src), 4<<10)), room)
}

func snappyBlock(dst, src []byte, limit int, room func(n int) bool) ([]byte, error) {
	n, err := snappy.DecodedLen(src)
	switch {
	case err != nil:
		return dst, err
	case n > 24*len(src)+64: // no block says more than that in so few bytes
		return dst, snappy.ErrCorrupt
	case n > limit:
		return dst, errTooLarge
	case !room(n):
		return dst, errNoRoom
	}
	return snappy.Decode(slices.Grow(dst, n)[:n], src)
}

// readAll appends all of r to dst, which is empty; guess is how much that may be.
func readAll(dst []byte, r io.Reader, limit, guess int, room func(n int) bool) ([]byte, error) {
	grow := func(n int) error {
		if n <= cap(dst) {
			return nil
		}
		if !room(n + cap(dst)) {
			return errNoRoom
		}
		dst = slices.Grow(dst, n-len(dst))
		return nil
	}
	if err := grow(guess); err != nil {
		return dst, err
	}
	for {
		if len(dst) == cap(dst) {
			if err := grow(min(2*cap(dst), limit+1)); err != nil {
				return dst, err
			}
		}
		n, err := r.Read(dst[len(dst):min(cap(dst), limit+1)])
		dst = dst[:len(dst)+n]
		switch {
		case len(dst) > limit:
			return dst, errTooLarge
		case err == io.EOF:
			return dst, nil
		case err != nil:
			return dst, err
		}
	}
}
