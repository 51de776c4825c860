// SPDX-License-Identifier: Apache-2.0

package span_test

import (
	"slices"
	"testing"

	"github.com/clew-tracing/clew/span"
)

// TestMarkSameIDs: spans that share their ids are noted, those that share only one of them are not.
func TestMarkSameIDs(t *testing.T) {
	b := &span.Batch{}
	for _, s := range []struct{ trace, id uint64 }{{1, 1}, {1, 2}, {2, 1}, {1, 1}, {1, 1}} {
		r := b.AddSpan()
		b.TraceID[r], b.SpanID[r] = span.TraceIDFrom(0, s.trace), span.SpanIDFrom(s.id)
		b.Start[r] = int64(r)
		b.EndSpan()
	}
	b.Notes[0] = span.NoteUTF8
	b.MarkSameIDs()
	want := []span.Notes{span.NoteUTF8 | span.NoteSameIDs, 0, 0, span.NoteSameIDs, span.NoteSameIDs}
	if !slices.Equal(b.Notes, want) {
		t.Errorf("notes %b, want %b", b.Notes, want)
	}
}
