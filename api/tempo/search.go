// SPDX-License-Identifier: Apache-2.0

package tempo

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/clew-tracing/clew/query"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
)

// Limits and defaults of GET /api/search, as in Tempo.
const (
	maxLimit     = 262_144
	defaultSpans = 3
	maxSpans     = 100
	// rootMissing stands for the names of a root span that did not arrive.
	rootMissing = "<root span not yet received>"
)

// The answer of /api/search, field by field that of tempopb.SearchResponse in protobuf's JSON: 64-bit numbers are strings,
// 32-bit ones numbers, what is zero is left out.
type searchResponse struct {
	Traces  []traceMetadata `json:"traces"`
	Metrics searchMetrics   `json:"metrics"`
}

type traceMetadata struct {
	TraceID           string                  `json:"traceID"`
	RootServiceName   string                  `json:"rootServiceName,omitempty"`
	RootTraceName     string                  `json:"rootTraceName,omitempty"`
	StartTimeUnixNano string                  `json:"startTimeUnixNano,omitempty"`
	DurationMs        uint32                  `json:"durationMs,omitempty"`
	SpanSet           *spanSet                `json:"spanSet,omitempty"`
	SpanSets          []spanSet               `json:"spanSets,omitempty"`
	ServiceStats      map[string]serviceStats `json:"serviceStats,omitempty"`
}

type serviceStats struct {
	SpanCount  uint32 `json:"spanCount,omitempty"`
	ErrorCount uint32 `json:"errorCount,omitempty"`
}

type spanSet struct {
	Spans      []foundSpan `json:"spans,omitempty"`
	Matched    uint32      `json:"matched,omitempty"`
	Attributes []keyValue  `json:"attributes,omitempty"`
}

type foundSpan struct {
	SpanID            string     `json:"spanID"`
	Name              string     `json:"name,omitempty"`
	StartTimeUnixNano string     `json:"startTimeUnixNano,omitempty"`
	DurationNanos     string     `json:"durationNanos,omitempty"`
	Attributes        []keyValue `json:"attributes,omitempty"`
}

type keyValue struct {
	Key   string   `json:"key"`
	Value anyValue `json:"value"`
}

// anyValue is OTLP's AnyValue in protobuf's JSON.
type anyValue map[string]any

type searchMetrics struct {
	InspectedTraces uint32 `json:"inspectedTraces,omitempty"`
	InspectedBytes  string `json:"inspectedBytes,omitempty"`
	TotalBlocks     uint32 `json:"totalBlocks,omitempty"`
	CompletedJobs   uint32 `json:"completedJobs,omitempty"`
	TotalJobs       uint32 `json:"totalJobs,omitempty"`
	InspectedSpans  string `json:"inspectedSpans,omitempty"`
}

// searchRequest reads the parameters of a search.
func (h *handler) searchRequest(ctx context.Context, q url.Values) (req query.SearchRequest, err error) {
	req = query.SearchRequest{Tenant: h.tenant(ctx), Query: q.Get("q"), Limit: query.DefaultLimit, Spans: defaultSpans}
	if len(req.Query) > maxQuery {
		return req, badRequest("query of %d bytes is longer than %d", len(req.Query), maxQuery)
	}
	if q.Has("tags") || q.Has("minDuration") || q.Has("maxDuration") {
		if q.Has("tags") && req.Query != "" {
			return req, badRequest("invalid request: can't specify tags and q in the same query")
		}
		filter, err := legacyFilter(q.Get("tags"), q.Get("minDuration"), q.Get("maxDuration"))
		if err != nil {
			return req, err
		}
		if req.Query == "" {
			req.Query = filter
		}
	}
	if req.Window, err = window(q); err != nil {
		return req, err
	}
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n <= 0 {
			return req, badRequest("invalid limit %q: must be a positive number", s)
		}
		if n > maxLimit {
			return req, badRequest("limit %d exceeds max limit %d", n, maxLimit)
		}
		req.Limit = n
	}
	if s := q.Get("spss"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 {
			return req, badRequest("invalid spss %q: must be a number, 0 for all", s)
		}
		if n > maxSpans {
			return req, badRequest("spans per spanset %d exceeds max %d", n, maxSpans)
		}
		req.Spans = n
	}
	return req, nil
}

// search answers GET /api/search.
func (h *handler) search(w http.ResponseWriter, r *http.Request) error {
	req, err := h.searchRequest(r.Context(), r.URL.Query())
	if err != nil {
		return err
	}
	res, err := h.Query.Search(r.Context(), req)
	if err != nil {
		return err
	}
	out := searchResponse{Traces: []traceMetadata{}, Metrics: scanned(res.Scanned)}
	for _, t := range res.Traces {
		out.Traces = append(out.Traces, metadata(t))
	}
	writeJSON(w, out)
	return nil
}

