// SPDX-License-Identifier: Apache-2.0

package block

const (
	headerMagic = "CLEWBLK1"
	groupMagic  = "CLEWGRP1"
	endMagic    = "CLEWEND1"

	// version is raised when a reader of the version before could misread a file. Readers keep the old ones.
	version = 1

	headerFixed  = 8 + 4 + 8
	groupFixed   = 8 + 4 + 8 + 8
	trailerFixed = 8 + 4 + 8

	// DefaultMaxRows cuts row groups. More rows compress better (dictionaries are shared) but make reading a single
	// trace dearer, since a column is decoded whole. Not part of the format.
	DefaultMaxRows = 32 << 10
	// DefaultMaxBytes cuts row groups by the memory that their rows take, so that decoding a group of large values stays
	// within what a query may use. Not part of the format.
	DefaultMaxBytes = 32 << 20

	// packBelow is the raw size under which a column shares a segment with others: below it, the checksum, the
	// directory entry and zstd's frame weigh more than what reading neighbours costs.
	packBelow = 1 << 10
	// packLimit ends a shared segment, so that a column in it costs no more than this to read.
	packLimit = 32 << 10

	// What follows bounds what a reader allocates for a file that lies, and a writer refuses to write beyond it. All of
	// it is far above what default row groups have, so that a group of one enormous span passes too.

	// maxRows bounds the rows of a group, and with them some 150 bytes of columns a row.
	maxRows = 1 << 20
	// maxValues bounds the values of all columns of a group together, which take up to 21 bytes each once read.
	maxValues = 1 << 25
	// maxRaw bounds the raw bytes of all segments of a group together.
	maxRaw = 512 << 20
	// maxDirectory bounds the directory of a group, which is never larger than the file either.
	maxDirectory = 256 << 20
	// maxIndexEntry is what an entry of the trace index takes at most, raw.
	maxIndexEntry = 16
)
