// SPDX-License-Identifier: Apache-2.0

package span

import "testing"

func TestHeadWeight(t *testing.T) {
	for _, c := range []struct {
		state string
		want  float32
	}{
		{"", 0},
		{"ot=th:0", 1},
		{"ot=th:8", 2},
		{"ot=th:c", 4},
		{"ot=th:fd70a", 99.99771},
		{"vendor=x, ot=rv:6e6d1a75832a2f;th:e , other=y", 8},
		{"ot=rv:6e6d1a75832a2f", 0},
		{"xot=th:8", 0},
		{"ot=xth:8", 0},
		{"ot=th:", 0},
		{"ot=th:C", 0},
		{"ot=th:ffffffffffffff", 1 << 56},
		{"ot=th:000000000000001", 0},
		{"not a=valid,,tracestate;", 0},
	} {
		if got := HeadWeight(c.state); got != c.want {
			t.Errorf("HeadWeight(%q) = %v, want %v", c.state, got, c.want)
		}
	}
}

func TestNoteOddities(t *testing.T) {
	const now = 1_700_000_000e9
	for _, c := range []struct {
		name       string
		start, end uint64
		kind       Kind
		status     Status
		self       bool
		want       Notes
	}{
		{"ordinary", now, now + 1, KindServer, StatusError, false, 0},
		{"no times", 0, 0, 0, 0, false, NoteNoStart | NoteNoEnd},
		{"no end", now, 0, 0, 0, false, NoteNoEnd},
		{"backwards", now, now - 1, 0, 0, false, NoteEndBeforeStart},
		{"1970", 1, 2, 0, 0, false, NoteFarTime},
		{"largest", 1<<64 - 2, 1<<64 - 1, 0, 0, false, NoteFarTime},
		{"enums", now, now, 6, 0, false, NoteUnknownEnum},
		{"negative enum", now, now, 0, -1, false, NoteUnknownEnum},
		{"self", now, now, 0, 0, true, NoteSelfParent},
	} {
		var b Batch
		i := b.AddSpan()
		b.SpanID[i] = SpanIDFrom(1)
		if c.self {
			b.ParentID[i] = b.SpanID[i]
		}
		b.Start[i], b.Duration[i], b.Kind[i], b.Status[i] = int64(c.start), int64(c.end-c.start), c.kind, c.status
		b.EndSpan()
		if b.NoteOddities(i); b.Notes[i] != c.want {
			t.Errorf("%s: notes %b, want %b", c.name, b.Notes[i], c.want)
		}
	}
}
