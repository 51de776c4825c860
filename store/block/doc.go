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
// A segment is the unit of compression and of checksums: one large column, or many small ones (numbers and dictionaries
// apart). The directory is:
//
//	uvarint rows, uvarint traces, varint times: earliest start, latest start, earliest trace start, latest trace start, latest end
//	uvarint n, then n segments: byte flags (1: zstd), uvarint stored length, uvarint raw length, checksum 8 of the stored bytes
//	uvarint n, then n columns:  byte kind, [kind value: byte owner, string key, byte type], byte flags (1: statistics,
//	                            2: dictionary), uvarint values, place, [dictionary: uvarint entries, place],
//	                            [statistics: varint min, varint max]
//	uvarint n, then n keys of resources: string key, uvarint types;  the same for scopes
//
// A place is a uvarint segment and a uvarint raw length; places stand in their segment in the order in which the directory
// names them. A column that is left out is all zeroes (TraceWeight: all ones). Statistics are of int64 values; for doubles,
// of the order-preserving integer of their bits. Ids and bits do not compress and make up two thirds of a block; segments of
// them are stored as they are.
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
//	start        distance to the row before, of a trace's first row to the first row of the trace before (of the first
//	             row of all: to 0), modulo 2^64
//	duration     the 64 bits
//	template     0: the next template; c > 0: template c − 1
//	status       signed
//	…            the other numbers of spans as they are; weights as the bits of the float32
//	resource     0: that of the parent, if that is an earlier row of the group, otherwise 0; r > 0: resource r − 1 of the table
//	eventCount   events of each span; eventTime zigzag of the distance to the span's start; eventName; eventDropped
//	linkCount    links of each span; linkTrace 16 bytes, linkSpan 8 bytes, linkState, linkFlags, linkDropped
//
// Spans of one place in a program have name, kind, scope and the keys of their attributes in common. They share a template,
// and name, kind (signed), scope (an index into the table) and shape of spans are columns over templates, in the order of
// their numbers, not over rows.
//
// Of start and duration, the column has the number of bits of each value (0 to 64), and the columns startBits and
// durationBits the bits below the leading one, low bits first, packed without gaps.
//
// A signed column is zigzagged if the minimum in its statistics is below zero.
//
// A column of strings has a dictionary in the order of first use (a column of the lengths, then the bytes) and codes: 0 for
// the next entry, c > 0 for entry c − 1, so that a column of unique strings has nothing but zeroes for codes.
//
// # Attributes
//
// The attributes of an owner (span 0, event 1, link 2) are in columns by (key, type), and the list of an owner's (key,
// type) pairs, its shape, is a number: owners have few shapes, and a shape keeps order and repetition.
//
//	shapes       uvarint n, then n shapes: uvarint length, then the pairs as indexes of the owner's value columns in
//	             the order of the directory
//	shape        the shape of each template, event or link
//	value        for each (key, type) the values of all owners whose shape has it, in order: strings, bytes, arrays and
//	             maps as strings; int and bool signed; doubles as 8 bytes; empty values as nothing
//
// Resources and scopes are few and stand in one table each: of a resource, dropped count, schema URL and entity references;
// of a scope, name, version, dropped count and schema URL; then the attributes as uvarint count, (key, type byte, value)*
// with strings in place and other values as the uvarint of their 64 bits.
//
// # Index and footer
//
// The index is a segment (zstd) of two columns over all traces of all groups, ordered by fingerprint, then group: the
// fingerprint (32 bits of a mix of the trace key), as deltas, and the group. Its length is in the footer.
//
//	footer   uvarint version, byte signal, string tenant, varint earliest arrival, varint latest arrival,
//	         uvarint spans, uvarint traces,
//	         uvarint n, then n groups: uvarint offset, uvarint length, uvarint rows, uvarint traces, varint times (as above),
//	         index: uvarint offset, uvarint stored length, uvarint raw length, uvarint entries, checksum 8
//	trailer  checksum 8 of the footer, length 4 of the footer, magic 8 "CLEWEND1"
//
// Inspect prints any file of this format, and testdata/format.txt shows every byte of one.
//
// # Versions
//
// A reader refuses a version that it does not know, by its number. Unknown column kinds of a known version are skipped.
package block
