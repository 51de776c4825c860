// SPDX-License-Identifier: Apache-2.0

// Package query executes TraceQL over a [store.Engine].
//
// A query goes through three steps. [Compile] reads and checks the text and makes a [Plan]: the condition that every
// trace of the answer must have on some span (pushed down to the engine as a superset filter), the fields that have to
// be read, and the evaluators. [Executor.Search] scans whole traces, newest first, and decides each exactly, by the
// batch: a condition on a field is decided once for each dictionary entry, and nothing is allocated for a span that does
// not match. The traces that do match come out as [Trace], with exact order, paging and counts.
//
//	text ── traceql ──► Query ── Compile ──► Plan ─► Request{Where, Fields} ─► store.Engine
//	                                           │                                    │ batches of whole traces
//	                                           └──────────► evaluator ◄─────────────┘
//	                                                            └─► Trace, Trace, …
//
// # Semantics
//
// Those of TraceQL, with these decisions where the data could make a query fail, since one odd span must not cost the
// answer: arithmetic without a result (a division of ints by zero, an operand that is missing, no number, or several
// values) has no value, and every comparison with it is false; !x where x is no bool is false.
//
// A field that is absent makes every comparison false, also != and !~. What a span has several of (events, links, array
// elements) satisfies a comparison if any one does, and != or !~ only if none is equal or matches. An unscoped attribute
// is looked for in span, resource, event, link and instrumentation scope, and is satisfied by any of these.
//
// Structural operators work on the tree as far as it is there: a trace whose root is missing has several trees, and each
// counts. What cannot be known is not claimed: a span whose parent is missing never satisfies a negated operator that
// asks for its parent, ancestors or siblings, unless nothing in the trace matches the left side.
//
// # Metrics
//
// [Executor.Metrics] makes time series. A span counts once, by its start. Where each span can be decided alone, filters
// and conditions on root spans among them, spans are scanned without their traces; everything else scans whole traces.
// Groups are numbered by dictionary codes, and nothing is allocated for a span. Answers are exact: hints that ask for
// samples are taken and change nothing, and no range is too long. What the language leaves open, or Tempo does otherwise:
//
//   - quantile_over_time gives the value of nearest rank with a relative error of at most 0.5 % (DDSketch), where Tempo
//     interpolates within powers of two. histogram_over_time has Tempo's buckets, and counts floats too.
//   - by() takes any number of fields. What a span has several of is grouped by its first value, and all of its numbers
//     are measured.
//   - compare() gives both sides of a value that is frequent on either.
//   - An exemplar of a series that only counts has the sample that it is part of as its value.
//   - An answer that had to leave something out, for its number of series, for want of memory or because stored bytes are
//     damaged, is partial and says why.
package query
