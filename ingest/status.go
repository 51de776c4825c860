// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/clew-tracing/clew/wire/otlp"
)

// rpcStatus returns a refusal as a google.rpc.Status: with a BadRequest detail if a field is to blame, with a RetryInfo
// if trying again makes sense. A RESOURCE_EXHAUSTED without RetryInfo tells clients not to.
func rpcStatus(f *refusal) *status.Status {
	s := status.New(f.code, f.message)
	var err error
	withDetails := s
	switch {
	case f.retry:
		withDetails, err = s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(f.delay())})
	case f.reason == reasonMalformed:
		withDetails, err = s.WithDetails(&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: f.field, Description: f.message}}})
	}
	if err != nil { // a message that is not UTF-8; what can be said is said without details
		return s
	}
	return withDetails
}

// appendStatus appends a refusal as google.rpc.Status in protobuf.
func appendStatus(dst []byte, f *refusal) []byte {
	out, err := proto.MarshalOptions{}.MarshalAppend(dst, rpcStatus(f).Proto())
	if err != nil {
		return dst
	}
	return out
}

// appendStatusJSON appends a refusal as google.rpc.Status in protobuf's JSON.
func appendStatusJSON(dst []byte, f *refusal) []byte {
	dst = append(dst, `{"code":`...)
	dst = strconv.AppendInt(dst, int64(f.code), 10)
	dst = append(dst, `,"message":`...)
	dst = otlp.AppendJSONString(dst, f.message)
	switch {
	case f.retry:
		dst = append(dst, `,"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"`...)
		dst = strconv.AppendFloat(dst, f.delay().Round(time.Millisecond).Seconds(), 'f', -1, 64)
		dst = append(dst, `s"}]`...)
	case f.reason == reasonMalformed:
		dst = append(dst, `,"details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":`...)
		dst = otlp.AppendJSONString(dst, f.field)
		dst = append(dst, `,"description":`...)
		dst = otlp.AppendJSONString(dst, f.message)
		dst = append(dst, `}]}]`...)
	}
	return append(dst, '}')
}
