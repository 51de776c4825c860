// SPDX-License-Identifier: Apache-2.0

package span

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Sink takes spans: the store, or what stands before it.
type Sink interface {
	// Append returns nil once b is durable and can be queried. On an error nothing is known to be kept, and the
	// client must be told so; sending the same spans again is harmless, since equal spans collapse.
	//
	// The caller keeps b and may reset it when Append has returned. An error of class [ErrRetryable] is one that goes
	// away by itself; any other concerns this batch and would come again.
	Append(ctx context.Context, b *Batch) error
}

// ErrRetryable is the class of errors that go away by themselves: no memory, no disk space, shutting down.
var ErrRetryable = errors.New("try again later")

// RetryableError is an error of class [ErrRetryable] that knows when to try again.
type RetryableError struct {
	// After is how long the client should wait; 0 leaves it to the protocol's default.
	After time.Duration
	// Reason says what is short and, where an operator can help, what to do.
	Reason error
}

// Retryable returns err as a [RetryableError]; after is how long the client should wait.
func Retryable(after time.Duration, err error) error {
	return &RetryableError{After: after, Reason: err}
}

// Error returns the reason.
func (e *RetryableError) Error() string { return fmt.Sprintf("%v (%v)", e.Reason, ErrRetryable) }

// Unwrap makes the error one of class [ErrRetryable] and of its reason's classes.
func (e *RetryableError) Unwrap() []error { return []error{ErrRetryable, e.Reason} }
