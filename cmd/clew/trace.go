// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"net/url"

	"github.com/spf13/cobra"
)

func traceCommand() *cobra.Command {
	var c client
	var form output
	cmd := &cobra.Command{
		Use:   "trace ID",
		Short: "Print one trace",
		Example: `  clew trace 4bf92f3577b34da6a3ce929d0e0e4736
  clew trace 4bf92f3577b34da6a3ce929d0e0e4736 --output json > trace.json   # OTLP/JSON`,
		Args: exactly(1, "one trace id"),
	}
	bindServer(cmd, &c)
	check := bindOutput(cmd, &form, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := check(); err != nil {
			return err
		}
		body, err := c.get(cmd.Context(), "/traces/"+url.PathEscape(args[0])+"?format="+string(form))
		if err != nil {
			return err
		}
		_, err = io.Copy(cmd.OutOrStdout(), body)
		return errors.Join(err, body.Close())
	}
	return cmd
}
