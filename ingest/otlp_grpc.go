// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"bytes"
	"errors"
	"io"
	"math"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // the codec of services whose messages are generated types
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"github.com/clew-tracing/clew/wire/otlp"
)

// RegisterOTLPGRPC registers OTLP's services on s: TraceService, and MetricsService and LogsService, which take and drop.
// s must have been made with [GRPCServerOptions].
func RegisterOTLPGRPC(s *grpc.Server, c Config) {
	r := &otlpGRPC{receiver: newReceiver(c, "otlp-grpc")}
	for service, signal := range map[string]otlp.Signal{
		"opentelemetry.proto.collector.trace.v1.TraceService":     otlp.SignalTraces,
		"opentelemetry.proto.collector.metrics.v1.MetricsService": otlp.SignalMetrics,
		"opentelemetry.proto.collector.logs.v1.LogsService":       otlp.SignalLogs,
	} {
		// Export is unary. Registered as a stream, which is the same on the wire, it is called before its message is
		// read, so that admission comes first.
		s.RegisterService(&grpc.ServiceDesc{
			ServiceName: service,
			HandlerType: (*any)(nil),
			Streams: []grpc.StreamDesc{{
				StreamName:    "Export",
				Handler:       func(_ any, stream grpc.ServerStream) error { return r.handle(stream, signal) },
				ClientStreams: true,
				ServerStreams: true,
			}},
		}, r)
	}
}

// GRPCServerOptions returns what a server for [RegisterOTLPGRPC] needs: the raw codec, limits, keepalive that forgives
// clients, a meter on each connection, and the compressors gzip, zstd and snappy. c.Admission must be that of
// [RegisterOTLPGRPC].
func GRPCServerOptions(c Config) []grpc.ServerOption {
	c = c.withDefaults()
	registerCompressors()
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(codec{}),
		grpc.Creds(newMeteredCreds(c.Admission, c.MaxRequest)),
		grpc.StatsHandler(meter{c.ReadTimeout}),
		grpc.MaxRecvMsgSize(c.MaxRequest),
		grpc.MaxConcurrentStreams(1000),
		grpc.ReadBufferSize(128 << 10),
		// SDKs and collectors ping as often as every ten seconds, with no call under way; grpc's default answers that
		// with "too_many_pings" and closes the connection.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
		// A client that vanished is noticed within a minute and a half.
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: time.Minute, Timeout: 20 * time.Second}),
	}
}

type otlpGRPC struct{ *receiver }

// handle serves one Export call.
func (r *otlpGRPC) handle(stream grpc.ServerStream, s otlp.Signal) error {
	r.Stats.requests.WithLabelValues(r.protocol).Inc()
	a, refused := r.receive(stream, s)
	if refused != nil {
		r.Stats.refused.WithLabelValues(r.protocol, refused.reason).Inc()
		return rpcStatus(refused).Err()
	}
	return stream.SendMsg(rawReply(otlp.AppendResponse(nil, s, a.rejected, a.message)))
}

func (r *otlpGRPC) receive(stream grpc.ServerStream, s otlp.Signal) (answer, *refusal) {
	ctx := stream.Context()
	ticket := r.Admission.Admit(ctx, firstShare)
	if ticket == nil {
		return answer{}, refuseOverload(0)
	}
	defer ticket.Release()
	m := rawRequest{pool: &r.messages}
	if err := stream.RecvMsg(&m); err != nil {
		return answer{}, refuseMessage(err)
	}
	defer m.free()
	// Waiting with a whole message in hand is what the budget must not allow.
	if !ticket.TryGrow(int64(len(m.body()))) {
		return answer{}, refuseOverload(ticket.after())
	}
	w := r.worker()
	defer r.release(w)
	return r.export(ctx, w, ticket, s, formatProtobuf, m.body())
}

// refuseMessage translates an error of grpc's about a message that it could not read.
func refuseMessage(err error) *refusal {
	st, _ := status.FromError(err)
	f := &refusal{code: st.Code(), message: st.Message(), reason: reasonCancelled}
	switch {
	case errors.Is(err, io.EOF):
		f.code, f.reason, f.message = codes.InvalidArgument, reasonMalformed, "the call has no message"
	case st.Code() == codes.ResourceExhausted:
		f.reason, f.message = reasonTooLarge, st.Message()+"; send smaller batches or raise --max-request"
	case st.Code() == codes.Internal: // grpc blames itself for what it cannot decompress
		f.code, f.reason = codes.InvalidArgument, reasonMalformed
	case st.Code() == codes.Unimplemented:
		f.reason = reasonEncoding
	case st.Code() == codes.Unknown:
		f.code, f.reason = codes.InvalidArgument, reasonMalformed
	}
	return f
}

