// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/clew-tracing/clew/test/harness"
)

// TestKillLosesNothing kills the server with SIGKILL at random moments while
// writers export and readers ask, and now and then while it starts again. After each restart, and again after a clean
// stop, every acknowledged span must be there exactly once: none lost, none
// doubled, although batches whose acknowledgement was cut off are sent again,
// and so are some that were acknowledged.
func TestKillLosesNothing(t *testing.T) {
	kills := 20
	if os.Getenv("CLEW_SOAK") != "" {
		kills = 200
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, %d kills", seed, kills)
	rng := rand.New(rand.NewPCG(seed, 0))

	// A small memory limit makes the head flush to blocks and blocks merge
	// while the test runs, so that kills hit those too.
	s := harness.Start(t, harness.Config{Args: crashArgs})
	book := newBook(seed)
	var slowest time.Duration
	for range kills {
		round := book.beginRound()
		stop := startLoad(t, s, book)
		time.Sleep(time.Duration(10+rng.IntN(250)) * time.Millisecond)
		s.Kill(t)
		stop()
		if rng.IntN(3) == 0 {
			s.KillWhileStarting(t, time.Duration(1+rng.IntN(60))*time.Millisecond)
		}
		s.Restart(t)
		slowest = max(slowest, s.StartTook)
		book.check(t, s, round)
		book.check(t, s, book.sample(rng, 20))
		if t.Failed() {
			return
		}
	}

	// Whoever was not acknowledged tries again, as SDKs do, until it is.
	for _, b := range book.takeUnacknowledged() {
		s.Export(t, b.request)
		book.acknowledge(b)
	}
	batches, spans := book.size()
	t.Logf("%d batches, %d spans, %d traces, %d batches sent more than once; slowest recovery %v", batches, spans, len(book.traces()), book.resent, slowest)
	if batches < kills {
		t.Fatalf("only %d batches were acknowledged over %d kills: the load was no load", batches, kills)
	}
	// Searches go through every span; reading each trace by its id as well would take the long form longer than its kills.
	book.check(t, s, book.sample(rng, byID))
	book.checkSearch(t, s)
	s.Stop(t)
	s.Restart(t)
	book.check(t, s, book.sample(rng, byID))
	book.checkSearch(t, s)
}

// byID is how many traces are read by their id at the end: all of the short form.
const byID = 5000

// crashArgs are the flags of the server under the kill test.
var crashArgs = []string{"--memory-limit", "24MiB"}

// startLoad starts four writers and a reader against the server as it is now.
// The function it returns waits for them, which end when the server does.
func startLoad(t *testing.T, s *harness.Server, book *book) (wait func()) {
	t.Helper()
	client := collectorpb.NewTraceServiceClient(s.Dial(t))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				b := book.next()
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
				resp, err := client.Export(ctx, b.request)
				cancel()
				if err != nil {
					book.putBack(b)
					if !s.Alive() {
						return
					}
					time.Sleep(time.Millisecond)
					continue
				}
				if p := resp.GetPartialSuccess(); p.GetRejectedSpans() != 0 {
					t.Errorf("export of batch %d: partial success: %v", b.number, p)
				}
				book.acknowledge(b)
				time.Sleep(time.Duration(rand.IntN(4)) * time.Millisecond)
			}
		})
	}
	wg.Go(func() {
		for s.Alive() {
			resp, err := s.Try(harness.Request{Path: "/api/clew/v1/search?q=%7B%20span.writer.batch%20%3E%205%20%7D&limit=20"})
			if err == nil && resp.Status != http.StatusOK {
				t.Errorf("search under load: %d %s", resp.Status, resp.Body)
			}
			time.Sleep(5 * time.Millisecond)
		}
	})
	return wg.Wait
}

// batch is one export request and what it must leave behind.
type batch struct {
	number  int
	request *collectorpb.ExportTraceServiceRequest
	spans   []sent
	acked   bool
}

