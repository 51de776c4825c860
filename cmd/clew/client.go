// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// client asks a running server's native API.
type client struct{ server string }

// defaultServer is where `clew serve` is found without configuration.
const defaultServer = "http://127.0.0.1:16686"

// bindServer declares --server.
func bindServer(cmd *cobra.Command, c *client) {
	c.server = defaultServer
	if s := os.Getenv("CLEW_SERVER"); s != "" {
		c.server = s
	}
	cmd.Flags().StringVar(&c.server, "server", c.server, "address of the server (or CLEW_SERVER)")
}

// serverError is an error object of the native API.
type serverError struct {
	Message  string `json:"message"`
	Hint     string `json:"hint"`
	Position *struct {
		From int `json:"from"`
		To   int `json:"to"`
	} `json:"position"`
}

// Error returns the message with its hint.
func (e *serverError) Error() string {
	if e.Hint != "" {
		return e.Message + " (" + e.Hint + ")"
	}
	return e.Message
}

// get asks for a path of the native API; the caller closes the body. Answers other than 200 are errors.
func (c *client) get(ctx context.Context, path string) (io.ReadCloser, error) {
	base := strings.TrimRight(c.server, "/")
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/api/clew/v1"+path, nil)
	if err != nil {
		return nil, usageError{fmt.Errorf("server %q: %w", c.server, err)}
	}
	resp, err := (&http.Client{Timeout: 5 * time.Minute}).Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w (is the server running? --server or CLEW_SERVER says where)", err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Error *serverError `json:"error"`
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err == nil {
		err = json.Unmarshal(raw, &answer)
	}
	if err != nil || answer.Error == nil {
		return nil, fmt.Errorf("%s answers %s: %.200s", base, resp.Status, raw)
	}
	return nil, answer.Error
}

// getJSON decodes the answer of a path into v and returns its bytes too.
func (c *client) getJSON(ctx context.Context, path string, v any) ([]byte, error) {
	body, err := c.get(ctx, path)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(body)
	if err = errors.Join(err, body.Close()); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return raw, nil
}

// output is the form of what a command prints.
type output string

// bindOutput declares --output with its choices, the first being the default.
func bindOutput(cmd *cobra.Command, o *output, choices ...string) func() error {
	cmd.Flags().StringVarP((*string)(o), "output", "o", choices[0], "form of the output: "+strings.Join(choices, ", "))
	return func() error {
		if slices.Contains(choices, string(*o)) {
			return nil
		}
		return usageError{fmt.Errorf("--output %q is not one of %s", *o, strings.Join(choices, ", "))}
	}
}
