// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"container/list"
	"context"
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

// Ticket is a request's share. It is not safe for concurrent use.
type Ticket struct {
	a     *Admission
	bytes int64
}

// Admit takes a share of n bytes. It returns nil if there is none within the budget's patience, or before ctx ends.
func (a *Admission) Admit(ctx context.Context, n int64) *Ticket {
	t := &Ticket{a: a}
	if !a.take(ctx, t, n, &a.coming, a.patience) {
		return nil
	}
	return t
}

// Grow makes the share n bytes large, waiting for what is missing like [Admission.Admit]; it never shrinks. On false the
// share is what it was, and the request is to be given up.
func (t *Ticket) Grow(ctx context.Context, n int64) bool {
	return n <= t.bytes || t.a.take(ctx, t, n-t.bytes, &t.a.growing, t.a.patience)
}

// TryGrow is Grow without waiting.
func (t *Ticket) TryGrow(n int64) bool {
	return n <= t.bytes || t.a.take(context.Background(), t, n-t.bytes, &t.a.growing, 0)
}

// Release gives the share back.
func (t *Ticket) Release() {
	a := t.a
	a.mu.Lock()
	defer a.mu.Unlock()
	a.used -= t.bytes
	t.bytes = 0
	a.grant()
}

// after is how long a refused client should stay away.
func (t *Ticket) after() time.Duration { return max(t.a.patience, defaultRetry) }

// fits says whether t may have n bytes more. The lock is held.
func (a *Admission) fits(t *Ticket, n int64) bool { return a.used+n <= a.capacity || a.used == t.bytes }

// give makes n more bytes t's. The lock is held.
func (a *Admission) give(t *Ticket, n int64) {
	a.used += n
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

func (a *Admission) take(ctx context.Context, t *Ticket, n int64, queue *list.List, patience time.Duration) bool {
	n = max(1, n)
	a.mu.Lock()
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
