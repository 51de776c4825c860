// SPDX-License-Identifier: Apache-2.0

package tempo

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // the codec of services whose messages are generated types
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/clew-tracing/clew/query"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
	"github.com/clew-tracing/clew/traceql"
)

// streamMessage is the size from which on a message is sent: well below the 4 MiB that clients take by default.
const streamMessage = 512 << 10

// streamEvery is how long traces that were found wait for others before they are sent.
const streamEvery = 100 * time.Millisecond

// NewStreaming returns tempopb.StreamingQuerier, as a handler of gRPC calls over HTTP/2: Grafana calls it on the port of
// the HTTP API. Each answer is that of the HTTP API in pieces, the last of which tells that all work is done.
func NewStreaming(c Config) http.Handler {
	h := &handler{c}
	s := grpc.NewServer(grpc.ForceServerCodecV2(rawCodec{}), grpc.MaxRecvMsgSize(1<<20))
	desc := grpc.ServiceDesc{ServiceName: "tempopb.StreamingQuerier", HandlerType: (*any)(nil)}
	for name, call := range map[string]struct {
		query protowire.Number // the field that has the query
		serve func(context.Context, message, sender) error
	}{
		"Search":              {8, h.streamSearch},
		"SearchTags":          {2, h.streamTags},
		"SearchTagsV2":        {2, h.streamTagsV2},
		"SearchTagValues":     {2, h.streamValues},
		"SearchTagValuesV2":   {2, h.streamValuesV2},
		"MetricsQueryRange":   {1, h.streamRange},
		"MetricsQueryInstant": {1, h.streamInstant},
	} {
		desc.Streams = append(desc.Streams, grpc.StreamDesc{
			StreamName: name, ServerStreams: true,
			Handler: func(_ any, stream grpc.ServerStream) error {
				var raw rawMessage
				if err := stream.RecvMsg(&raw); err != nil {
					return err
				}
				request, err := parseMessage(raw)
				if err != nil {
					return status.Error(codes.InvalidArgument, err.Error())
				}
				send := func(reply []byte) error { return stream.SendMsg(rawMessage(reply)) }
				return streamError(request.text(call.query), call.serve(stream.Context(), request, send))
			},
		})
	}
	s.RegisterService(&desc, h)
	return s
}

// IsStreaming reports whether a request is a gRPC call, which [NewStreaming] answers.
func IsStreaming(r *http.Request) bool {
	return r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc")
}

// sender sends one message of a stream.
type sender func(reply []byte) error

// streamError is an error in gRPC's terms; text is the query.
func streamError(text string, err error) error {
	var s *statusError
	var all traceql.Errors
	switch {
	case err == nil:
		return nil
	case errors.As(err, &s):
		if s.status == http.StatusNotFound {
			return status.Error(codes.NotFound, s.message)
		}
		return status.Error(codes.InvalidArgument, s.message)
	case errors.As(err, &all) && len(all) > 0:
		return status.Error(codes.InvalidArgument, "invalid TraceQL query: "+describe(text, all[0]))
	case errors.Is(err, span.ErrID), errors.Is(err, query.ErrRange):
		return status.Error(codes.InvalidArgument, err.Error())
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, "the request was cancelled")
	case errors.Is(err, context.DeadlineExceeded):
		return status.Error(codes.DeadlineExceeded, "the request took longer than its deadline")
	case errors.Is(err, store.ErrNotFound):
		return status.Error(codes.NotFound, err.Error())
	case errors.Is(err, span.ErrRetryable):
		return status.Error(codes.Unavailable, err.Error())
	}
	if st, ok := status.FromError(err); ok {
		return st.Err()
	}
	return status.Error(codes.Internal, err.Error())
}

// streamSearch answers Search: traces as they are found, each once and complete.
func (h *handler) streamSearch(ctx context.Context, m message, send sender) error {
	q := m.values(map[protowire.Number]string{4: "limit", 5: "start", 6: "end", 8: "q", 9: "spss"})
	if tags := m.tags(1); tags != "" {
		q.Set("tags", tags)
	}
	for number, name := range map[protowire.Number]string{2: "minDuration", 3: "maxDuration"} {
		if s := m.number(number); s != "" {
			q.Set(name, s+"ms")
		}
	}
	req, err := h.searchRequest(ctx, q)
	if err != nil {
		return err
	}
	var reply []byte
	last := time.Now()
	req.OnTrace = func(t *query.Trace) error {
		reply = appendMessage(reply, 1, appendTrace(nil, t))
		if len(reply) < streamMessage && time.Since(last) < streamEvery {
			return nil
		}
		out := appendMessage(reply, 2, appendMetrics(nil, store.Counters{}, 0, 1))
		reply, last = nil, time.Now()
		return send(out)
	}
	res, err := h.Query.Search(ctx, req)
	if err != nil {
		return err
	}
	return send(appendMessage(reply, 2, appendMetrics(nil, res.Scanned, 1, 1)))
}

// streamTags answers SearchTags.
func (h *handler) streamTags(ctx context.Context, m message, send sender) error {
	names, err := h.plainTags(ctx, m.tagParams())
	if err != nil {
		return err
	}
	var reply []byte
	for _, name := range names {
		reply = appendString(reply, 1, name)
	}
	return send(appendMessage(reply, 2, appendListMetrics(nil)))
}

