// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"cmp"
	"slices"
)

// places counts where spans of a key may stand: row groups and heads. Two are enough for an answer.
func places(key uint64, blocks []*blockRef, heads []*head) int {
	n := 0
	for _, b := range blocks {
		if n += len(b.find(key)); n > 1 {
			return n
		}
	}
	for _, h := range heads {
		if _, ok := h.last[key]; ok {
			n++
		}
	}
	return n
}

// refsOf returns the blocks among outs that are the tenant's.
func (t *tenant) refsOf(outs []*output) []*blockRef {
	var refs []*blockRef
	for _, o := range outs {
		if o.t == t {
			refs = append(refs, o.ref)
		}
	}
	return refs
}

// splitsOf returns the traces of a new block that need assembly with the blocks there are and those made with it, for the
// manifest. What the head has of them is found again when the log is replayed.
func (t *tenant) splitsOf(gen *generation, o *output, outs []*output) []splitEntry {
	t.mu.RLock()
	defer t.mu.RUnlock()
	blocks := append(slices.Clone(t.blocks), t.refsOf(outs)...)
	var list []splitEntry
	for _, h := range t.heads {
		if h.gen != gen {
			continue
		}
		for key := range h.last {
			x, ok := t.splits.get(key)
			if y, cut := o.splits[key]; cut {
				x = x.orNone(ok).with(y)
				ok = true
			}
			if ok && len(o.ref.find(key)) > 0 && (o.mixed[key] || places(key, blocks, nil) > 1) {
				list = append(list, splitEntry{key, x})
			}
		}
	}
	slices.SortFunc(list, func(x, y splitEntry) int { return cmp.Compare(x.key, y.key) })
	return list
}

// orNone returns x, or the extent of nothing if ok is false.
func (x extent) orNone(ok bool) extent {
	if !ok {
		return noExtent()
	}
	return x
}

// install puts the blocks made from a generation in the place of its head.
func (t *tenant) install(gen *generation, outs []*output) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := slices.IndexFunc(t.heads, func(h *head) bool { return h.gen == gen })
	if at < 0 {
		return
	}
	h := t.heads[at]
	t.heads = slices.Delete(slices.Clone(t.heads), at, at+1)
	refs := t.refsOf(outs)
	t.blocks = append(slices.Clone(t.blocks), refs...)
	next := t.splits.clone()
	for key := range h.last {
		x, ok := next.keys[key]
		mixed := false
		for _, o := range outs {
			if o.t != t {
				continue
			}
			if y, cut := o.splits[key]; cut {
				x = x.orNone(ok).with(y)
				ok = true
			}
			mixed = mixed || o.mixed[key]
		}
		if !ok {
			continue
		}
		if !mixed && places(key, t.blocks, t.heads) < 2 {
			delete(next.keys, key)
			continue
		}
		next.keys[key] = x
		for _, b := range t.blocks {
			b.extend(key, x)
		}
	}
	t.splits = next
}
