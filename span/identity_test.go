// SPDX-License-Identifier: Apache-2.0

package span_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/clew-tracing/clew/span"
)

// TestEqual: two spans are equal exactly if all that counts of them is, exactly if their dumps are, and then their hashes
// are too, within a batch and between batches.
func TestEqual(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawModel(t)
		n := mutated(t, m)
		want := m.identity() == n.identity()

		both := batchOf(m, drawModel(t), n)
		// The other batch has other codes for the same strings.
		other := batchOf(drawModel(t), n)
		for _, p := range []struct {
			where string
			b     *span.Batch
			j     int
		}{{"one batch", both, 2}, {"two batches", other, 1}} {
			if got := span.Equal(both, 0, p.b, p.j); got != want {
				t.Fatalf("%s: Equal = %v, want %v:\n%s%s", p.where, got, want, text(both, 0), text(p.b, p.j))
			}
			if got := span.Equal(p.b, p.j, both, 0); got != want {
				t.Fatalf("%s: Equal is not symmetric", p.where)
			}
			same := span.DumpString(batchOf(m)) == span.DumpString(batchOf(n))
			if same != want {
				t.Fatalf("%s: dumps equal: %v, spans equal: %v:\n%s%s\n%s\n%s", p.where, same, want, text(both, 0), text(p.b, p.j), m.identity(), n.identity())
			}
			hashes := span.NewHasher(both).Hash(0) == span.NewHasher(p.b).Hash(p.j)
			if hashes != want { // 64 bits: a collision would be a fault of the function
				t.Fatalf("%s: hashes equal: %v, spans equal: %v", p.where, hashes, want)
			}
		}
	})
}

func text(b *span.Batch, i int) string { return string(span.AppendSpanText(nil, b, i)) }

// TestEqualWithoutTables: no resource and no scope are the same as empty ones.
func TestEqualWithoutTables(t *testing.T) {
	a, b := batchOf(model{trace: 1}), &span.Batch{}
	b.AddSpan()
	b.EndSpan()
	if !span.Equal(a, 0, b, 0) || !span.Equal(b, 0, a, 0) {
		t.Error("not equal")
	}
	if x, y := span.NewHasher(a).Hash(0), span.NewHasher(b).Hash(0); x != y {
		t.Errorf("hashes are %x and %x", x, y)
	}
	if x, y := span.DumpString(a), span.DumpString(b); x != y {
		t.Errorf("dumps are\n%s%s", x, y)
	}
}

// TestHashIsStable: the hash may be stored, so that it must not change between versions.
func TestHashIsStable(t *testing.T) {
	var got []uint64
	for _, name := range []string{"everything", "nothing", "far"} {
		got = append(got, span.NewHasher(dumpCases()[name]).Hash(0))
	}
	want := []uint64{2313407424424148300, 1306703772773321558, 7316863718814437359}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestCollapse: of equal spans one stays, in the order of the rows.
func TestCollapse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var models []model
		for range rapid.IntRange(1, 6).Draw(t, "spans") {
			if len(models) > 0 && rapid.Bool().Draw(t, "again") {
				models = append(models, mutated(t, rapid.SampledFrom(models).Draw(t, "of")))
				continue
			}
			models = append(models, drawModel(t))
		}
		b := batchOf(models...)
		rows := b.TraceOrder(nil)
		var want []int32
		seen := map[string]bool{}
		for _, r := range rows {
			if id := models[r].identity(); !seen[id] {
				seen[id] = true
				want = append(want, r)
			}
		}
		got := b.Collapse(slices.Clone(rows))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("rows %v (-want +got):\n%s", rows, diff)
		}
		var out span.Batch
		b.CopyOrdered(&out)
		if out.Len() != len(want) {
			t.Fatalf("CopyOrdered: %d spans, want %d", out.Len(), len(want))
		}
		for i, r := range want {
			if !span.Equal(&out, i, b, int(r)) {
				t.Fatalf("CopyOrdered: row %d is not row %d", i, r)
			}
		}
	})
}

// TestCollapseOfMany: a client that repeats one span, or one id with ever other content, costs linear time.
func TestCollapseOfMany(t *testing.T) {
	const n = 50_000
	b := &span.Batch{}
	for i := range n {
		m := model{ID: span.SpanIDFrom(1), trace: 1, Flags: uint32(i % 2 * i)}
		m.add(b)
	}
	if got := len(b.Collapse(b.TraceOrder(nil))); got != n/2+1 {
		t.Errorf("%d rows, want %d", got, n/2+1)
	}
}