// scanned translates the work that an answer took.
func scanned(c store.Counters) searchMetrics {
	return searchMetrics{
		InspectedTraces: clamp32(c.Traces), InspectedBytes: nonZero(c.Bytes), InspectedSpans: nonZero(c.Spans),
		TotalBlocks: clamp32(c.Blocks + c.BlocksSkipped), CompletedJobs: 1, TotalJobs: 1,
	}
}

// metadata translates one trace.
func metadata(t *query.Trace) traceMetadata {
	m := traceMetadata{
		TraceID: strings.TrimLeft(t.ID.String(), "0"), RootServiceName: t.RootService, RootTraceName: t.RootName,
		StartTimeUnixNano: nonZero(t.Start), DurationMs: clamp32(t.Duration / int64(time.Millisecond)),
		ServiceStats: map[string]serviceStats{},
	}
	if t.MissingRoot {
		m.RootServiceName, m.RootTraceName = rootMissing, ""
	}
	for _, s := range t.Services {
		m.ServiceStats[s.Name] = serviceStats{uint32(s.Spans), uint32(s.Errors)}
	}
	for _, set := range t.SpanSets {
		s := spanSet{Matched: clamp32(int64(set.Matched)), Attributes: keyValues(set.Attributes, true)}
		for _, f := range set.Spans {
			s.Spans = append(s.Spans, foundSpan{
				SpanID: f.ID.String(), Name: f.Name, StartTimeUnixNano: nonZero(f.Start), DurationNanos: nonZero(f.Duration),
				Attributes: keyValues(f.Attributes, false),
			})
		}
		m.SpanSets = append(m.SpanSets, s)
	}
	if len(m.SpanSets) > 0 {
		m.SpanSet = &m.SpanSets[0]
	}
	return m
}

// keyValues translates attributes: with their bare names on spans, with the expression on spansets.
func keyValues(list []query.Attribute, full bool) []keyValue {
	var out []keyValue
	for _, a := range list {
		name := a.Bare
		if full {
			name = a.Name
		}
		out = append(out, keyValue{Key: name, Value: jsonValue(a.Readable())})
	}
	return out
}

// jsonValue is a value in protobuf's JSON.
func jsonValue(v span.Value) anyValue {
	switch v.Type {
	case span.TypeString:
		return anyValue{"stringValue": v.Str}
	case span.TypeBool:
		return anyValue{"boolValue": v.Bool()}
	case span.TypeInt:
		return anyValue{"intValue": strconv.FormatInt(v.Int(), 10)}
	case span.TypeDouble:
		switch f := v.Double(); {
		case math.IsNaN(f):
			return anyValue{"doubleValue": "NaN"}
		case math.IsInf(f, 0):
			return anyValue{"doubleValue": map[bool]string{true: "Infinity", false: "-Infinity"}[f > 0]}
		default:
			return anyValue{"doubleValue": f}
		}
	case span.TypeBytes:
		return anyValue{"bytesValue": []byte(v.Str)}
	case span.TypeArray:
		values := []anyValue{}
		_ = v.Elems(func(e span.Value) bool { values = append(values, jsonValue(e)); return true })
		return anyValue{"arrayValue": map[string]any{"values": values}}
	case span.TypeMap:
		values := []keyValue{}
		_ = v.Entries(func(k string, e span.Value) bool { values = append(values, keyValue{k, jsonValue(e)}); return true })
		return anyValue{"kvlistValue": map[string]any{"values": values}}
	}
	return anyValue{}
}

// window reads start and end, unix seconds, both or none; none means everything.
func window(q url.Values) (store.Window, error) {
	from, to := q.Get("start"), q.Get("end")
	if (from == "" || from == "0") && (to == "" || to == "0") {
		return store.AllTime(), nil
	}
	start, err := unixSeconds(from)
	if err != nil {
		return store.Window{}, badRequest("invalid start %q: must be unix seconds, together with end", from)
	}
	end, err := unixSeconds(to)
	if err != nil {
		return store.Window{}, badRequest("invalid end %q: must be unix seconds, together with start", to)
	}
	if end <= start {
		return store.Window{}, badRequest("http parameter start must be before end. received start=%s end=%s", from, to)
	}
	return store.Window{From: start, To: end}, nil
}

// unixSeconds reads seconds and returns ns; what lies beyond the year 2262 is the end of time.
func unixSeconds(s string) (int64, error) {
	v, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return 0, err
	}
	return int64(min(v, math.MaxInt64/uint64(time.Second))) * int64(time.Second), nil
}

func clamp32(v int64) uint32 { return uint32(min(max(v, 0), math.MaxUint32)) }

// nonZero is a 64-bit number in protobuf's JSON.
func nonZero(v int64) string {
	if v == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(v), 10)
}

// writeJSON answers with v. What cannot be written has nobody to read it.
func writeJSON(w http.ResponseWriter, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(raw)
}