// sent is one span as it was sent.
type sent struct {
	trace, span, parent, name string
	start, batch              int64
}

// book keeps what was sent and what was acknowledged. Safe for concurrent use.
type book struct {
	mu      sync.Mutex
	rng     *rand.Rand
	base    time.Time
	batches int
	resent  int
	acks    []*batch
	pending []*batch
	// byTrace holds the acknowledged spans by trace id and span id, maybe those
	// that were sent but not acknowledged: those may be there or not.
	byTrace map[string]map[string]sent
	maybe   map[string]map[string]sent
	round   map[string]bool
	long    [][]byte
}

func newBook(seed uint64) *book {
	b := &book{
		rng: rand.New(rand.NewPCG(seed, 1)), base: time.Now().Truncate(time.Second),
		byTrace: map[string]map[string]sent{}, maybe: map[string]map[string]sent{}, round: map[string]bool{},
	}
	for range 8 {
		b.long = append(b.long, harness.TraceID(b.rng.Uint64(), b.rng.Uint64()))
	}
	return b
}

// next returns a batch to send: one whose answer was cut off, now and then one
// that was acknowledged before, else a new one of 1 to 3 traces of its own and
// a span for one of eight traces that go on through the whole test.
func (bk *book) next() *batch {
	bk.mu.Lock()
	defer bk.mu.Unlock()
	if n := len(bk.pending); n > 0 {
		b := bk.pending[n-1]
		bk.pending = bk.pending[:n-1]
		bk.resent++
		return b
	}
	if len(bk.acks) > 0 && bk.rng.IntN(20) == 0 {
		bk.resent++
		return bk.acks[bk.rng.IntN(len(bk.acks))]
	}
	bk.batches++
	b := &batch{number: bk.batches}
	var spans []*tracepb.Span
	add := func(trace, parent []byte) []byte {
		id := harness.SpanID(bk.rng.Uint64() | 1)
		start := bk.base.Add(time.Duration(bk.batches)*time.Millisecond + time.Duration(len(spans))*time.Microsecond)
		name := fmt.Sprintf("work %d", bk.rng.IntN(20))
		spans = append(spans, harness.NewSpan(trace, id, parent, name, start,
			"writer.batch", bk.batches, "writer.text", strings.Repeat("x", bk.rng.IntN(60)), "writer.unique", harness.Hex(id)))
		b.spans = append(b.spans, sent{
			trace: harness.Hex(trace), span: harness.Hex(id), parent: harness.Hex(parent), name: name,
			start: start.UnixNano(), batch: int64(bk.batches),
		})
		return id
	}
	for range 1 + bk.rng.IntN(3) {
		trace := harness.TraceID(bk.rng.Uint64(), bk.rng.Uint64())
		parent := add(trace, nil)
		for range bk.rng.IntN(20) {
			parent = add(trace, parent)
		}
	}
	add(bk.long[bk.rng.IntN(len(bk.long))], nil)
	b.request = harness.NewRequest(fmt.Sprintf("writer-%d", bk.batches%5), spans...)
	for _, sp := range b.spans {
		put(bk.maybe, sp)
	}
	return b
}

func put(m map[string]map[string]sent, sp sent) {
	if m[sp.trace] == nil {
		m[sp.trace] = map[string]sent{}
	}
	m[sp.trace][sp.span] = sp
}

// putBack returns a batch that got no acknowledgement this time.
func (bk *book) putBack(b *batch) {
	bk.mu.Lock()
	defer bk.mu.Unlock()
	bk.pending = append(bk.pending, b)
}

func (bk *book) takeUnacknowledged() []*batch {
	bk.mu.Lock()
	defer bk.mu.Unlock()
	all := bk.pending
	bk.pending = nil
	return all
}

