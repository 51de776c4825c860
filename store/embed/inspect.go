// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"encoding/binary"

	"github.com/clew-tracing/clew/base/hexdump"
)

// InspectManifest returns the bytes of a manifest with a word beside each field. It takes any bytes: what is damaged is
// said to be.
func InspectManifest(data []byte) string {
	d := hexdump.New(data)
	d.Field(8, "magic")
	d.Uint32("version")
	d.Uint64("salt")
	d.Field(8, "check")
	m := &manifest{}
	if len(data) >= manifestHeader {
		m.salt = binary.LittleEndian.Uint64(data[12:])
	}
	for d.Remaining() > 0 {
		payload, ok := m.frame(data, d.Offset())
		if !ok {
			d.Rest("no edit")
			break
		}
		d.Comment("edit")
		d.Indent(1)
		d.Uint32("length")
		d.Field(8, "check: ok")
		inspectEdit(d, d.Offset()+len(payload))
		d.Indent(-1)
	}
	return d.String()
}

func inspectEdit(d *hexdump.Dumper, end int) {
	for d.Offset() < end {
		switch d.Uint8("operation") {
		case opNextID:
			d.Uvarint("next id")
		case opLow:
			d.Uint64("low-water mark")
		case opRemove:
			d.Uvarint("remove block")
		case opAdd:
			d.Uvarint("add block")
			d.Field(int(d.Uvarint("tenant length")), "tenant")
			for _, name := range [...]string{"partition", "earliest arrival", "latest arrival", "spans", "bytes"} {
				d.Uvarint(name + ", zigzag")
			}
			n := d.Uvarint("split traces")
			for i := uint64(0); i < n && d.Offset() < end; i++ {
				d.Uint64("key")
				d.Uvarint("start, zigzag")
				d.Uvarint("end, zigzag")
			}
		default:
			d.Field(end-d.Offset(), "unknown operation")
		}
	}
}
