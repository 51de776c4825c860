// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// plain is an HTTP server without instrumentation: the queue, and whoever does not belong to the shop.
type plain struct {
	listener net.Listener
	server   *http.Server
	serving  sync.WaitGroup
}

// openPlain serves handler at address.
func openPlain(address string, handler http.Handler) (*plain, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	p := &plain{listener: listener, server: &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}}
	p.serving.Go(func() { _ = p.server.Serve(listener) }) // ends when the server is shut down
	return p, nil
}

func (p *plain) stop(ctx context.Context) {
	if p.server.Shutdown(ctx) != nil {
		_ = p.server.Close() // what is cut off has had its time
	}
	p.serving.Wait()
}
