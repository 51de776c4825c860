// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
	"github.com/clew-tracing/clew/traceql"
)

// apiError is the error object of the native API.
type apiError struct {
	status   int
	Code     string    `json:"code"`
	Message  string    `json:"message"`
	Hint     string    `json:"hint,omitempty"`
	Position *position `json:"position,omitempty"`
}

// position is a range of bytes in a query.
type position struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// Error returns the message.
func (e *apiError) Error() string { return e.Message }

// badRequest is an error of the caller.
func badRequest(message, hint string) *apiError {
	return &apiError{status: http.StatusBadRequest, Code: "bad_request", Message: message, Hint: hint}
}

// statusClientGone is what logs say of a request whose client went away; nobody reads the answer.
const statusClientGone = 499

// asAPIError finds the form for any error.
func asAPIError(err error) *apiError {
	var a *apiError
	var q *traceql.Error
	var qs traceql.Errors
	switch {
	case errors.As(err, &a):
		return a
	case errors.As(err, &qs) && len(qs) > 0:
		return queryError(qs[0])
	case errors.As(err, &q):
		return queryError(q)
	case errors.Is(err, store.ErrNotFound):
		return &apiError{status: http.StatusNotFound, Code: "not_found", Message: err.Error()}
	case errors.Is(err, span.ErrID):
		return &apiError{status: http.StatusBadRequest, Code: "bad_id", Message: err.Error(), Hint: "ids are hex: 32 digits for a trace, 16 for a span"}
	case errors.Is(err, context.Canceled):
		return &apiError{status: statusClientGone, Code: "cancelled", Message: "the request was cancelled"}
	case errors.Is(err, context.DeadlineExceeded):
		return &apiError{status: http.StatusGatewayTimeout, Code: "timeout", Message: "the query took too long", Hint: "ask for a shorter time range"}
	case errors.Is(err, span.ErrRetryable):
		return &apiError{status: http.StatusServiceUnavailable, Code: "busy", Message: err.Error()}
	case errors.Is(err, store.ErrUnsupported):
		return &apiError{status: http.StatusNotImplemented, Code: "unsupported", Message: err.Error()}
	}
	return &apiError{status: http.StatusInternalServerError, Code: "internal", Message: err.Error()}
}

func queryError(q *traceql.Error) *apiError {
	return &apiError{
		status: http.StatusBadRequest, Code: "bad_query", Message: q.Message, Hint: q.Hint,
		Position: &position{From: q.From, To: q.To},
	}
}

// writeError answers with the error object.
func writeError(w http.ResponseWriter, err error) {
	e := asAPIError(err)
	writeJSON(w, e.status, struct {
		Error *apiError `json:"error"`
	}{e})
}

// writeJSON answers with v. What cannot be written any more has nobody to read it.
func writeJSON(w http.ResponseWriter, status int, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		status, raw = http.StatusInternalServerError, []byte(`{"error":{"code":"internal","message":`+strconv.Quote(err.Error())+`}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(raw, '\n'))
}
