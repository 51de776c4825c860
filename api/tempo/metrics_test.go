// SPDX-License-Identifier: Apache-2.0

package tempo_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The answers of metrics as Grafana decodes them, strictly: it does so with instant queries.
type (
	metricsAnswer struct {
		InspectedTraces, TotalBlocks, CompletedJobs, TotalJobs uint32
		InspectedBytes, TotalBlockBytes, InspectedSpans        string
	}
	rangeAnswer struct {
		Series []struct {
			Labels  []keyValue
			Samples []struct {
				TimestampMs string
				Value       float64
			}
			Exemplars []struct {
				Labels      []keyValue
				Value       float64
				TimestampMs string
			}
		}
		Metrics         metricsAnswer
		Status, Message string
	}
	instantAnswer struct {
		Series []struct {
			Labels []keyValue
			Value  float64
		}
		Metrics metricsAnswer
	}
)

// plain is labels as name=value.
func plain(list []keyValue) string {
	var parts []string
	for _, a := range list {
		switch v := a.Value; {
		case v.StringValue != nil:
			parts = append(parts, a.Key+"="+strconv.Quote(*v.StringValue))
		case v.IntValue != nil:
			parts = append(parts, a.Key+"=int "+*v.IntValue)
		case v.DoubleValue != nil:
			parts = append(parts, fmt.Sprintf("%s=double %g", a.Key, *v.DoubleValue))
		case v.BoolValue != nil:
			parts = append(parts, fmt.Sprintf("%s=%t", a.Key, *v.BoolValue))
		}
	}
	return strings.Join(parts, " ")
}

// shopRange holds all spans of shop.
const shopRange = "&start=1699999990&end=1700000010&step=10"

func rangeLines(t *testing.T, raw []byte) (lines []string) {
	t.Helper()
	var a rangeAnswer
	strict(t, raw, &a)
	for _, s := range a.Series {
		line := plain(s.Labels) + ":"
		for _, p := range s.Samples {
			line += fmt.Sprintf(" %s=%.3g", strings.TrimPrefix(p.TimestampMs, "1"), p.Value)
		}
		lines = append(lines, line)
		for _, e := range s.Exemplars {
			lines = append(lines, fmt.Sprintf("  exemplar %s %s=%.3g", plain(e.Labels), strings.TrimPrefix(e.TimestampMs, "1"), e.Value))
		}
	}
	if a.Status+a.Message != "" {
		lines = append(lines, a.Status+": "+a.Message)
	}
	return lines
}

func TestMetricsRange(t *testing.T) {
	h := serve(t, shop())
	for _, c := range []struct {
		query, params string
		want          []string
	}{
		{`{ } | rate()`, shopRange, []string{`__name__="rate": 699999990000=0 700000000000=0.1 700000010000=0.2`}},
		{`{} | count_over_time() by (resource.service.name)`, shopRange, []string{
			`resource.service.name="cart": 699999990000=0 700000000000=0 700000010000=2`,
			`resource.service.name="web": 699999990000=0 700000000000=1 700000010000=0`,
		}},
		{`{ span.http.status != nil } | count_over_time() by (span.http.status, status, kind, span.absent)`, shopRange, []string{
			`span.http.status=int 500 status="error" kind="server": 699999990000=0 700000000000=1 700000010000=0`,
		}},
		{`{} | count_over_time() by (span.ok)`, shopRange, []string{
			`span.ok="nil": 699999990000=0 700000000000=1 700000010000=1`,
			`span.ok=true: 699999990000=0 700000000000=0 700000010000=1`,
		}},
		{`{ name = "load" } | quantile_over_time(duration, .5)`, shopRange, []string{`p=double 0.5: 700000010000=0.447`}},
		{`{ name = "load" } | histogram_over_time(duration)`, shopRange + "&exemplars=5", []string{
			`__bucket=double 0.536870912: 699999990000=0 700000000000=0 700000010000=1`,
			`  exemplar trace:id="00000000000000000000000000000abc" 700000000001=0.447`,
		}},
		{`{ span.ratio > 0 } | rate() with(exemplars=true)`, shopRange, []string{
			`__name__="rate": 699999990000=0 700000000000=0 700000010000=0.1`,
			`  exemplar trace:id="00000000000000000000000000000abc" span.ratio=double 0.5 700000000001=0.1`,
		}},
		{`{ } | count_over_time() by (name)`, shopRange + "&maxSeries=1", []string{
			`name="GET /": 699999990000=0 700000000000=1 700000010000=0`,
			`PARTIAL: Response exceeds maximum series limit of 1, a partial response is returned. Narrow the query, group by fewer fields, or end it in | topk(10).`,
		}},
		{`{ name = "absent" } | rate() by (name)`, shopRange, nil},
		// The forms of times, and since.
		{`{ } | count_over_time()`, "&start=1699999990.000&end=1700000010000000000&step=20s", []string{`__name__="count_over_time": 699999980000=0 700000000000=1 700000020000=2`}},
		{`{ } | count_over_time()`, "&start=2023-11-14T22:13:10Z&end=2023-11-14T22:13:30Z&step=10.0", []string{`__name__="count_over_time": 699999990000=0 700000000000=1 700000010000=2`}},
		{`{ } | count_over_time()`, "&end=1700000010&since=20s&step=10", []string{`__name__="count_over_time": 699999990000=0 700000000000=1 700000010000=2`}},
	} {
		for _, name := range []string{"q", "query"} {
			_, raw := get(t, h, "/api/metrics/query_range?"+name+"="+url.QueryEscape(c.query)+c.params, "application/json")
			if diff := cmp.Diff(c.want, rangeLines(t, raw)); diff != "" {
				t.Errorf("%s %s (-want +got):\n%s", c.query, c.params, diff)
			}
		}
	}
	// Lists are never null, numbers of 64 bits are strings.
	_, raw := get(t, h, "/api/metrics/query_range?q="+url.QueryEscape(`{ name = "absent" } | rate() by (name)`)+shopRange, "")
	if !strings.HasPrefix(string(raw), `{"series":[],"metrics":{`) {
		t.Errorf("empty answer %s", raw)
	}
	// Without a time, the last hour.
	_, raw = get(t, h, "/api/metrics/query_range?q="+url.QueryEscape(`{ } | rate()`), "")
	var a rangeAnswer
	strict(t, raw, &a)
	if len(a.Series) != 1 || len(a.Series[0].Samples) < 240 || len(a.Series[0].Samples) > 243 {
		t.Errorf("last hour: %s", raw)
	}
}

