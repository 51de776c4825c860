// SPDX-License-Identifier: Apache-2.0

package tempo

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/query"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
	"github.com/clew-tracing/clew/traceql"
)

// intrinsicTags are the intrinsics that Tempo lists, in its order.
func intrinsicTags() []string {
	return []string{
		"duration", "name", "status", "statusMessage", "kind", "rootServiceName", "rootName", "traceDuration",
		"event:name", "event:timeSinceStart", "link:spanID", "link:traceID", "instrumentation:name", "instrumentation:version",
		"trace:id", "span:id", "span:parentID", "span:status", "span:statusMessage", "span:duration", "span:name", "span:kind",
		"trace:rootName", "trace:rootService", "trace:duration",
	}
}

// tagScope reads a scope's name, in Tempo's spelling.
func tagScope(s string) (scope match.Scope, intrinsics bool, err error) {
	switch s {
	case "", "none":
		return match.ScopeAny, true, nil
	case "intrinsic":
		return match.ScopeIntrinsic, true, nil
	case "span":
		return match.ScopeSpan, false, nil
	case "resource":
		return match.ScopeResource, false, nil
	case "event":
		return match.ScopeEvent, false, nil
	case "link":
		return match.ScopeLink, false, nil
	case "instrumentation":
		return match.ScopeInstrumentation, false, nil
	case "trace": // a scope without attributes
		return match.ScopeIntrinsic, false, nil
	}
	return 0, false, badRequest("invalid scope: %s", s)
}

type scopeTags struct {
	Name string   `json:"name"`
	Tags []string `json:"tags"`
}

// tagNames lists the attributes by scope, in the order of the scopes.
func (h *handler) tagNames(ctx context.Context, q url.Values) (scopes []scopeTags, intrinsics bool, err error) {
	scope, intrinsics, err := tagScope(q.Get("scope"))
	if err != nil {
		return nil, false, err
	}
	win, limit, err := listParams(q)
	if err != nil || scope == match.ScopeIntrinsic {
		return nil, intrinsics, err
	}
	fields, err := h.Query.Fields(ctx, query.FieldsRequest{Tenant: h.tenant(ctx), Window: win, Scope: scope, Filter: q.Get("q")})
	if err != nil {
		return nil, false, err
	}
	tags := map[match.Scope][]string{}
	for _, f := range fields {
		if f.Ref.IsAttr() {
			at := query.FieldOf(f.Ref)
			if limit == 0 || len(tags[at.Scope]) < limit {
				tags[at.Scope] = append(tags[at.Scope], at.Key)
			}
		}
	}
	for _, s := range []match.Scope{match.ScopeResource, match.ScopeSpan, match.ScopeEvent, match.ScopeLink, match.ScopeInstrumentation} {
		if len(tags[s]) > 0 {
			scopes = append(scopes, scopeTags{Name: s.String(), Tags: tags[s]})
		}
	}
	return scopes, intrinsics, nil
}

// listParams reads what all lists take.
func listParams(q url.Values) (store.Window, int, error) {
	win, err := window(q)
	if err != nil {
		return win, 0, err
	}
	limit := 0
	if s := q.Get("limit"); s != "" {
		if limit, err = strconv.Atoi(s); err != nil || limit < 0 {
			return win, 0, badRequest("invalid limit %q: must be a number, 0 for all", s)
		}
	}
	return win, limit, nil
}

// scopedTags lists names by scope, the intrinsics last.
func (h *handler) scopedTags(ctx context.Context, q url.Values) ([]scopeTags, error) {
	scopes, intrinsics, err := h.tagNames(ctx, q)
	if intrinsics {
		scopes = append(scopes, scopeTags{Name: "intrinsic", Tags: intrinsicTags()})
	}
	return scopes, err
}

// tagsV2 answers GET /api/v2/search/tags.
func (h *handler) tagsV2(w http.ResponseWriter, r *http.Request) error {
	scopes, err := h.scopedTags(r.Context(), r.URL.Query())
	if err != nil {
		return err
	}
	if scopes == nil {
		scopes = []scopeTags{}
	}
	writeJSON(w, struct {
		Scopes  []scopeTags   `json:"scopes"`
		Metrics searchMetrics `json:"metrics"`
	}{Scopes: scopes})
	return nil
}

