// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/clew-tracing/clew/server"
)

func serveCommand() *cobra.Command {
	config := server.DefaultConfig()
	var file string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Take spans, keep them and answer queries",
		Long: `Serve runs the server until it gets SIGINT or SIGTERM. It needs no configuration.

Every flag is also a key of clew.yaml and a variable: --wal-sync is wal-sync: and CLEW_WAL_SYNC. A flag wins over a
variable, a variable over the file. A listener is host:port, a port alone, 0 for a free one, or off.`,
		Example: `  clew serve
  clew serve --data /var/lib/clew --host 0.0.0.0 --retention 30d
  clew serve --otlp-grpc 14317 --tempo off
  clew serve --ephemeral-ports --addresses-file addresses.json`,
		Args: exactly(0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := config.Load(cmd.Flags(), file, os.Environ()); err != nil {
				return usageError{err}
			}
			return server.Run(cmd.Context(), server.Options{
				Config: config, Logger: newLogger(cmd.ErrOrStderr(), config), Version: version,
				Ready: func(at map[string]string) {
					if http := at["http"]; http != "" {
						// Nobody left to read it is no reason to stop.
						_, _ = fmt.Fprintf(cmd.OutOrStdout(), "Clew is at http://%s\n", http)
					}
				},
			})
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "settings in YAML (default clew.yaml, if it is there)")
	config.Bind(cmd.Flags())
	return cmd
}

// newLogger writes structured logs.
func newLogger(w io.Writer, c *server.Config) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		level = slog.LevelInfo // the setting was checked
	}
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
