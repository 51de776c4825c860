// SPDX-License-Identifier: Apache-2.0

package block

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/clew-tracing/clew/base/bitset"
	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/span/spantest"
	"github.com/clew-tracing/clew/store"
)

// TestEmpty: a block of nothing can be read.
func TestEmpty(t *testing.T) {
	file, _ := write(t, &span.Batch{}, 0)
	r := open(t, file)
	if m := r.Meta(); m.Spans != 0 || m.RowGroups != 0 || r.Rebuilt() != nil || r.MayContain(1) {
		t.Errorf("%+v, rebuilt: %v", m, r.Rebuilt())
	}
}

// TestBareSpans: spans without anything, and without tables of resources and scopes.
func TestBareSpans(t *testing.T) {
	b := &span.Batch{}
	for i := range 5 {
		b.AddSpan()
		b.TraceID[i], b.SpanID[i] = span.TraceIDFrom(0, uint64(i/2)), span.SpanIDFrom(uint64(i))
		b.EndSpan()
	}
	// Straight to the encoder: the writer's copy would add an empty resource.
	dir, body := plainGroup(t, b)
	dec, err := forged(dir, body)
	if err != nil {
		t.Fatal(err)
	}
	dec.all()
	if err := dec.group(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(span.DumpString(b), span.DumpString(dec.b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// sized returns a batch of traces with the given numbers of spans, each span with an attribute of its own of n bytes.
func sized(n int, traces ...int) *span.Batch {
	b := &span.Batch{}
	id := uint64(0)
	for k, spans := range traces {
		for range spans {
			i := b.AddSpan()
			id++
			b.TraceID[i], b.SpanID[i], b.Start[i] = span.TraceIDFrom(0, uint64(k+1)), span.SpanIDFrom(id), int64(id)
			b.AddAttr(&b.Attrs, "k", span.StringValue(strings.Repeat(string(rune('a'+id%26)), n)+string(rune(id))))
			b.EndSpan()
		}
	}
	return b
}

// TestCuts: row groups end at traces, by rows and by bytes; only a trace that is too large for one goes over several.
func TestCuts(t *testing.T) {
	for _, c := range []struct {
		name    string
		o       WriterOptions
		batches []*span.Batch
		want    []int // rows of the groups
	}{
		{"all in one", WriterOptions{}, []*span.Batch{sized(1, 3, 3)}, []int{6}},
		{"by rows", WriterOptions{MaxRows: 5}, []*span.Batch{sized(1, 3, 3, 2, 1)}, []int{3, 5, 1}},
		{"exactly", WriterOptions{MaxRows: 3}, []*span.Batch{sized(1, 3, 3)}, []int{3, 3}},
		{"over batches", WriterOptions{MaxRows: 5}, []*span.Batch{sized(1, 3), sized(1, 1), sized(1, 2)}, []int{4, 2}},
		{"giant", WriterOptions{MaxRows: 4}, []*span.Batch{sized(1, 1, 10, 1)}, []int{1, 4, 4, 3}},
		{"by bytes", WriterOptions{MaxBytes: 40_000}, []*span.Batch{sized(10_000, 2, 2, 2)}, []int{4, 2}},
		{"giant by bytes", WriterOptions{MaxBytes: 40_000}, []*span.Batch{sized(10_000, 1, 9)}, []int{1, 4, 4, 1}},
		{"larger than a group", WriterOptions{MaxBytes: 5_000}, []*span.Batch{sized(10_000, 1, 2)}, []int{1, 1, 1}},
	} {
		var file bytes.Buffer
		w, err := NewWriter(&file, c.o)
		if err != nil {
			t.Fatal(err)
		}
		var want strings.Builder
		for _, b := range c.batches {
			if err := w.Append(b); err != nil {
				t.Fatal(err)
			}
			want.WriteString(span.DumpString(b))
		}
		if _, err := w.Finish(); err != nil {
			t.Fatal(err)
		}
		r := open(t, file.Bytes())
		var rows []int
		for _, g := range r.Groups() {
			rows = append(rows, g.Rows)
		}
		if !slices.Equal(rows, c.want) {
			t.Errorf("%s: groups of %v rows, want %v", c.name, rows, c.want)
		}
		if len(c.batches) == 1 {
			if diff := cmp.Diff(want.String(), span.DumpString(readAll(t, r, everything))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.name, diff)
			}
		}
	}
}

// TestCutRowGroup: a forced boundary, and none where there is nothing to bound.
func TestCutRowGroup(t *testing.T) {
	var file bytes.Buffer
	w, err := NewWriter(&file, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	near := sized(1, 2)
	far := sized(1, 1)
	far.Start[0] = 4e18
	if err := errors.Join(w.CutRowGroup(), w.Append(near), w.CutRowGroup(), w.CutRowGroup(), w.Append(far)); err != nil {
		t.Fatal(err)
	}
	m, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	g := open(t, file.Bytes()).Groups()
	if len(g) != 2 || g[0].MaxStart != 2 || g[1].MinStart != 4e18 || m.MinStart != 1 || m.MaxStart != 4e18 {
		t.Errorf("groups %+v, meta %+v", g, m)
	}
}

// failing fails after n bytes, in the middle of a write.
type failing struct{ n int }

var errDiskFull = errors.New("no space left on device")

func (f *failing) Write(p []byte) (int, error) {
	if len(p) > f.n {
		n := f.n
		f.n = 0
		return n, errDiskFull
	}
	f.n -= len(p)
	return len(p), nil
}

// TestWriteErrors: the error of the file comes back, wherever it happens, and no later call hides it.
func TestWriteErrors(t *testing.T) {
	b := &span.Batch{}
	spantest.Random(1, 200).CopyOrdered(b)
	file, _ := write(t, b, 50)
	for n := 0; n < len(file); n += 997 {
		w, err := NewWriter(&failing{n}, WriterOptions{MaxRows: 50})
		if err == nil {
			_ = w.Append(b)
			_, err = w.Finish()
		}
		if !errors.Is(err, errDiskFull) {
			t.Fatalf("after %d bytes: %v", n, err)
		}
	}
	if _, err := NewWriter(io.Discard, WriterOptions{MaxRows: maxRows + 1}); err == nil {
		t.Error("a writer of groups that no reader reads")
	}
}

// TestOtherVersion: a file of a later release is refused by its number.
func TestOtherVersion(t *testing.T) {
	f := appendFooter(nil, Meta{}, nil, indexPlace{})
	f[0] = version + 1
	if _, err := parseFooter(f, 1000); !errors.Is(err, store.ErrCorrupt) || !strings.Contains(err.Error(), "format version 2 is not known") {
		t.Errorf("error %v", err)
	}
}

// TestUnknownColumns: kinds that a later release adds are passed over.
func TestUnknownColumns(t *testing.T) {
	b := ordered(spantest.Random(5, 80))
	dir, body := plainGroup(t, b)
	d, err := parseDirectory(dir, int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	e := &encoder{b: b, segs: d.segs, cols: d.cols, body: body}
	e.cols = append(e.cols, column{colID: colID{kind: 59}, values: 7, data: place{raw: 0}}, column{colID: colID{kind: 200}, data: place{raw: 0}})
	group, _ := e.assemble(d.info)
	dec, err := forged(group[groupFixed:len(group)-len(body)], body)
	if err != nil {
		t.Fatal(err)
	}
	dec.all()
	if err := dec.group(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(span.DumpString(b), span.DumpString(dec.b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// flaky fails reads while broken is set.
type flaky struct {
	io.ReaderAt
	broken bool
	bytes  int
}

var errFlaky = errors.New("input/output error")

func (f *flaky) ReadAt(p []byte, off int64) (int, error) {
	if f.broken {
		return 0, errFlaky
	}
	f.bytes += len(p)
	return f.ReaderAt.ReadAt(p, off)
}

// TestReadErrors: an error of the file is no damage, and is gone when the file is well again.
func TestReadErrors(t *testing.T) {
	file, want := write(t, spantest.Random(7, 300), 100)
	for _, damage := range []bool{false, true} {
		data := bytes.Clone(file)
		if damage { // of the index, so that it has to be rebuilt
			data[open(t, file).f.index.off] ^= 1
		}
		f := &flaky{ReaderAt: bytes.NewReader(data)}
		r, err := Open(f, int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		f.broken = true
		id := want.TraceID[0]
		_, findErr := r.Find(id.Key())
		for what, err := range map[string]error{
			"Find":      findErr,
			"Read":      r.Read(context.Background(), 0, everything, &span.Batch{}, nil),
			"ReadTrace": r.ReadTrace(context.Background(), 0, id, span.NewCopier(&span.Batch{}), nil),
		} {
			if !errors.Is(err, errFlaky) || errors.Is(err, store.ErrCorrupt) {
				t.Errorf("damage %v: %s: %v", damage, what, err)
			}
		}
		if !r.MayContain(id.Key()) {
			t.Errorf("damage %v: a trace that cannot be looked up is ruled out", damage)
		}
		if _, err := Open(f, int64(len(data))); !errors.Is(err, errFlaky) {
			t.Errorf("Open: %v", err)
		}
		f.broken = false
		if groups, err := r.Find(id.Key()); err != nil || len(groups) == 0 {
			t.Errorf("damage %v: trace is in groups %v, error %v", damage, groups, err)
		}
		if r.MayContain(12345) {
			t.Errorf("damage %v: an absent trace seems to be there", damage)
		}
	}
}

// TestDamagedTwice: with the footer gone and a group's beginning damaged, all other groups are found.
func TestDamagedTwice(t *testing.T) {
	file, _ := write(t, spantest.Random(23, 900), 100)
	groups := open(t, file).Groups()
	bad := bytes.Clone(file[:len(file)-50])
	for _, at := range []int64{groups[2].Offset + 1, groups[4].Offset + 9, groups[6].Offset + 40} { // magic, length, directory
		bad[at] ^= 0x40
	}
	r := open(t, bad)
	if r.Rebuilt() == nil || len(r.Groups()) != len(groups)-3 {
		t.Fatalf("%d of %d groups, rebuilt: %v", len(r.Groups()), len(groups), r.Rebuilt())
	}
	for _, g := range r.Groups() {
		if !slices.ContainsFunc(groups, func(w GroupInfo) bool { return w == g }) {
			t.Errorf("a group that was not written: %+v", g)
		}
	}
}

// TestReadTraceForms: the 64- and the 128-bit forms of ids meet, and different high halves do not.
func TestReadTraceForms(t *testing.T) {
	b := &span.Batch{}
	for i, high := range []uint64{1, 0, 2, 2, 0, 9} {
		r := b.AddSpan()
		b.TraceID[r], b.SpanID[r], b.Start[r] = span.TraceIDFrom(high, 7), span.SpanIDFrom(uint64(i+1)), int64(i)
		if i == 5 {
			b.TraceID[r] = span.TraceIDFrom(0, 8)
		}
		b.EndSpan()
	}
	file, want := write(t, b, 0)
	r := open(t, file)
	for _, id := range []span.TraceID{span.TraceIDFrom(0, 7), span.TraceIDFrom(1, 7), span.TraceIDFrom(2, 7), span.TraceIDFrom(3, 7), span.TraceIDFrom(5, 8), span.TraceIDFrom(0, 9)} {
		got, sub := &span.Batch{}, &span.Batch{}
		if err := r.ReadTrace(context.Background(), 0, id, span.NewCopier(got), nil); err != nil {
			t.Fatal(err)
		}
		c := span.NewCopier(sub)
		c.From(want)
		for i := range want.Len() {
			if want.TraceID[i].SameTrace(id) {
				c.Row(i)
			}
		}
		if diff := cmp.Diff(span.DumpString(sub), span.DumpString(got)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", id, diff)
		}
	}
}

// TestReadsLittle: an absent trace costs the table of traces, a projection its columns, a trace a part of the group.
func TestReadsLittle(t *testing.T) {
	file, want := write(t, spantest.Random(9, 4000), 0)
	r := open(t, file)
	var all, one, absent, name store.Counters
	ctx := context.Background()
	c := span.NewCopier(&span.Batch{})
	if err := errors.Join(
		r.Read(ctx, 0, everything, &span.Batch{}, &all),
		r.Read(ctx, 0, store.Projection{Fields: []match.Field{match.Of(match.Name)}}, &span.Batch{}, &name),
		r.ReadTrace(ctx, 0, span.TraceIDFrom(1, 1), c, &absent),
		r.ReadTrace(ctx, 0, want.TraceID[0], c, &one),
	); err != nil {
		t.Fatal(err)
	}
	if absent.Bytes > all.Bytes/10 || name.Bytes > all.Bytes/2 || one.Bytes >= all.Bytes {
		t.Errorf("bytes read: all %d, name %d, one trace %d, absent trace %d", all.Bytes, name.Bytes, one.Bytes, absent.Bytes)
	}
	if all.RowGroups != 1 || int64(len(file)) < all.Bytes {
		t.Errorf("%+v of %d bytes", all, len(file))
	}
}

// TestConcurrent: one reader for many goroutines.
func TestConcurrent(t *testing.T) {
	file, want := write(t, spantest.Random(13, 1000), 100)
	r := open(t, file)
	dump := span.DumpString(want)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			if got := span.DumpString(readAll(t, r, everything)); got != dump {
				t.Errorf("goroutine %d read something else", n)
			}
			for lo := range want.Traces() {
				if groups, err := r.Find(want.TraceID[lo].Key()); err != nil || len(groups) == 0 {
					t.Errorf("groups %v, error %v", groups, err)
				}
				_ = r.Skip(0, match.Where(match.Cond{Field: match.Of(match.Status), Op: match.Eq, Value: span.IntValue(2)}))
				_ = r.Mem()
			}
		})
	}
	wg.Wait()
}

// TestSkip: whatever is compared with whatever, no group with a matching row is ruled out.
func TestSkip(t *testing.T) {
	odd := spantest.Random(19, 200)
	nan := odd.AddSpan()
	odd.TraceID[nan] = span.TraceIDFrom(1, 1)
	for _, v := range []uint64{0x7ff8000000000001, 0xfff8000000000000, 0x7ff0000000000000, 0x8000000000000000} {
		odd.AddAttr(&odd.Attrs, "big", span.Value{Type: span.TypeDouble, Num: v})
	}
	odd.EndSpan()
	file, _ := write(t, odd, 6)
	r := open(t, file)
	var groups []*span.Batch
	for g := range r.Groups() {
		b := &span.Batch{}
		if err := r.Read(context.Background(), g, everything, b, nil); err != nil {
			t.Fatal(err)
		}
		groups = append(groups, b)
	}
	skipped := 0
	rapid.Check(t, func(t *rapid.T) {
		value := func() span.Value {
			b := rapid.SampledFrom(groups).Draw(t, "group")
			if n := b.Attrs.Len(); n > 0 && rapid.Bool().Draw(t, "stored") {
				return b.Value(&b.Attrs, rapid.IntRange(0, n-1).Draw(t, "attribute"))
			}
			return rapid.SampledFrom([]span.Value{span.IntValue(b.Start[0]), span.IntValue(b.Duration[0]), span.IntValue(1), span.IntValue(-5), span.DoubleValue(0.5), span.BoolValue(true), {}}).Draw(t, "value")
		}
		c := match.Cond{Op: rapid.SampledFrom([]match.Op{match.Exists, match.Absent, match.Eq, match.Neq, match.Lt, match.Le, match.Gt, match.Ge, match.In}).Draw(t, "op")}
		if c.Op == match.In {
			c.Values = []span.Value{value(), value()}
		} else {
			c.Value = value()
		}
		if rapid.Bool().Draw(t, "intrinsic") {
			c.Field = match.Of(match.Intrinsic(rapid.IntRange(int(match.Duration), int(match.LinkSpanID)).Draw(t, "which")))
		} else {
			key := rapid.SampledFrom([]string{"http.status", "big", "flag", "mixed", "", "service.name", "host.cpus"}).Draw(t, "key")
			c.Field = match.Attr(match.Scope(rapid.IntRange(0, int(match.ScopeInstrumentation)).Draw(t, "scope")), key)
		}
		e := match.Where(c)
		if rapid.IntRange(0, 4).Draw(t, "negated") == 0 {
			e = match.Negate(e)
		}
		m := match.Compile(e)
		for g, b := range groups {
			if !r.Skip(g, e) {
				continue
			}
			skipped++
			var out bitset.Set
			if m.Match(b, &out); out.Any() {
				t.Fatalf("%s: group %d is skipped and has %d rows", e, g, out.Count())
			}
		}
	})
	if skipped == 0 {
		t.Error("nothing was ever skipped")
	}
}
