// SPDX-License-Identifier: Apache-2.0

package tempo_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// TestDrilldown sends every query of Grafana's Traces Drilldown, spelled as it spells them, and looks at what it needs of
// the answers.
func TestDrilldown(t *testing.T) {
	h := serve(t, shop())
	ask := func(path, q, params string) []byte {
		t.Helper()
		r, raw := get(t, h, path+"?q="+url.QueryEscape(q)+params, "application/json")
		if r.StatusCode != 200 {
			t.Errorf("%s: %d %s", q, r.StatusCode, raw)
		}
		return raw
	}
	series := func(q string) (a rangeAnswer) {
		t.Helper()
		strict(t, ask("/api/metrics/query_range", q, shopRange), &a)
		for _, s := range a.Series {
			if len(s.Labels) == 0 || len(s.Samples) == 0 {
				t.Errorf("%s: a series without labels or samples", q)
			}
		}
		return a
	}
	signals := []string{`nestedSetParent<0`, `true`, `kind=server`, `kind=consumer`, `span.db.system.name!=""`}
	filters := []string{``, `&&status=error`, `&&resource.service.name="web"&&duration>2ms`, `&&span.http.status=500`, `&&name=~"GET.*"`, `&&trace:duration>1ms`,
		`&&event:timeSinceStart>1ms`, `&&span.network.protocol.version!="2"`}
	for _, signal := range signals {
		for _, filter := range filters {
			f := signal + filter
			series(`{` + f + `} | rate() with(sample=true)`)
			series(`{` + f + ` && status=error} | rate() with(sample=true)`)
			for _, s := range series(`{` + f + `} | histogram_over_time(duration) with(sample=true)`).Series {
				if len(s.Labels) != 1 || s.Labels[0].Key != "__bucket" || s.Labels[0].Value.DoubleValue == nil {
					t.Errorf("{%s}: labels of a histogram %s", f, plain(s.Labels))
				}
			}
			for _, key := range []string{"resource.service.name", "name", "span.http.status", "status", "kind", "rootName"} {
				series(`{` + f + ` && ` + key + ` != nil} | rate() by(` + key + `)`)
				series(`{` + f + ` && status=error && ` + key + ` != nil} | rate() by(` + key + `)`)
				for _, s := range series(`{` + f + ` && ` + key + ` != nil} | quantile_over_time(duration, 0.9,0.5,0.75,0.95,0.99) by(` + key + `)`).Series {
					if len(s.Labels) != 2 || s.Labels[0].Key != key || s.Labels[1].Key != "p" || s.Labels[1].Value.DoubleValue == nil {
						t.Errorf("{%s} by %s: labels of a quantile %s", f, key, plain(s.Labels))
					}
				}
			}
			for _, compare := range []string{`compare({status = error}, 10)`, `compare({duration >= 100ms && duration <= 1s}, 10, 1699999990000000000, 1700000010000000000)`} {
				for _, s := range series(`{` + f + `} | ` + compare).Series {
					kind := slices.IndexFunc(s.Labels, func(l keyValue) bool { return l.Key == "__meta_type" })
					if len(s.Labels) != 2 || kind < 0 || s.Labels[1-kind].Value.StringValue == nil && s.Labels[1-kind].Value.IntValue == nil &&
						s.Labels[1-kind].Value.BoolValue == nil && s.Labels[1-kind].Value.DoubleValue == nil {
						t.Errorf("{%s} | %s: labels %s", f, compare, plain(s.Labels))
					}
				}
			}
			for _, structure := range []string{
				`({` + f + `} &>> { kind = server }) || ({` + f + `}) | select(status, resource.service.name, name, nestedSetParent, nestedSetLeft, nestedSetRight)`,
				`({` + f + ` && status = error} &>> { status = error }) || ({` + f + ` && status = error}) | select(status, resource.service.name, name, nestedSetParent, nestedSetLeft, nestedSetRight)`,
				`({` + f + ` && duration > 1ms} &>> { duration > 1ms }) || ({` + f + ` && duration > 1ms}) | select(status, resource.service.name, name, nestedSetParent, nestedSetLeft, nestedSetRight)`,
			} {
				var a searchAnswer
				strict(t, ask("/api/search", structure, "&limit=200&spss=20"), &a)
				for _, tr := range a.Traces {
					for _, s := range tr.SpanSet.Spans {
						checkStructure(t, structure, s.Name, s.Attributes)
					}
				}
				if signal == "true" && filter == "" && len(a.Traces) == 0 {
					t.Errorf("%s finds nothing", structure)
				}
			}
		}
		ask("/api/search", `{`+signal+`} | select(resource.service.name, span.http.status)`, "&limit=200&spss=10")
		ask("/api/search", `{`+signal+` && status = error} | select(resource.service.name, event.exception.message,event.exception.stacktrace,event.exception.type) with(most_recent=true)`, "&limit=400&spss=10")
	}
	// The probe when it starts, the whole range as one step, exceptions by their message.
	ask("/api/metrics/query_range", `{} | rate()`, "&step=60s&since=1m")
	ask("/api/metrics/query_range", `{true && true} | compare({status = error}, 10)`, "&start=1699996400&end=1700000010&step=3600s")
	var a searchAnswer
	strict(t, ask("/api/search", `{true && event.exception.message = "boom"} | select(resource.service.name, event.exception.message,event.exception.stacktrace,event.exception.type) with(most_recent=true)`, "&limit=400&spss=10"), &a)
	if len(a.Traces) != 1 || !strings.Contains(text(a.Traces[0].SpanSet.Spans[0].Attributes), `exception.message={"StringValue":"boom"`) {
		t.Errorf("exceptions: %+v", a)
	}
	var told []string
	for _, s := range series(`{true} | compare({status = error}, 10)`).Series {
		told = append(told, plain(s.Labels))
	}
	if !slices.Contains(told, `__meta_type="selection" resource.service.name="web"`) || !slices.Contains(told, `__meta_type="selection_total" name="nil"`) {
		t.Errorf("compare() tells %q", told)
	}
}

// checkStructure: the merged tree is built from the nested set, which must be ints, and the service.
func checkStructure(t *testing.T, q, name string, attrs []keyValue) {
	t.Helper()
	if name == "" {
		t.Errorf("%s: a span without a name", q)
	}
	for _, want := range []string{"nestedSetParent", "nestedSetLeft", "nestedSetRight", "service.name", "status"} {
		i := slices.IndexFunc(attrs, func(a keyValue) bool { return a.Key == want })
		switch {
		case i < 0:
			t.Errorf("%s: span %s has no %s", q, name, want)
		case strings.HasPrefix(want, "nested") && attrs[i].Value.IntValue == nil, !strings.HasPrefix(want, "nested") && attrs[i].Value.StringValue == nil:
			t.Errorf("%s: span %s has %s", q, name, fmt.Sprint(plain(attrs)))
		}
	}
}
