// SPDX-License-Identifier: Apache-2.0

// Package wal is the write-ahead log: what makes an acknowledgement mean "on disk". It is a directory of segments, each
// a file of records, each record one batch of spans. [Log.Append] returns when the record was written and fdatasync has
// returned for it; many appends share one sync (group commit), and a group waits for a part of a sync's time for those who
// were in the one before, see [pace].
//
// # Format, version 1
//
// All integers are little endian; "hash" is xxHash64 with seed 0. A segment is called by its id in 16 hex digits with
// the suffix ".wal". The upper half of the id is the epoch, which the owner raises ([Log.Rotate]) to part the records
// before a moment from those after it; the lower half counts segments within an epoch.
//
//	segment  ┌──────────┬──────────┬────────┬────────┬───
//	         │ header   │ header   │ record │ record │ …
//	         │ 48 bytes │ its copy │        │        │
//	         └──────────┴──────────┴────────┴────────┴───
//
//	header   ┌────────┬─────────┬────┬──────┬─────────────┬────────────────┬───────┐
//	         │ "CWAL" │ version │ id │ salt │ previous id │ its durable    │ check │
//	         │  4     │  4      │ 8  │  8   │  8          │ length  8      │  8    │
//	         └────────┴─────────┴────┴──────┴─────────────┴────────────────┴───────┘
//
// The header stands twice, because without the salt no record can be told from garbage: either copy will do. The check
// is the hash of the 40 bytes before it. Previous id and length say how much of the segment before this one was synced,
// so that recovery knows which damage there is loss and which was never acknowledged; both are 0 for the first.
//
//	record   ┌────────┬─────────┬──────┬───────┬─────────────────┐
//	         │ length │ durable │ hash │ check │ payload         │
//	         │  4     │  4      │  8   │  8    │  length bytes   │
//	         └────────┴─────────┴──────┴───────┴─────────────────┘
//
// Hash is the payload's. Check is the hash of salt (8), the record's offset in the segment (8) and the 16 bytes before
// it: a record is only believed where it was written, so bytes of an old file or a record that a client sent inside of
// an attribute are none. Durable is how much of the segment was synced when the record was written.
//
//	payload  ┌────────┬─────────────┬─────────┬────────────────┬────────┬─────────┬─────────────┐
//	         │ signal │ compression │ arrival │ tenant length  │ tenant │ spans   │ body        │
//	         │  1     │  1          │  8      │  uvarint       │        │ uvarint │             │
//	         └────────┴─────────────┴─────────┴────────────────┴────────┴─────────┴─────────────┘
//
// Compression is 0 (none) or 1 (an S2 block). The body is the batch's columns one after the other:
//
//	strings      uvarint count n (the empty string, code 0, not counted), n lengths (varints ≥ 1), the bytes
//	trace ids    16 bytes a span             span ids, parent ids   8 bytes a span
//	starts       zigzag varint of the distance to the start before    durations  zigzag varint a span
//	kind, status, name, message, trace state, flags, resource, scope, dropped ×3, notes      a column each
//	head weight, trace weight                a column each, of the floats' bits
//	attributes   a table whose owners are the spans
//	events       column of counts a span, then by event: zigzag varint distance to its span's start, column of names,
//	             column of dropped counts, attributes table
//	links        column of counts a span, then by link: 16 + 8 bytes of ids, columns of trace state, flags, dropped,
//	             attributes table
//	resources    uvarint count; varints: schema URL, dropped, entity refs; attributes table
//	scopes       uvarint count; varints: name, version, schema URL, dropped; attributes table
//
//	column           byte 0, uvarint value: all are equal     byte 1, varints: one a row
//	attributes table column of counts an owner, one type byte an attribute, column of keys, then a value each:
//	                 string, bytes, array, map: uvarint code; int: zigzag varint; double: 8 bytes; bool: 1; empty: none
//
// A version is only read by code that knows it; an unknown version is an error that says so and touches nothing.
//
// # Recovery
//
// [Open] reads all segments from the low-water mark on. A record that was never durable and is torn is normal: it is
// dropped and counted. Any other damage is skipped, named (segment, offset) and counted, and reading goes on at the next
// record whose check holds. The log never appends to a segment of an earlier run.
//
// # Faults
//
// A failed sync poisons its segment: what was in the group is refused with a retryable error and never thought durable,
// and later appends go to a new segment. A failed write (a full disk) is taken back, refused with a retryable error,
// and the next append tries again.
package wal
