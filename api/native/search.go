// SPDX-License-Identifier: Apache-2.0

package native

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/clew-tracing/clew/query"
	"github.com/clew-tracing/clew/traceql"
)

// Limits of GET /search. A page of 1,000 traces is far more than a screen shows; more come by the cursor.
const (
	maxTraces       = 1000
	maxSpansPerSet  = 1000
	defaultSpansSet = 3
)

// traceJSON is one trace of a search.
type traceJSON struct {
	TraceID     string        `json:"traceId"`
	RootService string        `json:"rootService"`
	RootName    string        `json:"rootName"`
	MissingRoot bool          `json:"missingRoot"`
	StartNs     string        `json:"startNs"`
	DurationNs  string        `json:"durationNs"`
	SpanCount   int           `json:"spanCount"`
	ErrorCount  int           `json:"errorCount"`
	Services    []serviceJSON `json:"services"`
	Matched     int           `json:"matched"`
	Spans       []matchedJSON `json:"spans"`
	Groups      []groupJSON   `json:"groups,omitempty"`
}

type serviceJSON struct {
	Name   string `json:"name"`
	Spans  int    `json:"spans"`
	Errors int    `json:"errors"`
}

// matchedJSON is a span that the query matched.
type matchedJSON struct {
	SpanID     string          `json:"spanId"`
	Name       string          `json:"name"`
	Service    string          `json:"service"`
	StartNs    string          `json:"startNs"`
	DurationNs string          `json:"durationNs"`
	Status     string          `json:"status"`
	Kind       string          `json:"kind"`
	Attributes []attributeJSON `json:"attributes"`
}

// groupJSON is a spanset that by() or an aggregate made.
type groupJSON struct {
	Matched    int             `json:"matched"`
	Attributes []attributeJSON `json:"attributes"`
}

type scannedJSON struct {
	Traces           int64 `json:"traces"`
	Spans            int64 `json:"spans"`
	Bytes            int64 `json:"bytes"`
	Blocks           int64 `json:"blocks"`
	BlocksSkipped    int64 `json:"blocksSkipped"`
	RowGroups        int64 `json:"rowGroups"`
	RowGroupsSkipped int64 `json:"rowGroupsSkipped"`
}

// searchJSON is the answer of GET /search.
type searchJSON struct {
	Traces  []traceJSON `json:"traces"`
	Cursor  string      `json:"cursor"`
	Partial bool        `json:"partial"`
	Reason  string      `json:"reason,omitempty"`
	Scanned scannedJSON `json:"scanned"`
	TookMs  float64     `json:"tookMs"`
	Explain string      `json:"explain,omitempty"`
}

// search answers GET /search.
func (h *handler) search(w http.ResponseWriter, r *http.Request) error {
	began := time.Now()
	q := r.URL.Query()
	req := query.SearchRequest{Tenant: h.tenant(r), Query: q.Get("q"), Cursor: q.Get("cursor")}
	var err error
	if req.Window, err = window(q); err != nil {
		return err
	}
	if req.Limit, err = count(q, "limit", query.DefaultLimit, maxTraces); err != nil {
		return err
	}
	if req.Limit == 0 {
		return badRequest("limit 0 asks for nothing", "")
	}
	if req.Spans, err = count(q, "spss", defaultSpansSet, maxSpansPerSet); err != nil {
		return err
	}
	if req.Order, err = query.ParseOrder(q.Get("order")); err != nil {
		return badRequest(err.Error(), "")
	}
	res, err := h.Query.Search(r.Context(), req)
	if errors.Is(err, query.ErrCursor) {
		return badRequest(err.Error(), "leave the cursor out to begin again")
	}
	if err != nil {
		return err
	}
	c := res.Scanned
	out := searchJSON{
		Traces: []traceJSON{}, Cursor: res.Cursor, Partial: res.Partial, Reason: res.Reason,
		Scanned: scannedJSON{c.Traces, c.Spans, c.Bytes, c.Blocks, c.BlocksSkipped, c.RowGroups, c.RowGroupsSkipped},
	}
	for _, t := range res.Traces {
		out.Traces = append(out.Traces, foundTrace(t))
	}
	if q.Get("explain") == "true" {
		if out.Explain, err = h.Query.Explain(req.Query); err != nil {
			return err
		}
	}
	out.TookMs = float64(time.Since(began).Microseconds()) / 1000
	writeJSON(w, http.StatusOK, out)
	return nil
}

