// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"container/list"
	"context"
	"math"
	"sync"
	"time"
)

// Admission is a budget of bytes that requests share. A request takes a [Ticket] before its body is read, grows it as the
// body turns out to be, and gives it back at the end. Whoever gets no share waits, first come first served but growth
// before new requests, so that what was begun is finished; and not for long, because clients retry better than they wait.
//
// A request that is alone is admitted whatever its size, so that a small budget makes things slow rather than impossible.
type Admission struct {
	capacity int64
	patience time.Duration

	mu      sync.Mutex
	used    int64
	kinds   [2]int64  // of used, by kind of ticket
	growing list.List // of *waiter
	coming  list.List // of *waiter
}

type waiter struct {
	t     *Ticket
	bytes int64 // more than the ticket has
	ready chan struct{}
}

// maxWaiting bounds the requests that wait; beyond it they are refused at once.
const maxWaiting = 1024

// NewAdmission returns a budget of the given bytes, for a share of which requests wait at most patience.
func NewAdmission(capacity int64, patience time.Duration) *Admission {
	return &Admission{capacity: max(1, capacity), patience: patience}
}

// InFlight returns the bytes that are taken.
func (a *Admission) InFlight() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.used
}

// Capacity returns the budget.
func (a *Admission) Capacity() int64 { return a.capacity }

// Ticket is a share of the budget: a request's, or a connection's. A ticket's bytes are guarded by its budget's lock; it
// is safe for concurrent use.
type Ticket struct {
	a     *Admission
	kind  ticketKind
	bytes int64
	// alone is how large the share may become beyond the budget while there is no other of its kind.
	alone int64
}

// ticketKind tells requests from the connections that they come over, which cannot be alone without each other.
type ticketKind uint8

const (
	requestTicket ticketKind = iota
	connTicket
)

// Admit takes a share of n bytes. It returns nil if there is none within the budget's patience, or before ctx ends.
func (a *Admission) Admit(ctx context.Context, n int64) *Ticket {
	t := &Ticket{a: a, alone: math.MaxInt64}
	if !a.take(ctx, t, n, &a.coming, a.patience) {
		return nil
	}
	return t
}

// Grow makes the share n bytes large, waiting for what is missing like [Admission.Admit]; it never shrinks. On false the
// share is what it was, and the request is to be given up.
func (t *Ticket) Grow(ctx context.Context, n int64) bool {
	return t.a.take(ctx, t, n, &t.a.growing, t.a.patience)
}

// TryGrow is Grow without waiting.
func (t *Ticket) TryGrow(n int64) bool {
	return t.a.take(context.Background(), t, n, &t.a.growing, 0)
}

// Shrink makes the share n bytes large if it is larger.
func (t *Ticket) Shrink(n int64) {
	a := t.a
	a.mu.Lock()
	defer a.mu.Unlock()
	if n < t.bytes {
		a.give(t, n-t.bytes)
		a.grant()
	}
}

// Release gives the share back.
func (t *Ticket) Release() { t.Shrink(0) }

// size returns the share's size.
func (t *Ticket) size() int64 {
	t.a.mu.Lock()
	defer t.a.mu.Unlock()
	return t.bytes
}

// after is how long a refused client should stay away.
func (t *Ticket) after() time.Duration { return max(t.a.patience, defaultRetry) }

// fits says whether t may have n bytes more. The lock is held.
func (a *Admission) fits(t *Ticket, n int64) bool {
	return a.used+n <= a.capacity || a.kinds[t.kind] == t.bytes && n <= t.alone-t.bytes
}

// give makes n more bytes (fewer, if n is negative) t's. The lock is held.
func (a *Admission) give(t *Ticket, n int64) {
	a.used += n
	a.kinds[t.kind] += n
	t.bytes += n
}

// grant serves those who wait, in their order, as far as the budget goes. The lock is held.
func (a *Admission) grant() {
	for _, queue := range []*list.List{&a.growing, &a.coming} {
		for e := queue.Front(); e != nil; e = queue.Front() {
			w := e.Value.(*waiter)
			if !a.fits(w.t, w.bytes) {
				return
			}
			a.give(w.t, w.bytes)
			queue.Remove(e)
			close(w.ready)
		}
	}
}

// take makes t's share size bytes large, at the end of the queue of those who wait if it must.
func (a *Admission) take(ctx context.Context, t *Ticket, size int64, queue *list.List, patience time.Duration) bool {
	a.mu.Lock()
	n := size - t.bytes
	if n <= 0 {
		a.mu.Unlock()
		return true
	}
	free := queue.Len() == 0 && (queue == &a.growing || a.growing.Len() == 0)
	if free && a.fits(t, n) {
		a.give(t, n)
		a.mu.Unlock()
		return true
	}
	if patience <= 0 || queue.Len() >= maxWaiting {
		a.mu.Unlock()
		return false
	}
	w := &waiter{t: t, bytes: n, ready: make(chan struct{})}
	e := queue.PushBack(w)
	a.mu.Unlock()

	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-w.ready:
		return true
	case <-ctx.Done():
	case <-timer.C:
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case <-w.ready: // granted at the last moment
		return true
	default:
	}
	queue.Remove(e)
	a.grant() // w may have stood in others' way
	return false
}
