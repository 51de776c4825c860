// SPDX-License-Identifier: Apache-2.0

package query

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
	"github.com/clew-tracing/clew/traceql"
)

// TestFiles runs testdata/*.ttest: spans are loaded, queries evaluated, and the answers compared. Rewrite them with
// go test -rewrite.
//
//	load                       adds spans, see parseSpans
//	eval [limit=n] [spans=n] [order=o] [pages]   one query a line, the traces and spans it finds
//	ids                        one query a line, only the ids of the spans it finds
//	explain                    how a query is executed
//	fields [scope=s] [filter={...}]
//	values [filter={...}]      one field a line
//	complete                   one text a line, with a ‸ where the cursor is
//	metrics start=t end=t [step=d] [instant] [exemplars=n] [max-series=n] [memory=bytes] [windows]   one query a line, its series
//	aliases                    lines of names of one field, the preferred one first
func TestFiles(t *testing.T) {
	run := func(t *testing.T, path string) {
		f := &testFile{engine: &memEngine{perBatch: 2}}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			out, err := f.run(t.Context(), d)
			if err != nil {
				return "error: " + err.Error() + "\n"
			}
			return out
		})
	}
	datadriven.Walk(t, "testdata/ttest", run)
	datadriven.Walk(t, "testdata/metrics", run)
}

type testFile struct {
	engine  *memEngine
	aliases map[match.Field][]match.Field
}

func (f *testFile) executor() *Executor {
	c := Config{Engine: f.engine}
	if f.aliases != nil {
		c.Aliases = func(name match.Field) []match.Field { return f.aliases[name] }
	}
	return New(c)
}

func (f *testFile) run(ctx context.Context, d *datadriven.TestData) (string, error) {
	var out strings.Builder
	switch d.Cmd {
	case "load":
		b, err := parseSpans(d.Input)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%d spans\n", b.Len()), f.engine.Append(ctx, b)
	case "aliases":
		f.aliases = map[match.Field][]match.Field{}
		for line := range strings.SplitSeq(d.Input, "\n") {
			var names []match.Field
			for name := range strings.FieldsSeq(line) {
				names = append(names, fieldOf(name))
			}
			for _, n := range names {
				f.aliases[n] = names
			}
		}
		return "", nil
	case "explain":
		return f.executor().Explain(d.Input)
	case "fields":
		return f.fields(ctx, d)
	}
	for line := range strings.SplitSeq(d.Input, "\n") {
		var err error
		switch d.Cmd {
		case "eval":
			err = f.eval(ctx, d, line, &out)
		case "ids":
			err = f.ids(ctx, line, &out)
		case "metrics":
			err = f.metrics(ctx, d, line, &out)
		case "complete":
			err = f.complete(ctx, line, &out)
		case "values":
			err = f.values(ctx, d, line, &out)
		default:
			err = fmt.Errorf("unknown command %s", d.Cmd)
		}
		if errs, ok := errors.AsType[traceql.Errors](err); ok {
			out.WriteString(errs.Caret(line))
		} else if err != nil {
			return "", err
		}
	}
	return out.String(), nil
}

func (f *testFile) ids(ctx context.Context, query string, out *strings.Builder) error {
	res, err := f.executor().Search(ctx, SearchRequest{Tenant: span.DefaultTenant, Query: query, Window: store.AllTime(), Limit: 1000})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s\n  ->", query)
	for _, t := range res.Traces {
		for _, s := range t.SpanSets {
			for _, sp := range s.Spans {
				fmt.Fprintf(out, " %s", shortID(sp.ID.String()))
			}
			for _, a := range s.Attributes {
				fmt.Fprintf(out, " [%s=%s]", a.Name, a.Readable().Text())
			}
			out.WriteString(";")
		}
	}
	out.WriteByte('\n')
	return nil
}

