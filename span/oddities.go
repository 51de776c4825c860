// SPDX-License-Identifier: Apache-2.0

package span

// The years that times of spans are expected in, unix ns: 1980 to 2200.
const (
	nearPast   = 315_532_800e9
	nearFuture = 7_258_118_400e9
)

// NoteOddities adds the notes that follow from the columns of span i alone: absent and impossible times, a kind or a
// status that OTLP does not define, a span that is its own parent. Every decoder calls it for every span it finishes.
func (b *Batch) NoteOddities(i int) {
	var n Notes
	start, end := uint64(b.Start[i]), uint64(b.Start[i]+b.Duration[i])
	if start == 0 {
		n |= NoteNoStart
	} else if start < nearPast || start >= nearFuture {
		n |= NoteFarTime
	}
	if end == 0 {
		n |= NoteNoEnd
	} else {
		if end < start {
			n |= NoteEndBeforeStart
		}
		if end < nearPast || end >= nearFuture {
			n |= NoteFarTime
		}
	}
	if uint32(b.Kind[i]) > uint32(KindConsumer) || uint32(b.Status[i]) > uint32(StatusError) {
		n |= NoteUnknownEnum
	}
	if b.ParentID[i] == b.SpanID[i] && !b.SpanID[i].IsZero() {
		n |= NoteSelfParent
	}
	b.Notes[i] |= n
}
