// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// cache remembers values for a while. It is bounded: past its size the oldest entries make room. Each look-up is noted
// on the current span: the key of the note is cache.hit, its event tells which cache and what was asked for.
type cache[V any] struct {
	name string
	life time.Duration
	size int

	mu      sync.Mutex
	entries map[string]entry[V]
	order   []string // keys by age
}

type entry[V any] struct {
	value V
	until time.Time
}

func newCache[V any](name string, size int, life time.Duration) *cache[V] {
	return &cache[V]{name: name, life: life, size: size, entries: map[string]entry[V]{}}
}

// get returns the value of key, asking load when it does not know it or no longer trusts it.
func (c *cache[V]) get(ctx context.Context, key string, load func() (V, error)) (V, error) {
	value, hit := c.peek(key)
	outcome := "cache miss"
	if hit {
		outcome = "cache hit"
	}
	span := trace.SpanFromContext(ctx)
	span.SetAttributes(attribute.Bool("cache.hit", hit))
	span.AddEvent(outcome, trace.WithAttributes(attribute.String("cache.name", c.name), attribute.String("cache.key", key)))
	if hit {
		return value, nil
	}
	value, err := load()
	if err == nil {
		c.put(key, value)
	}
	return value, err
}

func (c *cache[V]) peek(key string) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[key]
	return e.value, ok && time.Now().Before(e.until)
}

func (c *cache[V]) put(key string, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.entries[key]; !ok {
		if len(c.order) >= c.size {
			delete(c.entries, c.order[0])
			c.order = c.order[1:]
		}
		c.order = append(c.order, key)
	}
	c.entries[key] = entry[V]{value: value, until: time.Now().Add(c.life)}
}
