// SPDX-License-Identifier: Apache-2.0

package otlp

// Count returns how many spans, data points or log records a request of the given signal holds. Clew says so when it
// takes a signal that it does not keep. The error is a [*DecodeError].
func (d *Decoder) Count(s Signal, data []byte) (int, error) {
	d.format, d.size = "protobuf", cap(data)
	n, err := d.count(data, countPaths[s])
	if err != nil {
		err.Format = d.format
		return 0, err
	}
	return n, nil
}

// CountJSON is [Decoder.Count] for JSON.
func (d *Decoder) CountJSON(s Signal, data []byte) (int, error) {
	d.format, d.size = "JSON", cap(data)
	d.json.data, d.json.pos = data, 0
	var n int
	var err *DecodeError
	if d.json.peek() != '{' {
		err = d.json.unexpected("an object")
	} else {
		err = d.countJSON(&n, countPaths[s])
	}
	if err == nil && d.json.peek() != 0 {
		err = d.json.unexpected("the end")
	}
	d.json.data = nil
	if err != nil {
		err.Format = d.format
		return 0, err
	}
	return n, nil
}

// step is the fields to follow from one message to the next; those of the last step are counted.
type step []struct {
	tag         uint32
	name, snake string
}

var countPaths = [...][]step{
	SignalTraces: {
		{{1<<3 | length, "resourceSpans", "resource_spans"}},
		{{2<<3 | length, "scopeSpans", "scope_spans"}},
		{{2<<3 | length, "spans", "spans"}},
	},
	SignalMetrics: {
		{{1<<3 | length, "resourceMetrics", "resource_metrics"}},
		{{2<<3 | length, "scopeMetrics", "scope_metrics"}},
		{{2<<3 | length, "metrics", "metrics"}},
		{
			{5<<3 | length, "gauge", "gauge"},
			{7<<3 | length, "sum", "sum"},
			{9<<3 | length, "histogram", "histogram"},
			{10<<3 | length, "exponentialHistogram", "exponential_histogram"},
			{11<<3 | length, "summary", "summary"},
		},
		{{1<<3 | length, "dataPoints", "data_points"}},
	},
	SignalLogs: {
		{{1<<3 | length, "resourceLogs", "resource_logs"}},
		{{2<<3 | length, "scopeLogs", "scope_logs"}},
		{{2<<3 | length, "logRecords", "log_records"}},
	},
}

func (d *Decoder) count(msg []byte, path []step) (n int, err *DecodeError) {
	var f field
	var code int
	for len(msg) > 0 {
		if msg, code = f.next(msg); code < 0 {
			return 0, d.fail(msg, code)
		}
		for _, s := range path[0] {
			if f.tag != s.tag {
				continue
			}
			m := 1
			if len(path) > 1 {
				if m, err = d.count(f.data, path[1:]); err != nil {
					return 0, err.in(s.snake)
				}
			}
			n += m
		}
	}
	return n, nil
}

func (d *Decoder) countJSON(n *int, path []step) *DecodeError {
	if len(path) == 0 {
		*n++
		return d.json.skip()
	}
	return d.jsonObject(func(name []byte) *DecodeError {
		for _, s := range path[0] {
			if string(name) != s.name && string(name) != s.snake {
				continue
			}
			if d.json.peek() == '{' {
				return d.countJSON(n, path[1:]).in(s.name)
			}
			return d.jsonList(s.name, func(int) *DecodeError { return d.countJSON(n, path[1:]) })
		}
		return d.json.skip()
	})
}
