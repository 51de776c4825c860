// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// cors lets web pages send spans (the Fetch standard's CORS protocol). Credentials are never allowed, so that letting any
// page send costs nothing that it could not do without a browser.
type cors struct {
	any     bool
	allowed []*regexp.Regexp
}

func newCORS(origins []string) *cors {
	c := &cors{any: slices.Contains(origins, "*")}
	for _, o := range origins {
		pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSuffix(strings.ToLower(o), "/")), `\*`, `[^/]*`)
		c.allowed = append(c.allowed, regexp.MustCompile("^"+pattern+"$"))
	}
	return c
}

// maxAge is how long browsers may remember the answer to a preflight request, in seconds; none keeps it longer.
const maxAge = "7200"

// handle sets the headers that tell a browser what it may do, and answers preflight requests; true means answered.
func (c *cors) handle(rw http.ResponseWriter, req *http.Request) bool {
	origin := req.Header.Get("Origin")
	preflight := req.Method == http.MethodOptions && req.Header.Get("Access-Control-Request-Method") != ""
	if origin == "" && !preflight {
		return false
	}
	h := rw.Header()
	if !c.any {
		h.Add("Vary", "Origin")
	}
	ok := origin != "" && (c.any || slices.ContainsFunc(c.allowed, func(r *regexp.Regexp) bool { return r.MatchString(strings.ToLower(origin)) }))
	switch {
	case ok && c.any:
		h.Set("Access-Control-Allow-Origin", "*")
	case ok:
		h.Set("Access-Control-Allow-Origin", origin)
	}
	if ok {
		h.Set("Access-Control-Expose-Headers", "Retry-After")
	}
	if !preflight {
		return false
	}
	h.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
	if ok {
		h.Set("Access-Control-Allow-Methods", http.MethodPost)
		if headers := req.Header.Get("Access-Control-Request-Headers"); headers != "" {
			h.Set("Access-Control-Allow-Headers", headers)
		}
		if req.Header.Get("Access-Control-Request-Private-Network") == "true" {
			h.Set("Access-Control-Allow-Private-Network", "true")
		}
		h.Set("Access-Control-Max-Age", maxAge)
	}
	rw.WriteHeader(http.StatusNoContent)
	return true
}
