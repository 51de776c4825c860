// SPDX-License-Identifier: Apache-2.0

package span

import "strconv"

// Kind is OTLP's SpanKind. Numbers outside the known ones are kept as they came.
type Kind int32

// The span kinds of OTLP (opentelemetry/proto/trace/v1, Span.SpanKind).
const (
	KindUnspecified Kind = iota
	KindInternal
	KindServer
	KindClient
	KindProducer
	KindConsumer
)

// String returns TraceQL's spelling: unspecified, internal, server, client, producer, consumer, or the number.
func (k Kind) String() string {
	switch k {
	case KindUnspecified:
		return "unspecified"
	case KindInternal:
		return "internal"
	case KindServer:
		return "server"
	case KindClient:
		return "client"
	case KindProducer:
		return "producer"
	case KindConsumer:
		return "consumer"
	}
	return strconv.Itoa(int(k))
}

// Status is OTLP's Status.StatusCode. Numbers outside the known ones are kept as they came.
type Status int32

// The status codes of OTLP (opentelemetry/proto/trace/v1, Status.StatusCode).
const (
	StatusUnset Status = iota
	StatusOK
	StatusError
)

// String returns TraceQL's spelling: unset, ok, error, or the number.
func (s Status) String() string {
	switch s {
	case StatusUnset:
		return "unset"
	case StatusOK:
		return "ok"
	case StatusError:
		return "error"
	}
	return strconv.Itoa(int(s))
}
