// SPDX-License-Identifier: Apache-2.0

package native

import (
	"net/http"
	"strconv"
	"time"

	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/store"
)

// ServerStatus is what the server knows of itself.
type ServerStatus struct {
	Version     string            `json:"version"`
	StartedAt   time.Time         `json:"startedAt"`
	Addresses   map[string]string `json:"addresses"`
	WALSync     string            `json:"walSync"`
	Retention   string            `json:"retention"`
	MemoryLimit int64             `json:"memoryLimit"`
}

// statusJSON is the answer of GET /status.
type statusJSON struct {
	ServerStatus
	Spans        int64  `json:"spans"`
	Traces       int64  `json:"traces"`
	Services     int    `json:"services"`
	StorageBytes int64  `json:"storageBytes"`
	OldestNs     string `json:"oldestNs"`
	NewestNs     string `json:"newestNs"`
}

// recent is how far back GET /status counts services, so that it stays cheap however much is stored.
const recent = time.Hour

// status answers GET /status.
func (h *handler) status(w http.ResponseWriter, r *http.Request) error {
	st, err := h.Engine.Stats(r.Context(), h.tenant(r))
	if err != nil {
		return err
	}
	s := statusJSON{ServerStatus: h.Status(), Spans: st.Spans, Traces: st.Traces, StorageBytes: st.Bytes}
	s.OldestNs, s.NewestNs = strconv.FormatInt(st.Oldest, 10), strconv.FormatInt(st.Newest, 10)
	if st.Spans > 0 {
		services, err := h.Engine.Values(r.Context(), store.ValuesRequest{
			Tenant: h.tenant(r), Window: store.Window{From: st.Newest - int64(recent), To: st.Newest},
			Field: match.Attr(match.ScopeResource, "service.name"),
		})
		if err != nil {
			return err
		}
		s.Services = len(services.Values)
	}
	writeJSON(w, http.StatusOK, s)
	return nil
}
