// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"maps"
	"math"
	"sync"
)

// extent is a range of time, both ends included, unix ns.
type extent struct{ start, end int64 }

// noExtent is the extent of nothing.
func noExtent() extent { return extent{math.MaxInt64, math.MinInt64} }

func (x extent) with(y extent) extent {
	return extent{min(x.start, y.start), max(x.end, y.end)}
}

func (x extent) contains(y extent) bool { return x.start <= y.start && y.end <= x.end }

// splitSet holds the trace keys that need assembly: those that stand, or may stand, in more than one place (chunk of the
// head, row group), those of which a span may be there twice, and those that several trace ids share. Any other trace is
// whole and collapsed where it is found. For each, it has an extent that contains that of all its spans.
//
// While a set is current, keys are only added, so that a reader of an older version sees too many at worst. Keys are
// taken out by making a new set, along with the new version of the store in which they are whole.
type splitSet struct {
	mu   sync.RWMutex
	keys map[uint64]extent
}

func newSplitSet() *splitSet { return &splitSet{keys: map[uint64]extent{}} }

func (s *splitSet) has(key uint64) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ok := s.keys[key]
	return ok
}

func (s *splitSet) get(key uint64) (extent, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	x, ok := s.keys[key]
	return x, ok
}

func (s *splitSet) set(key uint64, x extent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[key] = x
}

func (s *splitSet) len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.keys)
}

// list returns all keys, in no order.
func (s *splitSet) list() []uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	keys := make([]uint64, 0, len(s.keys))
	for key := range s.keys {
		keys = append(keys, key)
	}
	return keys
}

// clone returns a copy that can be changed and become the next current set.
func (s *splitSet) clone() *splitSet {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return &splitSet{keys: maps.Clone(s.keys)}
}