func (f *testFile) eval(ctx context.Context, d *datadriven.TestData, query string, out *strings.Builder) error {
	r := SearchRequest{Tenant: span.DefaultTenant, Query: query, Window: store.AllTime(), Limit: 100}
	var order string
	from, to := "", ""
	for _, arg := range d.CmdArgs {
		switch arg.Key {
		case "limit":
			fmt.Sscan(arg.Vals[0], &r.Limit)
		case "spans":
			fmt.Sscan(arg.Vals[0], &r.Spans)
		case "order":
			order = arg.Vals[0]
		case "from":
			from = arg.Vals[0]
		case "to":
			to = arg.Vals[0]
		}
	}
	var err error
	if r.Order, err = ParseOrder(order); err != nil {
		return err
	}
	if from != "" {
		ns, _ := traceql.ParseDuration(from)
		r.Window.From = base + ns
	}
	if to != "" {
		ns, _ := traceql.ParseDuration(to)
		r.Window.To = base + ns
	}
	streamed := 0
	r.OnTrace = func(*Trace) error { streamed++; return nil }
	fmt.Fprintf(out, "%s\n", query)
	for page := 1; ; page++ {
		res, err := f.executor().Search(ctx, r)
		if err != nil {
			return err
		}
		if streamed != len(res.Traces) {
			return fmt.Errorf("%d traces streamed, %d given", streamed, len(res.Traces))
		}
		for _, t := range res.Traces {
			writeTrace(out, t)
		}
		if !d.HasArg("pages") || res.Cursor == "" {
			fmt.Fprintf(out, "  %d traces, more=%t\n", len(res.Traces), res.Cursor != "")
			return nil
		}
		fmt.Fprintf(out, "  -- end of page %d\n", page)
		r.Cursor, streamed = res.Cursor, 0
	}
}

func writeTrace(out *strings.Builder, t *Trace) {
	fmt.Fprintf(out, "  trace %s root=%q/%q missing=%t start=+%s dur=%s spans=%d errors=%d", shortID(t.ID.String()), t.RootService, t.RootName, t.MissingRoot,
		traceql.Static{Type: traceql.TypeDuration, Int: t.Start - base}, traceql.Static{Type: traceql.TypeDuration, Int: t.Duration}, t.SpanCount, t.ErrorCount)
	for _, s := range t.Services {
		fmt.Fprintf(out, " %s=%d/%d", s.Name, s.Spans, s.Errors)
	}
	out.WriteByte('\n')
	for _, s := range t.SpanSets {
		fmt.Fprintf(out, "    matched %d", s.Matched)
		for _, a := range s.Attributes {
			fmt.Fprintf(out, " %s=%s", a.Name, a.Readable().Text())
		}
		out.WriteByte('\n')
		for _, sp := range s.Spans {
			fmt.Fprintf(out, "      %s %q %s %s +%s %s %s", shortID(sp.ID.String()), sp.Name, sp.Service, sp.Kind,
				traceql.Static{Type: traceql.TypeDuration, Int: sp.Start - base}, traceql.Static{Type: traceql.TypeDuration, Int: sp.Duration}, sp.Status)
			for _, a := range sp.Attributes {
				fmt.Fprintf(out, " %s=%s", a.Name, a.Readable().Text())
			}
			out.WriteByte('\n')
		}
	}
}

// metrics shows series as lines of samples by time, counted from base.
func (f *testFile) metrics(ctx context.Context, d *datadriven.TestData, line string, out *strings.Builder) error {
	r := MetricsRequest{Tenant: span.DefaultTenant, Query: line, Instant: d.HasArg("instant")}
	c := Config{Engine: f.engine}
	for _, arg := range d.CmdArgs {
		var ns int64
		if len(arg.Vals) > 0 {
			ns, _ = traceql.ParseDuration(arg.Vals[0])
		}
		switch arg.Key {
		case "start":
			r.Start = base + ns
		case "end":
			r.End = base + ns
		case "step":
			r.Step = ns
		case "exemplars":
			fmt.Sscan(arg.Vals[0], &r.Exemplars)
		case "max-series":
			fmt.Sscan(arg.Vals[0], &r.MaxSeries)
		case "memory":
			fmt.Sscan(arg.Vals[0], &c.MetricsBytes)
		}
	}
	if f.aliases != nil {
		c.Aliases = func(name match.Field) []match.Field { return f.aliases[name] }
	}
	fmt.Fprintf(out, "%s\n", line)
	if d.HasArg("windows") {
		r.OnWindow = func(res *MetricsResult) error {
			out.WriteString("  window\n")
			writeSeries(out, res)
			return nil
		}
	}
	res, err := New(c).Metrics(ctx, r)
	if errors.Is(err, ErrRange) {
		fmt.Fprintf(out, "  %v\n", err)
		return nil
	}
	if err != nil {
		return err
	}
	if d.HasArg("windows") {
		out.WriteString("  all\n")
	}
	writeSeries(out, res)
	return nil
}

