// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/clew-tracing/clew/wire/otlp"
)

// NewOTLPHTTP returns the handler of OTLP/HTTP: POST /v1/traces, and /v1/metrics and /v1/logs, which are taken and
// dropped. Content types application/x-protobuf and application/json; content encodings gzip, zstd, snappy and deflate.
// Every error has a google.rpc.Status in the request's encoding as its body.
//
// The server around it sets the limits on headers and idle connections; bodies are limited here.
func NewOTLPHTTP(c Config) http.Handler {
	r := &otlpHTTP{receiver: newReceiver(c, "otlp-http"), decompressors: newDecompressors()}
	r.cors = newCORS(r.CORSOrigins)
	return r
}

type otlpHTTP struct {
	*receiver
	*decompressors
	cors *cors
}

// ServeHTTP implements http.Handler.
func (r *otlpHTTP) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	if r.cors.handle(rw, req) {
		return
	}
	r.Stats.requests.WithLabelValues(r.protocol).Inc()
	signal, e, refused := r.route(rw, req)
	if refused != nil {
		r.refuse(rw, req, e, refused)
		return
	}
	a, refused := r.receive(rw, req, signal, e)
	if refused != nil {
		r.refuse(rw, req, e, refused)
		return
	}
	write(rw, http.StatusOK, e, respond(signal, e, a))
}

// respond returns the response message of an accepted request.
func respond(s otlp.Signal, e format, a answer) []byte {
	if e == formatJSON {
		return otlp.AppendResponseJSON(nil, s, a.rejected, a.message)
	}
	return otlp.AppendResponse(nil, s, a.rejected, a.message)
}

func write(rw http.ResponseWriter, status int, e format, body []byte) {
	h := rw.Header()
	h.Set("Content-Type", contentType(e))
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	rw.WriteHeader(status)
	_, _ = rw.Write(body) // a client that went away does not get its answer
}

func contentType(e format) string {
	if e == formatJSON {
		return "application/json"
	}
	return "application/x-protobuf"
}

// route looks at the request's first lines. The encoding is that of the answer, known or not.
func (r *otlpHTTP) route(rw http.ResponseWriter, req *http.Request) (s otlp.Signal, e format, refused *refusal) {
	media, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type"))
	known := true
	switch media {
	case "application/x-protobuf", "application/protobuf":
		e = formatProtobuf
	case "application/json":
		e = formatJSON
	default:
		e, known = formatJSON, false // which people can read
	}
	switch strings.TrimSuffix(req.URL.Path, "/") {
	case "/v1/traces":
		s = otlp.SignalTraces
	case "/v1/metrics":
		s = otlp.SignalMetrics
	case "/v1/logs":
		s = otlp.SignalLogs
	default:
		return s, e, &refusal{code: codes.NotFound, status: http.StatusNotFound, reason: reasonPath,
			message: "unknown path " + strconv.Quote(clip(req.URL.Path)) + ": OTLP is served at /v1/traces (and /v1/metrics and /v1/logs, which are dropped)"}
	}
	if req.Method != http.MethodPost {
		rw.Header().Set("Allow", "POST, OPTIONS")
		return s, e, &refusal{code: codes.Unimplemented, status: http.StatusMethodNotAllowed, reason: reasonMethod,
			message: "method " + clip(req.Method) + " is not supported here: OTLP is sent with POST"}
	}
	if !known {
		return s, e, &refusal{code: codes.InvalidArgument, status: http.StatusUnsupportedMediaType, reason: reasonMediaType,
			message: "content type " + strconv.Quote(clip(req.Header.Get("Content-Type"))) + " is not supported: want application/x-protobuf or application/json"}
	}
	return s, e, nil
}

// firstShare is what a request of unknown size takes of the budget before its body is read.
const firstShare = 32 << 10

