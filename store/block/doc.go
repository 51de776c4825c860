// SPDX-License-Identifier: Apache-2.0

// Package block is the immutable file in which the embedded store keeps spans: row groups of whole traces as columns,
// and a footer with statistics and a trace-id index. This comment is the format's specification, version 1.
//
// All fixed-width numbers are little endian. uvarint and column encodings are those of base/codec. Checksums are
// xxHash64. Times are unix ns, signed.
//
//	┌────────┬─────────┬─────────┬───┬───────┬────────┬─────────┐
//	│ header │ group 0 │ group 1 │ … │ index │ footer │ trailer │
//	└────────┴─────────┴─────────┴───┴───────┴────────┴─────────┘
//
// # Header
//
//	magic     8  "CLEWBLK1"
//	length    4  of body
//	checksum  8  of body
//	body         uvarint version, byte signal, string tenant, varint earliest arrival, varint latest arrival
//
// A string is a uvarint length and the bytes.
//
// # Row group
//
// A group describes itself, so that a block whose footer is damaged can be read by walking from group to group.
//
//	magic     8  "CLEWGRP1"
//	dirLen    4  length of the directory
//	bodyLen   8  length of the segments
//	checksum  8  of the directory
//	directory    see below
//	body         the segments, one after the other
//
// A segment is the unit of compression and of checksums: one large column, or many small ones. The directory is:
//
//	uvarint rows, uvarint traces, varint times: earliest start, latest start, earliest trace start, latest trace start, latest end
//	uvarint n, then n segments: byte flags (1: zstd), uvarint stored length, uvarint raw length, checksum 8
//	uvarint n, then n columns:  byte kind, [kind value: byte owner, string key, byte type],
//	                            uvarint values, uvarint segment, uvarint raw length, byte stats, [stats: varint min, varint max]
//	uvarint n, then n keys of resources: string key, uvarint types;  the same for scopes
//
// Columns stand in their segment in the order of the directory. A column that is left out is all zeroes (TraceWeight: all
// ones). Statistics are of int64 values; for doubles, of the order-preserving integer of their bits.
//
// # Columns
//
// Rows stand in the order of span.Batch.TraceOrder: trace after trace, within each by (start, span id). A trace that is
// larger than a group goes on in the next one.
//
//	traceKey     low 64 bits of the id of each trace: 8 bytes, big endian
//	traceHigh    high 64 bits of each, of the 128-bit form if any row has it
//	traceRows    number of rows of each
//	traceShort   rows that have the 64-bit form although the trace has the other: ascending
//	spanID       8 bytes
//	parent       0: none; 1: the next one of parentRaw; otherwise 2 + zigzag(row − row of the parent)
//	parentRaw    8 bytes: ids of parents that are not in the group
//	start        zigzag of the distance to the start of the parent, if that is an earlier row of the group;
//	             otherwise to the start of the trace's first row, and for a first row to the trace before (first: to 0)
//	duration     zigzag
//	kind status  zigzag
//	…            the other numbers as they are; weights as the bits of the float32
//	name …       strings (below)
//	resource     index into the table of resources, scope likewise
//	eventCount   events of each span; eventTime zigzag of the distance to the span's start; eventName; eventDropped
//	linkCount    links of each span; linkTrace 16 bytes, linkSpan 8 bytes, linkState, linkFlags, linkDropped
//
// A column of strings is a dictionary in the order of first use, and codes:
//
//	uvarint entries, column of their lengths, their bytes, column of codes: 0 the next entry, c > 0 entry c − 1
//
// so that a column of unique strings has nothing but zeroes for codes, and an entry is read without looking at rows.
//
// # Attributes
//
// The attributes of an owner (span 1, event 2, link 3) are in columns by (key, type), and the list of an owner's (key,
// type) pairs, its shape, is a number: spans have few shapes, and a shape keeps order and repetition.
//
//	shapes       uvarint n, then n shapes: uvarint length, then the pairs as indexes of the owner's value columns in
//	             the order of the directory
//	shape        the shape of each owner
//	value        for each (key, type) the values of all owners whose shape has it, in order: strings, bytes, arrays and
//	             maps as strings; bool and int (zigzag) as numbers; doubles as 8 bytes; empty values as nothing
//
// Resources and scopes are few and stand in one table each: dropped counts, schema URLs, entity references or names and
// versions, then the attributes as (count, (key, type, value)*) with strings in place.
//
// # Index and footer
//
// The index is a segment (zstd) of two columns over all traces of all groups, ordered by fingerprint: the fingerprint (32
// bits of a mix of the trace key), as deltas, and the group. Its length is in the footer.
//
//	footer   uvarint version, byte signal, string tenant, varint earliest arrival, varint latest arrival,
//	         uvarint spans, uvarint traces,
//	         uvarint n, then n groups: uvarint offset, uvarint length, uvarint rows, uvarint traces, varint times (as above),
//	         index: uvarint offset, uvarint stored length, uvarint raw length, uvarint entries, checksum 8
//	trailer  checksum 8 of the footer, length 4 of the footer, magic 8 "CLEWEND1"
//
// # Versions
//
// A reader refuses a version that it does not know, by its number. Unknown column kinds of a known version are skipped.
package block