func writeSeries(out *strings.Builder, res *MetricsResult) {
	at := func(ns int64) string { return traceql.Static{Type: traceql.TypeDuration, Int: ns - base}.String() }
	for _, s := range res.Series {
		out.WriteString("  {")
		for i, l := range s.Labels {
			if i > 0 {
				out.WriteString(", ")
			}
			fmt.Fprintf(out, "%s=%s", l.Name, l.Value)
		}
		out.WriteString("}")
		for i, v := range s.Values {
			if !math.IsNaN(v) {
				fmt.Fprintf(out, " %s:%.4g", at(res.Times.At(i)), v)
			}
		}
		out.WriteByte('\n')
		for _, e := range s.Exemplars {
			fmt.Fprintf(out, "    exemplar %s at %s of %.4g", shortID(e.TraceID.String()), at(e.Time), e.Value)
			for _, a := range e.Attributes {
				fmt.Fprintf(out, " %s=%s", a.Name, a.Readable().Text())
			}
			out.WriteByte('\n')
		}
	}
	if res.Partial {
		fmt.Fprintf(out, "  partial: %s\n", res.Reason)
	}
}

func (f *testFile) fields(ctx context.Context, d *datadriven.TestData) (string, error) {
	r := FieldsRequest{Tenant: span.DefaultTenant, Window: store.AllTime(), Filter: d.Input}
	for _, arg := range d.CmdArgs {
		if arg.Key == "scope" {
			for s := match.ScopeAny; s <= match.ScopeIntrinsic; s++ {
				if s.String() == arg.Vals[0] {
					r.Scope = s
				}
			}
		}
	}
	list, err := f.executor().Fields(ctx, r)
	var out strings.Builder
	for _, field := range list {
		fmt.Fprintf(&out, "%s %s\n", field.Ref, strings.Join(field.Types, ","))
	}
	return out.String(), err
}

// values reads lines "field [| filter]".
func (f *testFile) values(ctx context.Context, d *datadriven.TestData, line string, out *strings.Builder) error {
	name, filter, _ := strings.Cut(line, " | ")
	ref, err := traceql.ParseRef(name)
	if err != nil {
		return err
	}
	r := ValuesRequest{Tenant: span.DefaultTenant, Window: store.AllTime(), Field: ref, Filter: filter}
	for _, arg := range d.CmdArgs {
		switch arg.Key {
		case "limit":
			fmt.Sscan(arg.Vals[0], &r.Limit)
		case "prefix":
			r.Prefix = arg.Vals[0]
		}
	}
	got, err := f.executor().Values(ctx, r)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s\n  ->", line)
	for _, v := range got.Values {
		fmt.Fprintf(out, " %s %q x%d;", v.Type, v.Text(), v.Count)
	}
	fmt.Fprintf(out, " truncated=%t\n", got.Truncated)
	return nil
}

func (f *testFile) complete(ctx context.Context, line string, out *strings.Builder) error {
	before, after, _ := strings.Cut(line, "‸")
	got, err := f.executor().Complete(ctx, CompleteRequest{
		Tenant: span.DefaultTenant, Window: store.AllTime(), Text: before + after, Cursor: len(before),
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s\n  replaces %q:", line, (before + after)[got.From:got.To])
	for _, it := range got.Items[:min(8, len(got.Items))] {
		fmt.Fprintf(out, " [%s %s %q]", it.Kind, it.Label, it.Detail)
	}
	out.WriteByte('\n')
	for _, e := range append(got.Errors, got.Warnings...) {
		fmt.Fprintf(out, "  %d:%d %s\n", e.From, e.To, e)
	}
	return nil
}