// plainTags lists names without scopes, and intrinsics only when asked for.
func (h *handler) plainTags(ctx context.Context, q url.Values) ([]string, error) {
	scopes, _, err := h.tagNames(ctx, q)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, s := range scopes {
		names = append(names, s.Tags...)
	}
	if q.Get("scope") == "intrinsic" {
		names = intrinsicTags()
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// tagsV1 answers GET /api/search/tags.
func (h *handler) tagsV1(w http.ResponseWriter, r *http.Request) error {
	names, err := h.plainTags(r.Context(), r.URL.Query())
	if err != nil {
		return err
	}
	writeJSON(w, struct {
		TagNames []string      `json:"tagNames"`
		Metrics  searchMetrics `json:"metrics"`
	}{TagNames: names})
	return nil
}

type tagValue struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// tagInPath is the name of the tag in a path.
func tagInPath(r *http.Request) (string, error) {
	name, ok := strings.CutSuffix(r.PathValue("rest"), "/values")
	if !ok || name == "" {
		return "", &statusError{http.StatusNotFound, "there is nothing at " + r.URL.Path + "; want …/search/tag/{name}/values"}
	}
	return name, nil
}

// tagValues lists the values of a tag; v1 names have no scope.
func (h *handler) tagValues(ctx context.Context, name string, q url.Values, scoped bool) ([]tagValue, error) {
	win, limit, err := listParams(q)
	if err != nil {
		return nil, err
	}
	ref, err := traceql.ParseRef(name)
	if !scoped {
		if err != nil || ref.IsAttr() {
			ref, err = traceql.AttrRef(traceql.ScopeNone, name), nil
		}
	}
	if err != nil {
		return nil, badRequest("tag name %q is neither an attribute with its scope nor an intrinsic", name)
	}
	res, err := h.Query.Values(ctx, query.ValuesRequest{Tenant: h.tenant(ctx), Window: win, Field: ref, Filter: q.Get("q"), Limit: limit})
	if err != nil {
		return nil, err
	}
	values := []tagValue{}
	for _, v := range res.Values {
		if t := valueType(v); t != "" {
			values = append(values, tagValue{Type: t, Value: v.Text()})
		}
	}
	return values, nil
}

// valueType is Tempo's word for a value's type; "" for types that it has none for.
func valueType(v query.Value) string {
	switch v.Type {
	case traceql.TypeStatus, traceql.TypeKind:
		last := int64(span.StatusError)
		if v.Type == traceql.TypeKind {
			last = int64(span.KindConsumer)
		}
		if n := v.Value.Int(); n < 0 || n > last {
			return "" // the language has no word for it
		}
		return "keyword"
	case traceql.TypeString:
		return "string"
	case traceql.TypeInt:
		return "int"
	case traceql.TypeFloat:
		return "float"
	case traceql.TypeBool:
		return "bool"
	case traceql.TypeDuration:
		return "duration"
	}
	return ""
}

// tagValuesV2 answers GET /api/v2/search/tag/{name}/values.
func (h *handler) tagValuesV2(w http.ResponseWriter, r *http.Request) error {
	name, err := tagInPath(r)
	if err != nil {
		return err
	}
	values, err := h.tagValues(r.Context(), name, r.URL.Query(), true)
	if err != nil {
		return err
	}
	writeJSON(w, struct {
		TagValues []tagValue    `json:"tagValues"`
		Metrics   searchMetrics `json:"metrics"`
	}{TagValues: values})
	return nil
}

// tagValuesV1 answers GET /api/search/tag/{name}/values.
func (h *handler) tagValuesV1(w http.ResponseWriter, r *http.Request) error {
	name, err := tagInPath(r)
	if err != nil {
		return err
	}
	values, err := h.tagValues(r.Context(), name, r.URL.Query(), false)
	if err != nil {
		return err
	}
	plain := []string{}
	for _, v := range values {
		plain = append(plain, v.Value)
	}
	writeJSON(w, struct {
		TagValues []string      `json:"tagValues"`
		Metrics   searchMetrics `json:"metrics"`
	}{TagValues: plain})
	return nil
}
