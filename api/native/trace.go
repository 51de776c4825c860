// SPDX-License-Identifier: Apache-2.0

package native

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/wire/otlp"
)

// load returns the trace that the path names.
func (h *handler) load(r *http.Request) (*span.Batch, error) {
	id, err := span.ParseTraceID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if id.IsZero() {
		return nil, badRequest("the trace id of zeroes is invalid", "")
	}
	b, err := h.Engine.Trace(r.Context(), h.tenant(r), id)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// trace answers GET /traces/{id}: OTLP/JSON, OTLP protobuf or, with format=text, the dump for people.
func (h *handler) trace(w http.ResponseWriter, r *http.Request) error {
	format := r.URL.Query().Get("format")
	if format == "" && strings.Contains(r.Header.Get("Accept"), "protobuf") {
		format = "protobuf"
	}
	switch format {
	case "", "json", "protobuf", "text":
	default:
		return badRequest(fmt.Sprintf("format %q is not known", format), "want json, protobuf or text")
	}
	b, err := h.load(r)
	if err != nil {
		return err
	}
	// Headers are out with the first byte; what cannot be written after that has nobody to read it.
	enc := &otlp.Encoder{}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	switch format {
	case "text":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_ = span.Dump(w, b)
	case "protobuf":
		w.Header().Set("Content-Type", "application/x-protobuf")
		_ = enc.WriteProto(w, b, nil)
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = enc.WriteJSON(w, b, nil, otlp.JSONOptions{})
	}
	return nil
}

// columns answers GET /traces/{id}/columns; see [AppendColumns].
func (h *handler) columns(w http.ResponseWriter, r *http.Request) error {
	b, err := h.load(r)
	if err != nil {
		return err
	}
	var t span.Trace
	t.Build(b, 0, b.Len())
	payload := AppendColumns(nil, &t)
	tag := `"` + strconv.FormatUint(xxhash.Sum64(payload), 16) + `"`
	w.Header().Set("ETag", tag)
	w.Header().Set("Cache-Control", "no-cache")
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.Header().Set("Content-Type", "application/vnd.clew.trace-columns")
	_, _ = w.Write(payload)
	return nil
}

// maxDescribed bounds the spans of one answer of GET /traces/{id}/spans: a page of rows, far more than a screen has.
const maxDescribed = 2000

// spans answers GET /traces/{id}/spans?rows=0-99 or ?ids=hex,hex with everything about these spans.
func (h *handler) spans(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	ids, err := parseSpanIDs(q.Get("ids"))
	if err != nil {
		return err
	}
	from, to, err := parseRows(q.Get("rows"))
	if err != nil {
		return err
	}
	if (q.Get("ids") == "") == (q.Get("rows") == "") {
		return badRequest("want either rows or ids", "rows=0-99 or ids=00f067aa0ba902b7,…")
	}
	b, err := h.load(r)
	if err != nil {
		return err
	}
	var t span.Trace
	t.Build(b, 0, b.Len())
	list := []spanJSON{}
	for p, row := range t.Rows {
		if len(list) == maxDescribed {
			break
		}
		if ids[b.SpanID[row]] || ids == nil && p >= from && p <= to {
			list = append(list, describe(b, int(row), p))
		}
	}
	writeJSON(w, http.StatusOK, struct {
		Spans []spanJSON `json:"spans"`
	}{list})
	return nil
}

func parseSpanIDs(s string) (map[span.SpanID]bool, error) {
	if s == "" {
		return nil, nil
	}
	ids := map[span.SpanID]bool{}
	for part := range strings.SplitSeq(s, ",") {
		id, err := span.ParseSpanID(part)
		if err != nil {
			return nil, err
		}
		ids[id] = true
	}
	if len(ids) > maxDescribed {
		return nil, badRequest(fmt.Sprintf("%d ids are too many", len(ids)), fmt.Sprintf("ask for at most %d at a time", maxDescribed))
	}
	return ids, nil
}

// parseRows reads "a-b", both ends included, or "a".
func parseRows(s string) (from, to int, err error) {
	if s == "" {
		return 0, -1, nil
	}
	a, b, both := strings.Cut(s, "-")
	if from, err = strconv.Atoi(a); err == nil {
		if to = from; both {
			to, err = strconv.Atoi(b)
		}
	}
	if err != nil || from < 0 || to < from {
		return 0, 0, badRequest(fmt.Sprintf("rows %q is no range", s), "want rows=0-99")
	}
	return from, to, nil
}

// openapi answers GET /openapi.yaml with the description of this API.
func (h *handler) openapi(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = bytes.NewReader(h.OpenAPI).WriteTo(w)
	return nil
}
