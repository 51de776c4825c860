// SPDX-License-Identifier: Apache-2.0

package hexdump_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clew-tracing/clew/base/hexdump"
)

func TestDump(t *testing.T) {
	data := []byte("MAGIC\x01\x02\x03\x04\x00\x00\x00\x2a\x00\x00\x00\x00\x00\x00\x00\xac\x02a longer field\xfftail")
	d := hexdump.New(data)
	d.Comment("header")
	d.Indent(1)
	d.Field(5, "magic")
	d.Uint8("version")
	d.Uint16("flags")
	d.Uint32("rows")
	d.Uint64("start")
	d.Uvarint("length")
	d.Indent(-1)
	d.Field(15, "name %q", "x")
	d.Field(0, "nothing")
	if d.Offset() != 37 || d.Remaining() != 4 {
		t.Errorf("at %d, %d left", d.Offset(), d.Remaining())
	}
	d.Uint64("cut")
	d.Rest("never printed")
	d.Uvarint("broken")
	want := `                                               # header
00000000: 4d 41 47 49 43           |MAGIC|     #   magic
00000005: 01                       |.|         #   version 1
00000006: 02 03                    |..|        #   flags 770
00000008: 04 00 00 00              |....|      #   rows 4
0000000c: 2a 00 00 00 00 00 00 00  |*.......|  #   start 42
00000014: ac 02                    |..|        #   length 300
00000016: 61 20 6c 6f 6e 67 65 72  |a longer|  # name "x"
0000001e: 20 66 69 65 6c 64 ff     | field.|
00000025:                          ||          # nothing
00000025: 74 61 69 6c              |tail|      # cut 1818845556 (4 bytes missing)
00000029:                          ||          # broken: broken varint
`
	if diff := cmp.Diff(want, d.String()); diff != "" {
		t.Error(diff)
	}
}

func TestLongFieldIsShortened(t *testing.T) {
	d := hexdump.New(make([]byte, 1000))
	d.Field(1000, "zeros")
	lines := 0
	for _, c := range d.String() {
		if c == '\n' {
			lines++
		}
	}
	if lines != 16 || d.Remaining() != 0 {
		t.Errorf("%d lines, %d bytes left", lines, d.Remaining())
	}
}
