// SPDX-License-Identifier: Apache-2.0

package native

import (
	"fmt"
	"math"
	"net/url"
	"strconv"
	"time"

	"github.com/clew-tracing/clew/store"
)

// window reads start and end; what is absent is open.
func window(q url.Values) (store.Window, error) {
	w := store.AllTime()
	var err error
	if s := q.Get("start"); s != "" {
		if w.From, err = parseTime("start", s); err != nil {
			return w, err
		}
	}
	if s := q.Get("end"); s != "" {
		if w.To, err = parseTime("end", s); err != nil {
			return w, err
		}
	}
	if w.To < w.From {
		return w, badRequest("end lies before start", "")
	}
	return w, nil
}

// parseTime reads unix s, ms, µs or ns, told apart by magnitude (years 1973 to 5138 as s), or RFC 3339, and returns ns.
func parseTime(name, s string) (int64, error) {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t.UnixNano(), nil
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		f, ferr := strconv.ParseFloat(s, 64)
		if ferr != nil || math.Abs(f) >= 1e11 || math.IsNaN(f) {
			return 0, badRequest(fmt.Sprintf("%s %q is no time", name, s), "want unix s, ms, µs or ns, or RFC 3339")
		}
		return int64(f * 1e9), nil // fractional seconds
	}
	switch a := max(v, -v); {
	case a < 1e11:
		return v * 1e9, nil
	case a < 1e14:
		return v * 1e6, nil
	case a < 1e17:
		return v * 1e3, nil
	}
	return v, nil
}

// count reads a number between 0 and limit.
func count(q url.Values, name string, def, limit int) (int, error) {
	s := q.Get(name)
	if s == "" {
		return def, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > limit {
		return 0, badRequest(fmt.Sprintf("%s %q is not a number from 0 to %d", name, s, limit), "")
	}
	return n, nil
}
