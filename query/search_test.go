// SPDX-License-Identifier: Apache-2.0

package query

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
	"github.com/clew-tracing/clew/traceql"
)

// loaded is an executor over the given spans.
func loaded(t *testing.T, text string) (*Executor, *memEngine) {
	t.Helper()
	b, err := parseSpans(text)
	if err != nil {
		t.Fatal(err)
	}
	e := &memEngine{perBatch: 1}
	if err := e.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	return New(Config{Engine: e}), e
}

const threeTraces = `
trace=1 id=1 name="a" start=1s dur=1s resource.service.name="s"
trace=2 id=1 name="b" start=2s dur=1s resource.service.name="s"
trace=3 id=1 name="a" start=3s dur=1s resource.service.name="s"`

func request(query string) SearchRequest {
	return SearchRequest{Tenant: span.DefaultTenant, Query: query, Window: store.AllTime(), Limit: 1}
}

func TestCursorBelongsToItsRequest(t *testing.T) {
	x, _ := loaded(t, threeTraces)
	first, err := x.Search(t.Context(), request("{ }"))
	if err != nil || first.Cursor == "" {
		t.Fatalf("first page: cursor %q, error %v", first.Cursor, err)
	}
	other := request("{ true }")
	other.Cursor = first.Cursor
	sideways := request("{ }")
	sideways.Cursor, sideways.Order = first.Cursor, Longest
	for name, r := range map[string]SearchRequest{
		"another query": other,
		"another order": sideways,
		"no base64":     {Query: "{ }", Cursor: "??"},
		"short":         {Query: "{ }", Cursor: "AQID"},
	} {
		if _, err := x.Search(t.Context(), r); !errors.Is(err, ErrCursor) {
			t.Errorf("%s: error %v, want one of class ErrCursor", name, err)
		}
	}
	// The window may move from page to page.
	moved := request("{ }")
	moved.Cursor, moved.Window = first.Cursor, store.Window{From: 0, To: base + 10e9}
	if res, err := x.Search(t.Context(), moved); err != nil || len(res.Traces) != 1 || res.Traces[0].ID != span.TraceIDFrom(0, 2) {
		t.Errorf("second page over a moved window: %v, %v", res, err)
	}
}

