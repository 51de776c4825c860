// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/clew-tracing/clew/wire/otlp"
)

// refusal is why a request is refused, in terms that every transport can say in its own way.
type refusal struct {
	// code is the gRPC code; HTTP derives its own from it unless status says otherwise.
	code   codes.Code
	status int
	// reason is the label in Stats.
	reason  string
	message string
	// field is the path to what is wrong in the request, if that is known: a BadRequest detail.
	field string
	// retry says that the same request may succeed later, after the given time; 0 means defaultRetry.
	retry bool
	after time.Duration
}

// The reasons for which requests are refused.
const (
	reasonMalformed   = "malformed"
	reasonTooLarge    = "too_large"
	reasonOverload    = "overload"
	reasonUnavailable = "unavailable"
	reasonCancelled   = "cancelled"
	reasonInternal    = "internal"
	reasonMediaType   = "media_type"
	reasonEncoding    = "content_encoding"
	reasonMethod      = "method"
	reasonPath        = "path"
	reasonSlow        = "timeout"
)

// defaultRetry is what clients are told to wait where nothing better is known.
const defaultRetry = time.Second

// delay is how long the client is told to wait.
func (f *refusal) delay() time.Duration {
	if f.after > 0 {
		return f.after
	}
	return defaultRetry
}

func refuseDecode(err error) *refusal {
	var de *otlp.DecodeError
	f := &refusal{code: codes.InvalidArgument, reason: reasonMalformed, message: err.Error()}
	switch {
	case errors.Is(err, otlp.ErrTooLarge):
		f.code, f.reason = codes.ResourceExhausted, reasonTooLarge
	case errors.As(err, &de):
		f.field = de.Path
	}
	return f
}

func refuseOverload(after time.Duration) *refusal {
	return &refusal{code: codes.Unavailable, reason: reasonOverload, retry: true, after: after,
		message: "too many bytes are being received at once; more memory (--memory-limit) takes more"}
}

func refuseTooLarge(limit int, what string) *refusal {
	return &refusal{code: codes.ResourceExhausted, reason: reasonTooLarge,
		message: fmt.Sprintf("the request is larger than %d bytes %s; send smaller batches or raise --max-request", limit, what)}
}
