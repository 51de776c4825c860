// SPDX-License-Identifier: Apache-2.0

package fs

import (
	"bytes"
	"math/rand/v2"
	"slices"
)

// tornSector is the piece a disk writes at once: the last one can come out half.
const tornSector = 512

// CrashClone returns the filesystem as a power cut at this moment would leave
// it: what was synced is there. The clone is independent of m, no lock is held
// in it, and m goes on unchanged.
//
// With rng == nil nothing that was not synced survives. With a source of random
// numbers some of it does, as on a real disk:
//
//   - of the changes of names, the first few (they are journalled in order);
//   - of each file, a random part of the bytes after the synced ones, whose last
//     sector may be zero or garbage;
//   - an unsynced truncation, or not.
func (m *Mem) CrashClone(rng *rand.Rand) *Mem {
	m.mu.RLock()
	defer m.mu.RUnlock()
	c := cloner{live: false, rng: rng, done: map[*memNode]*memNode{}}
	out := NewMem()
	out.root = c.clone(m.root)
	if rng != nil && len(m.pending) > 0 {
		for _, p := range m.pending[:rng.IntN(len(m.pending)+1)] {
			c.pending(p).apply(liveNames)
		}
	}
	out.settle()
	return out
}

// KillClone returns the filesystem as the end of the process at this moment
// would leave it, with the machine alive: everything written is there and no
// lock is held. What was synced in m is durable in the clone, and no more.
func (m *Mem) KillClone() *Mem {
	m.mu.RLock()
	defer m.mu.RUnlock()
	c := cloner{live: true, done: map[*memNode]*memNode{}}
	out := NewMem()
	out.root = c.clone(m.root)
	for _, p := range m.pending {
		out.pending = append(out.pending, c.pending(p))
	}
	out.count(out.root)
	return out
}

// settle makes the live state of a crashed filesystem its durable one, since
// what is found on the disk after a reboot is on the disk.
func (m *Mem) settle() {
	m.count(m.root)
	var walk func(*memNode)
	walk = func(n *memNode) {
		if !n.dir {
			return
		}
		clear(n.durableNames)
		for name, child := range n.names {
			n.durableNames[name] = child
			walk(child)
		}
	}
	walk(m.root)
}

// count marks what has a name and adds its bytes up.
func (m *Mem) count(n *memNode) {
	n.named = true
	m.used += int64(len(n.data))
	for _, child := range n.names {
		m.count(child)
	}
}

// cloner copies nodes, each once.
type cloner struct {
	live bool // keep the live state beside the durable one
	rng  *rand.Rand
	done map[*memNode]*memNode
}

func (c *cloner) pending(p nameChange) nameChange {
	return nameChange{set: c.entry(p.set), unset: c.entry(p.unset)}
}

func (c *cloner) entry(e entry) entry {
	return entry{dir: c.clone(e.dir), name: e.name, node: c.clone(e.node)}
}

func (c *cloner) clone(n *memNode) *memNode {
	if n == nil {
		return nil
	}
	if done := c.done[n]; done != nil {
		return done
	}
	out := &memNode{dir: n.dir, modTime: n.modTime}
	c.done[n] = out
	if n.dir {
		out.names, out.durableNames = map[string]*memNode{}, map[string]*memNode{}
		// In the order of the names, so that a seed always gives the same crash.
		for _, name := range sortedNames(n.durableNames) {
			out.durableNames[name] = c.clone(n.durableNames[name])
		}
		from := n.durableNames
		if c.live {
			from = n.names
		}
		for _, name := range sortedNames(from) {
			out.names[name] = c.clone(from[name])
		}
		return out
	}
	if c.live {
		out.data = slices.Clip(n.data)
		out.durable, out.shared = n.durable, n.shared
		out.lost = slices.Clone(n.lost)
		return out
	}
	out.data = c.crashed(n)
	out.durable, out.shared = out.data, len(out.data)
	return out
}

// crashed returns the bytes of a file that a crash leaves.
func (c *cloner) crashed(n *memNode) []byte {
	data := zeroLost(n.durable, n.lost)
	if c.rng == nil {
		return data
	}
	if n.shared < len(n.durable) { // truncated since the last sync
		if c.rng.IntN(2) == 0 {
			return data
		}
		data = data[:n.shared:n.shared]
	}
	tail := n.data[n.shared:]
	tail = zeroLost(n.data, n.lost)[n.shared:][:c.rng.IntN(len(tail)+1)]
	if len(tail) == 0 {
		return data
	}
	data = slices.Concat(data, tail)
	torn := data[len(data)-min(len(tail), 1+c.rng.IntN(tornSector)):]
	switch c.rng.IntN(3) {
	case 0: // whole
	case 1: // the length reached the disk before the bytes did
		clear(torn)
	case 2:
		for i := range torn {
			torn[i] = byte(c.rng.Uint32())
		}
	}
	return slices.Clip(data)
}

// zeroLost returns data with the lost ranges as zeros, and data itself if none
// falls into it.
func zeroLost(data []byte, lost []byteRange) []byte {
	data = slices.Clip(data)
	copied := false
	for _, s := range lost {
		from, to := min(s.from, len(data)), min(s.to, len(data))
		if from == to {
			continue
		}
		if !copied {
			data, copied = bytes.Clone(data), true
		}
		clear(data[from:to])
	}
	return data
}
