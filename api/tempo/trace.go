// SPDX-License-Identifier: Apache-2.0

package tempo

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
	"github.com/clew-tracing/clew/wire/otlp"
)

// Field numbers of tempopb.TraceByIDResponse.
const fieldTrace = 1

// dialect is how Tempo writes traces in JSON, which is protobuf's generic form and not OTLP/JSON.
func dialect(rootKey string) otlp.JSONOptions {
	return otlp.JSONOptions{RootKey: rootKey, Base64IDs: true, EnumNames: true}
}

// wantsProtobuf looks for the media type as Tempo does, by substring.
func wantsProtobuf(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "application/protobuf")
}

// load returns the trace that the path names. The time range of the request is checked, but the answer is always the
// whole trace, since a look-up by id needs no help from a range here.
func (h *handler) load(r *http.Request) (*span.Batch, error) {
	id, err := span.ParseTraceID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if id.IsZero() {
		return nil, badRequest("trace id %s is the invalid id of zeroes", id)
	}
	if _, err := window(r.URL.Query()); err != nil {
		return nil, err
	}
	b, err := h.Engine.Trace(r.Context(), h.tenant(r.Context()), id)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// traceV1 answers GET /api/traces/{id}.
func (h *handler) traceV1(w http.ResponseWriter, r *http.Request) error {
	b, err := h.load(r)
	if err != nil {
		return err
	}
	// What cannot be written once the headers are out has nobody to read it.
	enc := &otlp.Encoder{EmitEmpty: true}
	if wantsProtobuf(r) {
		w.Header().Set("Content-Type", "application/protobuf")
		_ = enc.WriteProto(w, b, nil)
		return nil
	}
	w.Header().Set("Content-Type", "application/json")
	_ = enc.WriteJSON(w, b, nil, dialect("batches"))
	return nil
}

// traceV2 answers GET /api/v2/traces/{id}. What is not there is an empty trace: clients take a 404 for a server that does
// not know this call.
func (h *handler) traceV2(w http.ResponseWriter, r *http.Request) error {
	b, err := h.load(r)
	if errors.Is(err, store.ErrNotFound) {
		b, err = &span.Batch{}, nil
	}
	if err != nil {
		return err
	}
	enc := &otlp.Encoder{EmitEmpty: true}
	if wantsProtobuf(r) {
		size := enc.SizeProto(b, nil)
		head := protowire.AppendVarint(protowire.AppendTag(nil, fieldTrace, protowire.BytesType), uint64(size))
		w.Header().Set("Content-Type", "application/protobuf")
		w.Header().Set("Content-Length", strconv.Itoa(len(head)+size))
		if _, err := w.Write(head); err == nil {
			_ = enc.WriteProto(w, b, nil)
		}
		return nil
	}
	w.Header().Set("Content-Type", "application/json")
	_ = writeTraceJSON(w, enc, b)
	return nil
}

// writeTraceJSON writes the answer of traceV2 as JSON. The error is the client's, who went away.
func writeTraceJSON(w io.Writer, enc *otlp.Encoder, b *span.Batch) error {
	if _, err := io.WriteString(w, `{"trace":`); err != nil {
		return err
	}
	if b.Len() == 0 {
		if _, err := io.WriteString(w, `{}`); err != nil {
			return err
		}
	} else if err := enc.WriteJSON(w, b, nil, dialect("resourceSpans")); err != nil {
		return err
	}
	_, err := io.WriteString(w, `,"metrics":{}}`)
	return err
}