// receive reads the body and exports what is in it.
func (r *otlpHTTP) receive(rw http.ResponseWriter, req *http.Request, s otlp.Signal, e format) (answer, *refusal) {
	if req.ContentLength > int64(r.MaxRequest) {
		return answer{}, refuseTooLarge(r.MaxRequest, "as sent")
	}
	ctx := req.Context()
	ticket := r.Admission.Admit(ctx, max(firstShare, req.ContentLength))
	if ticket == nil {
		return answer{}, refuseOverload(0)
	}
	defer ticket.Release()
	w := r.worker()
	defer r.release(w)

	// A deadline that cannot be set, as in tests without a connection, is one that is not needed.
	_ = http.NewResponseController(rw).SetReadDeadline(time.Now().Add(r.ReadTimeout))
	body, err := readAll(w.body[:0], req.Body, r.MaxRequest, bodyGuess(req.ContentLength), func(n int) bool { return ticket.Grow(ctx, int64(n)) })
	w.body = body
	if err != nil {
		return answer{}, r.refuseBody(err, ticket, "as sent")
	}
	encoding := strings.ToLower(strings.TrimSpace(req.Header.Get("Content-Encoding")))
	if encoding != "" && encoding != "identity" {
		sent := len(body)
		w.content, err = r.decompress(w.content[:0], encoding, body, r.MaxRequest, func(n int) bool { return ticket.Grow(ctx, int64(sent+n)) })
		if err != nil {
			return answer{}, r.refuseContent(err, encoding, ticket)
		}
		body = w.content
	}
	return r.export(ctx, w, ticket, s, e, body)
}

// bodyGuess is how large the buffer of a body is made before it is read. What is only declared is not believed beyond a
// point, since buffers cost memory and declaring does not.
func bodyGuess(declared int64) int {
	if declared < 0 {
		return firstShare
	}
	return int(min(declared+1, 1<<20)) // one more, so that the end is seen without growing
}

// refuseBody translates an error of reading a request's body.
func (r *otlpHTTP) refuseBody(err error, t *Ticket, what string) *refusal {
	switch {
	case errors.Is(err, errTooLarge):
		return refuseTooLarge(r.MaxRequest, what)
	case errors.Is(err, errNoRoom):
		return refuseOverload(t.after())
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &refusal{code: codes.DeadlineExceeded, status: http.StatusRequestTimeout, reason: reasonSlow,
			message: fmt.Sprintf("the body did not arrive within %v", r.ReadTimeout)}
	}
	return &refusal{code: codes.InvalidArgument, reason: reasonCancelled, message: "cannot read the body: " + err.Error()}
}

// refuseContent translates an error of decompression.
func (r *otlpHTTP) refuseContent(err error, encoding string, t *Ticket) *refusal {
	switch {
	case errors.Is(err, errTooLarge), errors.Is(err, errNoRoom):
		return r.refuseBody(err, t, "after decompression")
	case errors.Is(err, errEncoding):
		return &refusal{code: codes.InvalidArgument, status: http.StatusBadRequest, reason: reasonEncoding, message: err.Error()}
	}
	return &refusal{code: codes.InvalidArgument, reason: reasonMalformed, message: "the body is not valid " + encoding + ": " + err.Error()}
}

// refuse writes a refusal.
func (r *otlpHTTP) refuse(rw http.ResponseWriter, req *http.Request, e format, f *refusal) {
	r.Stats.refused.WithLabelValues(r.protocol, f.reason).Inc()
	status := f.status
	if status == 0 {
		status = httpStatus(f)
	}
	h := rw.Header()
	if f.retry && (status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests) {
		h.Set("Retry-After", strconv.Itoa(int((f.delay()+time.Second-1)/time.Second)))
	}
	if status == http.StatusRequestEntityTooLarge || status == http.StatusRequestTimeout || status == http.StatusServiceUnavailable {
		h.Set("Connection", "close") // the rest of the body is not worth reading
	}
	body := appendStatus(nil, f)
	if e == formatJSON {
		body = appendStatusJSON(nil, f)
	}
	write(rw, status, e, body)
}

// httpStatus is the HTTP status of a refusal. Only 429, 502, 503 and 504 make clients try again.
func httpStatus(f *refusal) int {
	switch f.code {
	case codes.InvalidArgument:
		return http.StatusBadRequest
	case codes.ResourceExhausted:
		return http.StatusRequestEntityTooLarge
	case codes.Unavailable, codes.Canceled, codes.DeadlineExceeded:
		return http.StatusServiceUnavailable
	case codes.NotFound:
		return http.StatusNotFound
	}
	return http.StatusInternalServerError
}

// clip bounds what messages repeat of a request.
func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}
