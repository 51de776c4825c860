// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"sync"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
)

// singleReads is how many traces are read from a row group one by one before a scan decodes it whole: split traces come in
// clusters, at the seams between blocks.
const singleReads = 3

// assembler assembles the split traces that a scan meets. It keeps row groups that several of them need, within the scan's
// memory.
type assembler struct {
	s *scanner

	mu     sync.Mutex // protects what follows, and lets one trace be assembled at a time
	reads  map[place]int
	groups map[place]*span.Batch
	order  []place // of groups, oldest first
	bytes  int64
}

// trace returns the traces of a key, whole and collapsed; see [Engine.assemble].
func (a *assembler) trace(key uint64) (*span.Batch, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var c store.Counters
	defer func() { a.s.count(&c) }()
	b, damage, err := a.s.e.assemble(a.s.ctx, a.s.v, span.TraceIDFrom(0, key), func(p place, dst *span.Copier) error {
		return a.read(p, key, dst, &c)
	})
	if damage != nil {
		a.s.damaged(damage)
	}
	return b, err
}

func (a *assembler) read(p place, key uint64, dst *span.Copier, c *store.Counters) error {
	b := a.groups[p]
	if b == nil {
		if a.reads == nil {
			a.reads, a.groups = map[place]int{}, map[place]*span.Batch{}
		}
		if a.reads[p]++; a.reads[p] <= singleReads {
			return p.block.reader.ReadTrace(a.s.ctx, p.group, span.TraceIDFrom(0, key), dst, c)
		}
		for len(a.order) > 0 && a.bytes > a.s.e.cfg.ScanBytes {
			a.bytes -= int64(a.groups[a.order[0]].Mem())
			delete(a.groups, a.order[0])
			a.order = a.order[1:]
		}
		b = &span.Batch{}
		if err := p.block.reader.Read(a.s.ctx, p.group, store.Projection{All: true}, b, c); err != nil {
			return err
		}
		a.groups[p] = b
		a.order = append(a.order, p)
		a.bytes += int64(b.Mem())
	}
	found := false
	for i := range b.TraceID {
		if b.TraceID[i].Key() == key {
			if !found {
				dst.From(b)
				found = true
			}
			dst.Row(i)
		}
	}
	return nil
}
