// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"encoding/binary"
	"errors"
	"io"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// The fields that decoder and encoder know, as tags (number and wire type). A known number with another wire type is
// an unknown field, as protobuf has it.
const (
	varint  = uint32(protowire.VarintType)
	fixed64 = uint32(protowire.Fixed64Type)
	length  = uint32(protowire.BytesType)
	fixed32 = uint32(protowire.Fixed32Type)

	tagRequestResourceSpans = 1<<3 | length

	tagResourceSpansResource = 1<<3 | length
	tagResourceSpansScopes   = 2<<3 | length
	tagResourceSpansSchema   = 3<<3 | length

	tagScopeSpansScope  = 1<<3 | length
	tagScopeSpansSpans  = 2<<3 | length
	tagScopeSpansSchema = 3<<3 | length

	tagResourceAttributes = 1<<3 | length
	tagResourceDropped    = 2<<3 | varint
	tagResourceEntities   = 3<<3 | length

	tagEntitySchema       = 1<<3 | length
	tagEntityType         = 2<<3 | length
	tagEntityIDKeys       = 3<<3 | length
	tagEntityDescriptions = 4<<3 | length

	tagScopeName       = 1<<3 | length
	tagScopeVersion    = 2<<3 | length
	tagScopeAttributes = 3<<3 | length
	tagScopeDropped    = 4<<3 | varint

	tagSpanTraceID       = 1<<3 | length
	tagSpanID            = 2<<3 | length
	tagSpanTraceState    = 3<<3 | length
	tagSpanParentID      = 4<<3 | length
	tagSpanName          = 5<<3 | length
	tagSpanKind          = 6<<3 | varint
	tagSpanStart         = 7<<3 | fixed64
	tagSpanEnd           = 8<<3 | fixed64
	tagSpanAttributes    = 9<<3 | length
	tagSpanDroppedAttrs  = 10<<3 | varint
	tagSpanEvents        = 11<<3 | length
	tagSpanDroppedEvents = 12<<3 | varint
	tagSpanLinks         = 13<<3 | length
	tagSpanDroppedLinks  = 14<<3 | varint
	tagSpanStatus        = 15<<3 | length
	tagSpanFlags         = 16<<3 | fixed32

	tagEventTime       = 1<<3 | fixed64
	tagEventName       = 2<<3 | length
	tagEventAttributes = 3<<3 | length
	tagEventDropped    = 4<<3 | varint

	tagLinkTraceID    = 1<<3 | length
	tagLinkSpanID     = 2<<3 | length
	tagLinkTraceState = 3<<3 | length
	tagLinkAttributes = 4<<3 | length
	tagLinkDropped    = 5<<3 | varint
	tagLinkFlags      = 6<<3 | fixed32

	tagStatusMessage = 2<<3 | length
	tagStatusCode    = 3<<3 | varint

	tagKeyValueKey   = 1<<3 | length
	tagKeyValueValue = 2<<3 | length

	tagValueString      = 1<<3 | length
	tagValueBool        = 2<<3 | varint
	tagValueInt         = 3<<3 | varint
	tagValueDouble      = 4<<3 | fixed64
	tagValueArray       = 5<<3 | length
	tagValueMap         = 6<<3 | length
	tagValueBytes       = 7<<3 | length
	tagValueStringIndex = 8<<3 | varint // of profiles; has no meaning in traces

	tagArrayValues = 1<<3 | length
	tagMapEntries  = 1<<3 | length
)

// maxDepth is how deep messages may be nested, the request itself being the first: protobuf's own limit.
const maxDepth = protowire.DefaultRecursionLimit

// field is one field of a message as it stands on the wire.
type field struct {
	tag  uint32
	num  uint64 // of varint, fixed32 and fixed64
	data []byte // of a length-delimited field
}

// next reads the first field of msg, which is not empty, and returns what comes after it. On bytes that are no field it
// returns a negative code for [wireReason]. Unknown groups are read over and look like an unknown varint.
func (f *field) next(msg []byte) (rest []byte, code int) {
	// Nearly all fields have a tag of one byte and a length of one or two.
	if len(msg) >= 3 && msg[0] < 0x80 && msg[0] >= 1<<3 {
		switch uint32(msg[0] & 7) {
		case length:
			n, lo := int(msg[1]), 2
			if n >= 0x80 {
				if msg[2] >= 0x80 {
					break
				}
				n, lo = n&0x7f|int(msg[2])<<7, 3
			}
			if n > len(msg)-lo {
				break
			}
			f.tag, f.data = uint32(msg[0]), msg[lo:lo+n]
			return msg[lo+n:], 0
		case varint:
			if msg[1] < 0x80 {
				f.tag, f.num = uint32(msg[0]), uint64(msg[1])
				return msg[2:], 0
			}
		case fixed64:
			if len(msg) >= 9 {
				f.tag, f.num = uint32(msg[0]), binary.LittleEndian.Uint64(msg[1:])
				return msg[9:], 0
			}
		}
	}
	return f.nextSlow(msg)
}

func (f *field) nextSlow(msg []byte) (rest []byte, code int) {
	num, typ, n := protowire.ConsumeTag(msg)
	if n < 0 {
		return msg, n
	}
	if num > protowire.MaxValidNumber {
		return msg, codeNumber
	}
	msg = msg[n:]
	f.tag = uint32(num)<<3 | uint32(typ)
	switch typ {
	case protowire.BytesType:
		var size uint64
		if size, n = protowire.ConsumeVarint(msg); n < 0 {
			return msg, n
		}
		msg = msg[n:]
		if size > uint64(len(msg)) {
			return msg, codeLength
		}
		f.data = msg[:size]
		return msg[size:], 0
	case protowire.VarintType:
		f.num, n = protowire.ConsumeVarint(msg)
	case protowire.Fixed64Type:
		f.num, n = protowire.ConsumeFixed64(msg)
	case protowire.Fixed32Type:
		var v uint32
		v, n = protowire.ConsumeFixed32(msg)
		f.num = uint64(v)
	default:
		n = protowire.ConsumeFieldValue(num, typ, msg)
	}
	if n < 0 {
		return msg, n
	}
	return msg[n:], 0
}

// Codes of our own, far from protowire's.
const (
	codeLength = -1000 - iota
	codeDepth
	codeNumber
)

func wireReason(code int) string {
	switch code {
	case codeLength:
		return "a length runs past the end of its message"
	case codeDepth:
		return "messages are nested more than 10,000 deep"
	case codeNumber:
		return "a field number is larger than protobuf allows"
	}
	err := protowire.ParseError(code)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return "the message ends within a field"
	}
	// The package puts its name before its errors, with a space of one kind or another.
	return strings.TrimLeft(strings.TrimPrefix(err.Error(), "proto:"), " \u00a0")
}
