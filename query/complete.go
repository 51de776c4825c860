// SPDX-License-Identifier: Apache-2.0

package query

import (
	"context"
	"strconv"
	"strings"

	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
	"github.com/clew-tracing/clew/traceql"
)

// CompleteRequest asks what can stand at the cursor of a query that is being written.
type CompleteRequest struct {
	Tenant string
	Window store.Window
	Text   string
	// Cursor is a byte offset into Text.
	Cursor int
}

// Completion is the answer to a CompleteRequest.
type Completion struct {
	traceql.Completion
	// Errors are the mistakes in the text as it stands.
	Errors traceql.Errors
	// Warnings are what is likely meant differently, in a text without errors.
	Warnings traceql.Errors
}

// Complete says what can stand at the cursor, with names and values from the store, and what is wrong with the text. The
// error is the engine's or the context's.
func (x *Executor) Complete(ctx context.Context, r CompleteRequest) (Completion, error) {
	word := traceql.Complete(r.Text, r.Cursor, nil).From
	source := &storeSource{ctx: ctx, executor: x, tenant: r.Tenant, window: r.Window, before: r.Text[:word]}
	out := Completion{Completion: traceql.Complete(r.Text, r.Cursor, source)}
	if strings.TrimSpace(r.Text) != "" {
		q, errs := traceql.Parse(r.Text)
		if len(errs) == 0 {
			errs = traceql.Check(q)
		}
		if len(errs) == 0 {
			errs = executable(q)
		}
		if out.Errors = errs; len(errs) == 0 {
			out.Warnings = traceql.Warn(q)
		}
	}
	return out, source.err
}

// storeSource is the traceql.Source of what is stored. It lives for one completion, which its context bounds.
type storeSource struct {
	ctx      context.Context //nolint:containedctx // traceql.Source has no room for one, and this lives for one call
	executor *Executor
	tenant   string
	window   store.Window
	before   string // the text before the word at the cursor
	err      error
}

// How much is offered of each kind.
const (
	maxOfferedAttributes = 300
	maxOfferedValues     = 50
)

// Attributes is part of traceql.Source.
func (s *storeSource) Attributes(scope traceql.Scope, text string) []traceql.Attribute {
	infos, err := s.executor.engine.Fields(s.ctx, store.FieldsRequest{
		Tenant: s.tenant, Window: s.window, Scope: attributeScopes[scope],
	})
	if err != nil {
		s.err = err
		return nil
	}
	text = strings.ToLower(text)
	var list []traceql.Attribute
	for _, info := range infos {
		f := match.Attr(info.Scope, info.Key)
		ref, ok := RefOf(f)
		if !ok || info.Key == "" || !strings.Contains(strings.ToLower(ref.String()), text) {
			continue
		}
		list = append(list, traceql.Attribute{Ref: ref, Detail: typesText(info)})
		if len(list) == maxOfferedAttributes {
			break
		}
	}
	return list
}

func typesText(info store.FieldInfo) string {
	names := make([]string, 0, 2)
	for t := range uint(16) {
		if info.Types&(1<<t) != 0 {
			names = append(names, span.Type(t).String())
		}
	}
	return strings.Join(names, ", ")
}

// Values is part of traceql.Source.
func (s *storeSource) Values(field traceql.Ref, text string) []traceql.Value {
	list := s.values(field, text)
	if text != "" && len(list) < maxOfferedValues {
		// Those that have the text elsewhere come after those that begin with it.
		list = append(list, s.values(field, "")...)
	}
	return list
}

func (s *storeSource) values(field traceql.Ref, prefix string) []traceql.Value {
	got, err := s.executor.Values(s.ctx, ValuesRequest{
		Tenant: s.tenant, Window: s.window, Field: field, Prefix: prefix, Limit: maxOfferedValues,
		// Only values that go together with the conditions before: the one at the cursor is incomplete and does not count.
		Filter: s.before,
	})
	if err != nil {
		s.err = err
		return nil
	}
	var list []traceql.Value
	for _, v := range got.Values {
		if c, ok := staticOf(v.Value); ok {
			list = append(list, traceql.Value{Value: c, Detail: countText(v.Count)})
		}
	}
	return list
}

// countText is a count in few letters: 950, 1.2k, 34k, 5.6M.
func countText(n int64) string {
	f, unit := float64(n), ""
	for _, u := range [...]string{"k", "M", "G"} {
		if f < 1000 {
			break
		}
		f, unit = f/1000, u
	}
	if unit == "" || f >= 10 {
		return strconv.FormatFloat(f, 'f', 0, 64) + unit
	}
	return strconv.FormatFloat(f, 'f', 1, 64) + unit
}
