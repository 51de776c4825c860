// SPDX-License-Identifier: Apache-2.0

package tempo

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/clew-tracing/clew/query"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/traceql"
)

// The answer of /api/metrics/query_range, field by field that of tempopb.QueryRangeResponse in protobuf's JSON.
type rangeResponse struct {
	Series  []timeSeries  `json:"series"`
	Metrics searchMetrics `json:"metrics"`
	Status  string        `json:"status,omitempty"`
	Message string        `json:"message,omitempty"`
}

type timeSeries struct {
	Labels    []keyValue `json:"labels"`
	Samples   []sample   `json:"samples"`
	Exemplars []exemplar `json:"exemplars,omitempty"`
}

type sample struct {
	TimestampMs string    `json:"timestampMs"`
	Value       jsonFloat `json:"value"`
}

type exemplar struct {
	Labels      []keyValue `json:"labels"`
	Value       jsonFloat  `json:"value"`
	TimestampMs string     `json:"timestampMs"`
}

// The answer of /api/metrics/query, that of tempopb.QueryInstantResponse as of the version that clients decode it with,
// strictly: it has no status.
type instantResponse struct {
	Series  []instantSeries `json:"series"`
	Metrics searchMetrics   `json:"metrics"`
}

type instantSeries struct {
	Labels []keyValue `json:"labels"`
	Value  jsonFloat  `json:"value"`
}

// jsonFloat is a double in protobuf's JSON, where those that are not finite are words.
type jsonFloat float64

// MarshalJSON implements json.Marshaler.
func (f jsonFloat) MarshalJSON() ([]byte, error) {
	switch v := float64(f); {
	case math.IsNaN(v):
		return []byte(`"NaN"`), nil
	case math.IsInf(v, 1):
		return []byte(`"Infinity"`), nil
	case math.IsInf(v, -1):
		return []byte(`"-Infinity"`), nil
	default:
		return strconv.AppendFloat(nil, v, 'g', -1, 64), nil
	}
}

// statusPartial is the name of tempopb.PartialStatus_PARTIAL; a complete answer leaves the status out.
const statusPartial = "PARTIAL"

// traceIDLabel is what an exemplar's trace is called.
const traceIDLabel = "trace:id"

// defaultSince is the length of a range that nothing is said about.
const defaultSince = time.Hour

// metricsRange answers GET /api/metrics/query_range.
func (h *handler) metricsRange(w http.ResponseWriter, r *http.Request) error {
	req, err := h.rangeRequest(r.Context(), r.URL.Query())
	if err != nil {
		return err
	}
	res, err := h.Query.Metrics(r.Context(), req)
	if err != nil {
		return err
	}
	out := rangeResponse{Series: []timeSeries{}, Metrics: scanned(res.Scanned), Message: res.Reason}
	if res.Partial {
		out.Status = statusPartial
	}
	for _, s := range res.Series {
		out.Series = append(out.Series, seriesOf(s, res.Times))
	}
	writeJSON(w, out)
	return nil
}

// metricsInstant answers GET /api/metrics/query.
func (h *handler) metricsInstant(w http.ResponseWriter, r *http.Request) error {
	req, err := h.instantRequest(r.Context(), r.URL.Query())
	if err != nil {
		return err
	}
	res, err := h.Query.Metrics(r.Context(), req)
	if err != nil {
		return err
	}
	out := instantResponse{Series: []instantSeries{}, Metrics: scanned(res.Scanned)}
	for _, s := range res.Series {
		out.Series = append(out.Series, instantSeries{Labels: labels(s.Labels), Value: jsonFloat(s.Values[0])})
	}
	writeJSON(w, out)
	return nil
}

// rangeRequest reads the parameters of a range of samples.
func (h *handler) rangeRequest(ctx context.Context, q url.Values) (query.MetricsRequest, error) {
	req, err := h.metricsRequest(ctx, q)
	if err != nil {
		return req, err
	}
	if s := q.Get("step"); s != "" {
		if req.Step, err = step(s); err != nil {
			return req, err
		}
	}
	if req.Exemplars, err = count(q, "exemplars"); err != nil {
		return req, err
	}
	req.MaxSeries, err = count(q, "maxSeries")
	return req, err
}

// instantRequest reads the parameters of single samples.
func (h *handler) instantRequest(ctx context.Context, q url.Values) (query.MetricsRequest, error) {
	req, err := h.metricsRequest(ctx, q)
	req.Instant = true
	return req, err
}

