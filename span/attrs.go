// SPDX-License-Identifier: Apache-2.0

package span

// Attrs is a table of attributes in the order of their owners: owner i (a span, an event, a link, a resource or a scope
// of the batch) has rows Off[i] to Off[i+1]. The order of an owner's attributes is the order they came in.
//
// Val holds the value itself for bool, int and double and a [Code] into the batch's Strings otherwise; see [Type].
type Attrs struct {
	Off  []uint32
	Key  []Code
	Type []Type
	Val  []uint64
}

// Owners returns the number of owners that are finished.
func (a *Attrs) Owners() int { return max(0, len(a.Off)-1) }

// Len returns the number of attributes of all owners.
func (a *Attrs) Len() int { return len(a.Key) }

// Add appends an attribute to the owner that is being built.
func (a *Attrs) Add(key Code, t Type, val uint64) {
	a.Key = append(a.Key, key)
	a.Type = append(a.Type, t)
	a.Val = append(a.Val, val)
}

// EndOwner finishes the owner that is being built. Every owner needs it, also one without attributes.
func (a *Attrs) EndOwner() {
	if len(a.Off) == 0 {
		a.Off = append(a.Off, 0)
	}
	a.Off = append(a.Off, uint32(len(a.Key)))
}

// Range returns the rows [lo, hi) of an owner; none for an owner that the table does not have, as in batches that were
// read with a projection.
func (a *Attrs) Range(owner int) (lo, hi int) {
	if owner+1 >= len(a.Off) {
		return 0, 0
	}
	return int(a.Off[owner]), int(a.Off[owner+1])
}

// Find returns the row of an owner's first attribute with the given key, or -1.
func (a *Attrs) Find(owner int, key Code) int {
	lo, hi := a.Range(owner)
	for i := lo; i < hi; i++ {
		if a.Key[i] == key {
			return i
		}
	}
	return -1
}

// truncate forgets the owners from n on, and the attributes of an owner that is not finished.
func (a *Attrs) truncate(owners int) {
	if owners == 0 || len(a.Off) == 0 {
		a.Off, a.Key, a.Type, a.Val = a.Off[:0], a.Key[:0], a.Type[:0], a.Val[:0]
		return
	}
	a.Off = a.Off[:min(owners+1, len(a.Off))]
	n := a.Off[len(a.Off)-1]
	a.Key, a.Type, a.Val = a.Key[:n], a.Type[:n], a.Val[:n]
}

// Reset forgets everything and keeps the memory.
func (a *Attrs) Reset() { a.truncate(0) }

// mem returns the bytes held, capacity included.
func (a *Attrs) mem() int { return 4*cap(a.Off) + 4*cap(a.Key) + cap(a.Type) + 8*cap(a.Val) }