// streamTagsV2 answers SearchTagsV2.
func (h *handler) streamTagsV2(ctx context.Context, m message, send sender) error {
	scopes, err := h.scopedTags(ctx, m.tagParams())
	if err != nil {
		return err
	}
	var reply []byte
	for _, s := range scopes {
		scope := appendString(nil, 1, s.Name)
		for _, tag := range s.Tags {
			scope = appendString(scope, 2, tag)
		}
		reply = appendMessage(reply, 1, scope)
	}
	return send(appendMessage(reply, 2, appendListMetrics(nil)))
}

// tagParams are those of both lists of names.
func (m message) tagParams() url.Values {
	return m.values(map[protowire.Number]string{1: "scope", 2: "q", 3: "start", 4: "end", 5: "limit"})
}

// streamValues answers SearchTagValues.
func (h *handler) streamValues(ctx context.Context, m message, send sender) error {
	values, err := h.tagValues(ctx, m.text(1), m.valueParams(), false)
	if err != nil {
		return err
	}
	var reply []byte
	for _, v := range values {
		reply = appendString(reply, 1, v.Value)
	}
	return send(appendMessage(reply, 2, appendListMetrics(nil)))
}

// streamValuesV2 answers SearchTagValuesV2.
func (h *handler) streamValuesV2(ctx context.Context, m message, send sender) error {
	values, err := h.tagValues(ctx, m.text(1), m.valueParams(), true)
	if err != nil {
		return err
	}
	var reply []byte
	for _, v := range values {
		reply = appendMessage(reply, 1, appendString(appendString(nil, 1, v.Type), 2, v.Value))
	}
	return send(appendMessage(reply, 2, appendListMetrics(nil)))
}

// valueParams are those of both lists of values.
func (m message) valueParams() url.Values {
	return m.values(map[protowire.Number]string{2: "q", 4: "start", 5: "end", 6: "limit"})
}

// streamRange answers MetricsQueryRange: one part of the time after the other, each sample once.
func (h *handler) streamRange(ctx context.Context, m message, send sender) error {
	q := m.nanoseconds(map[protowire.Number]string{2: "start", 3: "end"})
	q.Set("q", m.text(1))
	if s := m.number(4); s != "" {
		q.Set("step", s+"ns")
	}
	for number, name := range map[protowire.Number]string{16: "exemplars", 17: "maxSeries"} {
		if s := m.number(number); s != "" {
			q.Set(name, s)
		}
	}
	req, err := h.rangeRequest(ctx, q)
	if err != nil {
		return err
	}
	if m.number(18) != "" { // instant
		req.Instant = true
	}
	part := func(res *query.MetricsResult) error {
		var reply []byte
		done := res.Done
		for i, s := range res.Series {
			reply = appendMessage(reply, 1, appendSeries(nil, s, res.Times))
			if len(reply) >= streamMessage && i < len(res.Series)-1 {
				if err := send(appendMessage(reply, 2, appendMetrics(nil, res.Scanned, done-1, res.Parts))); err != nil {
					return err
				}
				reply = nil
			}
		}
		return send(appendPartial(appendMessage(reply, 2, appendMetrics(nil, res.Scanned, done, res.Parts)), res))
	}
	if req.Instant {
		res, err := h.Query.Metrics(ctx, req)
		if err != nil {
			return err
		}
		return part(res)
	}
	req.OnWindow = part
	_, err = h.Query.Metrics(ctx, req)
	return err
}

// streamInstant answers MetricsQueryInstant.
func (h *handler) streamInstant(ctx context.Context, m message, send sender) error {
	q := m.nanoseconds(map[protowire.Number]string{2: "start", 3: "end"})
	q.Set("q", m.text(1))
	req, err := h.instantRequest(ctx, q)
	if err != nil {
		return err
	}
	res, err := h.Query.Metrics(ctx, req)
	if err != nil {
		return err
	}
	var reply []byte
	for _, s := range res.Series {
		reply = appendMessage(reply, 1, appendDouble(appendLabels(nil, s.Labels), 2, s.Values[0]))
		if len(reply) >= streamMessage {
			if err := send(appendMessage(reply, 2, appendMetrics(nil, res.Scanned, 0, 1))); err != nil {
				return err
			}
			reply = nil
		}
	}
	return send(appendPartial(appendMessage(reply, 2, appendMetrics(nil, res.Scanned, 1, 1)), res))
}

// ---- codec ----

// rawMessage is a message as it is on the wire.
type rawMessage []byte

// rawCodec passes messages through.
type rawCodec struct{}

// Name implements encoding.CodecV2: the content subtype is that of protobuf.
func (rawCodec) Name() string { return "proto" }

// Marshal implements encoding.CodecV2.
func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	if raw, ok := v.(rawMessage); ok {
		return mem.BufferSlice{mem.SliceBuffer(raw)}, nil
	}
	return encoding.GetCodecV2("proto").Marshal(v)
}

// Unmarshal implements encoding.CodecV2.
func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	if raw, ok := v.(*rawMessage); ok {
		*raw = data.Materialize()
		return nil
	}
	return encoding.GetCodecV2("proto").Unmarshal(data, v)
}