// acknowledge notes that the server has promised to keep the batch.
func (bk *book) acknowledge(b *batch) {
	bk.mu.Lock()
	defer bk.mu.Unlock()
	if b.acked {
		return
	}
	b.acked = true
	bk.acks = append(bk.acks, b)
	for _, sp := range b.spans {
		put(bk.byTrace, sp)
		delete(bk.maybe[sp.trace], sp.span)
		bk.round[sp.trace] = true
	}
}

// beginRound forgets the last round's traces and returns the set that the
// next acknowledgements fill.
func (bk *book) beginRound() map[string]bool {
	bk.mu.Lock()
	defer bk.mu.Unlock()
	bk.round = map[string]bool{}
	return bk.round
}

func (bk *book) sample(rng *rand.Rand, n int) map[string]bool {
	all := slices.Collect(maps.Keys(bk.traces()))
	slices.Sort(all)
	picked := map[string]bool{}
	for range min(n, len(all)) {
		picked[all[rng.IntN(len(all))]] = true
	}
	return picked
}

// traces returns the ids of all traces with an acknowledged span.
func (bk *book) traces() map[string]bool {
	bk.mu.Lock()
	defer bk.mu.Unlock()
	all := map[string]bool{}
	for id := range bk.byTrace {
		all[id] = true
	}
	return all
}

func (bk *book) size() (batches, spans int) {
	bk.mu.Lock()
	defer bk.mu.Unlock()
	for _, t := range bk.byTrace {
		spans += len(t)
	}
	return len(bk.acks), spans
}

// check reads the traces by id and compares each span with what was sent. Only
// for use while no load runs.
func (bk *book) check(t *testing.T, s *harness.Server, traces map[string]bool) {
	t.Helper()
	for id := range traces {
		want, seen := bk.byTrace[id], map[string]bool{}
		for _, sp := range s.Trace(t, id) {
			if seen[sp.SpanID] {
				t.Errorf("span %s of trace %s is there more than once", sp.SpanID, id)
			}
			seen[sp.SpanID] = true
			w, ok := want[sp.SpanID]
			if !ok {
				w, ok = bk.maybe[id][sp.SpanID]
			}
			if !ok {
				t.Errorf("span %s of trace %s was never sent", sp.SpanID, id)
				continue
			}
			got := sent{trace: sp.TraceID, span: sp.SpanID, parent: sp.Parent, name: sp.Name, start: sp.Start}
			got.batch, _ = sp.Attributes["writer.batch"].(int64)
			if got != w || sp.Attributes["writer.unique"] != sp.SpanID || sp.Service() != fmt.Sprintf("writer-%d", w.batch%5) {
				t.Errorf("span %s of trace %s came back as %+v, sent %+v", sp.SpanID, id, *sp, w)
			}
		}
		for span, w := range want {
			if !seen[span] {
				t.Errorf("span %s of trace %s is lost; its batch %d was acknowledged", span, id, w.batch)
			}
		}
		if t.Failed() {
			return
		}
	}
}

// checkSearch pages through everything and expects each trace once, with its
// number of spans. Only for use when everything sent is acknowledged.
func (bk *book) checkSearch(t *testing.T, s *harness.Server) {
	t.Helper()
	found := map[string]int{}
	cursor := ""
	for range len(bk.byTrace) + 2 {
		page := s.Search(t, "{ }", "limit", "200", "spss", "1", "cursor", cursor)
		for _, tr := range page.Traces {
			if _, twice := found[tr.TraceID]; twice {
				t.Errorf("search: trace %s stands on two pages", tr.TraceID)
			}
			found[tr.TraceID] = tr.SpanCount
		}
		if cursor = page.Cursor; cursor == "" {
			break
		}
	}
	for id, spans := range bk.byTrace {
		if n, ok := found[id]; !ok {
			t.Errorf("search: trace %s is not found", id)
		} else if n != len(spans) {
			t.Errorf("search: trace %s has %d spans, want %d", id, n, len(spans))
		}
	}
	if len(found) != len(bk.byTrace) {
		t.Errorf("search: %d traces found, want %d", len(found), len(bk.byTrace))
	}
}