func TestMetricsInstant(t *testing.T) {
	h := serve(t, shop())
	for _, c := range []struct {
		query string
		want  []string
	}{
		{`{ } | count_over_time()`, []string{`__name__="count_over_time" = 3`}},
		{`{ } | count_over_time() by (status)`, []string{`status="error" = 1`, `status="unset" = 2`}},
		{`({ status = error } | rate()) / ({ } | rate())`, []string{`__name__="(rate / rate)" = 0.333`}},
		{`{ name = "absent" } | max_over_time(duration)`, nil},
	} {
		// Both ends count: the first span starts with the range, the last one ends with it.
		_, raw := get(t, h, "/api/metrics/query?start=1700000000&end=1700000005&q="+url.QueryEscape(c.query), "application/json")
		var a instantAnswer
		strict(t, raw, &a)
		var got []string
		for _, s := range a.Series {
			got = append(got, fmt.Sprintf("%s = %.3g", plain(s.Labels), s.Value))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s%s", c.query, diff, raw)
		}
		var top map[string]json.RawMessage
		if err := json.Unmarshal(raw, &top); err != nil || len(top) != 2 {
			t.Errorf("%s: more than series and metrics in %s", c.query, raw)
		}
	}
}

func TestMetricsErrors(t *testing.T) {
	h := serve(t, shop())
	for _, path := range []string{"/api/metrics/query_range", "/api/metrics/query"} {
		for _, c := range []struct{ params, says string }{
			{"?q=" + url.QueryEscape(`{ } | rat()`), "line 1, column 7"},
			{"?query=" + url.QueryEscape(`{ } | topk(5)`), "column 7"},
			{"?q=" + url.QueryEscape(`{ status = error }`), "gives traces and no series"},
			{"?q=", "invalid TraceQL query"},
			{"", "invalid TraceQL query"},
			{"?q=" + url.QueryEscape(`{ } | rate()`) + "&start=20&end=10", "start must be before end"},
			{"?q=" + url.QueryEscape(`{ } | rate()`) + "&start=yesterday", "invalid start"},
			{"?q=" + url.QueryEscape(`{ } | rate()`) + "&since=long", "invalid since"},
			{"?q=" + strings.Repeat("x", 200<<10), "longer than"},
		} {
			r, raw := get(t, h, path+c.params, "")
			if r.StatusCode != 400 || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/plain") || !strings.Contains(string(raw), c.says) {
				t.Errorf("%s%.80s: %d %q, want %q", path, c.params, r.StatusCode, raw, c.says)
			}
		}
	}
	for _, c := range []struct{ params, says string }{
		{"&step=-5", "invalid step"},
		{"&step=0", "invalid step"},
		{"&step=soon", "invalid step"},
		{"&start=0000000001&end=1700000000&step=1", "step of 1s is too small, minimum step for given range is "},
		{"&exemplars=-1", "invalid exemplars"},
	} {
		r, raw := get(t, h, "/api/metrics/query_range?q="+url.QueryEscape(`{ } | rate()`)+c.params, "")
		if r.StatusCode != 400 || !strings.Contains(string(raw), c.says) {
			t.Errorf("%s: %d %q", c.params, r.StatusCode, raw)
		}
	}
}
