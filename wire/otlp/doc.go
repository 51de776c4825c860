// SPDX-License-Identifier: Apache-2.0

// Package otlp is the OpenTelemetry protocol for traces as bytes, both ways: protobuf and JSON (opentelemetry-proto
// v1.11.0, opentelemetry/proto/trace/v1/trace.proto) to [span.Batch] and back. No network here, and no generated types:
// the decoders walk the bytes and write straight into the batch's columns, so that nothing is allocated per span.
//
// [Decoder] reads one ExportTraceServiceRequest, which has the same bytes as TracesData. [Encoder] writes any rows of
// batches as such a message, or as JSON in the dialects that the query APIs speak.
//
// # What a decoder does with bad input (DESIGN 9)
//
// Bytes that are not protobuf (or not JSON) refuse the whole request with a [DecodeError], which says where. In a
// well-formed request a span whose trace or span id is unusable (absent, zero, or of a wrong length) is left out and
// counted in [Result]. Everything else is taken: invalid UTF-8 becomes U+FFFD, one for each run of invalid bytes;
// parent and link ids of a wrong length become zero; impossible times and unknown enum values stay as they came. Each
// of these leaves a note on the span, and one in a resource or scope leaves it on every span of that resource or scope.
//
// Protobuf's rules hold throughout: fields in any order, the last value of a scalar wins, repeated occurrences of a
// message merge, unknown fields (groups among them) are skipped, and messages may be nested 10,000 deep.
package otlp
