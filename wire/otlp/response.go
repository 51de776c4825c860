// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"encoding/binary"
	"strconv"
)

// Signal is one of OTLP's services.
type Signal uint8

// The signals that have a service.
const (
	SignalTraces Signal = iota
	SignalMetrics
	SignalLogs
)

// String returns traces, metrics or logs, as in the paths /v1/traces, /v1/metrics and /v1/logs.
func (s Signal) String() string { return [...]string{"traces", "metrics", "logs"}[s] }

// AppendResponse appends an Export…ServiceResponse: empty if all was well, or with a partial_success that says how many
// spans, data points or log records were rejected and why. None rejected with a message is a warning.
func AppendResponse(dst []byte, s Signal, rejected int, message string) []byte {
	if rejected == 0 && message == "" {
		return dst
	}
	size := sizeNumber(uint64(rejected)) + sizeNonEmpty(len(message))
	dst = binary.AppendUvarint(append(dst, 1<<3|byte(length)), uint64(size))
	if rejected != 0 {
		dst = binary.AppendUvarint(append(dst, 1<<3|byte(varint)), uint64(rejected))
	}
	if message != "" {
		dst = binary.AppendUvarint(append(dst, 2<<3|byte(length)), uint64(len(message)))
		dst = append(dst, message...)
	}
	return dst
}

// AppendResponseJSON is [AppendResponse] in JSON.
func AppendResponseJSON(dst []byte, s Signal, rejected int, message string) []byte {
	if rejected == 0 && message == "" {
		return append(dst, "{}"...)
	}
	dst = append(dst, `{"partialSuccess":{`...)
	if rejected != 0 {
		dst = append(dst, [...]string{`"rejectedSpans":"`, `"rejectedDataPoints":"`, `"rejectedLogRecords":"`}[s]...)
		dst = strconv.AppendInt(dst, int64(rejected), 10)
		dst = append(dst, '"')
	}
	if message != "" {
		if rejected != 0 {
			dst = append(dst, ',')
		}
		dst = AppendJSONString(append(dst, `"errorMessage":`...), message)
	}
	return append(dst, "}}"...)
}
