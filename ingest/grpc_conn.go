// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/stats"
)

// grpc collects a message before anybody is asked, so what is under way counts where it comes in: every byte that a
// connection delivers is charged to the connection's own ticket, and credited when it has become a message, for which its
// call then has a ticket. A connection for which there is no room is not read from, which TCP turns into back-pressure,
// and closed if that does not help in time; to its clients that is UNAVAILABLE, and they try again.

// meteredCreds are transport credentials that put a meter on each connection.
type meteredCreds struct {
	credentials.TransportCredentials
	a          *Admission
	maxRequest int
}

func newMeteredCreds(a *Admission, maxRequest int) meteredCreds {
	return meteredCreds{insecure.NewCredentials(), a, maxRequest}
}

// ServerHandshake implements credentials.TransportCredentials.
func (m meteredCreds) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := m.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		return nil, nil, err
	}
	// A connection's share grows in steps, so that few reads touch the budget, and small enough ones for a thousand
	// connections.
	step := min(256<<10, max(4<<10, m.a.Capacity()/1024))
	c := &meteredConn{Conn: conn, step: step, ticket: &Ticket{a: m.a, kind: connTicket, alone: int64(m.maxRequest) + step}}
	return c, meteredInfo{info, c}, nil
}

// Clone implements credentials.TransportCredentials.
func (m meteredCreds) Clone() credentials.TransportCredentials {
	m.TransportCredentials = m.TransportCredentials.Clone()
	return m
}

// meteredInfo brings the connection to its calls.
type meteredInfo struct {
	credentials.AuthInfo
	conn *meteredConn
}

// GetCommonAuthInfo gives grpc the security level of the credentials inside.
func (m meteredInfo) GetCommonAuthInfo() credentials.CommonAuthInfo {
	if c, ok := m.AuthInfo.(interface {
		GetCommonAuthInfo() credentials.CommonAuthInfo
	}); ok {
		return c.GetCommonAuthInfo()
	}
	return credentials.CommonAuthInfo{}
}

// meteredConn charges what is read.
type meteredConn struct {
	net.Conn
	ticket *Ticket
	step   int64
	debt   atomic.Int64 // bytes read that are not part of a whole message yet
	calls  atomic.Int64 // under way
	closed atomic.Bool
}

// housekeeping is how many bytes a connection may deliver free of charge, for pings and the like.
const housekeeping = 16 << 10

var errNoBudget = errors.New("no memory to receive more; see --memory-limit")

// Read implements net.Conn.
func (c *meteredConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	for debt := c.debt.Add(int64(n)); debt > housekeeping && debt > c.ticket.size(); debt = c.debt.Load() {
		if !c.ticket.Grow(context.Background(), debt+c.step) {
			_ = c.Close() // the error that matters is the one below
			return 0, errNoBudget
		}
		if c.closed.Load() { // perhaps before the share grew
			c.ticket.Release()
			return 0, net.ErrClosed
		}
	}
	return n, err
}

// Close implements net.Conn.
func (c *meteredConn) Close() error {
	c.closed.Store(true)
	c.ticket.Release()
	return c.Conn.Close()
}

// credit says that n bytes have become a message.
func (c *meteredConn) credit(n int64) {
	// HTTP/2 takes nine bytes a frame, headers and pings some more. What is credited too much is cut off at zero.
	debt := c.debt.Add(-(n + n/100 + 512))
	if debt < 0 {
		c.debt.CompareAndSwap(debt, 0)
		debt = 0
	}
	if debt+3*c.step < c.ticket.size() {
		c.ticket.Shrink(debt + c.step)
	}
}

// done says that a call has ended. A connection without calls owes nothing, whatever became of those that were aborted.
func (c *meteredConn) done() {
	if c.calls.Add(-1) == 0 {
		c.debt.Store(0)
		c.ticket.Shrink(0)
	}
}

// meter is a stats.Handler that credits connections, and closes those whose messages do not arrive in time: what has come
// of them takes room that others need.
type meter struct{ patience time.Duration }

// meteredCall is a call under way.
type meteredCall struct {
	conn  *meteredConn
	timer *time.Timer
}

type meteredCallKey struct{}

// TagRPC implements stats.Handler.
func (m meter) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return ctx
	}
	info, ok := p.AuthInfo.(meteredInfo)
	if !ok {
		return ctx
	}
	return context.WithValue(ctx, meteredCallKey{}, &meteredCall{conn: info.conn})
}

// HandleRPC implements stats.Handler.
func (m meter) HandleRPC(ctx context.Context, s stats.RPCStats) {
	call, ok := ctx.Value(meteredCallKey{}).(*meteredCall)
	if !ok {
		return
	}
	switch s := s.(type) {
	case *stats.Begin:
		call.conn.calls.Add(1)
		call.timer = time.AfterFunc(m.patience, func() { _ = call.conn.Close() }) // its readers see the error
	case *stats.InPayload:
		call.timer.Stop()
		call.conn.credit(int64(s.WireLength))
	case *stats.End:
		call.timer.Stop()
		call.conn.done()
	}
}

// TagConn implements stats.Handler.
func (meter) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn implements stats.Handler.
func (meter) HandleConn(context.Context, stats.ConnStats) {}