// metricsRequest reads what both have in common.
func (h *handler) metricsRequest(ctx context.Context, q url.Values) (query.MetricsRequest, error) {
	req := query.MetricsRequest{Tenant: h.tenant(ctx), Query: queryText(q)}
	if len(req.Query) > maxQuery {
		return req, badRequest("query of %d bytes is longer than %d", len(req.Query), maxQuery)
	}
	var err error
	req.Start, req.End, err = timeRange(q, time.Now())
	return req, err
}

// queryText is TraceQL, in either of the parameters that clients use.
func queryText(q url.Values) string {
	if q.Has("q") {
		return q.Get("q")
	}
	return q.Get("query")
}

// timeRange reads start and end, or since before now. One end alone goes with since too.
func timeRange(q url.Values, now time.Time) (start, end int64, err error) {
	since := defaultSince
	if s := q.Get("since"); s != "" {
		ns, ok := traceql.ParseDuration(s)
		if !ok || ns <= 0 {
			return 0, 0, badRequest("invalid since %q: must be a duration such as 1h", s)
		}
		since = time.Duration(ns)
	}
	end = now.UnixNano()
	if s := q.Get("end"); s != "" {
		if end, err = moment("end", s); err != nil {
			return 0, 0, err
		}
	}
	start = max(0, end-int64(since))
	if s := q.Get("start"); s != "" {
		if start, err = moment("start", s); err != nil {
			return 0, 0, err
		}
	}
	if end <= start {
		return 0, 0, badRequest("http parameter start must be before end. received start=%d end=%d", start, end)
	}
	return start, end, nil
}

// moment reads a time: unix seconds (up to ten digits, or with a fraction), ns, or RFC 3339.
func moment(name, s string) (int64, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n >= 0 {
		if len(s) <= 10 {
			return n * int64(time.Second), nil
		}
		return n, nil
	}
	if whole, fraction, ok := strings.Cut(s, "."); ok && len(whole) <= 10 {
		seconds, err := strconv.ParseUint(whole, 10, 62)
		digits := (fraction + "000000000")[:9]
		ns, ferr := strconv.ParseUint(digits, 10, 62)
		if err == nil && ferr == nil {
			return int64(seconds)*int64(time.Second) + int64(ns), nil
		}
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil && t.Year() >= 1970 && t.Year() < 2200 {
		return t.UnixNano(), nil
	}
	return 0, badRequest("invalid %s %q: must be unix seconds, unix nanoseconds or RFC 3339", name, s)
}

// step reads a step: seconds, or a duration.
func step(s string) (int64, error) {
	if seconds, err := strconv.ParseFloat(s, 64); err == nil {
		if ns := seconds * 1e9; ns >= 1 && ns < math.MaxInt64/8 {
			return int64(math.Round(ns)), nil
		}
		return 0, badRequest("invalid step %q: must be a positive number of seconds", s)
	}
	if ns, ok := traceql.ParseDuration(s); ok && ns > 0 {
		return ns, nil
	}
	return 0, badRequest("invalid step %q: must be seconds or a duration such as 15s", s)
}

// count reads a number that may be left out.
func count(q url.Values, name string) (int, error) {
	s := q.Get(name)
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0, badRequest("invalid %s %q: must be a number", name, s)
	}
	return int(n), nil
}

func seriesOf(s *query.Series, times query.Times) timeSeries {
	out := timeSeries{Labels: labels(s.Labels), Samples: []sample{}}
	for i, v := range s.Values {
		if !math.IsNaN(v) {
			out.Samples = append(out.Samples, sample{milliseconds(times.At(i)), jsonFloat(v)})
		}
	}
	for _, e := range s.Exemplars {
		out.Exemplars = append(out.Exemplars, exemplar{exemplarLabels(e), jsonFloat(e.Value), milliseconds(e.Time)})
	}
	return out
}

func exemplarLabels(e query.Exemplar) []keyValue {
	return append([]keyValue{{traceIDLabel, jsonValue(span.StringValue(e.TraceID.String()))}}, keyValues(e.Attributes, true)...)
}

func labels(list []query.Label) []keyValue {
	out := []keyValue{}
	for _, l := range list {
		out = append(out, keyValue{l.Name, jsonValue(l.Readable())})
	}
	return out
}

func milliseconds(ns int64) string { return strconv.FormatInt(ns/int64(time.Millisecond), 10) }
