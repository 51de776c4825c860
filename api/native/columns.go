// SPDX-License-Identifier: Apache-2.0

package native

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"strconv"

	"github.com/clew-tracing/clew/insight"
	"github.com/clew-tracing/clew/span"
)

// columnsMagic begins every columnar payload; its last two digits are the version.
const columnsMagic = "CLWTRC01"

// Flags of a row in the columnar payload.
const (
	flagException    = 1 << 0 // has an event called exception
	flagRemoteParent = 1 << 1 // the client says that the parent is in another process
	flagNotes        = 1 << 2 // has notes
)

// columnsHeader is the JSON header of the columnar payload.
type columnsHeader struct {
	TraceID        string       `json:"traceId"`
	Spans          int          `json:"spans"`
	StartNs        string       `json:"startNs"`
	DurationNs     string       `json:"durationNs"`
	RootRow        int          `json:"rootRow"`
	MissingParents int          `json:"missingParents"`
	Strings        []string     `json:"strings"`
	Columns        []columnInfo `json:"columns"`
	Events         int          `json:"events"`
	Links          int          `json:"links"`
	Notes          []string     `json:"notes"`
}

// columnInfo places a column; Offset is from the end of the header, Length in bytes.
type columnInfo struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Offset int    `json:"offset"`
	Length int    `json:"length"`
}

// columnWriter builds the columns of one trace.
type columnWriter struct {
	t       *span.Trace
	body    []byte
	columns []columnInfo
	strings []string
	codes   map[string]uint32
}

// AppendColumns appends the columnar payload of a trace, which the UI draws from without parsing spans:
//
//	"CLWTRC01" | uint32 header length | JSON header, padded so that columns are 8-byte aligned | columns, little endian
//
// Rows are the positions of t: pre-order, children by (start, span id). Times are float64 ns after header.startNs, exact
// for traces of up to 104 days.
func AppendColumns(dst []byte, t *span.Trace) []byte {
	w := &columnWriter{t: t, strings: []string{""}, codes: map[string]uint32{"": 0}}
	w.tree()
	w.labels()
	events, links := w.tables()
	b := t.Batch
	h := columnsHeader{
		TraceID: b.FullID(int(minRow(t.Rows)), int(maxRow(t.Rows))+1).String(), Spans: len(t.Rows),
		StartNs: strconv.FormatInt(t.Start, 10), DurationNs: strconv.FormatInt(t.End-t.Start, 10),
		RootRow: t.Root, MissingParents: t.Missing, Strings: w.strings, Columns: w.columns, Events: events, Links: links,
	}
	for _, n := range span.AllNotes() {
		h.Notes = append(h.Notes, n.Text())
	}
	header, err := json.Marshal(h)
	if err != nil {
		panic("native: header of plain fields does not marshal: " + err.Error())
	}
	for (12+len(header))%8 != 0 {
		header = append(header, ' ')
	}
	dst = append(dst, columnsMagic...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(header)))
	dst = append(dst, header...)
	return append(dst, w.body...)
}

func minRow(rows []int32) int32 {
	m := rows[0]
	for _, r := range rows {
		m = min(m, r)
	}
	return m
}

func maxRow(rows []int32) int32 {
	m := rows[0]
	for _, r := range rows {
		m = max(m, r)
	}
	return m
}

// column appends n values with add and declares them.
func (w *columnWriter) column(name, typ string, n int, add func(dst []byte, i int) []byte) {
	for len(w.body)%8 != 0 {
		w.body = append(w.body, 0)
	}
	start := len(w.body)
	for i := range n {
		w.body = add(w.body, i)
	}
	w.columns = append(w.columns, columnInfo{Name: name, Type: typ, Offset: start, Length: len(w.body) - start})
}

func (w *columnWriter) uint32s(name string, n int, f func(i int) uint32) {
	w.column(name, "u32", n, func(dst []byte, i int) []byte { return binary.LittleEndian.AppendUint32(dst, f(i)) })
}

func (w *columnWriter) int32s(name string, vals []int32) {
	w.column(name, "i32", len(vals), func(dst []byte, i int) []byte { return binary.LittleEndian.AppendUint32(dst, uint32(vals[i])) })
}

func (w *columnWriter) float64s(name string, n int, f func(i int) float64) {
	w.column(name, "f64", n, func(dst []byte, i int) []byte {
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f(i)))
	})
}

