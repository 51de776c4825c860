// SPDX-License-Identifier: Apache-2.0

package block

import (
	"encoding/binary"
	"math"

	"github.com/clew-tracing/clew/base/codec"
)

// cursor reads the fields of headers, directories and tables. The first error stays; what follows reads zeroes.
type cursor struct {
	src []byte
	err error
}

func (c *cursor) fail(what string) {
	if c.err == nil {
		c.err = corrupt("%s is cut short or out of range", what)
	}
	c.src = nil
}

func (c *cursor) uvarint(what string, limit uint64) uint64 {
	v, rest, err := codec.Uvarint(c.src)
	if err != nil || v > limit {
		c.fail(what)
		return 0
	}
	c.src = rest
	return v
}

func (c *cursor) varint(what string) int64 {
	v, rest, err := codec.Varint(c.src)
	if err != nil {
		c.fail(what)
		return 0
	}
	c.src = rest
	return v
}

func (c *cursor) byte(what string) byte {
	if len(c.src) == 0 {
		c.fail(what)
		return 0
	}
	v := c.src[0]
	c.src = c.src[1:]
	return v
}

func (c *cursor) uint64(what string) uint64 {
	if len(c.src) < 8 {
		c.fail(what)
		return 0
	}
	v := binary.LittleEndian.Uint64(c.src)
	c.src = c.src[8:]
	return v
}

// bytes reads a length and that many bytes, which alias the source.
func (c *cursor) bytes(what string) []byte {
	n := c.uvarint(what, math.MaxInt)
	if n > uint64(len(c.src)) {
		c.fail(what)
		return nil
	}
	v := c.src[:n]
	c.src = c.src[n:]
	return v
}

// count reads a number of things of at least one byte each, so that it cannot be larger than what is left.
func (c *cursor) count(what string) int {
	return int(c.uvarint(what, uint64(len(c.src))))
}

func (c *cursor) times(g *GroupInfo) {
	g.MinStart, g.MaxStart = c.varint("start times"), c.varint("start times")
	g.MinTraceStart, g.MaxTraceStart = c.varint("trace times"), c.varint("trace times")
	g.MaxEnd = c.varint("end time")
}
