// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"context"
	"slices"
	"time"
)

const (
	backgroundTick = time.Second
	maxBackoff     = 30 * time.Second
)

// loop calls step when work says so and every second, until the engine is closed. After an error it waits, longer each
// time, before it tries again.
func (e *Engine) loop(name string, work <-chan struct{}, step func(context.Context) error) {
	defer e.done.Done()
	tick := time.NewTicker(backgroundTick)
	defer tick.Stop()
	var backoff time.Duration
	var notBefore time.Time
	for {
		select {
		case <-e.ctx.Done():
			return
		case <-work:
		case <-tick.C:
		}
		if time.Now().Before(notBefore) {
			continue
		}
		err := step(e.ctx)
		switch {
		case e.ctx.Err() != nil:
			return
		case err != nil:
			backoff = min(max(2*backoff, time.Second), maxBackoff)
			notBefore = time.Now().Add(backoff)
			e.cfg.Logger.Error("background work of the store; trying again", "work", name, "err", err, "in", backoff)
		default:
			backoff = 0
		}
	}
}

// turn is a mutex that can be waited for with a context. Its capacity is 1.
type turn chan struct{}

func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) give() { <-t }

// wake puts an element into a channel that has room for one.
func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// flushDue flushes the present generation if it is full or old, and those that are waiting.
func (e *Engine) flushDue(ctx context.Context) error {
	if err := e.flushing.take(ctx); err != nil {
		return err
	}
	defer e.flushing.give()
	g := e.gen // changes only while flushing is held
	if g.spans.Load() > 0 && (g.bytes.Load() >= e.freezeBytes() || e.cfg.Now().Sub(g.since) >= e.cfg.FlushAge) {
		e.freeze()
	}
	return e.flushFrozen(ctx)
}

// keepHouse applies retention and merges.
func (e *Engine) keepHouse(ctx context.Context) error {
	if err := e.keeping.take(ctx); err != nil {
		return err
	}
	defer e.keeping.give()
	if err := e.expire(ctx); err != nil {
		return err
	}
	return e.mergeDue(ctx)
}

// Expire removes the blocks of which everything came in longer than the retention ago. It happens by itself.
func (e *Engine) Expire(ctx context.Context) error {
	if err := e.keeping.take(ctx); err != nil {
		return err
	}
	defer e.keeping.give()
	return e.expire(ctx)
}

func (e *Engine) expire(ctx context.Context) error {
	now := e.cfg.Now()
	var ed edit
	for _, t := range e.allTenants() {
		t.mu.RLock()
		for _, b := range t.blocks {
			if b.expired(now, e.cfg.Retention) {
				ed.remove = append(ed.remove, b.entry.id)
			}
		}
		t.mu.RUnlock()
	}
	if len(ed.remove) == 0 {
		return nil
	}
	if err := e.commit(ctx, ed); err != nil {
		return err
	}
	for _, t := range e.allTenants() {
		t.remove(ed.remove)
	}
	e.metrics.expired.Add(int64(len(ed.remove)))
	e.cfg.Logger.Info("retention removed blocks", "blocks", len(ed.remove), "older_than", e.cfg.Retention)
	return nil
}

// remove takes blocks out of the present version; their files go when no view has them any more.
func (t *tenant) remove(ids []uint64) {
	t.mu.Lock()
	var gone []*blockRef
	t.blocks = slices.DeleteFunc(slices.Clone(t.blocks), func(b *blockRef) bool {
		if slices.Contains(ids, b.entry.id) {
			b.obsolete.Store(true)
			gone = append(gone, b)
			return true
		}
		return false
	})
	t.mu.Unlock()
	for _, b := range gone {
		b.unref()
	}
}