func foundTrace(t *query.Trace) traceJSON {
	j := traceJSON{
		TraceID: t.ID.String(), RootService: t.RootService, RootName: t.RootName, MissingRoot: t.MissingRoot,
		StartNs: nanos(t.Start), DurationNs: nanos(t.Duration), SpanCount: t.SpanCount, ErrorCount: t.ErrorCount,
		Services: []serviceJSON{}, Matched: t.Matched(), Spans: []matchedJSON{},
	}
	for _, s := range t.Services {
		j.Services = append(j.Services, serviceJSON(s))
	}
	for _, set := range t.SpanSets {
		if len(set.Attributes) > 0 {
			j.Groups = append(j.Groups, groupJSON{Matched: set.Matched, Attributes: found(set.Attributes)})
		}
		for _, s := range set.Spans {
			j.Spans = append(j.Spans, matchedJSON{
				SpanID: s.ID.String(), Name: s.Name, Service: s.Service, StartNs: nanos(s.Start), DurationNs: nanos(s.Duration),
				Status: s.Status.String(), Kind: s.Kind.String(), Attributes: found(s.Attributes),
			})
		}
	}
	return j
}

func found(list []query.Attribute) []attributeJSON {
	out := make([]attributeJSON, 0, len(list))
	for _, a := range list {
		out = append(out, attributeJSON{Key: a.Name, valueJSON: typed(a.Readable())})
	}
	return out
}

// completionJSON is the answer of POST /complete; offsets are UTF-16 code units, as editors count.
type completionJSON struct {
	From        int              `json:"from"`
	To          int              `json:"to"`
	Items       []itemJSON       `json:"items"`
	Diagnostics []diagnosticJSON `json:"diagnostics"`
}

type itemJSON struct {
	Label  string `json:"label"`
	Kind   string `json:"kind"`
	Detail string `json:"detail"`
	Insert string `json:"insert"`
}

type diagnosticJSON struct {
	From     int    `json:"from"`
	To       int    `json:"to"`
	Severity string `json:"severity"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
}

// maxEdited is the longest query that an editor may ask about.
const maxEdited = 128 << 10

// complete answers POST /complete.
func (h *handler) complete(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Q      string `json:"q"`
		Cursor int    `json:"cursor"`
		Start  string `json:"start"`
		End    string `json:"end"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4*maxEdited)).Decode(&in); err != nil {
		return badRequest("the body is no JSON object with q and cursor: "+err.Error(), "")
	}
	if len(in.Q) > maxEdited {
		return badRequest("the query is too long to edit", "")
	}
	win, err := window(url.Values{"start": {in.Start}, "end": {in.End}})
	if err != nil {
		return err
	}
	res, err := h.Query.Complete(r.Context(), query.CompleteRequest{
		Tenant: h.tenant(r), Window: win, Text: in.Q, Cursor: traceql.ByteOffset(in.Q, in.Cursor),
	})
	if err != nil {
		return err
	}
	out := completionJSON{
		From: traceql.UTF16Offset(in.Q, res.From), To: traceql.UTF16Offset(in.Q, res.To),
		Items: []itemJSON{}, Diagnostics: []diagnosticJSON{},
	}
	for _, it := range res.Items {
		out.Items = append(out.Items, itemJSON{Label: it.Label, Kind: string(it.Kind), Detail: it.Detail, Insert: it.Insert})
	}
	say := func(severity string, list traceql.Errors) {
		for _, e := range list {
			out.Diagnostics = append(out.Diagnostics, diagnosticJSON{
				From: traceql.UTF16Offset(in.Q, e.From), To: traceql.UTF16Offset(in.Q, e.To), Severity: severity, Message: e.Message, Hint: e.Hint,
			})
		}
	}
	say("error", res.Errors)
	say("warning", res.Warnings)
	writeJSON(w, http.StatusOK, out)
	return nil
}
