// SPDX-License-Identifier: Apache-2.0

// Package demo is the shop that `clew demo` runs: thirteen real services that talk HTTP and gRPC over loopback, keep
// their rows in a real SQL database, pass messages through a real queue, and are instrumented with the OpenTelemetry
// Go SDK the way its guides say. Nothing is replayed: every span is made by code doing the thing that the span tells of.
//
//	shoppers ─► web ─► api-gateway ─┬─► auth            gRPC, SQL
//	                                ├─► catalog         HTTP, SQL, cache, two pods
//	                                ├─► search ─► catalog
//	                                ├─► recommendation ─► catalog
//	                                ├─► cart ─► catalog, inventory       gRPC, SQL
//	                                └─► checkout ─► cart, inventory, shipping, payment ─► fraud, (acquirer)
//	                                       │ SQL, publishes "orders"
//	                                       ▼
//	                                     queue ─┬─► shipping      in batches, joined by span links
//	                                            └─► notification ─► (mail relay)
//
// The acquirer and the mail relay belong to somebody else and make no spans, as in life. A healthy shop fails now and
// then: a few traces in a hundred hold an error. [Faults] lists what can be made to go wrong on purpose.
//
// One file holds one service (web.go, gateway.go, auth.go, …) or one thing that services stand on (service.go,
// telemetry.go, database.go, queue.go, retry.go, …).
package demo

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// Config says how busy the shop is, where its spans go, and what is broken in it.
type Config struct {
	Endpoint string        // where OTLP is taken: host:port, or a URL when it is not plain text over HTTP/2 or HTTP/1.1
	Protocol Protocol      // default GRPC
	Rate     float64       // journeys begun per second, on average; default 5
	Duration time.Duration // 0 = until the context ends
	Users    int           // customers of the shop; default 100
	Seed     uint64        // of every random choice; 0 = a new one each time
	Faults   []Fault       // switched on from the start
	Control  string        // host:port of the HTTP control of the faults; empty = 127.0.0.1 and a free port
	Output   Format        // default Text
	Out      io.Writer     // progress goes here; nil = nowhere

	calm bool // nothing goes wrong by chance: for tests
}

// Protocol is the form of OTLP that the services send.
type Protocol string

// The protocols of the OTLP exporters.
const (
	GRPC Protocol = "grpc"
	HTTP Protocol = "http"
)

// complete fills in the defaults and refuses what makes no sense.
func (c Config) complete() (Config, error) {
	switch c.Protocol {
	case "":
		c.Protocol = GRPC
	case GRPC, HTTP:
	default:
		return c, fmt.Errorf("protocol %q: unknown; use grpc or http", c.Protocol)
	}
	switch c.Output {
	case "":
		c.Output = Text
	case Text, JSON:
	default:
		return c, fmt.Errorf("output %q: unknown; use text or json", c.Output)
	}
	if c.Endpoint == "" {
		c.Endpoint = map[Protocol]string{GRPC: "127.0.0.1:4317", HTTP: "127.0.0.1:4318"}[c.Protocol]
	}
	if c.Rate == 0 {
		c.Rate = 5
	}
	if c.Rate < 0 || c.Rate > maxRate {
		return c, fmt.Errorf("rate %g: not between 0 and %d journeys per second", c.Rate, maxRate)
	}
	if c.Users == 0 {
		c.Users = 100
	}
	if c.Users < 0 || c.Users > maxUsers {
		return c, fmt.Errorf("users %d: not between 1 and %d", c.Users, maxUsers)
	}
	if c.Duration < 0 {
		return c, fmt.Errorf("duration %s: negative", c.Duration)
	}
	if c.Seed == 0 {
		c.Seed = rand.Uint64()
	}
	if c.Control == "" {
		c.Control = "127.0.0.1:0"
	}
	if c.Out == nil {
		c.Out = io.Discard
	}
	for _, f := range c.Faults {
		if _, ok := f.index(); !ok {
			return c, fmt.Errorf("fault %q: unknown; known are %s", f, faultNames())
		}
	}
	return c, nil
}

// Limits of the configuration: past them the machine, not the shop, would be what is shown.
const (
	maxRate  = 1000
	maxUsers = 100_000
)

// Run opens the shop, sends shoppers through it until ctx ends or cfg.Duration is over, closes it and delivers the
// spans that are left. An endpoint that does not answer is no error: Run says so on cfg.Out and keeps trying.
func Run(ctx context.Context, cfg Config) error {
	cfg, err := cfg.complete()
	if err != nil {
		return err
	}
	out, err := openOutlet(cfg.Endpoint, cfg.Protocol)
	if err != nil {
		return err
	}
	defer out.close()
	shop, err := openShop(cfg, out)
	if err != nil {
		return err
	}
	control, err := openControl(cfg.Control, shop.faults)
	if err != nil {
		shop.close()
		return err
	}

	if cfg.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, cfg.Duration)
		defer cancel()
	}
	crowd := newCrowd(shop, cfg.Users)
	progress := startProgress(cfg, control.address(), shop, crowd, out)
	crowd.run(ctx, cfg.Rate)

	control.close()
	shop.close()
	progress.stop()
	return nil
}
