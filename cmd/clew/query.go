// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// found is the part of a search's answer that the table shows.
type found struct {
	Traces []struct {
		TraceID     string `json:"traceId"`
		RootService string `json:"rootService"`
		RootName    string `json:"rootName"`
		StartNs     string `json:"startNs"`
		DurationNs  string `json:"durationNs"`
		SpanCount   int    `json:"spanCount"`
		ErrorCount  int    `json:"errorCount"`
	} `json:"traces"`
	Cursor  string `json:"cursor"`
	Partial bool   `json:"partial"`
	Reason  string `json:"reason"`
}

func queryCommand() *cobra.Command {
	var c client
	var form output
	var limit int
	var since, order string
	cmd := &cobra.Command{
		Use:   "query TRACEQL",
		Short: "Search traces with TraceQL",
		Example: `  clew query '{ resource.service.name = "checkout" && status = error }'
  clew query '{ duration > 2s }' --since 1h --order longest
  clew query '{ span.http.response.status_code >= 500 }' --output json | jq -r '.traces[].traceId'`,
		Args: exactly(1, "one query (put it in single quotes)"),
	}
	bindServer(cmd, &c)
	check := bindOutput(cmd, &form, "table", "json")
	cmd.Flags().IntVar(&limit, "limit", 20, "how many traces to show at most")
	cmd.Flags().StringVar(&since, "since", "", "only traces that overlap the time since then: an age such as 15m, 24h or 7d")
	cmd.Flags().StringVar(&order, "order", "newest", "newest, oldest, longest, errors or spans first")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := check(); err != nil {
			return err
		}
		q := url.Values{"q": {args[0]}, "limit": {strconv.Itoa(limit)}, "order": {order}}
		if since != "" {
			age, err := parseAge(since)
			if err != nil {
				return usageError{err}
			}
			q.Set("start", strconv.FormatInt(time.Now().Add(-age).UnixNano(), 10))
		}
		var answer found
		raw, err := c.getJSON(cmd.Context(), "/search?"+q.Encode(), &answer)
		if err != nil {
			return pointAt(args[0], err)
		}
		if form == "json" {
			_, err = cmd.OutOrStdout().Write(raw)
			return err
		}
		if answer.Partial {
			cmd.PrintErrln("clew: the answer is not complete:", answer.Reason)
		}
		return printTable(cmd.OutOrStdout(), &answer)
	}
	return cmd
}

// parseAge reads Go's durations and days.
func parseAge(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseFloat(days, 64); err == nil && n >= 0 && n < 36500 {
			return time.Duration(n * 24 * float64(time.Hour)), nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("--since %q is not an age such as 15m, 24h or 7d", s)
	}
	return d, nil
}

// pointAt adds the query with a caret under the place that an error is about.
func pointAt(query string, err error) error {
	var e *serverError
	if !errors.As(err, &e) || e.Position == nil || e.Position.From > len(query) || strings.ContainsRune(query, '\n') {
		return err
	}
	width := max(1, utf8.RuneCountInString(query[e.Position.From:min(max(e.Position.To, e.Position.From), len(query))]))
	return fmt.Errorf("%w\n\n    %s\n    %s%s", err, query, strings.Repeat(" ", utf8.RuneCountInString(query[:e.Position.From])), strings.Repeat("^", width))
}

func printTable(w io.Writer, f *found) error {
	if len(f.Traces) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	_, err := fmt.Fprintln(t, "TRACE\tSTART\tDURATION\tSPANS\tERRORS\tROOT")
	for _, tr := range f.Traces {
		if err != nil {
			break
		}
		start, serr := strconv.ParseInt(tr.StartNs, 10, 64)
		duration, derr := strconv.ParseInt(tr.DurationNs, 10, 64)
		when, took := time.Unix(0, start).Format("2006-01-02 15:04:05.000"), roughly(time.Duration(duration))
		if serr != nil || derr != nil { // a time beyond 2262
			when, took = tr.StartNs, tr.DurationNs
		}
		root := printable(tr.RootService + ": " + tr.RootName)
		_, err = fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%s\n", tr.TraceID, when, took, tr.SpanCount, tr.ErrorCount, root)
	}
	return errors.Join(err, t.Flush())
}

// printable keeps what spans say from moving a terminal's cursor or breaking the table.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return '\ufffd'
	}, s)
}

// roughly rounds to four digits or so.
func roughly(d time.Duration) string {
	for unit := time.Nanosecond; unit <= time.Hour; unit *= 10 {
		if d < 10_000*unit {
			return d.Round(unit).String()
		}
	}
	return d.Round(time.Second).String()
}
