// SPDX-License-Identifier: Apache-2.0

package block

import (
	"cmp"
	"slices"

	"github.com/clew-tracing/clew/base/codec"
)

// indexEntry says that a trace with this fingerprint is in this row group.
type indexEntry struct {
	fingerprint uint32
	group       uint32
}

// fingerprint is the high half of the key times an odd constant, so that keys which count up spread as well. At a
// million traces a block, one look-up of an absent key in 4,000 finds a group in vain.
func fingerprint(key uint64) uint32 {
	key ^= key >> 32
	return uint32(key * 0x9e3779b97f4a7c15 >> 32)
}

// traceIndex is the index in memory: 8 bytes a trace, ordered by fingerprint, then group.
type traceIndex struct {
	fingerprints []uint32
	groups       []uint32
}

// find appends the groups that may hold a key, each once.
func (x *traceIndex) find(dst []int, key uint64) []int {
	fp := fingerprint(key)
	i, _ := slices.BinarySearch(x.fingerprints, fp)
	for ; i < len(x.fingerprints) && x.fingerprints[i] == fp; i++ {
		if g := int(x.groups[i]); len(dst) == 0 || dst[len(dst)-1] != g {
			dst = append(dst, g)
		}
	}
	return dst
}

// appendIndex sorts the entries and encodes them.
func appendIndex(dst []byte, entries []indexEntry) []byte {
	slices.SortFunc(entries, func(a, b indexEntry) int {
		return cmp.Or(cmp.Compare(a.fingerprint, b.fingerprint), cmp.Compare(a.group, b.group))
	})
	fps, groups := make([]uint32, len(entries)), make([]uint32, len(entries))
	for i, e := range entries {
		fps[i], groups[i] = e.fingerprint, e.group
	}
	return codec.AppendColumn(codec.AppendDeltas(dst, fps), groups)
}

// parseIndex decodes n entries over the given number of groups.
func parseIndex(raw []byte, n, groups int) (*traceIndex, error) {
	x := &traceIndex{fingerprints: make([]uint32, n), groups: make([]uint32, n)}
	rest, err := codec.Deltas(x.fingerprints, raw)
	if err == nil {
		rest, err = codec.Column(x.groups, rest)
	}
	if err != nil || len(rest) != 0 || !slices.IsSorted(x.fingerprints) {
		return nil, corrupt("trace index does not decode")
	}
	for _, g := range x.groups {
		if int(g) >= groups {
			return nil, corrupt("trace index names row group %d of %d", g, groups)
		}
	}
	return x, nil
}

// indexOf builds the index from entries in any order.
func indexOf(entries []indexEntry) *traceIndex {
	x, err := parseIndex(appendIndex(nil, entries), len(entries), 1<<31)
	if err != nil {
		panic("block: own index does not decode: " + err.Error())
	}
	return x
}
