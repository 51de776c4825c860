// SPDX-License-Identifier: Apache-2.0

// Package embed is Clew's own store: a write-ahead log, the newest spans in memory, and immutable columnar blocks.
//
//	Append ─► wal (fsync) ─► head ──flush──► block ──merge──► block
//	                          │                │                │
//	                          └──── view: what a reader has pinned ───► Trace, Scan, Values, Fields
//
// # Files
//
//	LOCK                          held while a process has the store open
//	MANIFEST                      which blocks are live, and where the log begins
//	wal/<id>.wal                  the log, see package wal
//	blocks/<tenant>/<day>/<id>.blk  a block, see package block; tenant escaped, day of arrival (UTC)
//	….tmp                         being written; removed at the next start
//
// # Manifest, version 1
//
// An append-only log of edits, each of which happens as a whole or not at all. All fixed integers are little endian, hash
// is xxHash64 with seed 0, uvarint and varint (zigzag) are those of base/codec. It is written anew at every start and when
// it has grown long, under another name, and renamed into place.
//
//	header   ┌────────────┬─────────┬──────┬───────┐   check: hash of the 20 bytes before
//	         │ "CLEWMAN1" │ version │ salt │ check │
//	         │  8         │  4      │  8   │  8    │
//	         └────────────┴─────────┴──────┴───────┘
//	edit     ┌────────┬───────┬────────────┐   check: hash of salt (8), offset of the edit (8), length (4), operations
//	         │ length │ check │ operations │
//	         │  4     │  8    │            │
//	         └────────┴───────┴────────────┘
//
//	operation  1 add block: uvarint id; uvarint length, tenant; varint partition, earliest and latest arrival, spans, bytes;
//	             uvarint n, then n split traces: key (8), varint start, varint end of their extent
//	           2 remove block (its tombstone until the manifest is written anew): uvarint id
//	           3 low-water mark (8): the first segment of the log that holds anything that no block does
//	           4 uvarint: no block has had this id or a higher one
//
// A torn or damaged edit means that blocks may be live that the manifest does not name: every block that is there and whole
// is taken in then. That is safe because equal spans collapse.
//
// # Exactly once
//
// A flush writes the blocks of a generation (all that came in between two rotations of the log), syncs them, and then
// commits one edit that adds them and raises the low-water mark past the generation's segments. Whatever moment the process
// ends at, a span is named by the manifest or by a segment above the mark; where both, the two are equal and collapse.
//
// # Split traces
//
// Most traces stand in one place: their rows are adjacent in one row group, or in one chunk of the head. A scan takes those
// as they are. The keys of all others are known ([splitSet]): found when a batch is put into the head, by looking for each
// new key in the other heads and the blocks' trace indexes, and when a block is written, and kept in the manifest. A scan
// that meets one assembles the trace from everywhere, once.
//
// # Locks, in the order in which they are taken
//
// flushing, keeping (who flushes; who merges) → the log's own → Engine.mu (tenants) → tenant.mu (heads, blocks) →
// splitSet.mu, blockRef.mu; manifest.mu while none of the last four is held.
// docs/concurrency.md says who runs when.
package embed
