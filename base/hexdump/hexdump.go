// SPDX-License-Identifier: Apache-2.0

// Package hexdump prints bytes with a word beside each field, for golden files
// that a person can review and for `clew inspect`:
//
//	00000000: 43 4c 57 54 52 43 30 31  |CLWTRC01|  # magic
//	00000008: 2a 00 00 00              |*...|      # header length 42
//
// The walker of a format calls [Dumper.Field] for one field after the other. A
// change of the format then shows in the golden file as the line that changed.
package hexdump

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Columns is the number of bytes printed in a line. With 8 a line of bytes,
// text and comment fits a terminal of 100.
const Columns = 8

// maxBytes is how much of one long field is printed; what is left out is counted
// in the comment. It keeps a golden file of a large value readable.
const maxBytes = 16 * Columns

// Dumper walks over data from its beginning and prints what it passes.
// The zero value is not ready: use [New].
type Dumper struct {
	data   []byte
	off    int
	indent int
	out    strings.Builder
}

// New returns a Dumper at the beginning of data, which must not change while
// the Dumper is used.
func New(data []byte) *Dumper { return &Dumper{data: data} }

// Offset returns the number of bytes passed.
func (d *Dumper) Offset() int { return d.off }

// Remaining returns the number of bytes not yet passed.
func (d *Dumper) Remaining() int { return len(d.data) - d.off }

// Indent moves the comments that follow by levels (two blanks each) to the right,
// or to the left if it is negative.
func (d *Dumper) Indent(levels int) { d.indent = max(0, d.indent+levels) }

// Comment prints a line without bytes.
func (d *Dumper) Comment(format string, args ...any) {
	fmt.Fprintf(&d.out, "%*s# %s%s\n", lineWidth, "", strings.Repeat("  ", d.indent), fmt.Sprintf(format, args...))
}

// Field prints the next n bytes with a comment, and returns them. When there are
// fewer than n left, it prints those and says how many are missing.
func (d *Dumper) Field(n int, format string, args ...any) []byte {
	comment := fmt.Sprintf(format, args...)
	n = max(n, 0)
	if left := d.Remaining(); n > left {
		comment += fmt.Sprintf(" (%d bytes missing)", n-left)
		n = left
	}
	field := d.data[d.off : d.off+n]
	shown := field
	if len(shown) > maxBytes {
		shown = shown[:maxBytes]
		comment += fmt.Sprintf(" (%d bytes, %d shown)", n, maxBytes)
	}
	d.line(d.off, shown[:min(Columns, len(shown))], comment)
	for i := Columns; i < len(shown); i += Columns {
		d.line(d.off+i, shown[i:min(i+Columns, len(shown))], "")
	}
	d.off += n
	return field
}

// Rest prints all bytes that are left, if there are any.
func (d *Dumper) Rest(format string, args ...any) {
	if d.Remaining() > 0 {
		d.Field(d.Remaining(), format, args...)
	}
}

// Uint8 prints the next byte and returns it. The comment is name and value.
func (d *Dumper) Uint8(name string) uint8 {
	var v [1]byte
	copy(v[:], d.data[d.off:])
	d.Field(1, "%s %d", name, v[0])
	return v[0]
}

// Uint16 prints and returns the next two bytes, little endian.
func (d *Dumper) Uint16(name string) uint16 {
	var v [2]byte
	copy(v[:], d.data[d.off:])
	u := binary.LittleEndian.Uint16(v[:])
	d.Field(2, "%s %d", name, u)
	return u
}

// Uint32 prints and returns the next four bytes, little endian.
func (d *Dumper) Uint32(name string) uint32 {
	var v [4]byte
	copy(v[:], d.data[d.off:])
	u := binary.LittleEndian.Uint32(v[:])
	d.Field(4, "%s %d", name, u)
	return u
}

// Uint64 prints and returns the next eight bytes, little endian.
func (d *Dumper) Uint64(name string) uint64 {
	var v [8]byte
	copy(v[:], d.data[d.off:])
	u := binary.LittleEndian.Uint64(v[:])
	d.Field(8, "%s %d", name, u)
	return u
}

// Uvarint prints and returns the next base-128 number. A broken one prints the
// rest of the bytes and returns 0.
func (d *Dumper) Uvarint(name string) uint64 {
	v, n := binary.Uvarint(d.data[d.off:])
	if n <= 0 {
		d.Field(d.Remaining(), "%s: broken varint", name)
		return 0
	}
	d.Field(n, "%s %d", name, v)
	return v
}

// lineWidth is the width of offset, bytes and text, so that comments align.
const lineWidth = len("00000000: ") + Columns*len("00 ") + len(" ||  ") + Columns

func (d *Dumper) line(off int, data []byte, comment string) {
	start := d.out.Len()
	fmt.Fprintf(&d.out, "%08x: ", off)
	for i := range Columns {
		if i < len(data) {
			fmt.Fprintf(&d.out, "%02x ", data[i])
		} else {
			d.out.WriteString("   ")
		}
	}
	d.out.WriteString(" |")
	for _, b := range data {
		if b < ' ' || b > '~' {
			b = '.'
		}
		d.out.WriteByte(b)
	}
	d.out.WriteByte('|')
	if comment != "" {
		for d.out.Len()-start < lineWidth {
			d.out.WriteByte(' ')
		}
		fmt.Fprintf(&d.out, "# %s%s", strings.Repeat("  ", d.indent), comment)
	}
	d.out.WriteByte('\n')
}

// String returns all that was printed.
func (d *Dumper) String() string { return d.out.String() }
