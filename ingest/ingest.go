// SPDX-License-Identifier: Apache-2.0

// Package ingest receives spans: one file a protocol endpoint. Each takes bytes off the network, bounds them, has wire
// turn them into a [span.Batch], hands that to a [span.Sink], and acknowledges only when the sink has returned nil.
//
// Every receiver shares the rules of DESIGN 9 and of otel.md A: a malformed request is refused with the reason in its
// own protocol's form; a span that cannot be kept is counted in partial_success and costs nothing else; what is only
// short for the moment (memory, disk) is refused in the way that makes clients try again.
//
// # Memory
//
// [Admission] is one budget of bytes for all receivers. A request takes its share before its body is read, by what it
// declares, and the share grows with what is really there: read, decompressed, decoded. A request that gets no share
// within a moment is refused retryably. grpc hands over whole messages, decompressed: there every byte is charged to its
// connection as it comes in, and to its call when the message is whole. Messages are limited to [Config.MaxRequest] before
// and after decompression, only a few are decompressed at a time, and one that does not fit into the budget then is
// dropped and refused at once.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/wire/otlp"
)

// DefaultMaxRequest is the recommended limit of OTLP: 64 MiB.
const DefaultMaxRequest = 64 << 20

// Config is what receivers need.
type Config struct {
	// Sink takes the spans. An acknowledgement is given only after it returned nil.
	Sink span.Sink
	// Admission is the budget that all receivers share; nil makes one of 256 MiB for this receiver alone.
	Admission *Admission
	// MaxRequest is the largest request in bytes, as sent and decompressed; 0 means [DefaultMaxRequest].
	MaxRequest int
	// ReadTimeout is how long an HTTP request's body or a gRPC message may take to arrive; 0 means a minute.
	ReadTimeout time.Duration
	// CORSOrigins are the web pages that may send spans over HTTP: origins such as https://shop.example, with * as a
	// wildcard in the host, or just *. nil means any. Credentials are never allowed.
	CORSOrigins []string
	// Log gets what an operator should see; nil means slog.Default().
	Log *slog.Logger
	// Now is the clock that says when spans arrive; nil means time.Now.
	Now func() time.Time
	// Stats counts what receivers do; nil means that nobody looks.
	Stats *Stats
}

