// SPDX-License-Identifier: Apache-2.0

package query

import (
	"bytes"
	"cmp"
	"container/heap"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/clew-tracing/clew/span"
)

// Order is the order of a search's traces. Ties go to the later start, then to the lower trace id, so that every order
// is total and paging exact.
type Order uint8

// The orders.
const (
	// Newest is by start, the latest first.
	Newest Order = iota
	// Oldest is by start, the earliest first.
	Oldest
	// Longest is by the duration of the whole trace.
	Longest
	// MostErrors is by the number of spans with status error.
	MostErrors
	// MostSpans is by the number of spans.
	MostSpans
)

var orderNames = [...]string{"newest", "oldest", "longest", "errors", "spans"}

// String is the order's name in APIs.
func (o Order) String() string { return orderNames[o] }

// ParseOrder reads an order's name; "" is Newest.
func ParseOrder(name string) (Order, error) {
	if name == "" {
		return Newest, nil
	}
	for i, n := range orderNames {
		if n == name {
			return Order(i), nil
		}
	}
	return Newest, fmt.Errorf("order %q: want newest, oldest, longest, errors or spans", name)
}

// rank is the place of a trace in an order: larger keys come first.
type rank struct {
	key   int64
	start int64
	id    span.TraceID
}

// rankOf is the place of the trace in rows [lo, hi).
func (o Order) rankOf(b *span.Batch, lo, hi int) rank {
	start, end := b.Extent(lo, hi)
	r := rank{start: start, id: b.FullID(lo, hi)}
	switch o {
	case Newest:
		r.key = start
	case Oldest:
		r.key = ^start // -start that cannot overflow
	case Longest:
		r.key = end - start
	case MostSpans:
		r.key = int64(hi - lo)
	case MostErrors:
		for row := lo; row < hi; row++ {
			if at(b.Status, row) == span.StatusError {
				r.key++
			}
		}
	}
	return r
}

func (r rank) compare(o rank) int {
	return cmp.Or(cmp.Compare(o.key, r.key), cmp.Compare(o.start, r.start), bytes.Compare(r.id[:], o.id[:]))
}

// before reports whether r comes before o.
func (r rank) before(o rank) bool { return r.compare(o) < 0 }

// ranked is a trace at its place.
type ranked struct {
	rank  rank
	trace *Trace
}

// ranking keeps the first traces in an order, of any number that are offered in any order.
type ranking struct {
	limit   int
	list    []ranked // a heap, the last one on top
	dropped bool     // more than limit were offered
}

func newRanking(limit int) *ranking { return &ranking{limit: limit} }

// Len, Less, Swap, Push and Pop make it a heap for package container/heap.
func (r *ranking) Len() int { return len(r.list) }

// Less is part of heap.Interface.
func (r *ranking) Less(i, j int) bool { return r.list[j].rank.before(r.list[i].rank) }

// Swap is part of heap.Interface.
func (r *ranking) Swap(i, j int) { r.list[i], r.list[j] = r.list[j], r.list[i] }

// Push is part of heap.Interface.
func (r *ranking) Push(x any) {
	if it, ok := x.(ranked); ok {
		r.list = append(r.list, it)
	}
}

// Pop is part of heap.Interface.
func (r *ranking) Pop() any {
	it := r.list[len(r.list)-1]
	r.list = r.list[:len(r.list)-1]
	return it
}

// offer takes a trace if it is among the first so far; only then is it made.
func (r *ranking) offer(at rank, make func() *Trace) {
	if len(r.list) < r.limit {
		heap.Push(r, ranked{at, make()})
		return
	}
	r.dropped = true
	if at.before(r.list[0].rank) {
		r.list[0] = ranked{at, make()}
		heap.Fix(r, 0)
	}
}

// sorted is what was kept, in order.
func (r *ranking) sorted() []ranked {
	slices.SortFunc(r.list, func(x, y ranked) int { return x.rank.compare(y.rank) })
	return r.list
}

// ErrCursor is the class of errors for cursors that this package did not make, or made for another request.
var ErrCursor = errors.New("invalid cursor")

const cursorVersion = 1

// A cursor is version, order, hash of the request, and the rank of the last trace given: 42 bytes in base64.
func encodeCursor(last rank, r SearchRequest) string {
	c := []byte{cursorVersion, byte(r.Order)}
	c = binary.BigEndian.AppendUint64(c, requestHash(r))
	c = binary.BigEndian.AppendUint64(c, uint64(last.key))
	c = binary.BigEndian.AppendUint64(c, uint64(last.start))
	c = append(c, last.id[:]...)
	return base64.RawURLEncoding.EncodeToString(c)
}

// decodeCursor is the place that a page begins after; nil for the first.
func decodeCursor(text string, r SearchRequest) (*rank, error) {
	if text == "" {
		return nil, nil
	}
	c, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(c) != 42 || c[0] != cursorVersion {
		return nil, fmt.Errorf("cursor %.60q: %w", text, ErrCursor)
	}
	if c[1] != byte(r.Order) || binary.BigEndian.Uint64(c[2:]) != requestHash(r) {
		return nil, fmt.Errorf("cursor %.60q: %w: it belongs to a request with another query or order", text, ErrCursor)
	}
	at := rank{key: int64(binary.BigEndian.Uint64(c[10:])), start: int64(binary.BigEndian.Uint64(c[18:]))}
	copy(at.id[:], c[26:])
	return &at, nil
}

// requestHash is what has to stay the same from page to page. The window may move: a place in an order is absolute.
func requestHash(r SearchRequest) uint64 {
	return xxhash.Sum64String(r.Tenant + "\x00" + r.Query)
}