// ---- codec ----

// rawRequest is a request's message as it came: in one of grpc's buffers if it fits into one, otherwise put together in
// memory of a pool of its own. (Grpc's own pools clear what they hand out.)
type rawRequest struct {
	pool   *sync.Pool // of *[]byte
	single mem.Buffer
	joined *[]byte
}

func (m *rawRequest) body() []byte {
	switch {
	case m.joined != nil:
		return *m.joined
	case m.single != nil:
		return m.single.ReadOnlyData()
	}
	return nil
}

// take makes m the message that data holds.
func (m *rawRequest) take(data mem.BufferSlice) {
	if len(data) == 1 {
		data[0].Ref()
		m.single = data[0]
		return
	}
	n := data.Len()
	buf, ok := m.pool.Get().(*[]byte)
	if !ok || cap(*buf) < n {
		b := make([]byte, n, n+n/4)
		buf = &b
	}
	*buf = (*buf)[:n]
	data.CopyTo(*buf)
	m.joined = buf
}

func (m *rawRequest) free() {
	if m.single != nil {
		m.single.Free()
	}
	if m.joined != nil && cap(*m.joined) <= keepScratch {
		m.pool.Put(m.joined)
	}
	m.single, m.joined = nil, nil
}

// rawReply is an encoded response.
type rawReply []byte

// codec passes raw messages through and leaves all others to protobuf's own codec, so that services with generated types
// (health, reflection) can stand on the same server.
type codec struct{}

// Name implements encoding.CodecV2: the content subtype stays that of protobuf.
func (codec) Name() string { return "proto" }

// Marshal implements encoding.CodecV2.
func (codec) Marshal(v any) (mem.BufferSlice, error) {
	if raw, ok := v.(rawReply); ok {
		return mem.BufferSlice{mem.SliceBuffer(raw)}, nil
	}
	return encoding.GetCodecV2("proto").Marshal(v)
}

// Unmarshal implements encoding.CodecV2.
func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	if raw, ok := v.(*rawRequest); ok {
		raw.take(data)
		return nil
	}
	return encoding.GetCodecV2("proto").Unmarshal(data, v)
}

// ---- compressors ----

// registerCompressors puts the compressors into grpc's registry, which is one for the whole process: they do what their
// names say for whoever else uses them.
var registerCompressors = sync.OnceFunc(func() {
	d := newDecompressors()
	encoding.RegisterCompressor(compressor{"gzip", d, func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }})
	encoding.RegisterCompressor(compressor{"zstd", d, func(w io.Writer) (io.WriteCloser, error) {
		return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(1<<20))
	}})
	encoding.RegisterCompressor(compressor{"snappy", d, func(w io.Writer) (io.WriteCloser, error) { return snappy.NewBufferedWriter(w), nil }})
})

// compressor is one of grpc's encodings. grpc decompresses whole messages, so a few at a time are enough.
type compressor struct {
	name   string
	d      *decompressors
	writer func(io.Writer) (io.WriteCloser, error)
}

// Name implements encoding.Compressor.
func (c compressor) Name() string { return c.name }

// Compress implements encoding.Compressor.
func (c compressor) Compress(w io.Writer) (io.WriteCloser, error) { return c.writer(w) }

// Decompress implements encoding.Compressor. grpc closes what it returns.
func (c compressor) Decompress(r io.Reader) (io.Reader, error) {
	leave := c.d.enter()
	z, put, err := c.reader(r)
	if err != nil {
		leave()
		return nil, err
	}
	return &decompressing{z, func() { put(); leave() }}, nil
}

func (c compressor) reader(r io.Reader) (io.Reader, func(), error) {
	if c.name == "snappy" {
		head := make([]byte, len(snappyMagic))
		n, err := io.ReadFull(r, head)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return nil, nil, err
		}
		r = io.MultiReader(bytes.NewReader(head[:n]), r)
		if string(head[:n]) != snappyMagic {
			block, err := io.ReadAll(r)
			if err != nil {
				return nil, nil, err
			}
			content, err := snappyBlock(nil, block, math.MaxInt, func(int) bool { return true }) // the limit is grpc's
			return bytes.NewReader(content), func() {}, err
		}
	}
	return c.d.get(c.name, r)
}

// decompressing gives its decoder back when grpc has read what it wants.
type decompressing struct {
	io.Reader
	done func()
}

// Close implements io.Closer.
func (d *decompressing) Close() error {
	if d.done != nil {
		d.done()
		d.done = nil
	}
	return nil
}