// withDefaults returns c with every field set.
func (c Config) withDefaults() Config {
	if c.MaxRequest <= 0 {
		c.MaxRequest = DefaultMaxRequest
	}
	if c.Admission == nil {
		c.Admission = NewAdmission(256<<20, time.Second)
	}
	if c.ReadTimeout <= 0 {
		c.ReadTimeout = time.Minute
	}
	if c.CORSOrigins == nil {
		c.CORSOrigins = []string{"*"}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Stats == nil {
		c.Stats = NewStats(prometheus.NewRegistry())
	}
	return c
}

// batchFactor is how much more memory than the largest request a batch may take.
const batchFactor = 4

// keepScratch is how much scratch memory of each kind may be kept for the next request: what a collector's batch of 8,192
// spans takes. Anew for each, it would be most of what the collector of garbage has to do. Idle, the pools let go of it.
const keepScratch = 16 << 20

// receiver is the part of an OTLP endpoint that does not depend on the transport.
type receiver struct {
	Config
	protocol string // label in Stats
	workers  sync.Pool
	messages sync.Pool // of *[]byte, see rawRequest
}

func newReceiver(c Config, protocol string) *receiver {
	return &receiver{Config: c.withDefaults(), protocol: protocol}
}

// worker is the scratch memory of one request.
type worker struct {
	decoder otlp.Decoder
	batch   span.Batch
	body    []byte // as sent
	content []byte // decompressed
}

func (r *receiver) worker() *worker {
	w, ok := r.workers.Get().(*worker)
	if !ok {
		w = &worker{}
	}
	w.decoder.MaxBatch = batchFactor * r.MaxRequest
	return w
}

func (r *receiver) release(w *worker) {
	if w.batch.Mem() > keepScratch {
		w.batch = span.Batch{}
	}
	if cap(w.body) > keepScratch {
		w.body = nil
	}
	if cap(w.content) > keepScratch {
		w.content = nil
	}
	w.decoder.Reset()
	w.batch.Reset()
	r.workers.Put(w)
}

// format is how a request is written, and so its answer.
type format uint8

const (
	formatProtobuf format = iota
	formatJSON
)

// answer is what an accepted request is told.
type answer struct {
	rejected int
	message  string
}

// export decodes body and appends its spans to the sink, or, for signals that Clew does not keep, counts what is in it.
// The ticket is grown to what the spans take.
func (r *receiver) export(ctx context.Context, w *worker, t *Ticket, s otlp.Signal, e format, body []byte) (a answer, refused *refusal) {
	defer func() {
		if p := recover(); p != nil {
			r.Log.Error("panic while receiving", "protocol", r.protocol, "panic", p, "stack", string(debug.Stack()))
			w.batch = span.Batch{} // whatever state it is in
			refused = &refusal{code: codes.Internal, reason: reasonInternal, message: "internal error; the server's log has it"}
		}
	}()
	r.Stats.bytes.WithLabelValues(r.protocol).Add(float64(len(body)))
	if s != otlp.SignalTraces {
		return r.drop(w, s, e, body)
	}
	b := &w.batch
	b.Reset()
	decode := w.decoder.Decode
	if e == formatJSON {
		decode = w.decoder.DecodeJSON
	}
	res, err := decode(b, body)
	if err != nil {
		return a, refuseDecode(err)
	}
	a = answer{rejected: res.Rejected, message: res.Message()}
	if res.Spans > 0 {
		if !t.Grow(ctx, int64(cap(body)+b.Mem())) {
			return a, refuseOverload(t.after())
		}
		b.Tenant, b.Arrival = span.DefaultTenant, r.Now().UnixNano()
		if err := r.Sink.Append(ctx, b); err != nil {
			return a, r.refuseSink(err)
		}
	}
	r.Stats.spans.WithLabelValues(r.protocol).Add(float64(res.Spans))
	if res.Rejected > 0 {
		r.Stats.rejected.WithLabelValues(r.protocol).Add(float64(res.Rejected))
		r.Log.Debug("spans rejected", "protocol", r.protocol, "reason", a.message)
	}
	return a, nil
}

// drop answers a signal that Clew does not keep: politely, and saying so.
func (r *receiver) drop(w *worker, s otlp.Signal, e format, body []byte) (answer, *refusal) {
	count := w.decoder.Count
	if e == formatJSON {
		count = w.decoder.CountJSON
	}
	n, err := count(s, body)
	if err != nil {
		return answer{}, refuseDecode(err)
	}
	r.Stats.dropped.WithLabelValues(r.protocol, s.String()).Add(float64(n))
	if n == 0 {
		return answer{}, nil
	}
	what := "data points"
	if s == otlp.SignalLogs {
		what = "log records"
	}
	return answer{rejected: n, message: fmt.Sprintf("Clew keeps traces: these %d %s were dropped; switch the %s exporter off or send it elsewhere", n, what, s)}, nil
}

// outward is an error as clients may see it: a fault of a file says what is wrong, and not where on this machine.
func outward(err error) string {
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Sprintf("the store cannot %s: %v (%v)", file.Op, file.Err, span.ErrRetryable)
	}
	return err.Error()
}

// refuseSink translates an error of the sink.
func (r *receiver) refuseSink(err error) *refusal {
	switch {
	case errors.Is(err, span.ErrRetryable):
		after := time.Duration(0)
		if re, ok := errors.AsType[*span.RetryableError](err); ok {
			after = re.After
		}
		return &refusal{code: codes.Unavailable, reason: reasonUnavailable, message: outward(err), retry: true, after: after}
	case errors.Is(err, context.DeadlineExceeded):
		return &refusal{code: codes.DeadlineExceeded, reason: reasonCancelled, message: "the client's deadline passed before the spans were durable", retry: true}
	case errors.Is(err, context.Canceled):
		return &refusal{code: codes.Canceled, reason: reasonCancelled, message: "the client went away before the spans were durable", retry: true}
	}
	r.Log.Error("spans refused by the store", "protocol", r.protocol, "err", err)
	return &refusal{code: codes.Internal, reason: reasonInternal, message: err.Error()}
}
