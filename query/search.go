// SPDX-License-Identifier: Apache-2.0

package query

import (
	"context"
	"errors"
	"fmt"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
)

// Executor answers queries over an engine. It is safe for any number of goroutines.
type Executor struct {
	engine       store.Engine
	aliases      Aliases
	metricsBytes int64
}

// Config is what an Executor needs.
type Config struct {
	// Engine keeps the spans. The Executor does not close it.
	Engine store.Engine
	// Aliases are the other names of fields; nil for none, which is what Tempo does.
	Aliases Aliases
	// MetricsBytes bounds what one metrics query keeps of series while it runs; 0 means 128 MiB. Past it an answer is
	// partial.
	MetricsBytes int64
}

// New returns an Executor.
func New(c Config) *Executor {
	if c.MetricsBytes <= 0 {
		c.MetricsBytes = defaultMetricsBytes
	}
	return &Executor{engine: c.Engine, aliases: c.Aliases, metricsBytes: c.MetricsBytes}
}

// DefaultLimit is how many traces a search gives when it does not say.
const DefaultLimit = 20

// SearchRequest asks for traces.
type SearchRequest struct {
	Tenant string
	// Query is TraceQL; empty finds everything.
	Query string
	// Window selects the traces that overlap it.
	Window store.Window
	Order  Order
	// Limit is how many traces to give at most; 0 means DefaultLimit.
	Limit int
	// Spans is how many spans to show of each spanset; 0 means all.
	Spans int
	// Cursor goes on where an earlier answer to the same request ended; "" begins.
	Cursor string
	// OnTrace, if set, is called with each trace as soon as it is certain to be in the answer, in the answer's order.
	// An error ends the search.
	OnTrace func(*Trace) error
}

// SearchResult is the answer to a SearchRequest.
type SearchResult struct {
	Traces []*Trace
	// Cursor asks for what follows; "" when there is nothing more.
	Cursor string
	// Partial means that something stored could not be read; Reason says what.
	Partial bool
	Reason  string
	// Scanned is the work that it took.
	Scanned store.Counters
}

// Search finds traces, exactly in the order asked for. Newest first reads no more than it needs; every other order
// reads all that lies in the window. Errors are a traceql.Errors for the query, of class ErrCursor for the cursor, or the
// engine's or the context's.
func (x *Executor) Search(ctx context.Context, r SearchRequest) (*SearchResult, error) {
	plan, err := Compile(r.Query, x.aliases)
	if err != nil {
		return nil, err
	}
	if r.Limit <= 0 {
		r.Limit = DefaultLimit
	}
	after, err := decodeCursor(r.Cursor, r)
	if err != nil {
		return nil, err
	}
	s := &search{request: r, after: after, eval: plan.evaluator(), result: &SearchResult{}}
	s.list = newRanking(r.Limit)
	if err := s.run(ctx, x.engine, plan); err != nil {
		if !errors.Is(err, store.ErrCorrupt) {
			return nil, fmt.Errorf("search: %w", err)
		}
		s.result.Partial, s.result.Reason = true, err.Error()
	}
	if err := s.finish(); err != nil {
		return nil, err
	}
	return s.result, nil
}

// Explain says how a query would be executed.
func (x *Executor) Explain(text string) (string, error) {
	p, err := Compile(text, x.aliases)
	if err != nil {
		return "", err
	}
	return p.Explain(), nil
}

// search is one search under way.
type search struct {
	request SearchRequest
	after   *rank // of the last trace of the page before
	eval    *evaluator
	list    *ranking
	last    *rank // of the last trace of this page
	more    bool
	result  *SearchResult
}

var errEnough = errors.New("enough")

func (s *search) run(ctx context.Context, engine store.Engine, plan *Plan) error {
	r := store.Request{
		Tenant: s.request.Tenant, Window: s.request.Window, Where: plan.Where, Unit: store.UnitTrace,
		Fields: store.Projection{Fields: plan.Fields}, Counters: &s.result.Scanned,
	}
	if s.request.Order == Newest {
		r.Order = store.OrderNewest
		if s.after != nil {
			r.After = &store.Position{Start: s.after.start, TraceID: s.after.id}
		}
	}
	if plan.impossible() {
		return nil
	}
	for b, err := range engine.Scan(ctx, r) {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.batch(b); err != nil {
			if errors.Is(err, errEnough) {
				return nil
			}
			return err
		}
	}
	return ctx.Err()
}

// batch takes the traces of a batch that match.
func (s *search) batch(b *span.Batch) error {
	return s.eval.batch(b, func(lo, hi int, sets []spanset) error {
		if start, end := b.Extent(lo, hi); !s.request.Window.Overlaps(start, end) {
			return nil
		}
		rank := s.request.Order.rankOf(b, lo, hi)
		if s.request.Order != Newest {
			if s.after == nil || s.after.before(rank) {
				s.list.offer(rank, func() *Trace { return s.eval.resultOf(lo, hi, sets, s.request.Spans) })
			}
			return nil
		}
		if len(s.result.Traces) == s.request.Limit {
			s.more = true
			return errEnough
		}
		s.last = &rank
		if err := s.take(s.eval.resultOf(lo, hi, sets, s.request.Spans)); err != nil {
			return err
		}
		return nil
	})
}

func (s *search) take(t *Trace) error {
	s.result.Traces = append(s.result.Traces, t)
	if s.request.OnTrace != nil {
		return s.request.OnTrace(t)
	}
	return nil
}

// finish puts ranked traces in order and makes the cursor.
func (s *search) finish() error {
	for _, it := range s.list.sorted() {
		rank := it.rank
		s.last = &rank
		if err := s.take(it.trace); err != nil {
			return fmt.Errorf("search: %w", err)
		}
	}
	if s.last != nil && (s.more || s.list.dropped) {
		s.result.Cursor = encodeCursor(*s.last, s.request)
	}
	return nil
}