func (w *columnWriter) uint8s(name string, n int, f func(i int) uint8) {
	w.column(name, "u8", n, func(dst []byte, i int) []byte { return append(dst, f(i)) })
}

// code returns the code of a string in the header.
func (w *columnWriter) code(s string) uint32 {
	if c, ok := w.codes[s]; ok {
		return c
	}
	c := uint32(len(w.strings))
	w.strings = append(w.strings, s)
	w.codes[s] = c
	return c
}

// tree adds what places the spans.
func (w *columnWriter) tree() {
	t, b := w.t, w.t.Batch
	n := len(t.Rows)
	w.column("spanId", "bytes8", n, func(dst []byte, i int) []byte { return append(dst, b.SpanID[t.Rows[i]][:]...) })
	w.int32s("parent", t.Parent)
	w.uint32s("depth", n, func(i int) uint32 { return uint32(t.Depth[i]) })
	w.uint32s("subtree", n, func(i int) uint32 { return uint32(t.Subtree[i]) })
	w.float64s("start", n, func(i int) float64 { return float64(b.Start[t.Rows[i]] - t.Start) })
	w.float64s("duration", n, func(i int) float64 { return float64(b.Dur(int(t.Rows[i]))) })
}

// labels adds what the spans are called and how they ended.
func (w *columnWriter) labels() {
	t, b := w.t, w.t.Batch
	n := len(t.Rows)
	services := make([]uint32, b.Resources.Len())
	for i := range services {
		v, _ := b.Attr(&b.Resources.Attrs, i, "service.name")
		if v.Type == span.TypeString {
			services[i] = w.code(v.Str)
		}
	}
	names := make(map[span.Code]uint32)
	w.uint32s("service", n, func(i int) uint32 {
		if r := b.Resource[t.Rows[i]]; int(r) < len(services) {
			return services[r]
		}
		return 0
	})
	w.uint32s("name", n, func(i int) uint32 {
		code := b.Name[t.Rows[i]]
		c, ok := names[code]
		if !ok {
			c = w.code(b.Strings.String(code))
			names[code] = c
		}
		return c
	})
	var summary []byte
	w.uint32s("summary", n, func(i int) uint32 {
		summary = insight.AppendSummary(summary[:0], b, int(t.Rows[i]))
		if c, ok := w.codes[string(summary)]; ok {
			return c
		}
		return w.code(string(summary))
	})
	w.uint8s("kind", n, func(i int) uint8 { return uint8(b.Kind[t.Rows[i]]) })
	w.uint8s("status", n, func(i int) uint8 { return uint8(b.Status[t.Rows[i]]) })
	w.uint32s("resource", n, func(i int) uint32 { return b.Resource[t.Rows[i]] })
	exception, hasExceptions := b.Strings.Lookup("exception")
	w.uint8s("flags", n, func(i int) uint8 {
		row := int(t.Rows[i])
		var f uint8
		if hasExceptions {
			lo, hi := b.Events.Range(row)
			for e := lo; e < hi; e++ {
				if b.Events.Name[e] == exception {
					f |= flagException
				}
			}
		}
		if b.Flags[row]&0x300 == 0x300 {
			f |= flagRemoteParent
		}
		if b.Notes[row] != 0 {
			f |= flagNotes
		}
		return f
	})
	w.uint32s("notes", n, func(i int) uint32 { return uint32(b.Notes[t.Rows[i]]) })
}

// tables adds where events are and how many links there are, and returns how many of each.
func (w *columnWriter) tables() (events, links int) {
	t, b := w.t, w.t.Batch
	n := len(t.Rows)
	w.uint32s("linkCount", n, func(i int) uint32 {
		lo, hi := b.Links.Range(int(t.Rows[i]))
		links += hi - lo
		return uint32(hi - lo)
	})
	var rows []int
	w.uint32s("eventOff", n+1, func(i int) uint32 {
		off := uint32(len(rows))
		if i < n {
			lo, hi := b.Events.Range(int(t.Rows[i]))
			for e := lo; e < hi; e++ {
				rows = append(rows, e)
			}
		}
		return off
	})
	w.float64s("eventTime", len(rows), func(i int) float64 { return float64(b.Events.Time[rows[i]] - t.Start) })
	w.uint32s("eventName", len(rows), func(i int) uint32 { return w.code(b.Strings.String(b.Events.Name[rows[i]])) })
	return len(rows), links
}
