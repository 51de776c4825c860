// SPDX-License-Identifier: Apache-2.0

package native

import (
	"fmt"
	"net/http"

	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/query"
	"github.com/clew-tracing/clew/traceql"
)

// maxValues bounds the values of one answer.
const maxValues = 10_000

// fieldJSON is an attribute or intrinsic.
type fieldJSON struct {
	Name  string   `json:"name"`
	Scope string   `json:"scope"`
	Key   string   `json:"key"`
	Types []string `json:"types"`
}

// parseScope reads a scope's name; "" is all.
func parseScope(s string) (match.Scope, error) {
	for sc := match.ScopeAny; sc <= match.ScopeIntrinsic; sc++ {
		if sc.String() == s {
			return sc, nil
		}
	}
	return 0, badRequest(fmt.Sprintf("scope %q is not known", s), "want span, resource, event, link, instrumentation, intrinsic or none")
}

// fields answers GET /fields.
func (h *handler) fields(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	win, err := window(q)
	if err != nil {
		return err
	}
	scope, err := parseScope(q.Get("scope"))
	if err != nil {
		return err
	}
	list, err := h.Query.Fields(r.Context(), query.FieldsRequest{Tenant: h.tenant(r), Window: win, Scope: scope, Filter: q.Get("q")})
	if err != nil {
		return err
	}
	out := []fieldJSON{}
	for _, f := range list {
		at := query.FieldOf(f.Ref)
		out = append(out, fieldJSON{Name: f.Ref.String(), Scope: at.Scope.String(), Key: at.Key, Types: f.Types})
	}
	writeJSON(w, http.StatusOK, struct {
		Fields []fieldJSON `json:"fields"`
	}{out})
	return nil
}

// countedJSON is a value with its number of spans.
type countedJSON struct {
	Value any    `json:"value"`
	Type  string `json:"type"`
	Count int64  `json:"count"`
}

// values answers GET /values.
func (h *handler) values(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	win, err := window(q)
	if err != nil {
		return err
	}
	name := q.Get("field")
	ref, err := traceql.ParseRef(name)
	if err != nil {
		return badRequest(fmt.Sprintf("field %q is neither an attribute nor an intrinsic", name), "such as resource.service.name, span.http.route, name or status")
	}
	limit, err := count(q, "limit", 100, maxValues)
	if err != nil {
		return err
	}
	res, err := h.Query.Values(r.Context(), query.ValuesRequest{
		Tenant: h.tenant(r), Window: win, Field: ref, Filter: q.Get("q"), Prefix: q.Get("prefix"), Limit: limit,
	})
	if err != nil {
		return err
	}
	list := []countedJSON{}
	for _, v := range res.Values {
		c := countedJSON{Value: typed(v.Value).Value, Type: v.Value.Type.String(), Count: v.Count}
		if v.Type == traceql.TypeStatus || v.Type == traceql.TypeKind {
			c.Value, c.Type = v.Text(), v.Type.String()
		}
		list = append(list, c)
	}
	writeJSON(w, http.StatusOK, struct {
		Field     string        `json:"field"`
		Values    []countedJSON `json:"values"`
		Truncated bool          `json:"truncated"`
	}{ref.String(), list, res.Truncated})
	return nil
}
