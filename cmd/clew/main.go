// SPDX-License-Identifier: Apache-2.0

// Command clew is a distributed-tracing backend in one binary: `clew serve` takes spans, keeps them and answers queries;
// the other commands ask a running server.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version = "dev" //nolint:gochecknoglobals // -ldflags -X needs a variable

// Exit codes, as grep and gh have them.
const (
	exitFailed = 1 // what was asked for could not be done, or is not there
	exitUsage  = 2 // the command line makes no sense
)

// usageError marks errors of the command line.
type usageError struct{ error }

// Unwrap returns the cause.
func (e usageError) Unwrap() error { return e.error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	err := root().ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	fmt.Fprintf(os.Stderr, "clew: %v\n", err)
	if _, ok := errors.AsType[usageError](err); ok {
		os.Exit(exitUsage)
	}
	os.Exit(exitFailed)
}

// root returns the whole command line.
func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "clew",
		Short: "Distributed tracing in one binary",
		Long: `Clew takes spans from your services, keeps every one that it acknowledged, and finds out why a request
was slow, failed or went astray.`,
		Example: `  clew serve                                   # UI at http://127.0.0.1:16686, OTLP on 4317 and 4318
  clew demo                                    # a shop of real services that sends traces
  clew query '{ status = error }'              # search with TraceQL
  clew trace 4bf92f3577b34da6a3ce929d0e0e4736  # one trace as text`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("no command is called %q; clew --help lists them", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SetOut(os.Stdout)
	cmd.SetErr(os.Stderr)
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; %s --help lists the flags", err, cmd.CommandPath())}
	})
	cmd.AddCommand(serveCommand(), demoCommand(), queryCommand(), traceCommand(), inspectCommand(), versionCommand())
	return cmd
}

// exactly is cobra.ExactArgs as a usage error that says what is wanted.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{fmt.Errorf("want %s, have %d arguments; %s --help has examples", what, len(args), cmd.CommandPath())}
		}
		return nil
	}
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  exactly(0, "nothing"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "clew "+version)
			return err
		},
	}
}