func TestPagesHoldWhileTracesArrive(t *testing.T) {
	x, e := loaded(t, threeTraces)
	r := request("{ }")
	first, err := x.Search(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	b, err := parseSpans(`trace=9 id=1 name="new" start=9s dur=1s`)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for r.Cursor = first.Cursor; r.Cursor != ""; {
		page, err := x.Search(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		for _, tr := range page.Traces {
			ids = append(ids, shortID(tr.ID.String()))
		}
		r.Cursor = page.Cursor
	}
	if got := strings.Join(ids, " "); got != "2 1" {
		t.Errorf("the pages after the first have traces %s, want 2 1", got)
	}
}

func TestSearchEnds(t *testing.T) {
	x, _ := loaded(t, threeTraces)
	r := request("{ }")
	r.Limit = 3
	t.Run("when cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		seen := 0
		r := r
		r.OnTrace = func(*Trace) error { seen++; cancel(); return nil }
		if _, err := x.Search(ctx, r); !errors.Is(err, context.Canceled) || seen != 1 {
			t.Errorf("after %d traces: %v, want the context's error after 1", seen, err)
		}
	})
	t.Run("when its consumer fails", func(t *testing.T) {
		broken := errors.New("client gone")
		for _, order := range []Order{Newest, Longest} {
			r := r
			r.Order = order
			r.OnTrace = func(*Trace) error { return broken }
			if _, err := x.Search(t.Context(), r); !errors.Is(err, broken) {
				t.Errorf("order %s: error %v, want the consumer's", order, err)
			}
		}
	})
	t.Run("early when it has enough", func(t *testing.T) {
		r := request(`{ name = "a" }`)
		res, err := x.Search(t.Context(), r)
		if err != nil || len(res.Traces) != 1 || res.Cursor == "" {
			t.Fatalf("%v, %v", res, err)
		}
		r = request(`{ }`)
		if res, err = x.Search(t.Context(), r); err != nil || res.Scanned.Traces != 2 {
			t.Errorf("scanned %d traces, want 2: the one to give and the one that says there is more", res.Scanned.Traces)
		}
	})
	t.Run("at once when nothing can match", func(t *testing.T) {
		x, e := loaded(t, threeTraces)
		if _, err := x.Search(t.Context(), request(`{ false } >> { }`)); err != nil || len(e.scans) != 0 {
			t.Errorf("%d scans, %v; want none", len(e.scans), err)
		}
	})
}

// damagedEngine gives one batch and then an error.
type damagedEngine struct {
	*memEngine
	err error
}

func (e damagedEngine) Scan(ctx context.Context, r store.Request) iter.Seq2[*span.Batch, error] {
	return func(yield func(*span.Batch, error) bool) {
		for b, err := range e.memEngine.Scan(ctx, r) {
			if !yield(b, err) {
				return
			}
			break
		}
		yield(nil, e.err)
	}
}

func TestDamageIsToldAndCostsOnlyItself(t *testing.T) {
	_, e := loaded(t, threeTraces)
	r := request("{ }")
	r.Limit = 3
	x := New(Config{Engine: damagedEngine{e, fmt.Errorf("block 7: %w", store.ErrCorrupt)}})
	res, err := x.Search(t.Context(), r)
	if err != nil || len(res.Traces) != 1 || !res.Partial || !strings.Contains(res.Reason, "block 7") {
		t.Errorf("got %+v, %v; want one trace, partial, with the reason", res, err)
	}
	x = New(Config{Engine: damagedEngine{e, store.ErrClosed}})
	if _, err := x.Search(t.Context(), r); !errors.Is(err, store.ErrClosed) {
		t.Errorf("error %v, want ErrClosed", err)
	}
}

func TestQueryErrorsHavePositions(t *testing.T) {
	x, _ := loaded(t, threeTraces)
	for text, from := range map[string]int{
		`{ .a == 1 }`:      5,
		`{ status = 1 }`:   2,
		`{ } | rate()`:     6,
		`{ parent.a = 1 }`: 2,
	} {
		_, err := x.Search(t.Context(), request(text))
		errs, ok := errors.AsType[traceql.Errors](err)
		if !ok || errs[0].From != from {
			t.Errorf("%s: error %v, want one at %d", text, err, from)
		}
	}
}

// TestLongQueries: a query as long as it may be neither takes long nor goes deep.
func TestLongQueries(t *testing.T) {
	x, _ := loaded(t, threeTraces)
	for name, test := range map[string]struct{ text, want string }{
		"alternatives":         {"{ " + strings.Repeat(`name = "x" || `, 1500) + `name = "a" }`, "3 1"},
		"too many":             {"{ " + strings.Repeat(`.a||`, 30_000) + ".a }", "more than 2000 fields and spansets"},
		"mixed":                {"{ " + strings.Repeat(`.a||.b&&`, 900) + `true }`, ""},
		"not for the matcher":  {"{ " + strings.Repeat(`rootName="z"||`, 1500) + `rootName = "b" }`, "2"},
		"spansets":             {strings.Repeat(`{.a}||`, 900) + `{ name = "b" }`, "2"},
		"stages":               {strings.Repeat(`{ }|`, 1500) + `{ name = "b" }`, "2"},
		"too many stages":      {strings.Repeat(`{ }|`, 20_000) + `{ name = "b" }`, "more than 2000 fields and spansets"},
		"negated alternatives": {"{ !(" + strings.Repeat(`name = "x" || `, 1500) + `name = "a") }`, "2"},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(test.text)
			r.Limit = 10
			res, err := x.Search(t.Context(), r)
			if err != nil {
				if test.want == "" || !strings.Contains(err.Error(), test.want) {
					t.Fatal(err)
				}
				return
			}
			var ids []string
			for _, tr := range res.Traces {
				ids = append(ids, shortID(tr.ID.String()))
			}
			if got := strings.Join(ids, " "); got != test.want {
				t.Errorf("found %q, want %q", got, test.want)
			}
		})
	}
}
