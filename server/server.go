// SPDX-License-Identifier: Apache-2.0

// Package server is the assembly: it opens the store, puts the receivers before it and the APIs behind it, listens, and
// takes everything down again in the right order. What each part does is in its own package; here is only who is
// connected to whom, and the settings.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"github.com/clew-tracing/clew/ingest"
	"github.com/clew-tracing/clew/query"
	"github.com/clew-tracing/clew/store/embed"
)

// Options are what the process gives to its server.
type Options struct {
	Config  *Config
	Logger  *slog.Logger
	Version string
	// Ready, if set, is called once with the addresses, by flag name, when all listeners accept.
	Ready func(addresses map[string]string)
}

// stopWithin is how long requests under way may take to end after a stop.
const stopWithin = 5 * time.Second

// admissionWait is how long a request waits for memory before it is refused, to be sent again: long enough for a burst to
// pass, short against clients' timeouts of 10 s.
const admissionWait = time.Second

// minMemory is the least memory that takes requests of a few MiB and still answers queries. An idle server has about 14 MiB.
const minMemory Bytes = 16 << 20

// server is a running server.
type server struct {
	Options
	started  time.Time
	engine   *embed.Engine
	query    *query.Executor
	registry *prometheus.Registry
	receiver ingest.Config
	at       map[string]string
}

// Run serves until ctx ends, then stops: listeners first, requests under way next, the store last. It returns nil after an
// orderly stop.
func Run(ctx context.Context, o Options) (err error) {
	s := &server{Options: o, started: time.Now(), registry: prometheus.NewRegistry()}
	c := o.Config
	if c.MemoryLimit < minMemory {
		return fmt.Errorf("--memory-limit %s is too little to work with: give at least 16MiB", c.MemoryLimit.String())
	}
	// The collector of garbage works harder near the limit; what is really bounded are the parts that hold spans.
	debug.SetMemoryLimit(int64(c.MemoryLimit) * 9 / 10)
	if os.Getenv("GOGC") == "" {
		// There are few pointers here, so collecting is cheap, and twice as often saves a quarter of the memory.
		debug.SetGCPercent(50)
	}
	s.engine, err = embed.Open(embed.Config{
		Dir: c.Data, Logger: o.Logger.With("part", "store"), WALSync: embed.WALSync(c.WALSync),
		Retention: time.Duration(c.Retention), HeadBytes: min(64<<20, int64(c.MemoryLimit)/4), ScanBytes: min(64<<20, int64(c.MemoryLimit)/8),
	})
	if err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	defer func() {
		if cerr := s.engine.Close(); cerr != nil {
			err = errors.Join(err, fmt.Errorf("close the store: %w", cerr))
		}
	}()
	s.query = query.New(query.Config{Engine: s.engine})
	s.receiver = ingest.Config{
		Sink: s.engine, Log: o.Logger.With("part", "ingest"), Stats: ingest.NewStats(s.registry), MaxRequest: int(c.MaxRequest),
		Admission: ingest.NewAdmission(int64(c.MemoryLimit)/4, admissionWait), CORSOrigins: c.CORSOrigins,
	}
	ingest.RegisterAdmission(s.registry, s.receiver.Admission)
	s.registerMetrics()
	open, err := c.listen(ctx, o.Logger)
	if err != nil {
		return err
	}
	s.at = addresses(open)
	return s.serve(ctx, open)
}

// serve runs all listeners until ctx ends or one fails.
func (s *server) serve(ctx context.Context, open map[string]net.Listener) error {
	group, ctx := errgroup.WithContext(ctx)
	var stops []func(context.Context)
	for name, l := range open {
		if name == "otlp-grpc" {
			g := grpc.NewServer(ingest.GRPCServerOptions(s.receiver)...)
			ingest.RegisterOTLPGRPC(g, s.receiver)
			group.Go(func() error { return serveGRPC(g, l) })
			stops = append(stops, func(ctx context.Context) { stopGRPC(ctx, g) })
			continue
		}
		h := s.httpServer(s.handler(name))
		group.Go(func() error {
			if err := h.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("listener %s: %w", name, err)
			}
			return nil
		})
		stops = append(stops, func(ctx context.Context) {
			if err := h.Shutdown(ctx); err != nil {
				_ = h.Close() // what takes longer is cut off
			}
		})
	}
	if file := s.Config.AddressesFile; file != "" {
		group.Go(func() error { return writeAddresses(file, s.at) })
	}
	if s.Ready != nil {
		s.Ready(s.at)
	}
	<-ctx.Done()
	s.Logger.Info("stopping")
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	var stopping errgroup.Group
	for _, stop := range stops {
		stopping.Go(func() error { stop(limit); return nil })
	}
	_ = stopping.Wait() // stops return no errors
	return group.Wait()
}

// httpServer returns a server with the limits that keep slow clients from holding connections for ever.
func (s *server) httpServer(h http.Handler) *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler: h, Protocols: &protocols,
		ReadHeaderTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 256 << 10,
		ErrorLog: slog.NewLogLogger(s.Logger.With("part", "http").Handler(), slog.LevelDebug),
	}
}

func serveGRPC(g *grpc.Server, l net.Listener) error {
	if err := g.Serve(l); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("listener otlp-grpc: %w", err)
	}
	return nil
}

// stopGRPC lets calls under way end until ctx does.
func stopGRPC(ctx context.Context, g *grpc.Server) {
	done := make(chan struct{})
	go func() {
		g.GracefulStop()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		g.Stop()
		<-done
	}
}
