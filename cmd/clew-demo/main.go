// SPDX-License-Identifier: Apache-2.0

// Command clew-demo runs a small shop of real, really instrumented services and sends their spans to any OTLP
// endpoint. It is a program of its own so that the OpenTelemetry SDK and the SQL database of the shop do not weigh on
// clew; `clew demo` starts it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/clew-tracing/clew/demo"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "clew-demo:", err)
		stop()
		os.Exit(1)
	}
}

func command() *cobra.Command {
	var cfg demo.Config
	var faults []string
	cmd := &cobra.Command{
		Use:   "clew-demo",
		Short: "Run a small shop of real, instrumented services and send its traces",
		Long: "clew-demo runs a shop of thirteen services over loopback HTTP and gRPC, with SQL, a queue, retries and errors,\n" +
			"instrumented with the OpenTelemetry Go SDK. It sends what they do to an OTLP endpoint.\n\nFaults:\n" + faultList(),
		Example: "  clew-demo                                        # 5 journeys a second to 127.0.0.1:4317\n" +
			"  clew-demo --rate 50 --duration 1m                # busier, for a minute\n" +
			"  clew-demo --protocol http                        # OTLP/HTTP to 127.0.0.1:4318\n" +
			"  clew-demo --faults n-plus-one,slow-catalog       # with things to be found\n" +
			"  clew-demo --endpoint https://otlp.example:443    # to somewhere else",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if cfg.Faults, err = demo.ParseFaults(faults); err != nil {
				return err
			}
			// To Run a zero means the default; on the command line somebody has asked for nothing.
			if cfg.Rate == 0 || cfg.Users == 0 {
				return errors.New("a shop without shoppers makes no traces: give a --rate and --users above 0")
			}
			cfg.Out = cmd.OutOrStdout()
			return demo.Run(cmd.Context(), cfg)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&cfg.Endpoint, "endpoint", "", "where OTLP is taken: host:port or URL (default 127.0.0.1:4317, with http 127.0.0.1:4318)")
	flags.StringVar((*string)(&cfg.Protocol), "protocol", string(demo.GRPC), "grpc or http")
	flags.Float64Var(&cfg.Rate, "rate", 5, "journeys begun per second; each is a trace")
	flags.DurationVar(&cfg.Duration, "duration", 0, "how long to run; 0 = until stopped")
	flags.IntVar(&cfg.Users, "users", 100, "customers of the shop")
	flags.Uint64Var(&cfg.Seed, "seed", 0, "of every random choice; 0 = a new one each time")
	flags.StringSliceVar(&faults, "faults", nil, "what is broken from the start; see above")
	flags.StringVar(&cfg.Control, "control", "127.0.0.1:0", "host:port of the HTTP control of the faults; port 0 = a free one")
	flags.StringVar((*string)(&cfg.Output), "output", string(demo.Text), "progress as text or json")
	return cmd
}

func faultList() string {
	var list strings.Builder
	for _, f := range demo.Faults() {
		fmt.Fprintf(&list, "  %-23s %s\n", f.Name, f.Effect)
	}
	return strings.TrimRight(list.String(), "\n")
}
