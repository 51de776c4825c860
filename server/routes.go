// SPDX-License-Identifier: Apache-2.0

package server

import (
	"net/http"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/clew-tracing/clew/api"
	"github.com/clew-tracing/clew/api/native"
	"github.com/clew-tracing/clew/api/tempo"
	"github.com/clew-tracing/clew/ingest"
	"github.com/clew-tracing/clew/ui"
)

// handler returns what an HTTP listener serves.
func (s *server) handler(listener string) http.Handler {
	switch listener {
	case "otlp-http":
		return ingest.NewOTLPHTTP(s.receiver)
	case "tempo":
		return s.streaming(s.tempoListener())
	}
	return s.streaming(s.httpListener())
}

// streaming puts Tempo's gRPC service on the port of a handler: Grafana calls it where the HTTP API is.
func (s *server) streaming(h http.Handler) http.Handler {
	calls := tempo.NewStreaming(s.tempoConfig())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if tempo.IsStreaming(r) {
			calls.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// httpListener serves the UI, the native API and every query API.
func (s *server) httpListener() http.Handler {
	mux := http.NewServeMux()
	s.operations(mux)
	mux.Handle(native.Prefix+"/", compressed(native.New(native.Config{Engine: s.engine, Query: s.query, Status: s.status, OpenAPI: api.OpenAPI()})))
	bare := compressed(s.tempoHandler(false))
	for _, p := range tempo.Paths() {
		mux.Handle(p, bare)
	}
	mux.Handle("/tempo/", http.StripPrefix("/tempo", compressed(s.tempoHandler(true))))
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "there is nothing at "+r.URL.Path+"; the native API is at "+native.Prefix+", Tempo's at /tempo", http.StatusNotFound)
	})
	mux.Handle("/", ui.Handler())
	return mux
}

// tempoListener serves the query APIs where Grafana users expect Tempo.
func (s *server) tempoListener() http.Handler {
	mux := http.NewServeMux()
	s.operations(mux)
	h := compressed(s.tempoHandler(true))
	mux.Handle("/tempo/", http.StripPrefix("/tempo", h))
	mux.Handle("/", h)
	return mux
}

// tempoHandler returns Tempo's API; one path of it is Jaeger's where no prefix tells them apart.
func (s *server) tempoHandler(traceV1 bool) http.Handler {
	c := s.tempoConfig()
	c.TraceV1 = traceV1
	return tempo.New(c)
}

func (s *server) tempoConfig() tempo.Config {
	return tempo.Config{Engine: s.engine, Query: s.query, Version: s.Version}
}

// compressed answers in gzip or zstd to those who take it.
func compressed(h http.Handler) http.Handler { return gzhttp.GzipHandler(h) }

// operations adds what operators and orchestrators ask.
func (s *server) operations(mux *http.ServeMux) {
	getOnly(mux, "/ready", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ready\n")) // the listeners open when the store is open
	}))
	getOnly(mux, "/metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{Timeout: 30 * time.Second}))
}

// getOnly serves GET and HEAD and refuses the rest by name.
func getOnly(mux *http.ServeMux, path string, h http.Handler) {
	mux.Handle("GET "+path, h)
	mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, r.Method+" is not what "+path+" takes; use GET", http.StatusMethodNotAllowed)
	})
}

// status is what the native API tells of the server.
func (s *server) status() native.ServerStatus {
	return native.ServerStatus{
		Version: s.Version, StartedAt: s.started.UTC(), Addresses: s.at, WALSync: s.Config.WALSync,
		Retention: s.Config.Retention.String(), MemoryLimit: int64(s.Config.MemoryLimit),
	}
}
