// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// luck is where the shop's randomness comes from: one seeded source, so that two runs with one seed sell the same
// goods to the same people. What goes wrong by chance goes wrong only here.
type luck struct {
	mu   sync.Mutex
	rng  *rand.Rand
	calm bool // nothing goes wrong by chance
}

func newLuck(seed uint64) *luck {
	return &luck{rng: rand.New(rand.NewPCG(seed, 0x636c6577))}
}

// fails is true with probability p, and never in a calm shop.
func (l *luck) fails(p float64) bool { return !l.calm && l.float() < p }

// float returns a number in [0, 1).
func (l *luck) float() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rng.Float64()
}

// below returns a number in [0, n).
func (l *luck) below(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rng.IntN(n)
}

// around returns a duration whose median is d: log-normal, since work is often quick and at times very slow.
func (l *luck) around(d time.Duration) time.Duration {
	l.mu.Lock()
	z := l.rng.NormFloat64()
	l.mu.Unlock()
	const sigma = 0.45
	return time.Duration(float64(d) * math.Exp(sigma*min(z, 4)))
}

// until returns the time to the next of events that come at rate per second, independently of each other.
func (l *luck) until(rate float64) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Duration(l.rng.ExpFloat64() / rate * float64(time.Second))
}

// work stands for the time that real work of median d would take; it ends early, with the reason, when ctx does.
func (l *luck) work(ctx context.Context, d time.Duration) error { return pause(ctx, l.around(d)) }

// pause waits for d or for the end of ctx, whose error it returns.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
