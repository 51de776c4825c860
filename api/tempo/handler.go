// SPDX-License-Identifier: Apache-2.0

// Package tempo is the HTTP query API of Grafana Tempo, answered by Clew: what Grafana's Tempo data source, Traces
// Drilldown and other clients of Tempo ask. Answers to /api/search are decoded strictly by these clients, so no field is
// added to any. Errors are plain text. Handlers translate; the work is done by query and store.
package tempo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"

	"github.com/clew-tracing/clew/query"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
	"github.com/clew-tracing/clew/traceql"
)

// Config is what the API answers from.
type Config struct {
	Engine store.Engine
	Query  *query.Executor
	// Version is told by buildinfo next to the version of Tempo's API that is spoken.
	Version string
	// TraceV1 adds GET /api/traces/{id}, a path that is Jaeger's where Jaeger's API stands unprefixed.
	TraceV1 bool
}

// apiVersion is the version of Tempo whose API this is; clients look at it before they use newer calls.
const apiVersion = "3.0.3"

// maxQuery is the longest query text, as in Tempo.
const maxQuery = 128 << 10

type handler struct{ Config }

// New returns the handler of the paths below /api.
func New(c Config) http.Handler {
	h := &handler{c}
	mux := http.NewServeMux()
	route := func(path string, serve func(http.ResponseWriter, *http.Request) error) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			if err := serve(w, r); err != nil {
				writeError(w, queryText(r.URL.Query()), err)
			}
		})
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, r.Method+" is not what "+path+" takes; use GET", http.StatusMethodNotAllowed)
		})
	}
	route("/api/echo", h.echo)
	route("/api/status/buildinfo", h.buildinfo)
	route("/api/v2/traces/{id}", h.traceV2)
	if c.TraceV1 {
		route("/api/traces/{id}", h.traceV1)
	}
	route("/api/search", h.search)
	route("/api/search/tags", h.tagsV1)
	route("/api/v2/search/tags", h.tagsV2)
	// Tag names may have slashes in them, so the names are cut from the path by hand.
	route("/api/search/tag/{rest...}", h.tagValuesV1)
	route("/api/v2/search/tag/{rest...}", h.tagValuesV2)
	route("/api/metrics/query_range", h.metricsRange)
	route("/api/metrics/query", h.metricsInstant)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "there is nothing at "+r.URL.Path, http.StatusNotFound)
	})
	return mux
}

// Paths returns the patterns under which the handler must stand where it shares a mux.
func Paths() []string {
	return []string{"/api/echo", "/api/status/", "/api/v2/traces/", "/api/search", "/api/search/", "/api/v2/search/", "/api/metrics/"}
}

func (h *handler) echo(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("echo")) // a client that went away reads nothing
	return nil
}

func (h *handler) buildinfo(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, map[string]string{
		"version": apiVersion, "revision": "clew-" + h.Version, "branch": "", "buildDate": "", "buildUser": "", "goVersion": runtime.Version(),
	})
	return nil
}

// tenant returns whose spans a request is about.
func (h *handler) tenant(context.Context) string { return span.DefaultTenant }

// statusError is an error with its HTTP status.
type statusError struct {
	status  int
	message string
}

// Error returns the message.
func (e *statusError) Error() string { return e.message }

func badRequest(format string, args ...any) error {
	return &statusError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// writeError answers in plain text, with a caret under the place for a bad query.
func writeError(w http.ResponseWriter, text string, err error) {
	var s *statusError
	var one *traceql.Error
	var all traceql.Errors
	switch {
	case errors.As(err, &s):
		http.Error(w, s.message, s.status)
	case errors.As(err, &all) && len(all) > 0:
		http.Error(w, "invalid TraceQL query: "+describe(text, all[0]), http.StatusBadRequest)
	case errors.As(err, &one):
		http.Error(w, "invalid TraceQL query: "+describe(text, one), http.StatusBadRequest)
	case errors.Is(err, span.ErrID), errors.Is(err, query.ErrRange):
		http.Error(w, err.Error(), http.StatusBadRequest)
	case errors.Is(err, store.ErrNotFound):
		http.Error(w, err.Error(), http.StatusNotFound)
	case errors.Is(err, context.Canceled):
		http.Error(w, "the request was cancelled", 499)
	case errors.Is(err, span.ErrRetryable):
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	default:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// describe is one error with its line and column, both from 1, and the place in the text.
func describe(text string, e *traceql.Error) string {
	from := min(max(e.From, 0), len(text))
	line := 1 + strings.Count(text[:from], "\n")
	column := 1 + len([]rune(text[1+strings.LastIndexByte(text[:from], '\n'):from]))
	out := fmt.Sprintf("line %d, column %d: %s", line, column, e.Message)
	if e.Hint != "" {
		out += " (" + e.Hint + ")"
	}
	return out + "\n" + traceql.Errors{e}.Caret(text)
}
