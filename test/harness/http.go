// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// answerLimit bounds every request of the harness.
const answerLimit = 60 * time.Second

// Request is one HTTP request to the server.
type Request struct {
	// Method defaults to GET, or to POST where there is a body.
	Method string
	// Host is one of the server's addresses; empty: its http port.
	Host string
	// Path is the path with its query, escaped.
	Path   string
	Header map[string]string
	Body   io.Reader
}

// Response is an answer, read to its end.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends a request; only a failing transport fails the test, not a status.
func (s *Server) Do(tb testing.TB, r Request) Response {
	tb.Helper()
	resp, err := s.Try(r)
	if err != nil {
		tb.Fatalf("%s %s: %v", r.Method, r.Path, err)
	}
	return resp
}

// Try is Do for requests that may find no server.
func (s *Server) Try(r Request) (Response, error) {
	if r.Host == "" {
		r.Host = s.HTTP
	}
	if r.Method == "" {
		r.Method = http.MethodGet
		if r.Body != nil {
			r.Method = http.MethodPost
		}
	}
	req, err := http.NewRequest(r.Method, "http://"+r.Host+r.Path, r.Body)
	if err != nil {
		return Response{}, err
	}
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	// A transport of its own: no connection outlives its test, and a killed
	// server's connections are not met again.
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	client := &http.Client{Transport: transport, Timeout: answerLimit, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return Response{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return Response{}, err
	}
	return Response{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// JSON gets path from the http port, expects 200 and decodes the answer into v.
func (s *Server) JSON(tb testing.TB, path string, v any) {
	tb.Helper()
	resp := s.Do(tb, Request{Path: path})
	if resp.Status != http.StatusOK {
		tb.Fatalf("GET %s: %d %s", path, resp.Status, resp.Body)
	}
	if ct := resp.Header.Get("Content-Type"); !strings.HasPrefix(ct, "application/json") {
		tb.Fatalf("GET %s: content type %q, want application/json", path, ct)
	}
	if err := json.Unmarshal(resp.Body, v); err != nil {
		tb.Fatalf("GET %s: %v in %.200s", path, err, resp.Body)
	}
}

// Found is one trace of the native search.
type Found struct {
	TraceID    string `json:"traceId"`
	RootName   string `json:"rootName"`
	SpanCount  int    `json:"spanCount"`
	ErrorCount int    `json:"errorCount"`
	Matched    int    `json:"matched"`
	StartNs    string `json:"startNs"`
	Spans      []struct {
		SpanID string `json:"spanId"`
		Name   string `json:"name"`
	} `json:"spans"`
}

// SearchPage is an answer of the native search.
type SearchPage struct {
	Traces  []Found `json:"traces"`
	Cursor  string  `json:"cursor"`
	Partial bool    `json:"partial"`
}

// Search asks the native API for the traces that match a TraceQL query.
// Further parameters come in pairs, name and value.
func (s *Server) Search(tb testing.TB, q string, more ...string) SearchPage {
	tb.Helper()
	values := url.Values{"q": {q}}
	for i := 0; i+1 < len(more); i += 2 {
		values.Set(more[i], more[i+1])
	}
	var page SearchPage
	s.JSON(tb, "/api/clew/v1/search?"+values.Encode(), &page)
	return page
}
