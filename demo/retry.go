// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"io"
	"net/http"
	"time"
)

// retrying sends a request again when the answer is a passing failure. It stands outside the instrumented transport,
// so every attempt is a span of its own and a sibling of the others, from the second on with http.request.resend_count.
type retrying struct {
	next     http.RoundTripper
	attempts func() int    // how often to try; asked anew for each request
	patience time.Duration // for one attempt
	rest     time.Duration // before the second attempt, twice as long before the third, and so on
	luck     *luck         // spreads the rests, so that callers do not come back in step
}

// RoundTrip implements [http.RoundTripper].
func (t *retrying) RoundTrip(r *http.Request) (*http.Response, error) {
	attempts := t.attempts()
	for n := 0; ; n++ {
		response, err := t.attempt(r, n)
		if n+1 >= attempts || r.Context().Err() != nil || (err == nil && !passing(response.StatusCode)) {
			return response, err
		}
		if err == nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // read to the end, so that the connection lives on
			_ = response.Body.Close()                                         // of an answer that nobody wants
		}
		if err := t.luck.work(r.Context(), t.rest<<n); err != nil {
			return nil, err
		}
	}
}

func (t *retrying) attempt(r *http.Request, n int) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), attemptKey{}, n), t.patience)
	out := r.Clone(ctx)
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			cancel()
			return nil, err
		}
		out.Body = body
	}
	response, err := t.next.RoundTrip(out)
	if err != nil {
		cancel()
		return nil, err
	}
	response.Body = &cancelling{ReadCloser: response.Body, cancel: cancel}
	return response, nil
}

// CloseIdleConnections lets [http.Client.CloseIdleConnections] reach the transport.
func (t *retrying) CloseIdleConnections() { closeIdle(t.next) }

// passing reports whether another attempt may fare better.
func passing(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
}

// attemptKey carries in a context which attempt is being made.
type attemptKey struct{}

// attemptOf returns how often the request of ctx has been sent before.
func attemptOf(ctx context.Context) int {
	n, _ := ctx.Value(attemptKey{}).(int)
	return n
}

// cancelling ends the context of an attempt with its answer.
type cancelling struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close implements [io.Closer].
func (c *cancelling) Close() error {
	defer c.cancel()
	return c.ReadCloser.Close()
}
