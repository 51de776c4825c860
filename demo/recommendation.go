// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/clew-tracing/clew/demo/shoppb"
)

// recommendation guesses what a customer would like. It takes its time, and its callers do not always wait.
type recommendation struct {
	shoppb.UnimplementedRecommendationServer
	*service
	catalog *http.Client
}

func buildRecommendation(s *service) error {
	shoppb.RegisterRecommendationServer(s.grpcServer(), &recommendation{service: s, catalog: s.client()})
	return nil
}

// Recommend implements [shoppb.RecommendationServer].
func (r *recommendation) Recommend(ctx context.Context, request *shoppb.RecommendRequest) (*shoppb.RecommendResponse, error) {
	shelves := categories()
	var candidates []product
	url := "http://catalog/products?category=" + shelves[r.luck.below(len(shelves))]
	if err := call(ctx, r.catalog, http.MethodGet, url, nil, &candidates); err != nil {
		return nil, asRPC(err)
	}
	ids, err := r.infer(ctx, candidates, int(request.GetCount()))
	if err != nil {
		return nil, asRPC(err)
	}
	return &shoppb.RecommendResponse{ProductIds: ids}, nil
}

// infer picks count of the candidates.
func (r *recommendation) infer(ctx context.Context, candidates []product, count int) ([]string, error) {
	ctx, span := r.begin(ctx, "infer", trace.WithAttributes(
		attribute.String("model.name", "yarn-lover-2"), attribute.Int("model.candidates", len(candidates))))
	defer span.End()
	effort := 8 * time.Millisecond
	if r.faults.on(SlowRecommendations) || r.luck.fails(0.04) {
		effort = 20 * recommendationPatience
	}
	if err := r.luck.work(ctx, effort); err != nil {
		return nil, record(ctx, fmt.Errorf("infer from %d candidates: %w", len(candidates), err))
	}
	var ids []string
	for range min(count, len(candidates)) {
		ids = append(ids, candidates[r.luck.below(len(candidates))].ID)
	}
	return ids, nil
}
