// SPDX-License-Identifier: Apache-2.0

package spantest_test

import (
	"testing"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/span/spantest"
)

// TestRandom: the same seed gives the same spans, another one others, and what the comment promises is there.
func TestRandom(t *testing.T) {
	b := spantest.Random(1, 2000)
	if b.Len() != 2000 || span.DumpString(b) != span.DumpString(spantest.Random(1, 2000)) {
		t.Error("not a function of its arguments")
	}
	if span.DumpString(b) == span.DumpString(spantest.Random(2, 2000)) {
		t.Error("the seed makes no difference")
	}
	var types [span.TypeMap + 1]int
	for _, ty := range b.Attrs.Type {
		types[ty]++
	}
	for ty, n := range types {
		if n == 0 {
			t.Errorf("no attribute of type %v", span.Type(ty))
		}
	}
	ordered := &span.Batch{}
	b.CopyOrdered(ordered)
	got := map[string]int{}
	var tree span.Trace
	for lo, hi := range ordered.Traces() {
		tree.Build(ordered, lo, hi)
		got["missing parents"] += tree.Missing
		got["traces"]++
		for i := lo; i < hi; i++ {
			if ordered.ParentID[i] == ordered.SpanID[i] {
				got["cycles"]++
			}
			if ordered.Duration[i] < 0 {
				got["negative durations"]++
			}
			if ordered.TraceID[i].High() == 0 {
				got["64-bit ids"]++
			}
			if ordered.Notes[i] != 0 {
				got["notes"]++
			}
			if ordered.Weight(i) != 1 {
				got["weights"]++
			}
		}
	}
	got["events"], got["links"] = len(b.Events.Time), len(b.Links.TraceID)
	for _, what := range []string{"missing parents", "traces", "cycles", "negative durations", "64-bit ids", "notes", "weights", "events", "links"} {
		if got[what] < 5 {
			t.Errorf("%d %s", got[what], what)
		}
	}
}
