// SPDX-License-Identifier: Apache-2.0

// Package native is Clew's own HTTP API, /api/clew/v1, which the UI and the command line speak. api/openapi.yaml
// describes it; a test holds the two together. Handlers translate between HTTP and query, store and traceql; they hold
// no logic of their own.
package native

import (
	"net/http"

	"github.com/clew-tracing/clew/query"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
)

// Prefix is where the API stands.
const Prefix = "/api/clew/v1"

// Config is what the API answers from.
type Config struct {
	Engine store.Engine
	Query  *query.Executor
	// Status returns what GET /status tells besides what is stored.
	Status func() ServerStatus
	// OpenAPI is the description of the API, served at /openapi.yaml.
	OpenAPI []byte
}

type handler struct{ Config }

// New returns the handler of everything below [Prefix].
func New(c Config) http.Handler {
	h := &handler{c}
	mux := http.NewServeMux()
	routes := []struct {
		pattern string
		serve   func(http.ResponseWriter, *http.Request) error
	}{
		{"GET /status", h.status},
		{"GET /search", h.search},
		{"GET /fields", h.fields},
		{"GET /values", h.values},
		{"GET /traces/{id}", h.trace},
		{"GET /traces/{id}/columns", h.columns},
		{"GET /traces/{id}/spans", h.spans},
		{"POST /complete", h.complete},
		{"GET /openapi.yaml", h.openapi},
	}
	methods := map[string]string{}
	for _, r := range routes {
		method, path := cutPattern(r.pattern)
		methods[Prefix+path] += method + ", "
		mux.HandleFunc(method+" "+Prefix+path, func(w http.ResponseWriter, req *http.Request) {
			if err := r.serve(w, req); err != nil {
				writeError(w, err)
			}
		})
	}
	for path, allow := range methods {
		allow = allow[:len(allow)-2]
		mux.HandleFunc(path, func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("Allow", allow)
			writeError(w, &apiError{status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Message: req.Method + " is not what " + req.URL.Path + " takes", Hint: "use " + allow})
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, req *http.Request) {
		writeError(w, &apiError{status: http.StatusNotFound, Code: "no_such_path", Message: "there is nothing at " + req.URL.Path, Hint: Prefix + "/openapi.yaml describes what there is"})
	})
	return mux
}

func cutPattern(p string) (method, path string) {
	for i := range len(p) {
		if p[i] == ' ' {
			return p[:i], p[i+1:]
		}
	}
	return "", p
}

// tenant returns whose spans a request is about.
func (h *handler) tenant(*http.Request) string { return span.DefaultTenant }
