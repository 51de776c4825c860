// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"context"
	"slices"
	"time"
)

const (
	backgroundTick = time.Second
	retentionTick  = time.Minute
	maxBackoff     = 30 * time.Second
)

// background flushes heads that are full or old, applies retention and merges, until the engine is closed.
func (e *Engine) background() {
	defer e.done.Done()
	ctx := e.ctx
	tick := time.NewTicker(backgroundTick)
	defer tick.Stop()
	var backoff time.Duration
	var notBefore, nextRetention time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.work:
		case <-tick.C:
		}
		now := time.Now()
		if now.Before(notBefore) {
			continue
		}
		if err := e.maintain(ctx, now.After(nextRetention)); err != nil {
			if ctx.Err() != nil {
				return
			}
			backoff = min(max(2*backoff, time.Second), maxBackoff)
			notBefore = now.Add(backoff)
			e.cfg.Logger.Error("store maintenance; trying again", "err", err, "in", backoff)
			continue
		}
		backoff = 0
		if now.After(nextRetention) {
			nextRetention = now.Add(retentionTick)
		}
	}
}

// maintain does what is due.
func (e *Engine) maintain(ctx context.Context, retention bool) error {
	e.flushing.Lock()
	defer e.flushing.Unlock()
	if e.flushDue() {
		e.freeze()
	}
	if err := e.flushFrozen(ctx); err != nil {
		return err
	}
	if retention {
		if err := e.expire(ctx); err != nil {
			return err
		}
	}
	return e.mergeDue(ctx)
}

// flushDue reports whether the present generation is full or old. e.flushing is held, so that e.gen does not change.
func (e *Engine) flushDue() bool {
	g := e.gen
	if g.spans.Load() == 0 {
		return false
	}
	return g.bytes.Load() >= e.freezeBytes() || e.cfg.Now().Sub(g.since) >= e.cfg.FlushAge
}

// Expire removes the blocks of which everything came in longer than the retention ago. It happens by itself every minute.
func (e *Engine) Expire(ctx context.Context) error {
	e.flushing.Lock()
	defer e.flushing.Unlock()
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
