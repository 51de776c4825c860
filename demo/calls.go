// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// tokenHeader carries a customer's session from web to the gateway.
const tokenHeader = "X-Session-Token"

// tokenKey carries it in a context.
type tokenKey struct{}

// withToken returns a context whose calls carry a customer's session.
func withToken(ctx context.Context, token string) context.Context {
	return context.WithValue(ctx, tokenKey{}, token)
}

// call sends in, if not nil, as JSON and reads the answer into out, if not nil. An answer of 400 and above is a
// [*statusError].
func call(ctx context.Context, client *http.Client, method, url string, in, out any) error {
	var body io.Reader
	if in != nil {
		encoded, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encode for %s: %w", url, err)
		}
		body = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return err
	}
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if token, ok := ctx.Value(tokenKey{}).(string); ok {
		request.Header.Set(tokenHeader, token)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // read to its end below
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("read %s: %w", url, err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		return &statusError{status: response.StatusCode, message: string(bytes.TrimSpace(answer))}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("decode answer of %s: %w", url, err)
	}
	return nil
}

// respond answers with v as JSON.
func respond(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(v)
}

// parse reads the JSON of a request into v.
func parse(r *http.Request, v any) error {
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(v); err != nil {
		return &statusError{status: http.StatusBadRequest, message: "decode request: " + err.Error()}
	}
	return nil
}

// statusError is an answer that is not a success: given, or received.
type statusError struct {
	status  int
	message string
}

// Error implements error.
func (e *statusError) Error() string {
	return fmt.Sprintf("%s: %s", http.StatusText(e.status), e.message)
}

// refuse answers with the status that err stands for.
func refuse(w http.ResponseWriter, err error) {
	answer := asStatus(err)
	http.Error(w, answer.message, answer.status)
}

// asStatus finds the HTTP answer for an error of any neighbour: one over HTTP, one over gRPC, or the clock.
func asStatus(err error) *statusError {
	var answer *statusError
	if errors.As(err, &answer) {
		return answer
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &statusError{status: http.StatusGatewayTimeout, message: "took too long"}
	}
	s, _ := status.FromError(err) // what is no gRPC status becomes UNKNOWN
	answer = &statusError{status: http.StatusInternalServerError, message: s.Message()}
	switch s.Code() {
	case codes.InvalidArgument:
		answer.status = http.StatusBadRequest
	case codes.Unauthenticated:
		answer.status = http.StatusUnauthorized
	case codes.NotFound:
		answer.status = http.StatusNotFound
	case codes.FailedPrecondition:
		answer.status = http.StatusConflict
	case codes.Unavailable:
		answer.status = http.StatusServiceUnavailable
	case codes.DeadlineExceeded:
		answer.status = http.StatusGatewayTimeout
	}
	return answer
}

// asRPC is asStatus for the services that answer over gRPC.
func asRPC(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return status.FromContextError(context.Canceled).Err()
	}
	answer := asStatus(err)
	code := codes.Internal
	switch answer.status {
	case http.StatusNotFound:
		code = codes.NotFound
	case http.StatusConflict:
		code = codes.FailedPrecondition
	case http.StatusServiceUnavailable, http.StatusBadGateway:
		code = codes.Unavailable
	case http.StatusGatewayTimeout:
		code = codes.DeadlineExceeded
	}
	return status.Error(code, answer.message)
}
