// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/trace"
)

// search finds products by words. Its index is in memory; the products themselves it asks the catalog for.
type search struct {
	*service
	catalog *http.Client
	index   map[string][]string // word -> product ids
}

// semanticRanking is being tried out on some of the customers.
func semanticRanking() featureFlag { return featureFlag{key: "semantic-ranking", share: 30} }

func buildSearch(s *service) error {
	index := map[string][]string{}
	for _, p := range goods() {
		for word := range strings.FieldsSeq(p.Name) {
			index[word] = append(index[word], p.ID)
		}
	}
	search := &search{service: s, catalog: s.forgetfulClient(BrokenPropagation), index: index}
	s.route("GET /search", search.find)
	return nil
}

func (s *search) find(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	ids, err := s.rank(ctx, r.URL.Query().Get("q"))
	if err != nil {
		return err
	}
	found := []product{}
	if len(ids) > 0 {
		query := url.Values{"ids": {strings.Join(ids, ",")}}
		if err := call(ctx, s.catalog, http.MethodGet, "http://catalog/products?"+query.Encode(), nil, &found); err != nil {
			return err
		}
	}
	return respond(w, http.StatusOK, found)
}

// rank returns the ids of the best eight products for a query, best first.
func (s *search) rank(ctx context.Context, query string) ([]string, error) {
	ctx, span := s.begin(ctx, "rank", trace.WithAttributes(attribute.String("search.query", query)))
	defer span.End()
	effort := 3 * time.Millisecond
	if semanticRanking().enabled(ctx, baggage.FromContext(ctx).Member(userKey).Value()) {
		effort = 12 * time.Millisecond
	}
	if err := s.luck.work(ctx, effort); err != nil {
		return nil, err
	}
	if s.luck.fails(0.02) {
		return nil, record(ctx, &shardError{shard: s.luck.below(3)})
	}
	score := map[string]int{}
	for word := range strings.FieldsSeq(strings.ToLower(query)) {
		for _, id := range s.index[word] {
			score[id]++
		}
	}
	ids := make([]string, 0, len(score))
	for id := range score {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int {
		return cmp.Or(cmp.Compare(score[b], score[a]), cmp.Compare(a, b))
	})
	span.SetAttributes(attribute.Int("search.hits", len(ids)))
	return ids[:min(len(ids), 8)], nil
}

// shardError is what a search gets that hits a part of the index that is being moved.
type shardError struct{ shard int }

// Error implements error.
func (e *shardError) Error() string {
	return fmt.Sprintf("search shard %d: not assigned to any node", e.shard)
}
