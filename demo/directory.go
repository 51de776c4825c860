// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/stats"
)

// directory is the shop's service discovery: which pods stand behind a name. Everything listens before anything calls,
// so it is only read once the shop is open.
type directory struct {
	names map[string]*pods
}

type pods struct {
	addresses []string // host:port
	next      atomic.Uint64
}

func newDirectory() *directory { return &directory{names: map[string]*pods{}} }

// add enters one more pod of a service.
func (d *directory) add(name string, listener net.Listener) {
	if d.names[name] == nil {
		d.names[name] = &pods{}
	}
	d.names[name].addresses = append(d.names[name].addresses, listener.Addr().String())
}

// pick chooses a pod of the service, each in its turn.
func (d *directory) pick(name string) (string, error) {
	p := d.names[name]
	if p == nil {
		return "", fmt.Errorf("lookup %s: no such service in the shop", name)
	}
	return p.addresses[p.next.Add(1)%uint64(len(p.addresses))], nil
}

// dial connects to all pods of a gRPC service and takes them in turn.
func (d *directory) dial(name string, handler stats.Handler) (*grpc.ClientConn, error) {
	if d.names[name] == nil {
		return nil, fmt.Errorf("dial %s: no such service in the shop", name)
	}
	var state resolver.State
	for _, address := range d.names[name].addresses {
		state.Addresses = append(state.Addresses, resolver.Address{Addr: address})
	}
	builder := manual.NewBuilderWithScheme("shop")
	builder.InitialState(state)
	return grpc.NewClient("shop:///"+name,
		grpc.WithResolvers(builder),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStatsHandler(handler),
	)
}

// balanced is the innermost [http.RoundTripper] of every HTTP client in the shop: it sends a request for a service to
// one of its pods, as a service mesh would, so that spans tell the name and not the port of the day.
type balanced struct {
	next      *http.Transport
	directory *directory
}

func newBalanced(d *directory) *balanced {
	return &balanced{next: &http.Transport{MaxIdleConnsPerHost: 8}, directory: d}
}

// RoundTrip implements [http.RoundTripper].
func (b *balanced) RoundTrip(r *http.Request) (*http.Response, error) {
	address, err := b.directory.pick(r.URL.Host)
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	span := trace.SpanFromContext(r.Context())
	span.SetAttributes(semconv.NetworkPeerAddress(host))
	if n, err := strconv.Atoi(port); err == nil {
		span.SetAttributes(semconv.NetworkPeerPort(n))
	}
	if n := attemptOf(r.Context()); n > 0 {
		span.SetAttributes(semconv.HTTPRequestResendCount(n))
	}
	out := r.Clone(r.Context())
	out.Host, out.URL.Host = r.URL.Host, address
	return b.next.RoundTrip(out)
}

// CloseIdleConnections lets [http.Client.CloseIdleConnections] reach the transport.
func (b *balanced) CloseIdleConnections() { b.next.CloseIdleConnections() }
